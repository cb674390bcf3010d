//! What an account's own events say about it: of each detail the last in fold order, with its place in that order, so that
//! the details of accounts that were merged can be put together without reading their events again.

use serde::{Deserialize, Serialize};
use tidemark_schemas::{
    events::{Data, Event, payload::AccountDetails},
    fact::Scalar,
};

use super::fold_order;

/// How many details there are.
const DETAILS: usize = 6;

/// Industry, segment, region, acquisition cost, gross margin and expected years.
pub type Values = [Scalar; DETAILS];

/// The details of one account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Details {
    /// Its first creation.
    pub created_at: Option<i64>,
    stated: [Option<Stated>; DETAILS],
}

/// A detail, and where its event stands in fold order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Stated {
    order: (i64, u8, i64, String, String),
    value: Scalar,
}

impl Details {
    /// What these events, which are in fold order, say.
    #[must_use]
    pub fn of(events: &[Event]) -> Self {
        let mut details = Self::default();
        for event in events {
            if matches!(event.data, Data::AccountCreated(_)) {
                details.created_at = details.created_at.or(Some(event.envelope.occurred_at));
            }
            let (Data::AccountCreated(data) | Data::AccountAmended(data)) = &event.data else { continue };
            let (at, rank, recorded_at, source, event_id) = fold_order(event);
            for (stated, value) in details.stated.iter_mut().zip(values(data)) {
                if value != Scalar::Null {
                    let order = (at, rank, recorded_at, source.to_owned(), event_id.to_owned());
                    *stated = Some(Stated { order, value });
                }
            }
        }
        details
    }

    /// An account's own word, and where it has none the last of those merged into it.
    #[must_use]
    pub fn values_with(&self, merged: &[Self]) -> Values {
        std::array::from_fn(|detail| {
            let others = merged.iter().filter_map(|other| other.stated[detail].as_ref());
            let last = self.stated[detail].as_ref().or(others.max_by(|a, b| a.order.cmp(&b.order)));
            last.map_or(Scalar::Null, |stated| stated.value.clone())
        })
    }
}

fn values(data: &AccountDetails) -> Values {
    [
        Scalar::text(data.industry.as_deref()),
        Scalar::text(data.segment.as_deref()),
        Scalar::text(data.region.as_deref()),
        Scalar::maybe(data.acquisition_cost, Scalar::Decimal),
        Scalar::maybe(data.gross_margin, Scalar::Decimal),
        Scalar::maybe(data.expected_years, Scalar::Decimal),
    ]
}
