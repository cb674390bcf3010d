//! Connections: so many at a time, each with bounds on its headers and on how long it may be silent between requests.
//! More wait in the system's backlog, where they cost this process nothing.

use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use crate::Config;

/// All headers of a request; more is answered with 431.
const HEAD_BYTES_MAX: usize = 64 << 10;
/// Pause after the system had no connection to give, which is mostly because it has no file handles left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(500);

/// Answers until `shutdown`, then until every connection has had its answer. Dropped, it cuts them off.
pub(crate) async fn serve(listener: TcpListener, router: Router, config: &Config, shutdown: CancellationToken) {
    let silence = Duration::from_millis(config.header_timeout_ms);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = shutdown.cancelled() => break,
            Some(_) = connections.join_next() => {}
            stream = accept(&listener), if connections.len() < config.connections_max => {
                connections.spawn(converse(stream, router.clone(), silence, shutdown.clone()));
            }
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(error) => {
                tracing::warn!(%error, "no connection could be taken");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn converse(stream: TcpStream, router: Router, silence: Duration, shutdown: CancellationToken) {
    // Answers are small and written whole; waiting to fill a packet would only delay them.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY");
    }
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(silence).max_buf_size(HEAD_BYTES_MAX);
    let mut connection = std::pin::pin!(http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router)));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke off");
    }
}
