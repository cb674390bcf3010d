//! The model against values written by hand, and against what must hold for any history.
#![expect(clippy::unwrap_used, reason = "a test may panic")]
#![expect(clippy::needless_update, reason = "the macro `data` fills up payloads that may be full already")]

mod accounts;
mod admission;
mod deals;
mod group_by;
mod histories;
mod leads;
mod organisation;
mod receivables;
mod reports;
mod script;
mod stored;
mod touches;
mod values;
