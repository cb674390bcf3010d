//! Connections kept between requests: opening one and choosing its database costs a millisecond, most of a small query.
//!
//! A kept connection serves only requests with the same settings and database as the one it was opened for, and only
//! after a SELECT or INSERT that went well: nothing else can leave something of one request to the next.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::engine::{self, Engine, Settings};
use crate::exception::Exception;
use crate::ffi::Connection;
use crate::session;

/// A connection with what it was opened for.
pub(crate) struct Line {
    pub(crate) connection: Connection,
    /// The `log_comment` by which the engine's list of queries shows what runs here.
    pub(crate) mark: String,
    settings: Vec<(String, String)>,
    database: Option<String>,
}

/// The connections that wait for a request like their last one; the oldest goes when there are too many.
pub(crate) struct Kept {
    lines_max: usize,
    lines: Mutex<VecDeque<Line>>,
}

impl Kept {
    pub(crate) fn new(lines_max: usize) -> Self {
        Self { lines_max, lines: Mutex::new(VecDeque::new()) }
    }

    /// Takes the connection used last with these settings and this database, or opens one.
    pub(crate) fn take(
        &self,
        engine: &Engine,
        settings: Vec<(String, String)>,
        database: Option<String>,
    ) -> Result<Line, Exception> {
        if let Some(line) = self.find(&settings, database.as_deref()) {
            return Ok(line);
        }
        let (marked, mark) = engine::marked(&settings);
        let mut connection = engine.connect(&marked)?;
        if let Some(database) = &database {
            session::use_database(&mut connection, database)?;
        }
        Ok(Line { connection, mark, settings, database })
    }

    /// Keeps a connection for the next request like its own.
    pub(crate) fn keep(&self, line: Line) {
        let mut lines = self.lock();
        lines.push_back(line);
        let oldest = if lines.len() > self.lines_max { lines.pop_front() } else { None };
        drop(lines);
        // Closing a connection waits for the engine.
        drop(oldest);
    }

    /// Closes every kept connection.
    pub(crate) fn close(&self) {
        self.lock().clear();
    }

    fn find(&self, settings: &Settings, database: Option<&str>) -> Option<Line> {
        let mut lines = self.lock();
        let like = |line: &Line| line.settings == settings && line.database.as_deref() == database;
        let at = lines.iter().rposition(like)?;
        lines.remove(at)
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Line>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
