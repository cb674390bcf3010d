//! `/v1/kpis`: a typed request, one statement over `kpi_cells`, exact arithmetic on what comes back.

mod answer;
mod evaluate;
mod grain;
mod read;
mod request;
mod shared;
mod sql;
#[cfg(test)]
mod tests;

pub(crate) use answer::{Answer, AnswerRow, MissingRate};
pub(crate) use evaluate::{between, is_money_slot, of_nothing, ratio};
pub(crate) use grain::Grain;
pub(crate) use read::{MISSING_RATES_MAX, answer, named};
pub(crate) use request::{Axis, KpiRequest, Scope};
pub(crate) use shared::Shared;
