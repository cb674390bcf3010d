//! Starts the engine, serves it, and ends both within a bounded time.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::engine::Engine;
use crate::error::Error;
use crate::http::{self, Face};

/// How often idle sessions are looked at.
const SESSION_CHECK: Duration = Duration::from_secs(5);
/// How long killed queries and their connections may take to end.
const KILLED_ENDS: Duration = Duration::from_millis(1500);

/// Serves the engine until `shutdown`, then lets queries run on for `drain_ms`, kills the rest and closes the engine.
/// A process has one engine at a time; end it with [`crate::exit`], past the engine's static destructors.
///
/// # Errors
/// The address is not loopback or taken, the directory in use, the library or the engine does not start.
pub async fn run(config: Config, shutdown: CancellationToken) -> Result<(), Error> {
    if !config.listen.ip().is_loopback() {
        return Err(Error::NotLoopback(config.listen));
    }
    let listen = config.listen;
    let listener = TcpListener::bind(listen).await.map_err(|source| Error::Listen { listen, source })?;
    let face = start(config).await?;
    tracing::info!(%listen, path = %face.config.path.display(), "ClickHouse's engine is ready");
    let served = serve(listener, Arc::clone(&face), shutdown).await;
    close(face).await;
    served
}

/// Starting the engine reads its tables, so it happens off the runtime's workers.
async fn start(config: Config) -> Result<Arc<Face>, Error> {
    let path = config.path.clone();
    let started = tokio::task::spawn_blocking(move || Engine::start(&config).map(|engine| Arc::new(Face::new(engine, config))));
    let ended = |error: tokio::task::JoinError| Error::Start { path, reason: error.to_string() };
    started.await.map_err(ended)?
}

async fn serve(listener: TcpListener, face: Arc<Face>, shutdown: CancellationToken) -> Result<(), Error> {
    let drain = Duration::from_millis(face.config.drain_ms);
    let server =
        axum::serve(listener, http::router(Arc::clone(&face))).with_graceful_shutdown(shutdown.clone().cancelled_owned());
    tokio::select! {
        served = server => served.map_err(Error::Serve),
        never = expire_sessions(&face) => never,
        () = async { shutdown.cancelled().await; tokio::time::sleep(drain).await } => Ok(()),
    }
}

async fn expire_sessions(face: &Arc<Face>) -> Result<(), Error> {
    let mut ticks = tokio::time::interval(SESSION_CHECK);
    loop {
        ticks.tick().await;
        let face = Arc::clone(face);
        // Closing a connection waits for the engine.
        drop(tokio::task::spawn_blocking(move || face.sessions.expire()).await);
    }
}

async fn close(face: Arc<Face>) {
    let killer = Arc::clone(&face);
    let closed = async {
        tokio::task::spawn_blocking(move || killer.engine.kill_all()).await.ok()?;
        face.idle().await;
        let closer = Arc::clone(&face);
        let close = move || {
            closer.kept.close();
            closer.sessions.close();
            closer.engine.close();
        };
        tokio::task::spawn_blocking(close).await.ok()
    };
    match tokio::time::timeout(KILLED_ENDS, closed).await {
        Ok(Some(())) => tracing::info!("ClickHouse's engine is closed"),
        _ => tracing::warn!("ClickHouse's engine is left as after a crash: its next start recovers"),
    }
}
