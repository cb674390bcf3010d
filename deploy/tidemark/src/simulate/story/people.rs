//! People: they move to other teams, leave, are away, rate each other and appeal; and accounts turn out to be one.

use chrono::{Datelike, Days, NaiveDate};
use tidemark_schemas::{
    decimal::Decimal6,
    events::{
        Data,
        payload::{AccountMerged, AppealDecided, AppealFiled, RatingGiven, RosterAway, RosterLeft},
    },
};

use super::{Simulation, next_id};
use crate::simulate::{calendar::day_number, organisation::account_id};

const NINE: i64 = 540;

impl Simulation {
    /// What a day brings before work begins.
    pub(crate) fn begin_day(&mut self, date: NaiveDate) {
        let at = self.calendar.at(date, NINE);
        if date.day() == 1 && date != self.calendar.first() {
            self.set_rates(date);
            self.appeal(at, date);
        }
        let is_end_of_quarter = date.day() == 25 && date.month().is_multiple_of(3);
        if is_end_of_quarter && self.settings.events >= self.organisation.reps.len() as u64 * 300 {
            self.rate_each_other(at, date);
        }
        if self.calendar.is_working(date) && date != self.calendar.first() {
            for rep in 1..self.organisation.reps.len() {
                self.change_for(at, rep, date);
            }
        }
    }

    fn change_for(&mut self, at: i64, rep: usize, date: NaiveDate) {
        let luck = self.chance.below(10_000);
        if self.organisation.reps[rep].has_left || luck > 40 {
            return;
        }
        let rep_id = self.organisation.reps[rep].id.clone();
        let today = day_number(date);
        match luck {
            0..4 if self.organisation.successor(&mut self.chance, rep).is_some() => {
                self.organisation.reps[rep].has_left = true;
                let successor = self.successor(rep);
                self.organisation.hand_over(rep, successor);
                self.state(at, None, None, Data::RosterLeft(RosterLeft { rep_id, left_on: today }));
            }
            4..10 => {
                self.organisation.reps[rep].team = self.chance.below(self.organisation.teams());
                self.assign(at, rep);
            }
            10..32 => {
                let to = day_number(date + Days::new(self.chance.between(1, 9) as u64));
                self.state(at, None, None, Data::RosterAway(RosterAway { rep_id, from: today, to }));
            }
            _ => self.merge_accounts(at, rep),
        }
    }

    /// Who takes over from a rep that has left; the rep itself where nobody is left.
    pub(super) fn successor(&mut self, rep: usize) -> usize {
        self.organisation.successor(&mut self.chance, rep).unwrap_or(rep)
    }

    fn merge_accounts(&mut self, at: i64, rep: usize) {
        let accounts = [(); 2].map(|()| self.organisation.any_account(&mut self.chance, rep));
        if let [Some(account), Some(into)] = accounts
            && account != into
        {
            self.state(at, Some(account), Some(rep), Data::AccountMerged(AccountMerged { into: account_id(into) }));
        }
    }

    fn rate_each_other(&mut self, at: i64, date: NaiveDate) {
        let cycle = format!("{}-Q{}", date.year(), date.month0() / 3 + 1);
        for rep in 0..self.organisation.reps.len() {
            let subject = self.organisation.reps[rep].id.clone();
            let manager = self.organisation.manager(self.organisation.reps[rep].team).to_owned();
            for (relation, rater) in [("self", &subject), ("manager", &manager)] {
                for dimension in ["performance", "behaviour", "ability"] {
                    let given = RatingGiven {
                        cycle: cycle.clone(),
                        subject_rep_id: subject.clone(),
                        rater_id: rater.clone(),
                        relation: relation.to_owned(),
                        dimension: dimension.to_owned(),
                        score: Decimal6::from_int(self.chance.between(55, 100)),
                        max_score: Decimal6::from_int(100),
                    };
                    self.state(at, None, Some(rep), Data::RatingGiven(given));
                }
            }
        }
    }

    /// One rep objects to a number of the month before.
    fn appeal(&mut self, at: i64, date: NaiveDate) {
        let rep = self.chance.below(self.organisation.reps.len());
        let month = date - Days::new(1);
        let appeal_id = next_id("O", &mut self.numbers.appeals);
        let filed = AppealFiled {
            appeal_id: appeal_id.clone(),
            kpi: "won_amount".to_owned(),
            rep_id: self.organisation.reps[rep].id.clone(),
            period: format!("{}-{:02}", month.year(), month.month()),
            text: Some("Simulated appeal".to_owned()),
        };
        self.state(at, None, Some(rep), Data::AppealFiled(filed));
        let decided = AppealDecided { appeal_id, text: None };
        let decision = if self.chance.percent(40) { Data::AppealUpheld(decided) } else { Data::AppealRejected(decided) };
        self.plan_days_later(at, 4.0, None, rep, decision);
    }
}
