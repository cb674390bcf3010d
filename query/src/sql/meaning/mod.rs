//! PostgreSQL's SQL is what every door speaks. What DataFusion reads otherwise, or reads and leaves out, is said here in its own words,
//! or refused: an answer to another question is a wrong number.

mod functions;
mod literals;
mod statement;
mod subqueries;
mod time_format;
mod types;

pub(crate) use functions::call;
pub(super) use statement::meant;
