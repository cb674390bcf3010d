//! One query from its text to the engine: on a blocking thread, its answer into a pipe.

use std::io::{PipeWriter, Write};
use std::os::fd::AsRawFd;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::engine;
use crate::exception::{Exception, code};
use crate::ffi::{Connection, Counts};
use crate::http::Face;
use crate::session::SessionRequest;
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
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// The `log_comment` by which the engine's list of queries shows this one, once it has a connection.
    pub(crate) mark: OnceLock<String>,
    end: OnceLock<End>,
    finished: AtomicBool,
}

/// Which came first: the end of the query, or the wish that it ends. Only one of them is told `true`, so that no
/// connection is both kept for the next request and marked for the kill of this one.
#[derive(Debug)]
enum End {
    Done,
    Cancelled,
}

impl Progress {
    /// Asks for the query's end; false when it has ended by itself.
    pub(crate) fn cancel(&self) -> bool {
        self.end.set(End::Cancelled).is_ok()
    }

    /// The job's thread has left.
    pub(crate) fn finished(&self) -> bool {
        self.finished.load(Ordering::Acquire)
    }

    /// The query has ended; false when somebody asked for it before.
    fn done(&self) -> bool {
        self.end.set(End::Done).is_ok()
    }

    fn cancelled(&self) -> bool {
        matches!(self.end.get(), Some(End::Cancelled))
    }
}

/// Says that the job is over, however its thread leaves.
struct Finish<'a>(&'a Progress);

impl Drop for Finish<'_> {
    fn drop(&mut self) {
        self.0.done();
        self.0.finished.store(true, Ordering::Release);
    }
}

impl Job {
    /// Runs the query to its end; blocks while the pipe is full.
    pub(crate) fn run(mut self, face: &Face, pipe: PipeWriter, progress: &Progress) -> Result<Counts, Exception> {
        let _finish = Finish(progress);
        if progress.cancelled() {
            return Err(Exception::new(code::QUERY_WAS_CANCELLED, "Query was cancelled before it started"));
        }
        match self.session.take() {
            None => self.run_alone(face, pipe, progress),
            Some(request) => {
                let (settings, mark) = engine::marked(&self.settings);
                progress.mark.get_or_init(|| mark);
                let mut lease = face.sessions.take(&face.engine, request, &settings, self.database.as_deref())?;
                let outcome = self.run_in_session(&mut lease.connection, pipe);
                face.sessions.give_back(lease);
                outcome
            }
        }
    }

    fn run_alone(mut self, face: &Face, pipe: PipeWriter, progress: &Progress) -> Result<Counts, Exception> {
        if self.read_only && !self.settings.iter().any(|(name, value)| name == "readonly" && value != "0") {
            self.settings.push(("readonly".into(), "2".into()));
        }
        let (settings, database) = (std::mem::take(&mut self.settings), self.database.take());
        let mut line = face.kept.take(&face.engine, settings, database)?;
        progress.mark.get_or_init(|| line.mark.clone());
        let outcome = self.execute(&mut line.connection, pipe);
        let leaves_nothing = matches!(self.statement, Statement::Insert(_) | Statement::Select(_));
        if leaves_nothing && outcome.is_ok() && progress.done() {
            face.kept.keep(line);
        }
        outcome
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
