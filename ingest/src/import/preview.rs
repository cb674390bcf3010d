//! `--dry-run`: what an import would send, judged as ingest judges it, without sending anything.

use std::{collections::BTreeMap, fmt, sync::Arc};

use chrono::Utc;
use futures::executor::block_on;
use tidemark_schemas::tenant::{Access, Tenant};

use super::{
    ImportOptions,
    columns::UnknownColumn,
    mapping::Mapping,
    read::{MappedRow, read_batches},
    rows::Place,
    summary::{cause, count_reason},
};
use crate::{Error, accept::read_event};

/// Events that are shown.
const EVENTS_SHOWN: usize = 5;
/// Refusals that are shown, beside the count of every reason.
const REFUSALS_SHOWN: usize = 5;

/// What an import would come to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Preview {
    /// Rows read, without the header.
    pub rows: u64,
    /// Rows that are broken, refused by the mapping, or of which an event would be refused.
    pub rows_refused: u64,
    /// Events that would be accepted, by type.
    pub events: BTreeMap<String, u64>,
    /// Events that would be refused.
    pub events_refused: u64,
    /// How often each reason was given.
    pub reasons: BTreeMap<String, u64>,
    /// The first events, as they would be sent.
    pub first_events: Vec<String>,
    /// The first refusals, with line and reason.
    pub first_refusals: Vec<String>,
    /// Columns that the mapping reads and no row has.
    pub unknown_columns: Vec<UnknownColumn>,
}

/// A row that makes no events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmapped {
    /// As it is counted.
    pub reason: String,
    /// As it is shown.
    pub message: String,
}

/// Maps every row of a file, in order, and tells `each` the row's line and the JSON of its events. Sends nothing, writes nothing.
///
/// # Errors
/// A mapping, lookup or header that is wrong, or a file that cannot be read.
pub fn map_rows(options: &ImportOptions, each: impl FnMut(u64, Result<Vec<String>, Unmapped>)) -> Result<(), Error> {
    map_with(Mapping::load(options)?, options, each)
}

fn map_with(
    mapping: Mapping,
    options: &ImportOptions,
    mut each: impl FnMut(u64, Result<Vec<String>, Unmapped>),
) -> Result<(), Error> {
    let failed = |source| Error::Io { path: options.file.clone(), source };
    let mut batches = read_batches(options.clone(), mapping, Place::default()).map_err(failed)?;
    // Not `blocking_recv`, which refuses to wait on a thread of a runtime.
    while let Some(batch) = block_on(batches.recv()) {
        for MappedRow { row, events } in batch?.rows {
            let events = match &row.record {
                Err(broken) => Err(Unmapped { reason: "broken row".to_owned(), message: broken.reason.clone() }),
                Ok(_) => events.map_err(|reason| Unmapped { reason: cause(&reason), message: reason }),
            };
            each(row.line, events);
        }
    }
    Ok(())
}

/// Reads and maps the whole file and judges every event, in UTC, as ingest would. Sends nothing and writes nothing.
///
/// # Errors
/// As [`map_rows`].
pub fn preview(options: &ImportOptions) -> Result<Preview, Error> {
    let (access, now) = (nobody(), Utc::now().timestamp_millis());
    let mut preview = Preview::default();
    let mapping = Mapping::load(options)?;
    let columns = mapping.columns.clone();
    map_with(mapping, options, |line, events| {
        preview.rows += 1;
        let refusals = match events {
            Ok(events) => preview.judge(events, &access, now),
            Err(unmapped) => vec![unmapped],
        };
        preview.rows_refused += u64::from(!refusals.is_empty());
        for refusal in refusals {
            count_reason(&mut preview.reasons, &refusal.reason);
            if preview.first_refusals.len() < REFUSALS_SHOWN {
                preview.first_refusals.push(format!("line {line}: {}", refusal.message));
            }
        }
    })?;
    preview.unknown_columns = columns.unknown();
    Ok(preview)
}

impl Preview {
    /// Counts one row's events; everything that ingest would refuse in them.
    fn judge(&mut self, events: Vec<String>, access: &Access, now: i64) -> Vec<Unmapped> {
        let mut refusals = Vec::new();
        for text in events {
            match read_event(&text, access, now) {
                Ok(event) => *self.events.entry(event.data.event_type().name().to_owned()).or_default() += 1,
                Err(problems) => {
                    self.events_refused += 1;
                    refusals.extend(problems.into_iter().map(|problem| {
                        let field = problem.field.as_deref().unwrap_or("event");
                        Unmapped { reason: format!("{} {field}", problem.code.name()), message: problem.message.clone() }
                    }));
                }
            }
            if self.first_events.len() < EVENTS_SHOWN {
                self.first_events.push(text);
            }
        }
        refusals
    }
}

/// A key without a company: only its time zone matters here, for times without offset.
fn nobody() -> Access {
    let settings =
        Tenant { time_zone: chrono_tz::UTC, currency: "USD".to_owned(), pipeline: "default".to_owned(), keys: Vec::new() };
    Access { tenant: Arc::from("dry-run"), settings: Arc::new(settings), source: Arc::from("dry-run") }
}

impl fmt::Display for Preview {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for event in &self.first_events {
            writeln!(f, "{event}")?;
        }
        write!(f, "{} of {} rows would be accepted", self.rows - self.rows_refused, self.rows)?;
        for (event_type, count) in &self.events {
            write!(f, "\n  {count} × {event_type}")?;
        }
        if !self.reasons.is_empty() {
            write!(f, "\nnot accepted, by reason")?;
        }
        for (reason, count) in &self.reasons {
            write!(f, "\n  {count} × {reason}")?;
        }
        for refusal in &self.first_refusals {
            write!(f, "\n  {refusal}")?;
        }
        for unknown in &self.unknown_columns {
            write!(f, "\n{unknown}")?;
        }
        Ok(())
    }
}
