//! SQL that runs inside ClickHouse: how plans are written in its dialect, sent, and come back as Arrow.

mod dialect;
mod exec;
mod executor;
mod federation;
mod statement;
#[cfg(test)]
mod tests;

pub(crate) use dialect::Translator;
pub(crate) use exec::ClickHouseExec;
pub(crate) use federation::federate;
pub(crate) use statement::Statement;
