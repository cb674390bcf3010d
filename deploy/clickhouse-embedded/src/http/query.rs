//! One query over HTTP: admission, body, engine, answer. A client that goes away takes its query with it.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use futures::FutureExt;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;

use crate::config::Config;
use crate::engine::Engine;
use crate::exception::{Exception, code};
use crate::ffi::{self, Counts};
use crate::http::answer::{self, Answer};
use crate::http::body::{self, Query};
use crate::http::multipart;
use crate::http::request::Request;
use crate::job::{Job, Progress};
use crate::kept::Kept;
use crate::session::Sessions;
use crate::spool::Spool;

/// The engine asks its reader less often when the pipe holds this much.
const PIPE_BYTES: i32 = 1 << 20;
/// A body below this is decompressed and divided at once; a larger one is worth a thread.
const INLINE_BODY_BYTES: u64 = 64 << 10;
const KILL_AGAIN_MS_MAX: u64 = 500;

/// What every request needs.
pub(crate) struct Face {
    pub(crate) engine: Engine,
    pub(crate) kept: Kept,
    pub(crate) sessions: Sessions,
    pub(crate) config: Config,
    /// One permit for each request that runs or waits.
    admitted: Arc<Semaphore>,
    /// One permit for each query that runs.
    running: Arc<Semaphore>,
}

impl Face {
    pub(crate) fn new(engine: Engine, config: Config) -> Self {
        Self {
            engine,
            kept: Kept::new(config.connections),
            sessions: Sessions::new(config.sessions_max),
            admitted: Arc::new(Semaphore::new(config.connections + config.waiting_max)),
            running: Arc::new(Semaphore::new(config.connections)),
            config,
        }
    }

    /// Waits until no query runs.
    pub(crate) async fn idle(&self) {
        let all = u32::try_from(self.config.connections).unwrap_or(u32::MAX);
        drop(self.running.acquire_many(all).await);
    }
}

/// Answers one request; every error becomes ClickHouse's kind of answer.
pub(crate) async fn handle(face: Arc<Face>, request: axum::extract::Request) -> Response {
    let (parts, body) = request.into_parts();
    let request = match Request::read(&parts, &face.config) {
        Ok(request) => request,
        Err(error) => return answer::refusal(None, &error),
    };
    let query_id = request.query_id.clone();
    let answered = answer(&face, request, body).await;
    answered.unwrap_or_else(|error| answer::refusal(Some(&query_id), &error))
}

async fn answer(face: &Arc<Face>, mut request: Request, body: Body) -> Result<Response, Exception> {
    let admitted = face.admitted.clone().try_acquire_owned().map_err(|_| {
        let message = format!("Too many simultaneous queries. Maximum: {}", face.config.connections);
        Exception::new(code::TOO_MANY_SIMULTANEOUS_QUERIES, message)
    })?;
    let mut body = body::receive(body, &face.config).await?;
    if let Some(boundary) = request.boundary.take() {
        body = take_form(&mut request, &body, &boundary, &face.config)?;
    }
    let request = Arc::new(request);
    let query = divide(face, &request, body).await?;
    let format = query.format.clone();
    let running = face.running.clone().acquire_owned().await.map_err(|_| stopping())?;
    let run = Run::start(face, job(&request, query), [admitted, running])?;
    Answer::new(face, &request, format, run).respond().await
}

/// The fields of a form are parameters like those of the URL; nothing is left of the body.
fn take_form(request: &mut Request, body: &Spool, boundary: &str, config: &Config) -> Result<Spool, Exception> {
    let broken = |error| Exception::new(code::CANNOT_READ_BODY, error);
    if body.bytes() > config.query_bytes_max {
        let message = format!("The form is larger than {} bytes (query_bytes_max)", config.query_bytes_max);
        return Err(Exception::new(code::QUERY_IS_TOO_LARGE, message));
    }
    for (name, value) in multipart::fields(&body.head(body.bytes()).map_err(broken)?, boundary)? {
        request.parameter(&name, value)?;
    }
    Spool::new(config.body_bytes_max).map_err(broken)
}

async fn divide(face: &Arc<Face>, request: &Arc<Request>, body: Spool) -> Result<Query, Exception> {
    if body.bytes() < INLINE_BODY_BYTES {
        return body::divide(request, body, &face.config);
    }
    let (face, request) = (Arc::clone(face), Arc::clone(request));
    tokio::task::spawn_blocking(move || body::divide(&request, body, &face.config)).await.map_err(|_| stopping())?
}

fn job(request: &Request, query: Query) -> Job {
    Job {
        text: query.text,
        statement: query.statement,
        data: query.data,
        format: query.format,
        params: request.params.clone(),
        settings: request.settings.clone(),
        database: request.database.clone(),
        read_only: request.read_only,
        session: request.session.clone(),
    }
}

fn stopping() -> Exception {
    Exception::new(code::ABORTED, "The engine is shutting down")
}

/// A query on its thread. Dropped before its end, it has the engine kill the query.
pub(crate) struct Run {
    face: Arc<Face>,
    progress: Arc<Progress>,
    outcome: JoinHandle<Result<Counts, Exception>>,
    runtime: Handle,
    pipe: Option<tokio::net::unix::pipe::Receiver>,
}

impl Run {
    fn start(face: &Arc<Face>, job: Job, permits: [OwnedSemaphorePermit; 2]) -> Result<Self, Exception> {
        let broken = |error| Exception::new(code::CANNOT_READ_BODY, format!("Cannot make a pipe: {error}"));
        let (reader, writer) = std::io::pipe().map_err(broken)?;
        ffi::widen_pipe(&writer, PIPE_BYTES);
        let pipe = tokio::net::unix::pipe::Receiver::from_owned_fd(reader.into()).map_err(broken)?;
        let progress = Arc::new(Progress::default());
        let outcome = {
            let (face, progress) = (Arc::clone(face), Arc::clone(&progress));
            tokio::task::spawn_blocking(move || {
                let _permits = permits;
                job.run(&face, writer, &progress)
            })
        };
        Ok(Self { face: Arc::clone(face), progress, outcome, runtime: Handle::current(), pipe: Some(pipe) })
    }

    /// The answer's bytes.
    pub(crate) fn take_pipe(&mut self) -> Option<tokio::net::unix::pipe::Receiver> {
        self.pipe.take()
    }

    /// How the query ended; call it when the pipe has ended.
    pub(crate) async fn outcome(&mut self) -> Result<Counts, Exception> {
        (&mut self.outcome).map(|joined| joined.unwrap_or_else(|_| Err(stopping()))).await
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if !self.progress.cancel() {
            return;
        }
        let (face, progress) = (Arc::clone(&self.face), Arc::clone(&self.progress));
        self.runtime.spawn(async move {
            // The query may not have reached the engine's list yet, so one attempt may find nothing.
            let mut pause_ms = 10;
            while !progress.finished() {
                let (face, progress) = (Arc::clone(&face), Arc::clone(&progress));
                let kill = move || progress.mark.get().map(|mark| face.engine.kill(mark));
                drop(tokio::task::spawn_blocking(kill).await);
                tokio::time::sleep(Duration::from_millis(pause_ms)).await;
                pause_ms = (pause_ms * 2).min(KILL_AGAIN_MS_MAX);
            }
        });
    }
}
