//! Leads: they come in, are answered sooner or later, and become accounts with a deal, or nothing.

use tidemark_schemas::events::{
    Data,
    payload::{LeadConverted, LeadCreated, LeadLost, LeadMoved},
};

use super::{Simulation, next_id};
use crate::simulate::{agenda::Action, organisation::account_id};

const HOUR_MS: f64 = 3_600_000.0;
const CHANNELS: &[(u32, &str)] = &[(45, "online"), (20, "offline"), (20, "referral"), (15, "event")];

impl Simulation {
    pub(super) fn lead(&mut self, at: i64, rep: usize) {
        let lead_id = next_id("L", &mut self.numbers.leads);
        let channel = self.chance.weighted(CHANNELS);
        let referrer = if channel == "referral" { self.organisation.any_account(&mut self.chance, rep) } else { None };
        let created = LeadCreated {
            lead_id: lead_id.clone(),
            channel: Some(channel.to_owned()),
            referrer_account_id: referrer.map(account_id),
        };
        self.say(at, None, Some(rep), Data::LeadCreated(created));
        let moved = || LeadMoved { lead_id: lead_id.clone() };
        if self.chance.percent(10) {
            return;
        }
        let response_ms = self.chance.exponential(14.0 * HOUR_MS) as i64 + 60_000;
        let responded = Data::LeadResponded(moved());
        self.agenda.plan(at + response_ms, Action::Say { account: None, rep: Some(rep), data: Box::new(responded) });
        if self.chance.percent(55) {
            self.plan_days_later(at, 2.0 + response_ms as f64 / (24.0 * HOUR_MS), None, rep, Data::LeadQualified(moved()));
        }
        let days = 3.0 + self.chance.exponential(6.0);
        if self.chance.percent(42) {
            let later = self.calendar.days_later(&mut self.chance, at, days);
            self.agenda.plan(later, Action::Convert { rep, lead_id });
        } else if self.chance.percent(60) {
            let reason = self.chance.one_of(&["no budget", "no answer", "competitor"]).to_owned();
            let lost = LeadLost { lead_id, reason: Some(reason) };
            self.plan_days_later(at, days, None, rep, Data::LeadLost(lost));
        }
    }

    /// A lead becomes an account, with a deal at once.
    pub(super) fn convert(&mut self, at: i64, rep: usize, lead_id: String) {
        let rep = if self.organisation.reps[rep].has_left { self.successor(rep) } else { rep };
        let account = self.create_account(at, rep);
        let deal_id = self.open_deal(at, rep, account);
        let converted = LeadConverted { lead_id, account_id: Some(account_id(account)), deal_id: Some(deal_id) };
        self.say(at, Some(account), Some(rep), Data::LeadConverted(converted));
    }
}
