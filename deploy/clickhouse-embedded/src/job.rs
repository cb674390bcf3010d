//! One query from its text to the engine: on a blocking thread, its answer into a pipe.

use std::io::{PipeWriter, Write};
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::engine::Engine;
use crate::exception::{Exception, code};
use crate::ffi::{Connection, Counts};
use crate::session::{self, SessionRequest, Sessions};
use crate::spool::Spool;
use crate::sql::{self, Insert, Select, Statement};

/// A query with all that its request said.
pub(crate) struct Job {
    /// SQL, up to an INSERT's data.
    pub(crate) text: Vec<u8>,
    pub(crate) statement: Statement,
    /// An INSERT's data.
    pub(crate) data: Option<Spool>,
    /// The format of the answer, or of an INSERT's data.
    pub(crate) format: String,
    pub(crate) params: Vec<(Vec<u8>, Vec<u8>)>,
    pub(crate) settings: Vec<(String, String)>,
    pub(crate) database: Option<String>,
    /// Came by GET: may not write.
    pub(crate) read_only: bool,
    pub(crate) session: Option<SessionRequest>,
}

/// How far a job is, shared with whoever may want to cancel it.
#[derive(Debug)]
pub(crate) struct Progress {
    /// The `log_comment` by which the engine's list of queries shows this one.
    pub(crate) mark: String,
    cancelled: AtomicBool,
    finished: AtomicBool,
}

impl Progress {
    pub(crate) fn new(mark: String) -> Self {
        Self { mark, cancelled: AtomicBool::new(false), finished: AtomicBool::new(false) }
    }

    pub(crate) fn cancel(&self) {
        self.cancelled.store(true, Ordering::Release);
    }

    pub(crate) fn finished(&self) -> bool {
        self.finished.load(Ordering::Acquire)
    }
}

/// Says that the job is over, however its thread leaves.
struct Finish<'a>(&'a Progress);

impl Drop for Finish<'_> {
    fn drop(&mut self) {
        self.0.finished.store(true, Ordering::Release);
    }
}

impl Job {
    /// Runs the query to its end; blocks while the pipe is full.
    pub(crate) fn run(
        mut self,
        engine: &Engine,
        sessions: &Sessions,
        pipe: PipeWriter,
        progress: &Progress,
    ) -> Result<Counts, Exception> {
        let _finish = Finish(progress);
        if progress.cancelled.load(Ordering::Acquire) {
            return Err(Exception::new(code::QUERY_WAS_CANCELLED, "Query was cancelled before it started"));
        }
        self.settings.push(("log_comment".into(), progress.mark.clone()));
        match self.session.take() {
            None => self.run_alone(engine, pipe),
            Some(request) => {
                let mut lease = sessions.take(engine, request, &self.settings, self.database.as_deref())?;
                let outcome = self.run_in_session(&mut lease.connection, pipe);
                sessions.give_back(lease);
                outcome
            }
        }
    }

    fn run_alone(&mut self, engine: &Engine, pipe: PipeWriter) -> Result<Counts, Exception> {
        if self.read_only && !self.settings.iter().any(|(name, value)| name == "readonly" && value != "0") {
            self.settings.push(("readonly".into(), "2".into()));
        }
        let mut connection = engine.connect(&self.settings)?;
        if let Some(database) = &self.database {
            session::use_database(&mut connection, database)?;
        }
        self.execute(&mut connection, pipe)
    }

    /// `readonly` cannot be undone on a connection, so a session's GET is judged by its text.
    fn run_in_session(&self, connection: &mut Connection, pipe: PipeWriter) -> Result<Counts, Exception> {
        if self.read_only && !connection.classify(&self.text).reads_only() {
            return Err(Exception::new(code::READONLY, "Cannot execute query in readonly mode: use POST to change data"));
        }
        self.execute(connection, pipe)
    }

    fn execute(&self, connection: &mut Connection, pipe: PipeWriter) -> Result<Counts, Exception> {
        match &self.statement {
            Statement::Insert(insert) => self.insert(connection, insert),
            Statement::Select(select) => {
                self.check_single(connection)?;
                self.select(connection, select, pipe)
            }
            Statement::Other { .. } => {
                self.check_single(connection)?;
                self.plain(connection, pipe)
            }
            Statement::ServerFile => {
                let message = "FROM INFILE and INTO OUTFILE name files of the server: send data in the body and read the answer";
                Err(Exception::new(code::INTO_OUTFILE_NOT_ALLOWED, message))
            }
            Statement::InsertFromInput => {
                let message = "INSERT … SELECT … FROM input() is not supported: insert into the table's own columns";
                Err(Exception::new(code::NOT_IMPLEMENTED, message))
            }
        }
    }

    /// One statement per query: several would run one after another on the engine.
    fn check_single(&self, connection: &mut Connection) -> Result<(), Exception> {
        match connection.classify(&self.text).statements {
            1 => Ok(()),
            0 => {
                let error = connection.parse_error(&self.text).map(Exception::from_engine);
                Err(error.unwrap_or_else(|| Exception::new(code::SYNTAX_ERROR, "Empty query")))
            }
            count => Err(several(&format!("{count} statements in one query"))),
        }
    }

    fn insert(&self, connection: &mut Connection, insert: &Insert) -> Result<Counts, Exception> {
        let Some(data) = &self.data else {
            return Err(Exception::new(code::UNKNOWN_TYPE_OF_QUERY, "An INSERT needs data"));
        };
        if self.format.eq_ignore_ascii_case("Values") {
            let all = data.head(data.bytes()).map_err(|error| Exception::new(code::CANNOT_READ_BODY, error))?;
            if sql::values_go_on(&all) {
                return Err(several("more follows the rows of an INSERT"));
            }
        }
        let sql = insert.with_file(&self.text, &data.path(), &self.format);
        let outcome = connection.query(&sql, "TabSeparated", &self.params, |_| ());
        outcome.map(|(_, counts)| counts).map_err(Exception::from_engine)
    }

    /// Lets the engine write the answer, in its format and as it comes, straight into the pipe.
    fn select(&self, connection: &mut Connection, select: &Select, pipe: PipeWriter) -> Result<Counts, Exception> {
        let path = format!("/proc/self/fd/{}", pipe.as_raw_fd());
        let sql = select.with_pipe(&self.text, &path, &self.format);
        if connection.classify(&sql).statements != 1 {
            // A form of query that our clauses do not fit into runs whole, its answer in memory.
            return self.plain(connection, pipe);
        }
        let outcome = connection.query(&sql, &self.format, &self.params, |_| ());
        outcome.map(|(_, counts)| counts).map_err(Exception::from_engine)
    }

    fn plain(&self, connection: &mut Connection, mut pipe: PipeWriter) -> Result<Counts, Exception> {
        // A reader that has gone is no error of the query.
        let outcome = connection.query(&self.text, &self.format, &self.params, |bytes| pipe.write_all(bytes).ok());
        outcome.map(|(_, counts)| counts).map_err(Exception::from_engine)
    }
}

fn several(what: &str) -> Exception {
    Exception::new(code::SYNTAX_ERROR, format!("Syntax error (Multi-statements are not allowed): {what}"))
}
