//! What a refused sender is still sending is read and thrown away, for a while: a connection that is closed with bytes
//! unread is reset by the system, and the sender might never see why it was refused.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    body::{Body, BodyDataStream},
    extract::Request,
    http::header::EXPECT,
    middleware::Next,
    response::Response,
};
use futures::{StreamExt, stream};

/// Longest time that a refused body is read for, and most of it that is.
const READ_OUT_WITHIN: Duration = Duration::from_secs(1);
const READ_OUT_BYTES_MAX: usize = 16 << 20;

pub(crate) async fn read_out(request: Request, next: Next) -> Response {
    // Who asks before sending (RFC 9110, section 10.1.1) sends nothing once refused.
    let asks_first = request.headers().contains_key(EXPECT);
    let (head, body) = request.into_parts();
    let body = Arc::new(Mutex::new(body.into_data_stream()));
    let response = next.run(Request::from_parts(head, Body::from_stream(chunks(body.clone())))).await;
    if !response.status().is_success() && !asks_first {
        // Too much or too slow: the answer must do without.
        let _ = tokio::time::timeout(READ_OUT_WITHIN, throw_away(body)).await;
    }
    response
}

fn chunks(body: Arc<Mutex<BodyDataStream>>) -> impl futures::Stream<Item = Result<axum::body::Bytes, axum::Error>> {
    stream::poll_fn(move |context| body.lock().unwrap_or_else(PoisonError::into_inner).poll_next_unpin(context))
}

async fn throw_away(body: Arc<Mutex<BodyDataStream>>) {
    let mut rest = std::pin::pin!(chunks(body));
    let mut bytes = 0;
    while let Some(Ok(chunk)) = rest.next().await {
        bytes += chunk.len();
        if bytes > READ_OUT_BYTES_MAX {
            return;
        }
    }
}
