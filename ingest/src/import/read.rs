//! The reading side of an import, on its own thread: rows → events → batches, until nobody takes them any more.

use std::{io, thread};

use tokio::sync::mpsc;

use super::{
    ImportOptions,
    bounds::STACK_BYTES,
    mapping::Mapping,
    rows::{Place, Row, Rows},
};
use crate::Error;

/// One request's worth of rows.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) rows: Vec<MappedRow>,
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

impl Batch {
    /// The events of every row, one a line.
    pub(super) fn body(&self) -> String {
        let mut body = String::new();
        for event in self.rows.iter().flat_map(|row| row.events.iter().flatten()) {
            body.push_str(event);
            body.push('\n');
        }
        body
    }

    fn is_full(&self, events: usize, bytes: usize, options: &ImportOptions) -> bool {
        events >= options.batch_events_max || bytes >= options.batch_bytes_max || self.rows.len() >= options.batch_events_max
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
    let (mut batch, mut events, mut bytes) = (Batch::default(), 0, 0);
    while !batch.is_full(events, bytes, options) {
        let Some(row) = rows.next()? else { break };
        mapping.watch.at_line(row.line);
        let made = row.record.as_ref().map_or(Ok(Ok(Vec::new())), |record| mapping.events(record))?;
        for event in made.iter().flatten() {
            events += 1;
            bytes += event.len() + 1;
        }
        batch.rows.push(MappedRow { row, events: made });
    }
    batch.end = rows.place();
    batch.file_bytes = rows.bytes();
    Ok(batch)
}
