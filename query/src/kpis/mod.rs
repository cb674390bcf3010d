//! `/v1/kpis`: a typed request, one statement over `kpi_cells`, exact arithmetic on what comes back.

mod answer;
mod evaluate;
mod grain;
mod read;
mod request;
mod sql;
#[cfg(test)]
mod tests;

pub(crate) use answer::{Answer, AnswerRow, MissingRate};
pub(crate) use read::answer;
pub(crate) use request::{KpiRequest, Scope};
