//! Everything that can go wrong here, by whose turn it is. `http::problem` says which status each becomes.

use std::net::SocketAddr;

use arrow::error::ArrowError;
use chrono::{DateTime, Utc};
use datafusion::error::DataFusionError;
use tidemark_schemas::log::Position;

/// Why there is no answer, or no service.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    // The caller's turn.
    /// No key, or not as it should be sent.
    #[error("no API key: send it as `Authorization: Bearer KEY`")]
    MissingKey,
    /// A key that no tenant has.
    #[error("no tenant has this API key")]
    UnknownKey,
    /// A KPI that does not exist.
    #[error("there is no KPI {name:?}; there are {known}")]
    UnknownKpi {
        /// As asked.
        name: String,
        /// Every name there is.
        known: String,
    },
    /// A parameter that cannot be used.
    #[error("{parameter}: {reason}")]
    Parameter {
        /// Its name.
        parameter: String,
        /// What is wrong and what there is.
        reason: String,
    },
    /// Neither this path nor anything near it.
    #[error("there is nothing at {0}; see /openapi.json for what there is")]
    UnknownPath(String),
    /// The path exists, but not for this method.
    #[error("{method} is not possible on {path}; see /openapi.json for what is")]
    Method {
        /// As asked.
        method: String,
        /// Where.
        path: String,
    },
    /// A body that is not what the door takes.
    #[error("{0}")]
    Body(String),
    /// None of the forms that the caller would take.
    #[error("Accept names no form there is; there are {0}")]
    NotAcceptable(&'static str),
    /// A question that cannot be planned, or that fails on its data.
    #[error("{}", brief(.0))]
    Sql(DataFusionError),
    /// A statement that is no question.
    #[error("cannot execute {0}: this database answers questions and changes nothing")]
    ReadOnly(String),
    /// A question too long to be planned.
    #[error("the question has more than {0} tokens (sql_tokens_max): ask for less at once")]
    TooManyTokens(usize),
    /// Too many bytes.
    #[error("the body has more than {0} bytes (body_bytes_max)")]
    BodyTooLarge(usize),
    /// The answer would be too long: its bound and the bound's name.
    #[error("the answer has more than {0} rows ({1}): ask for fewer days, a coarser grain, fewer groups, or add a LIMIT")]
    TooManyRows(u64, &'static str),
    /// The answer took too long.
    #[error("the answer took longer than {0} ms (time_ms_max): ask for less at once")]
    TooSlow(u64),

    /// Whoever asked does not want the answer any more.
    #[error("canceled on its reader's request")]
    Canceled,

    // Try again.
    /// What `after` asks for is not in the numbers yet.
    #[error("position {wanted} is not in the numbers after {waited_ms} ms (after_ms_max); they are at {reached}: try again")]
    NotYet {
        /// As asked.
        wanted: Position,
        /// How long was waited.
        waited_ms: u64,
        /// Where they are.
        reached: Position,
    },
    /// An earlier instant whose events may not all be in the numbers.
    #[error(
        "not everything that was known at {0} is in the numbers yet: ask again in a moment (/v1/freshness says how far they are)"
    )]
    Unsettled(DateTime<Utc>),
    /// A KPI that was added is being measured on the facts that there are.
    #[error("{kpi} was added to numbers that there were already, and is being measured: {percent} % are done. Try again")]
    Backfilling {
        /// The KPI.
        kpi: String,
        /// How much is done.
        percent: u8,
    },
    /// Nothing was ever added up.
    #[error("there are no numbers yet: a projector makes the first ones (`tidemark project`)")]
    NoNumbers,
    /// The numbers are another program's.
    #[error("generation {generation} was made by another version of tidemark: {reason}. Start that version of the query service")]
    OtherProgram {
        /// Which set of numbers.
        generation: u32,
        /// What is different.
        reason: String,
    },
    /// Others are being answered.
    #[error(
        "{0} answers of this company or {1} of all are being worked on (concurrent_per_tenant_max, concurrent_max): try again"
    )]
    Busy(usize, usize),
    /// As many as there may be listen.
    #[error("{0} listeners are connected already (live_listeners_max): try again")]
    Listeners(usize),
    /// ClickHouse does not answer, or answers with an error.
    #[error("ClickHouse: {0}")]
    ClickHouse(clickhouse::error::Error),
    /// ClickHouse took a question and says nothing, not even that it lives.
    #[error("ClickHouse is silent")]
    Silent,
    /// ClickHouse's own bound on time, which is ours in whole seconds.
    #[error("ClickHouse needed longer than there is time (time_ms_max): ask for less at once")]
    TooSlowInside,

    /// Too much memory is needed, for this answer or for all together.
    #[error("the answer needs more memory than there is (memory_bytes_max): ask for fewer rows or groups, or try again")]
    Memory,

    // Ours.
    /// What came back is not what was asked for.
    #[error("ClickHouse answered with something unexpected: {0}")]
    Unexpected(String),
    /// The address is taken or not ours.
    #[error("cannot listen on {address}: {source}; choose another `{setting}` in [query]")]
    Listen {
        /// As configured.
        address: SocketAddr,
        /// Where it is configured.
        setting: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// Connections cannot be encrypted as configured. Nothing is served in the clear instead.
    #[error("[query.tls]: {file}: {reason}")]
    Tls {
        /// Which file.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The HTTP server ended on its own.
    #[error("the HTTP server failed: {0}")]
    Serve(std::io::Error),
    /// The threads for SQL could not be started.
    #[error("cannot start threads: {0}")]
    Threads(std::io::Error),
    /// The metrics recorder could not be built.
    #[error("cannot set up metrics: {0}")]
    Metrics(String),
}

/// Some of DataFusion's messages print the whole plan.
const MESSAGE_CHARACTERS_MAX: usize = 500;

fn brief(error: &DataFusionError) -> String {
    error.strip_backtrace().chars().take(MESSAGE_CHARACTERS_MAX).collect()
}

impl Error {
    /// A parameter that cannot be used.
    pub(crate) fn parameter(parameter: &str, reason: impl Into<String>) -> Self {
        Self::Parameter { parameter: parameter.chars().take(60).collect(), reason: reason.into() }
    }
}

/// ClickHouse's codes for its bounds on time and on memory.
const TIMEOUT_EXCEEDED: &str = "Code: 159.";
const MEMORY_LIMIT_EXCEEDED: &str = "Code: 241.";

impl From<clickhouse::error::Error> for Error {
    fn from(error: clickhouse::error::Error) -> Self {
        let said = error.to_string();
        if said.contains(TIMEOUT_EXCEEDED) {
            Self::TooSlowInside
        } else if said.contains(MEMORY_LIMIT_EXCEEDED) {
            Self::Memory
        } else {
            Self::ClickHouse(error)
        }
    }
}

/// Whose turn it is hides inside DataFusion's error.
impl From<DataFusionError> for Error {
    fn from(error: DataFusionError) -> Self {
        match error {
            DataFusionError::External(source) => match source.downcast::<clickhouse::error::Error>() {
                Ok(source) => Self::from(*source),
                Err(source) => source.downcast::<Self>().map_or_else(|other| Self::Unexpected(other.to_string()), |own| *own),
            },
            DataFusionError::Context(_, source) => Self::from(*source),
            DataFusionError::Diagnostic(place, source) => match Self::from(*source) {
                Self::Sql(source) => Self::Sql(source.with_diagnostic(*place)),
                other => other,
            },
            DataFusionError::Shared(source) => match std::sync::Arc::try_unwrap(source) {
                Ok(source) => Self::from(source),
                // Others wait for the same; what it is can only be looked at.
                Err(source) => match source.find_root() {
                    DataFusionError::ResourcesExhausted(_) => Self::Memory,
                    DataFusionError::External(_) | DataFusionError::Internal(_) => Self::Unexpected(source.strip_backtrace()),
                    _ => Self::Sql(DataFusionError::Shared(source)),
                },
            },
            DataFusionError::ResourcesExhausted(_) => Self::Memory,
            DataFusionError::Internal(reason) => Self::Unexpected(reason),
            other => Self::Sql(other),
        }
    }
}

impl From<ArrowError> for Error {
    fn from(error: ArrowError) -> Self {
        Self::from(DataFusionError::from(error))
    }
}
