//! Money: what a won deal makes due, and how it is paid: in time, late, in parts, not at all, and sometimes back.

use tidemark_schemas::{
    decimal::Decimal6,
    events::{
        Data,
        payload::{PaymentDue, PaymentMoved, PaymentWaived},
    },
};

use super::{Simulation, next_id};
use crate::simulate::agenda::{Action, OpenDeal};

#[derive(Clone, Copy)]
enum Paid {
    InTime,
    Late,
    InParts,
    NotYet,
    Never,
}

const WAYS: &[(u32, Paid)] = &[(62, Paid::InTime), (21, Paid::Late), (11, Paid::InParts), (3, Paid::NotYet), (3, Paid::Never)];

/// A receivable whose payments are being planned.
struct Asked<'a> {
    receivable_id: String,
    deal: &'a OpenDeal,
    /// When it was asked for, and after how many days it is due.
    at: i64,
    due_days: f64,
}

impl Simulation {
    pub(super) fn ask_for_money(&mut self, at: i64, deal: &OpenDeal) {
        let parts = self.chance.weighted(&[(55, 1), (30, 2), (15, 3)]);
        let whole = deal.amount.0 as i64 / 1_000_000;
        for part in 0..parts {
            // The last part is what is left over.
            let amount = if part + 1 == parts { whole - whole / parts * (parts - 1) } else { whole / parts };
            let due_days = 15 + 30 * part as u64;
            let receivable_id = next_id("P", &mut self.numbers.receivables);
            let due = PaymentDue {
                receivable_id: receivable_id.clone(),
                amount: Decimal6::from_int(amount),
                currency: deal.currency.map(str::to_owned),
                due_on: self.calendar.day_number(at, due_days),
                deal_id: Some(deal.id.clone()),
            };
            self.say(at, Some(deal.account), Some(deal.rep), Data::PaymentDue(due));
            self.plan_payments(&Asked { receivable_id, deal, at, due_days: due_days as f64 }, amount);
        }
    }

    fn plan_payments(&mut self, asked: &Asked<'_>, amount: i64) {
        match self.chance.weighted(WAYS) {
            Paid::InTime => {
                let early = self.chance.exponential(4.0);
                self.pay(asked, asked.due_days - 1.0 - early, amount);
            }
            Paid::Late => {
                let late = self.chance.exponential(18.0);
                self.pay(asked, asked.due_days + 1.0 + late, amount);
            }
            Paid::InParts => {
                let first = amount * self.chance.between(20, 70) / 100;
                self.pay(asked, asked.due_days - 2.0, first);
                self.pay(asked, asked.due_days + 20.0, amount - first);
            }
            Paid::NotYet => {}
            Paid::Never => {
                let waived = PaymentWaived { receivable_id: asked.receivable_id.clone() };
                self.plan_days_later(asked.at, asked.due_days + 10.0, None, asked.deal.rep, Data::PaymentWaived(waived));
            }
        }
    }

    /// Money comes in; of some of it a part goes back.
    fn pay(&mut self, asked: &Asked<'_>, days: f64, amount: i64) {
        let at = self.calendar.days_later(&mut self.chance, asked.at, days);
        let moved = PaymentMoved {
            receivable_id: asked.receivable_id.clone(),
            payment_id: next_id("M", &mut self.numbers.payments),
            amount: Decimal6::from_int(amount),
            currency: asked.deal.currency.map(str::to_owned),
            method: Some(self.chance.weighted(&[(70, "transfer"), (20, "card"), (10, "bill")]).to_owned()),
        };
        let refund = self.chance.percent(4).then(|| PaymentMoved { amount: Decimal6::from_int(amount / 4), ..moved.clone() });
        // Money is booked by finance: no rep.
        let mut plan = |at: i64, data: Data| {
            let data = Box::new(data);
            self.agenda.plan(at, Action::Say { account: Some(asked.deal.account), rep: None, data });
        };
        plan(at, Data::PaymentReceived(moved));
        if let Some(refund) = refund {
            plan(at + 5 * 86_400_000, Data::PaymentRefunded(refund));
        }
    }
}
