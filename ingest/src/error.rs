//! What stops the service or an import, by whose turn it is. What is wrong with an event is no error but an answer.

use std::{net::SocketAddr, path::PathBuf};

use rdkafka::error::KafkaError;

/// Why ingest or an import cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    // The operator's turn.
    /// The address is taken or not ours.
    #[error("cannot listen on {address}: {source}; choose another `listen` in [ingest]")]
    Listen {
        /// As configured.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// Bounds that contradict each other.
    #[error("[ingest] cannot work: {0}")]
    Bounds(String),
    /// The log was made with another number of partitions, which decides where each tenant lives.
    #[error(
        "topic {topic} has {found} partitions, but [kafka] says {configured}: set `partitions = {found}` \
         (the count belongs to the log and cannot be changed in place)"
    )]
    Partitions {
        /// Which topic.
        topic: String,
        /// In Kafka.
        found: usize,
        /// In the configuration.
        configured: i32,
    },
    /// A refused body of the largest size could not be kept.
    #[error(
        "topic crm.dead takes records of {found} bytes, but a refused body may need {needed}: \
         raise its max.message.bytes, or lower `body_bytes_max` in [ingest]"
    )]
    DeadLetterBytes {
        /// The topic's setting.
        found: usize,
        /// Twice the largest body, and the reasons.
        needed: usize,
    },
    /// Not an address that a registry could be at.
    #[error("[registry] url = {url:?} cannot be used: {reason}; it is an address like http://127.0.0.1:8085")]
    RegistryUrl {
        /// As configured.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The registry does not want a schema of ours.
    #[error(
        "the schema registry at {url} refuses version {version} of {subject} ({reason}): a subject of that name is somebody else's, \
         or user and password in [registry] may not register"
    )]
    RegistryRefuses {
        /// Where.
        url: String,
        /// Whose schema.
        subject: &'static str,
        /// Which of them.
        version: u32,
        /// What it said.
        reason: String,
    },
    /// A mapping that is not valid jq.
    #[error("mapping {file}, line {line}: {reason}")]
    Mapping {
        /// Which file.
        file: String,
        /// Which line of it.
        line: usize,
        /// What is wrong there.
        reason: String,
    },
    /// A mapping that goes beyond its bounds and cannot be called off.
    #[error("line {line}: {reason}, and cannot be called off: mend the mapping; what was imported before stays")]
    MappingStuck {
        /// Which line of the file it is at.
        line: u64,
        /// Which bound.
        reason: String,
    },
    /// No such mapping.
    #[error("there is no mapping {named:?}: it is neither a file or folder nor one of those shipped ({shipped})")]
    MappingUnknown {
        /// As asked for.
        named: String,
        /// What there is.
        shipped: String,
    },
    /// The mapping looks things up in a file that was not given.
    #[error("the mapping looks things up in {name:?}: give that file with --with {name}=FILE")]
    LookupMissing {
        /// Its name in the mapping.
        name: String,
    },
    /// A file to look things up in has a row that cannot be read.
    #[error("{}, line {line}: {reason}; a file to look things up in must be whole", path.display())]
    LookupRow {
        /// Which file.
        path: PathBuf,
        /// Which line of it.
        line: u64,
        /// What is wrong there.
        reason: String,
    },
    /// A file whose first row is no header.
    #[error(
        "{}, line {line}: the header cannot be used: {reason} (--encoding says how it is written, --skip-lines passes over \
         titles before it, --columns names the columns of a file without one)",
        path.display()
    )]
    Header {
        /// Which file.
        path: PathBuf,
        /// Where its first row is.
        line: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// The refused rows or the progress cannot be written.
    #[error("{}: {source}; the import's reports go beside the file, or where `report_dir` says", path.display())]
    Report {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Ingest does not know the key.
    #[error("{url} refused the API key: check it against tenants.toml")]
    KeyRefused {
        /// Where.
        url: String,
    },
    /// Whatever is there, it is not ingest, or not as we know it.
    #[error("{url} answered {status}: {answer}")]
    IngestAnswer {
        /// Where.
        url: String,
        /// HTTP status.
        status: u16,
        /// The beginning of the answer.
        answer: String,
    },

    /// There is nothing to deal with.
    #[error("there is no dead letter {id:?}, or it is older than what is looked at; `tidemark dead list --letters` shows ids")]
    NoSuchLetter {
        /// As asked for.
        id: String,
    },
    /// Several letters are meant.
    #[error("several dead letters have an id that begins with {id:?}: give more of it; `tidemark dead list --letters` shows ids")]
    AmbiguousLetter {
        /// As asked for.
        id: String,
    },

    // Try again.
    /// Ingest does not answer, or is too busy.
    #[error("{url} took nothing for {waited_ms} ms ({reason}); start again and it goes on where it stopped")]
    IngestUnreachable {
        /// Where.
        url: String,
        /// How long was waited.
        waited_ms: u64,
        /// The last thing heard.
        reason: String,
    },
    /// The import was asked to stop.
    #[error("stopped after row {row}; start the import again and it goes on there")]
    Interrupted {
        /// Rows done.
        row: u64,
    },
    /// Kafka does not answer.
    #[error(
        "Kafka at {brokers} did not answer within {waited_ms} ms ({reason}): is it running, and is `brokers` in [kafka] right?"
    )]
    KafkaUnreachable {
        /// As configured.
        brokers: String,
        /// How long was waited.
        waited_ms: u64,
        /// The last thing heard.
        reason: String,
    },
    /// The schema registry does not answer.
    #[error("the schema registry at {url} did not answer in time ({reason}): is it running, and is `url` in [registry] right?")]
    RegistryUnreachable {
        /// As configured.
        url: String,
        /// The last thing heard.
        reason: String,
    },
    /// The producer can no longer promise order without loss; a new process can.
    #[error("the Kafka producer failed for good ({0}); start again, every acknowledged event is safe")]
    ProducerFatal(String),

    // Ours.
    /// A call to Kafka failed.
    #[error("{doing} failed: {source}")]
    Kafka {
        /// What was being done.
        doing: &'static str,
        /// What Kafka's client said.
        source: KafkaError,
    },
    /// The metrics recorder could not be built.
    #[error("cannot set up metrics: {0}")]
    Metrics(String),
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}
