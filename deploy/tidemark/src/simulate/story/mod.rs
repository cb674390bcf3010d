//! What happens in a sales organisation, one file per kind of story.

mod deals;
mod founding;
mod leads;
mod money;
mod people;
mod touches;

use super::{agenda::Action, simulation::Simulation};

/// The next id of every kind of entity.
#[derive(Default)]
pub(super) struct Numbers {
    visits: u64,
    calls: u64,
    deals: u64,
    receivables: u64,
    payments: u64,
    surveys: u64,
    leads: u64,
    activities: u64,
    incidents: u64,
    appeals: u64,
}

/// `PREFIX-1`, `PREFIX-2`, …
fn next_id(prefix: &str, last: &mut u64) -> String {
    *last += 1;
    format!("{prefix}-{last}")
}

impl Simulation {
    pub(super) fn act(&mut self, at: i64, action: Action) {
        match action {
            Action::Routine { rep } => self.routine(at, rep),
            Action::Say { account, rep, data } => self.say(at, account, rep, *data),
            Action::Convert { rep, lead_id } => self.convert(at, rep, lead_id),
            Action::Deal(deal) => self.deal_goes_on(at, *deal),
        }
    }
}
