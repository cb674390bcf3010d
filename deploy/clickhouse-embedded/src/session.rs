//! Connections that a client keeps by `session_id`: what it SETs, USEs or creates as temporary stays with the id.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::engine::{self, Engine, Settings};
use crate::exception::{Exception, code};
use crate::ffi::Connection;

/// What a request says about its session.
#[derive(Debug, Clone)]
pub(crate) struct SessionRequest {
    pub(crate) id: String,
    /// How long the session lives on after this request.
    pub(crate) idle: Duration,
    /// The session must exist already (`session_check=1`).
    pub(crate) must_exist: bool,
}

/// All sessions of this process.
pub(crate) struct Sessions {
    sessions_max: usize,
    open: Mutex<HashMap<String, Slot>>,
}

/// A session: its connection, away while a request uses it.
struct Slot {
    connection: Option<Connection>,
    expires: Instant,
}

/// A session's connection in the hands of one request, and how to undo the request's own settings.
pub(crate) struct Lease {
    pub(crate) connection: Connection,
    request: SessionRequest,
    undo: Vec<String>,
}

impl Sessions {
    pub(crate) fn new(sessions_max: usize) -> Self {
        Self { sessions_max, open: Mutex::new(HashMap::new()) }
    }

    /// Takes a session's connection, or opens one. The settings are the request's: `give_back` undoes them.
    pub(crate) fn take(
        &self,
        engine: &Engine,
        request: SessionRequest,
        settings: &Settings,
        database: Option<&str>,
    ) -> Result<Lease, Exception> {
        engine.check_names(settings)?;
        let connection = match self.find(&request)? {
            Some(connection) => connection,
            None => engine.connect(&[]).inspect_err(|_| self.forget(&request.id))?,
        };
        let mut lease = Lease { connection, request, undo: Vec::new() };
        match lease.apply(settings, database) {
            Ok(()) => Ok(lease),
            Err(error) => {
                self.give_back(lease);
                Err(error)
            }
        }
    }

    /// Undoes the request's settings and keeps the connection for the session's next request.
    pub(crate) fn give_back(&self, mut lease: Lease) {
        let undone = lease.undo.iter().rev().try_for_each(|sql| engine::run(&mut lease.connection, sql));
        match undone {
            Ok(()) => {
                let slot = Slot { connection: Some(lease.connection), expires: Instant::now() + lease.request.idle };
                self.lock().insert(lease.request.id, slot);
            }
            // What cannot be undone must not stick: the session ends.
            Err(_) => self.forget(&lease.request.id),
        }
    }

    /// Closes the sessions whose time is over.
    pub(crate) fn expire(&self) {
        let now = Instant::now();
        self.lock().retain(|_, slot| slot.connection.is_none() || slot.expires > now);
    }

    /// Closes every session that is not in use.
    pub(crate) fn close(&self) {
        self.lock().clear();
    }

    /// The session's connection if it is there and free; its place, reserved, if it is new.
    fn find(&self, request: &SessionRequest) -> Result<Option<Connection>, Exception> {
        self.expire();
        let mut open = self.lock();
        if let Some(slot) = open.get_mut(&request.id) {
            let busy = || Exception::new(code::SESSION_IS_LOCKED, "Session is locked by a concurrent client");
            return slot.connection.take().map(Some).ok_or_else(busy);
        }
        if request.must_exist {
            return Err(Exception::new(code::SESSION_NOT_FOUND, "Session not found"));
        }
        if open.len() >= self.sessions_max {
            let message = format!("{} sessions are open already (sessions_max)", self.sessions_max);
            return Err(Exception::new(code::TOO_MANY_SIMULTANEOUS_QUERIES, message));
        }
        open.insert(request.id.clone(), Slot { connection: None, expires: Instant::now() + request.idle });
        Ok(None)
    }

    fn forget(&self, id: &str) {
        self.lock().remove(id);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Slot>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lease {
    fn apply(&mut self, settings: &Settings, database: Option<&str>) -> Result<(), Exception> {
        for (name, value) in settings {
            let sql = format!("SELECT changed, value FROM system.settings WHERE name = {}", engine::quote(name));
            let before = engine::rows(&mut self.connection, &sql).map_err(Exception::from_engine)?.join("\n");
            engine::set(&mut self.connection, name, value)?;
            self.undo.push(match before.split_once('\t') {
                Some(("1", old)) => format!("SET {name} = {}", engine::quote(old)),
                _ => format!("SET {name} = DEFAULT"),
            });
        }
        if let Some(database) = database {
            let sql = "SELECT currentDatabase()";
            let before = engine::rows(&mut self.connection, sql).map_err(Exception::from_engine)?.concat();
            use_database(&mut self.connection, database)?;
            self.undo.push(format!("USE {}", quote_name(&before)));
        }
        Ok(())
    }
}

/// `USE database` on this connection.
pub(crate) fn use_database(connection: &mut Connection, database: &str) -> Result<(), Exception> {
    engine::run(connection, &format!("USE {}", quote_name(database)))
}

/// An identifier in backticks.
fn quote_name(name: &str) -> String {
    format!("`{}`", name.replace('\\', "\\\\").replace('`', "\\`"))
}
