//! What can stop a projector, by whose turn it is.

use std::path::PathBuf;

use tidemark_schemas::events::wire::DecodeError;

use crate::sink;

/// Why a projector, or one of its partitions, cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Ours to wait: Kafka or ClickHouse did not answer; the batch is tried again from the stored position.
    #[error("{system} did not answer: {reason}")]
    Unavailable {
        /// Kafka or ClickHouse.
        system: &'static str,
        /// What it said.
        reason: String,
    },
    /// The operator's: this version cannot read a record that a newer ingest wrote.
    #[error("position {partition}-{offset}: {source}; the partition waits until tidemark is upgraded")]
    Upgrade {
        /// Partition.
        partition: i32,
        /// Offset.
        offset: i64,
        /// Which schema id.
        source: DecodeError,
    },
    /// The operator's: a record whose schema id belongs to a registry and leads nowhere.
    #[error("position {partition}-{offset}: its schema id is {id} of a schema registry, {advice}; the partition waits")]
    Unregistered {
        /// Partition.
        partition: i32,
        /// Offset.
        offset: i64,
        /// The id.
        id: u32,
        /// What to do.
        advice: &'static str,
    },
    /// The operator's: events of a company that nobody configured.
    #[error(
        "position {partition}-{offset}: tenant {tenant:?} is not in tenants.toml; the partition waits until it is added and tidemark restarted"
    )]
    UnknownTenant {
        /// Partition.
        partition: i32,
        /// Offset.
        offset: i64,
        /// The record's key.
        tenant: String,
    },
    /// The operator's: this program would make other numbers of the same definitions.
    #[error(
        "{what}: numbers of both do not mix. Go on with the program that made them, and meanwhile let this one make new ones from \
         the log: `tidemark rebuild`, then `tidemark rebuild --swap`, then start this one"
    )]
    Redefined {
        /// What is different.
        what: String,
    },
    /// Ours to begin again: another generation is live, or this one has more definitions, than what is being run.
    #[error("another generation or more definitions are live")]
    Superseded,
    /// The operator's: a command about generations that cannot be done.
    #[error("{0}")]
    Declined(String),
    /// The operator's: the log is not the one that the numbers were made from.
    #[error(
        "crm.events partition {partition}: {what}. The numbers in ClickHouse do not belong to this log: connect the Kafka they \
         were made from; or, to begin anew with this log, drop ClickHouse's database, stop, delete projector.state_dir and start \
         (of `tidemark up`: stop, delete `clickhouse` and `projector` in its state directory, start)"
    )]
    LogReplaced {
        /// Partition.
        partition: i32,
        /// How it shows.
        what: String,
    },
    /// The operator's: ClickHouse answered, and will answer the same until somebody changes something there.
    #[error("ClickHouse refuses it: {reason}; what was to be written is kept and tried again: {}", sink::mend(.reason))]
    Refused {
        /// What it said.
        reason: String,
    },
    /// Ours: ClickHouse lacks rows that the state takes for written, so the log must be read again.
    #[error("crm.events partition {partition}: ClickHouse has only {what}: it lost what was written")]
    SinkLost {
        /// Partition.
        partition: i32,
        /// What is there of what should be.
        what: String,
    },
    /// Ours to pass over: a snapshot that cannot be written or restored; an older one or the log is read instead.
    #[error("snapshot {name}: {reason}")]
    Snapshot {
        /// Which.
        name: String,
        /// Why not.
        reason: String,
    },
    /// The operator's: a definition or setting that cannot be used.
    #[error("{0}")]
    Invalid(String),
    /// The operator's: another process has the local state.
    #[error("{} is in use by another process: stop that one, or set another projector.state_dir", .0.display())]
    StateInUse(PathBuf),
    /// The operator's: a full disk, or one that fails.
    #[error(
        "the local state cannot be written ({0}): make room on the disk of projector.state_dir, or give it another, and start again; \
         nothing is lost, it goes on from where it was"
    )]
    StateUnwritable(String),
    /// Ours: the local state cannot be read or written.
    #[error("state: {0}")]
    State(String),
    /// Ours: a bug.
    #[error("internal: {0}")]
    Internal(String),
}

impl Error {
    /// Whether trying again later may help, at the latest when somebody has mended what refuses.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::Refused { .. })
    }

    /// What readers of a partition's numbers may know of it: companies share partitions, and none is told of another.
    #[must_use]
    pub fn to_readers(&self) -> String {
        match self {
            Self::UnknownTenant { partition, offset, .. } => {
                format!("position {partition}-{offset}: an event of a company that is not configured; the partition waits")
            }
            Self::Refused { .. } => "ClickHouse refuses what is to be written; it is kept and tried again".to_owned(),
            other => other.to_string(),
        }
    }
}

impl From<fjall::Error> for Error {
    fn from(error: fjall::Error) -> Self {
        match error {
            fjall::Error::Io(reason) => Self::StateUnwritable(reason.to_string()),
            // What failed before was said in the log by fjall itself.
            fjall::Error::Poisoned => Self::StateUnwritable("an earlier write failed".to_owned()),
            other => Self::State(other.to_string()),
        }
    }
}

impl From<postcard::Error> for Error {
    fn from(error: postcard::Error) -> Self {
        Self::State(format!("a stored value cannot be read: {error}"))
    }
}

impl From<arrow::error::ArrowError> for Error {
    fn from(error: arrow::error::ArrowError) -> Self {
        Self::Internal(error.to_string())
    }
}

impl From<datafusion::error::DataFusionError> for Error {
    fn from(error: datafusion::error::DataFusionError) -> Self {
        Self::Internal(error.strip_backtrace())
    }
}

impl From<rdkafka::error::KafkaError> for Error {
    fn from(error: rdkafka::error::KafkaError) -> Self {
        Self::Unavailable { system: "Kafka", reason: error.to_string() }
    }
}

impl From<clickhouse::error::Error> for Error {
    fn from(error: clickhouse::error::Error) -> Self {
        let mut reason = whole(&error);
        if sink::is_full(&reason) {
            reason.push_str("; once there is room on its disk, it goes on by itself");
        }
        if sink::is_refusal(&reason) { Self::Refused { reason } } else { Self::Unavailable { system: "ClickHouse", reason } }
    }
}

/// An error with what caused it: "client error (Connect)" alone does not say that the connection was refused.
fn whole(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let causes = std::iter::successors(error.source(), |cause| cause.source()).map(ToString::to_string);
    for cause in causes {
        if !said.contains(&cause) {
            said = format!("{said}: {cause}");
        }
    }
    said
}
