//! Hears CRM events: over HTTP and from files, through one path, into Kafka. A 2xx means it is there.
//! See `README.md` in this folder for what it never does.

mod accept;
mod clock;
mod config;
mod dead;
mod error;
mod http;
mod import;
mod publish;
mod rate;
mod registry;
mod router;
mod service;
mod telemetry;

pub use accept::{
    read_body, read_cloud_event, read_event,
    validate::{Code, Problem},
};
pub use clock::Clock;
pub use config::Config;
pub use error::Error;
pub use import::{
    Cause, Causes, Letter, LetterFilter, Letters, MendOptions, MendReport, Mending, Reason, causes, drop_letters, letter,
    letters, replay,
};
pub use import::{
    Format, Helper, ImportOptions, Preview, Reading, Summary, UnknownColumn, Unmapped, helpers, import, map_rows, preview,
};
pub use service::{Server, bind, run};
