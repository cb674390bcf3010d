//! What an import has got done, on disk: the refused rows with their reasons, and where to go on after an interruption.
//! Written in the order of the file, batch by batch, so that both always end at the same row.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    ImportOptions,
    post::{Answered, Refused},
    read::{Batch, MappedRow},
    record::Record,
    rows::Place,
    summary::{Summary, cause, count_reason},
};
use crate::Error;

/// The content of `FILE.progress.json`.
#[derive(Serialize, Deserialize)]
struct Progress {
    /// Hash of the file, the mapping, the address and the key: anything else is another import.
    identity: String,
    place: Place,
    refused_bytes: u64,
    summary: Summary,
}

/// Keeps both files.
pub(super) struct Journal {
    progress_path: PathBuf,
    refused_path: PathBuf,
    refused: Option<File>,
    progress: Progress,
}

impl Journal {
    /// Goes on where an import of the same identity stopped, or starts anew.
    ///
    /// # Errors
    /// The report directory cannot be written.
    pub(super) fn open(options: &ImportOptions, identity: String) -> Result<Self, Error> {
        let [refused_path, progress_path] = ["refused.ndjson", "progress.json"].map(|suffix| report_path(options, suffix));
        let known = fs::read(&progress_path).ok().and_then(|text| serde_json::from_slice::<Progress>(&text).ok());
        let continued = known.filter(|known| known.identity == identity && !options.restart);
        let progress = continued.unwrap_or_else(|| Progress {
            identity,
            place: Place::default(),
            refused_bytes: 0,
            summary: Summary::default(),
        });
        let mut journal = Self { progress_path, refused_path, refused: None, progress };
        journal.progress.summary.resumed_at_row = journal.progress.place.row;
        journal.cut_back_refused()?;
        journal.save()?;
        Ok(journal)
    }

    /// Drops refused rows that were written after the progress was: they are read again.
    fn cut_back_refused(&mut self) -> Result<(), Error> {
        if self.progress.refused_bytes == 0 {
            return match fs::remove_file(&self.refused_path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(&self.refused_path, error)),
                _ => Ok(()),
            };
        }
        let file = OpenOptions::new().append(true).open(&self.refused_path).map_err(|error| failed(&self.refused_path, error))?;
        file.set_len(self.progress.refused_bytes).map_err(|error| failed(&self.refused_path, error))?;
        self.refused = Some(file);
        Ok(())
    }

    pub(super) fn place(&self) -> Place {
        self.progress.place
    }

    pub(super) fn summary(&self) -> &Summary {
        &self.progress.summary
    }

    /// Notes one batch with ingest's answer to it; batches come in the order of the file.
    pub(super) fn record(&mut self, batch: &Batch, answered: &Answered) -> Result<(), Error> {
        let mut refused = answered.refused.iter().peekable();
        let mut index = 0;
        let mut lines = String::new();
        for row in &batch.rows {
            let mut problems: Vec<&Refused> = Vec::new();
            let items = index..index + row.items();
            while let Some(problem) = refused.next_if(|problem| items.contains(&problem.index)) {
                problems.push(problem);
            }
            lines += &self.count(row, items.start, &problems);
            index = items.end;
        }
        let summary = &mut self.progress.summary;
        summary.events_accepted += answered.accepted;
        summary.position = answered.position.clone().or(summary.position.take());
        self.append_refused(&lines)?;
        self.progress.place = batch.end;
        self.save()
    }

    /// Counts one row; its lines for the refused file, if any.
    fn count(&mut self, row: &MappedRow, first_event: usize, problems: &[&Refused]) -> String {
        let summary = &mut self.progress.summary;
        summary.rows += 1;
        let line = match (&row.row.record, &row.events) {
            (Err(broken), _) => {
                count_reason(&mut summary.reasons, "broken row");
                refused_line(row, "file", json!([{ "message": broken.reason }]), json!(broken.text))
            }
            (Ok(record), Err(reason)) => {
                count_reason(&mut summary.reasons, &cause(reason));
                refused_line(row, "mapping", json!([{ "message": reason }]), record.to_json())
            }
            (Ok(record), Ok(events)) => {
                summary.events_sent += events.len() as u64;
                refused_events(summary, row, record, &events[..], first_event, problems)
            }
        };
        if !line.is_empty() {
            summary.rows_refused += 1;
        }
        line
    }

    fn append_refused(&mut self, lines: &str) -> Result<(), Error> {
        if lines.is_empty() {
            return Ok(());
        }
        let file = match &mut self.refused {
            Some(file) => file,
            None => self.refused.insert(File::create(&self.refused_path).map_err(|error| failed(&self.refused_path, error))?),
        };
        file.write_all(lines.as_bytes()).and_then(|()| file.flush()).map_err(|error| failed(&self.refused_path, error))?;
        self.progress.refused_bytes += lines.len() as u64;
        self.progress.summary.refused_file = Some(self.refused_path.clone());
        Ok(())
    }

    /// Whole or not at all: an interrupted write must not lose the place.
    fn save(&self) -> Result<(), Error> {
        let text = serde_json::to_vec(&self.progress).map_err(|error| failed(&self.progress_path, error.into()))?;
        let beside = self.progress_path.with_extension("json.new");
        fs::write(&beside, text)
            .and_then(|()| fs::rename(&beside, &self.progress_path))
            .map_err(|error| failed(&self.progress_path, error))
    }

    /// The import is through: there is nothing left to go on with.
    pub(super) fn finish(self) -> Result<Summary, Error> {
        fs::remove_file(&self.progress_path).map_err(|error| failed(&self.progress_path, error))?;
        Ok(self.progress.summary)
    }
}

/// One line for each event that ingest refused, with everything that was wrong with it.
fn refused_events(
    summary: &mut Summary,
    row: &MappedRow,
    record: &Record,
    events: &[String],
    first_event: usize,
    problems: &[&Refused],
) -> String {
    let mut lines = String::new();
    for of_event in problems.chunk_by(|a, b| a.index == b.index) {
        summary.events_refused += 1;
        for problem in of_event {
            let reason = [problem.code.as_str(), problem.field.as_deref().unwrap_or("event")].join(" ");
            count_reason(&mut summary.reasons, &reason);
        }
        let reasons = of_event.iter().map(|p| json!({ "code": p.code, "field": p.field, "message": p.message })).collect();
        let event = events.get(of_event[0].index - first_event).map(String::as_str).unwrap_or_default();
        let with_event = json!({ "row": record.to_json(), "event": serde_json::from_str(event).unwrap_or(json!(event)) });
        lines += &refused_line(row, "ingest", Value::Array(reasons), with_event);
    }
    lines
}

fn refused_line(row: &MappedRow, by: &str, reasons: Value, content: Value) -> String {
    let line = json!({ "row": row.row.number, "line": row.row.line, "refused_by": by, "reasons": reasons, "content": content });
    format!("{line}\n")
}

/// `FILE.suffix`, in the report directory or beside the file.
fn report_path(options: &ImportOptions, suffix: &str) -> PathBuf {
    let mut name = options.file.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(suffix);
    let beside = options.file.parent().unwrap_or(Path::new(""));
    options.report_dir.as_deref().unwrap_or(beside).join(name)
}

fn failed(path: &Path, source: io::Error) -> Error {
    Error::Report { path: path.to_owned(), source }
}
