//! Rates: exchange rates of a currency pair, each from a day until the next.

use std::collections::BTreeMap;

use tidemark_schemas::{
    events::{Data, Event},
    fact::{Fact, Scalar},
    table::FactTable,
};

use super::Folded;

pub fn fold(events: &[Event], folded: &mut Folded) {
    let rates: BTreeMap<i32, _> = events
        .iter()
        .filter_map(|event| match &event.data {
            Data::RateSet(data) => Some((data.on, data)),
            _ => None,
        })
        .collect();
    let next_days = rates.keys().skip(1).copied().map(Some).chain([None]);
    for ((valid_from, data), valid_to) in rates.iter().zip(next_days) {
        folded.add(Fact::new(
            FactTable::Rates,
            [
                ("from_currency", data.from.as_str().into()),
                ("to_currency", data.to.as_str().into()),
                ("valid_from", Scalar::Date(*valid_from)),
                ("valid_to", Scalar::maybe(valid_to, Scalar::Date)),
                ("rate", Scalar::Decimal(data.rate)),
            ],
        ));
    }
}
