//! Who sells and to whom: reps in teams of departments, and the accounts that each of them looks after.

use super::chance::Chance;

const TEAM_SIZE: usize = 8;
const REGIONS: &[&str] = &["east", "south", "north", "west"];
/// Teams of one region make a department.
pub(super) const SEGMENTS: &[&str] = &["key", "mid", "small"];

pub(super) struct Organisation {
    pub(super) reps: Vec<Rep>,
    /// By number; `A-1` is the first.
    accounts: Vec<Account>,
}

pub(super) struct Rep {
    pub(super) id: String,
    pub(super) team: usize,
    pub(super) has_left: bool,
    /// Numbers of the accounts, the busiest first.
    accounts: Vec<usize>,
}

#[derive(Clone, Copy, Default)]
pub(super) struct Account {
    /// Whether a deal was won: the next ones are renewals and expansions.
    pub(super) is_customer: bool,
}

impl Organisation {
    pub(super) fn new(reps: usize) -> Self {
        let rep = |number: usize| Rep {
            id: format!("R-{}", number + 1),
            team: number / TEAM_SIZE,
            has_left: false,
            accounts: Vec::new(),
        };
        Self { reps: (0..reps.max(1)).map(rep).collect(), accounts: Vec::new() }
    }

    pub(super) fn teams(&self) -> usize {
        self.reps.len().div_ceil(TEAM_SIZE)
    }

    /// The first rep of a team leads it.
    pub(super) fn manager(&self, team: usize) -> &str {
        &self.reps[(team * TEAM_SIZE).min(self.reps.len() - 1)].id
    }

    /// A new account of a rep; its number.
    pub(super) fn add_account(&mut self, rep: usize) -> usize {
        self.accounts.push(Account::default());
        let number = self.accounts.len();
        self.reps[rep].accounts.push(number);
        number
    }

    pub(super) fn account(&mut self, number: usize) -> &mut Account {
        &mut self.accounts[number - 1]
    }

    pub(super) fn accounts(&self) -> usize {
        self.accounts.len()
    }

    /// One of the rep's accounts, the first ones most often.
    pub(super) fn any_account(&self, chance: &mut Chance, rep: usize) -> Option<usize> {
        let accounts = &self.reps[rep].accounts;
        (!accounts.is_empty()).then(|| accounts[chance.zipf(accounts.len())])
    }

    /// Somebody else who is still there.
    pub(super) fn successor(&self, chance: &mut Chance, rep: usize) -> Option<usize> {
        let others = (0..self.reps.len()).filter(|other| *other != rep && !self.reps[*other].has_left);
        let of_team: Vec<usize> = others.clone().filter(|other| self.reps[*other].team == self.reps[rep].team).collect();
        let candidates = if of_team.is_empty() { others.collect() } else { of_team };
        (!candidates.is_empty()).then(|| chance.one_of(&candidates))
    }

    /// Gives a rep's accounts to another.
    pub(super) fn hand_over(&mut self, from: usize, to: usize) {
        let accounts = std::mem::take(&mut self.reps[from].accounts);
        self.reps[to].accounts.extend(accounts);
    }
}

pub(super) fn team_id(team: usize) -> String {
    format!("T-{}", team + 1)
}

pub(super) fn region(team: usize) -> &'static str {
    REGIONS[team % REGIONS.len()]
}

pub(super) fn department_id(team: usize) -> String {
    format!("Dept-{}", region(team))
}

pub(super) fn account_id(number: usize) -> String {
    format!("A-{number}")
}
