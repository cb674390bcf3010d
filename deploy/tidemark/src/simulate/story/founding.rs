//! How it begins: the roster, the first accounts, targets and exchange rates.

use chrono::{Datelike, NaiveDate};
use tidemark_schemas::{
    decimal::Decimal6,
    events::{
        Data,
        payload::{AccountDetails, RateSet, RosterAssigned, TargetSet},
    },
};

use super::Simulation;
use crate::simulate::{
    calendar::day_number,
    organisation::{SEGMENTS, department_id, region, team_id},
};

/// Opening minute of the day on which things are set up: eight o'clock.
const EIGHT: i64 = 480;

impl Simulation {
    pub(crate) fn found(&mut self) {
        let at = self.calendar.at(self.calendar.first(), EIGHT);
        for rep in 0..self.organisation.reps.len() {
            self.assign(at, rep);
        }
        self.set_rates(self.calendar.first());
        let reps = self.organisation.reps.len();
        let accounts = (self.settings.events / 100).clamp(reps as u64, reps as u64 * 25);
        for account in 0..accounts as usize {
            self.create_account(at, account % reps);
        }
        // A short simulation would be nothing but targets.
        if self.settings.events >= reps as u64 * 50 {
            self.set_targets(at);
        }
    }

    /// Puts a rep where the organisation has it, from this day on.
    pub(super) fn assign(&mut self, at: i64, rep: usize) {
        let team = self.organisation.reps[rep].team;
        let assigned = RosterAssigned {
            rep_id: self.organisation.reps[rep].id.clone(),
            name: Some(format!("Simulated rep {}", rep + 1)),
            team: Some(team_id(team)),
            department: Some(department_id(team)),
            region: Some(region(team).to_owned()),
            role: Some("seller".to_owned()),
            segment: Some(SEGMENTS[team % SEGMENTS.len()].to_owned()),
            manager_id: Some(self.organisation.manager(team).to_owned()),
            valid_from: self.calendar.day_number(at, 0),
        };
        self.state(at, None, None, Data::RosterAssigned(assigned));
    }

    pub(super) fn create_account(&mut self, at: i64, rep: usize) -> usize {
        let account = self.organisation.add_account(rep);
        let details = AccountDetails {
            name: Some(format!("Simulated customer {account}")),
            industry: Some(self.chance.one_of(&["steel", "retail", "software", "medical", "logistics"]).to_owned()),
            segment: Some(self.chance.one_of(SEGMENTS).to_owned()),
            region: Some(region(self.organisation.reps[rep].team).to_owned()),
            acquisition_cost: Some(Decimal6::from_int(self.chance.between(1, 40) * 100)),
            gross_margin: Some(Decimal6::from_ratio(self.chance.between(20, 70), 100)),
            expected_years: Some(Decimal6::from_int(self.chance.between(1, 8))),
        };
        self.state(at, Some(account), Some(rep), Data::AccountCreated(details));
        account
    }

    /// Exchange rates into the tenant's currency, about those of CNY.
    pub(super) fn set_rates(&mut self, date: NaiveDate) {
        let at = self.calendar.at(date, EIGHT);
        for (from, usual) in [("USD", 7_150_000), ("EUR", 7_800_000)] {
            if from != self.settings.currency {
                let rate = Decimal6(i128::from(usual * self.chance.between(970, 1_030) / 1_000));
                let set = RateSet { from: from.to_owned(), to: self.settings.currency.clone(), on: day_number(date), rate };
                self.state(at, None, None, Data::RateSet(set));
            }
        }
    }

    /// Of the company for the year, of departments for its quarters, of teams for the months of the first quarter.
    fn set_targets(&mut self, at: i64) {
        let year = self.calendar.first().year();
        let teams = self.organisation.teams();
        let mut targets = vec![("company", None, year.to_string(), 12 * teams)];
        for team in 0..teams {
            let department = Some(department_id(team));
            // Teams of one department only set it once.
            if (0..team).all(|other| department_id(other) != department_id(team)) {
                targets.extend((1..=4).map(|quarter| ("department", department.clone(), format!("{year}-Q{quarter}"), 3)));
            }
            targets.extend((1..=3).map(|month| ("team", Some(team_id(team)), format!("{year}-{month:02}"), 1)));
        }
        let visits_a_month = (self.settings.events / 1_000).max(10) as i64;
        for (unit, id, period, months) in targets {
            for (kpi, monthly) in [("visits", visits_a_month), ("won_amount", 900_000)] {
                let target = TargetSet {
                    unit: unit.to_owned(),
                    id: id.clone(),
                    period: period.clone(),
                    kpi: kpi.to_owned(),
                    value: Decimal6::from_int(monthly * months as i64),
                };
                self.state(at, None, None, Data::TargetSet(target));
            }
        }
    }
}
