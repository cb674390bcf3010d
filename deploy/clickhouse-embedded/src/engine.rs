//! The engine on one data directory: locks it, opens connections with their settings, kills queries, closes.
//!
//! One connection is always open, because the engine goes with its last.

use std::collections::HashSet;
use std::ffi::CString;
use std::fs::{self, File, TryLockError};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::config::Config;
use crate::error::Error;
use crate::exception::{Exception, code};
use crate::ffi::{Api, Connection};

const LOCK_FILE: &str = "clickhouse-embedded.lock";

/// Settings of one request, by name.
pub(crate) type Settings = [(String, String)];

/// The running engine.
pub(crate) struct Engine {
    api: Arc<Api>,
    args: Vec<CString>,
    known_settings: HashSet<String>,
    /// The server's time zone, for `X-ClickHouse-Timezone`.
    pub(crate) time_zone: String,
    anchor: Mutex<Option<Connection>>,
    /// Held until the process ends or the engine is dropped.
    _lock: File,
}

impl Engine {
    /// Starts the engine.
    ///
    /// # Errors
    /// The directory is in use or cannot be made, the library does not load, the engine refuses.
    pub(crate) fn start(config: &Config) -> Result<Self, Error> {
        let lock = lock(&config.path)?;
        let api = Api::load(&config.libchdb).map_err(|source| Error::Library { path: config.libchdb.clone(), source })?;
        let refused = |reason: &str| Error::Start { path: config.path.clone(), reason: reason.to_owned() };
        let path = format!("--path={}", config.path.display());
        let limit = format!("--max_execution_time={}", config.query_seconds_max);
        let args = ["clickhouse".to_owned(), path, limit].into_iter().chain(config.engine_args.iter().cloned());
        let args: Vec<CString> =
            args.map(CString::new).collect::<Result<_, _>>().map_err(|_| refused("a path or an argument holds a zero byte"))?;
        let mut anchor = Connection::open(&api, &args).ok_or_else(|| refused("it refused to connect"))?;
        let names = rows(&mut anchor, "SELECT name FROM system.settings").map_err(|error| refused(&error))?;
        let time_zone = rows(&mut anchor, "SELECT timezone()").map_err(|error| refused(&error))?.concat();
        Ok(Self {
            api,
            args,
            known_settings: names.into_iter().collect(),
            time_zone,
            anchor: Mutex::new(Some(anchor)),
            _lock: lock,
        })
    }

    /// Opens a connection with these settings, which end with it.
    pub(crate) fn connect(&self, settings: &Settings) -> Result<Connection, Exception> {
        self.check_names(settings)?;
        if self.anchor().is_none() {
            return Err(Exception::new(code::ABORTED, "The engine is shutting down"));
        }
        let mut args = self.args.clone();
        for (name, value) in settings {
            let arg = CString::new(format!("--{name}={value}"));
            args.push(arg.map_err(|_| Exception::new(code::BAD_ARGUMENTS, format!("Setting {name} holds a zero byte")))?);
        }
        Connection::open(&self.api, &args).ok_or_else(|| self.why_refused(settings))
    }

    /// Refuses settings that the engine does not know: as arguments it would silently pass them over.
    pub(crate) fn check_names(&self, settings: &Settings) -> Result<(), Exception> {
        match settings.iter().find(|(name, _)| !self.known_settings.contains(name)) {
            Some((name, _)) => Err(Exception::new(code::UNKNOWN_SETTING, format!("Unknown setting '{name}'"))),
            None => Ok(()),
        }
    }

    /// Asks the engine to stop the query whose connection has this `log_comment`. Returns before it has stopped.
    pub(crate) fn kill(&self, mark: &str) {
        let filter = format!("Settings['log_comment'] = {}", quote(mark));
        self.kill_where(&filter);
    }

    /// Asks the engine to stop every query.
    pub(crate) fn kill_all(&self) {
        self.kill_where("1");
    }

    fn kill_where(&self, filter: &str) {
        let killed = self.connect(&[]).and_then(|mut connection| {
            let sql = format!("KILL QUERY WHERE {filter} ASYNC");
            run(&mut connection, &sql)
        });
        if let Err(error) = killed {
            tracing::warn!(error = error.text(), "cannot kill a query");
        }
    }

    /// Closes the last connection, and the engine with it. Call it when no query runs.
    pub(crate) fn close(&self) {
        drop(self.anchor().take());
    }

    fn anchor(&self) -> MutexGuard<'_, Option<Connection>> {
        self.anchor.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The engine gives no reason when an argument's value is wrong, but SET does.
    fn why_refused(&self, settings: &Settings) -> Exception {
        let Some(mut connection) = Connection::open(&self.api, &self.args) else {
            return Exception::new(code::ABORTED, "The engine accepts no more connections: it is shutting down");
        };
        let error = settings.iter().find_map(|(name, value)| set(&mut connection, name, value).err());
        error.unwrap_or_else(|| Exception::new(code::BAD_ARGUMENTS, "The engine refused the settings of this request"))
    }
}

/// The settings with a `log_comment` that no other query has, after the client's own, and that mark.
pub(crate) fn marked(settings: &Settings) -> (Vec<(String, String)>, String) {
    let mut marked = settings.to_vec();
    let unique = uuid::Uuid::new_v4();
    let mark = match marked.iter().position(|(name, _)| name == "log_comment") {
        Some(at) => format!("{} {unique}", marked.swap_remove(at).1),
        None => unique.to_string(),
    };
    marked.push(("log_comment".into(), mark.clone()));
    (marked, mark)
}

/// `SET name = value` on this connection.
pub(crate) fn set(connection: &mut Connection, name: &str, value: &str) -> Result<(), Exception> {
    run(connection, &format!("SET {name} = {}", quote(value)))
}

/// Runs a statement of our own that has no answer.
pub(crate) fn run(connection: &mut Connection, sql: &str) -> Result<(), Exception> {
    connection.query(sql.as_bytes(), "Null", &[], |_| ()).map(|_| ()).map_err(Exception::from_engine)
}

/// The lines of a small answer.
pub(crate) fn rows(connection: &mut Connection, sql: &str) -> Result<Vec<String>, String> {
    let (text, _) = connection.query(sql.as_bytes(), "TabSeparatedRaw", &[], |bytes| {
        String::from_utf8_lossy(bytes).lines().map(str::to_owned).collect()
    })?;
    Ok(text)
}

/// A string literal.
pub(crate) fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// Takes the directory for this process, so that a second engine gets a clear error instead of damaged files.
fn lock(path: &Path) -> Result<File, Error> {
    let failed = |source| Error::Directory { path: path.to_owned(), source };
    fs::create_dir_all(path).map_err(failed)?;
    let file = File::create(path.join(LOCK_FILE)).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::Locked(path.to_owned())),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}
