//! The model against values written by hand, and against what must hold for any history.

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
mod touches;
mod values;
