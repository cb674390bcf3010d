//! The reading side of an import, on its own thread: rows → events → batches, until nobody takes them any more.

use std::{io, thread};

use serde::Serialize;
use serde_json::{json, value::RawValue};
use tokio::sync::mpsc;

use super::{
    ImportOptions,
    bounds::STACK_BYTES,
    mapping::Mapping,
    record::ROW_BYTES_MAX,
    rows::{Place, Row, Rows},
};
use crate::Error;

/// One request's worth of rows.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) rows: Vec<MappedRow>,
    /// A line for each row that made events or was refused; the row goes along, so that a dead letter keeps it.
    pub(super) body: String,
    /// Where the file goes on after it.
    pub(super) end: Place,
    /// Bytes of the unpacked file.
    pub(super) file_bytes: u64,
}

/// A row with what the mapping made of it.
pub(super) struct MappedRow {
    pub(super) row: Row,
    /// The events' JSON; or why the mapping refuses the row. Empty for a broken row.
    pub(super) events: Result<Vec<String>, String>,
}

impl MappedRow {
    /// What ingest counts it as: its events, or the row itself where it is refused.
    pub(super) fn items(&self) -> usize {
        match (&self.row.record, &self.events) {
            (Ok(_), Ok(events)) => events.len(),
            _ => 1,
        }
    }

    /// The line that ingest gets; empty for a row that makes nothing.
    fn line(&self, file: &str) -> Result<String, serde_json::Error> {
        #[derive(Serialize)]
        struct Line<'a> {
            file: &'a str,
            line: u64,
            row: Box<RawValue>,
            #[serde(skip_serializing_if = "Vec::is_empty")]
            events: Vec<Box<RawValue>>,
            #[serde(skip_serializing_if = "Option::is_none")]
            refused: Option<serde_json::Value>,
        }
        let refusal = |is_broken: bool, message: &str| Some(json!({ "is_broken": is_broken, "message": message }));
        let (row, events, refused) = match (&self.row.record, &self.events) {
            (Ok(_), Ok(events)) if events.is_empty() => return Ok(String::new()),
            (Ok(record), Ok(events)) => (record.to_text()?, events.as_slice(), None),
            (Ok(record), Err(reason)) => (record.to_text()?, [].as_slice(), refusal(false, reason)),
            (Err(broken), _) => (serde_json::to_string(&broken.text)?, [].as_slice(), refusal(true, &broken.reason)),
        };
        let row = if row.len() > ROW_BYTES_MAX { beginning(&row)? } else { row };
        let events = events.iter().map(raw).collect::<Result<_, _>>()?;
        let line = Line { file, line: self.row.line, row: RawValue::from_string(row)?, events, refused };
        Ok(serde_json::to_string(&line)? + "\n")
    }
}

/// Of a row that would not fit into a request beside its events; `FILE.refused.ndjson` has it whole.
fn beginning(row: &str) -> serde_json::Result<String> {
    // A character takes six bytes at most.
    serde_json::to_string(&row.chars().take(ROW_BYTES_MAX / 8).collect::<String>())
}

/// An event as it is; as a text where it is no JSON, which ingest will say.
fn raw(event: &String) -> Result<Box<RawValue>, serde_json::Error> {
    RawValue::from_string(event.clone()).or_else(|_| RawValue::from_string(serde_json::to_string(event)?))
}

impl Batch {
    fn is_full(&self, items: usize, options: &ImportOptions) -> bool {
        let (items_max, bytes_max) = (options.batch_events_max, options.batch_bytes_max);
        items >= items_max || self.body.len() >= bytes_max || self.rows.len() >= items_max
    }
}

/// Batches as they are read.
pub(super) type Batches = mpsc::Receiver<Result<Batch, Error>>;

/// Starts reading at `from`; the batches come out in the order of the file.
///
/// # Errors
/// The system has no room for another thread.
pub(super) fn read_batches(options: ImportOptions, mapping: Mapping, from: Place) -> io::Result<Batches> {
    let (sender, receiver) = mpsc::channel(options.concurrency.max(1));
    let stuck = sender.clone();
    mapping.watch.when_stuck(Box::new(move |error| drop(stuck.blocking_send(Err(error)))));
    thread::Builder::new().stack_size(STACK_BYTES).spawn(move || {
        if let Err(error) = send_batches(&options, &mapping, from, &sender) {
            // When nobody listens any more, nobody needs to know.
            drop(sender.blocking_send(Err(error)));
        }
    })?;
    Ok(receiver)
}

fn send_batches(
    options: &ImportOptions,
    mapping: &Mapping,
    from: Place,
    sender: &mpsc::Sender<Result<Batch, Error>>,
) -> Result<(), Error> {
    let mut rows = Rows::open(&options.file, &mapping.reading, Some(from))?;
    loop {
        let batch = next_batch(options, mapping, &mut rows)?;
        if batch.rows.is_empty() || sender.blocking_send(Ok(batch)).is_err() {
            return Ok(());
        }
    }
}

fn next_batch(options: &ImportOptions, mapping: &Mapping, rows: &mut Rows) -> Result<Batch, Error> {
    let file = options.file.file_name().unwrap_or_default().to_string_lossy();
    let (mut batch, mut items) = (Batch::default(), 0);
    while !batch.is_full(items, options) {
        let Some(row) = rows.next()? else { break };
        mapping.watch.at_line(row.line);
        let events = row.record.as_ref().map_or(Ok(Ok(Vec::new())), |record| mapping.events(record))?;
        let mapped = MappedRow { row, events };
        items += mapped.items();
        batch.body += &mapped.line(&file).map_err(|error| Error::Io { path: options.file.clone(), source: error.into() })?;
        batch.rows.push(mapped);
    }
    batch.end = rows.place();
    batch.file_bytes = rows.bytes();
    Ok(batch)
}
