//! What people correct afterwards: an amount, a day, the account.

use tidemark_schemas::{
    decimal::Decimal6,
    events::{Data, Event},
};

use super::{chance::Chance, organisation::account_id};

const HOUR_MS: i64 = 3_600_000;

/// The next revision of an event, with something else in it.
pub(super) fn corrected(chance: &mut Chance, mut event: Event, accounts: usize) -> Event {
    event.envelope.revision += 1;
    let amount = amount_of(&mut event.data);
    match (amount, chance.below(3)) {
        (Some(amount), 0 | 1) => *amount = Decimal6::from_int(amount.0 as i64 / 1_000_000 * chance.between(80, 115) / 100),
        (_, 2) if event.envelope.account_id.is_some() => {
            event.envelope.account_id = Some(account_id(chance.below(accounts) + 1));
        }
        // It happened earlier than was first said.
        _ => event.envelope.occurred_at -= chance.between(1, 30) * HOUR_MS,
    }
    event
}

fn amount_of(data: &mut Data) -> Option<&mut Decimal6> {
    match data {
        Data::DealOpened(data) => data.amount.as_mut(),
        Data::DealWon(data) => data.amount.as_mut(),
        Data::PaymentDue(data) => Some(&mut data.amount),
        Data::PaymentReceived(data) => Some(&mut data.amount),
        _ => None,
    }
}
