//! Reading a body within bounds: its size as sent and decoded, its time, and what all bodies together may hold.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Body,
    http::{HeaderMap, StatusCode, header::CONTENT_LENGTH},
};
use futures::StreamExt;
use tokio::sync::OwnedSemaphorePermit;

use super::encoding::{DecodeError, Decoder, Encoding};
use crate::{accept::Rejection, service::Service};

/// A body, and its share of the bytes in flight until it is dropped.
pub(crate) struct BoundedBody {
    pub(crate) bytes: Vec<u8>,
    _share: OwnedSemaphorePermit,
}

/// # Errors
/// 413 for a body over the limit, 429 when too much is in flight, 408 when it does not come in time, 400 when it breaks off
/// or is not in its encoding.
pub(crate) async fn read_body(
    service: &Service,
    headers: &HeaderMap,
    encoding: Encoding,
    body: Body,
) -> Result<BoundedBody, Rejection> {
    let declared = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    let most = service.config.body_bytes_max;
    if declared.is_some_and(|declared| declared > most) {
        return Err(over_limit(most));
    }
    // What is declared is the size as sent; decoded, a body could be as large as any.
    let expected = declared.filter(|_| encoding == Encoding::Identity);
    let mut share = reserve(service, expected.unwrap_or(most))?;
    let in_time = Duration::from_millis(service.config.body_timeout_ms);
    let collected = tokio::time::timeout(in_time, collect(body, encoding, expected.unwrap_or(0), most)).await;
    let bytes = collected.map_err(|_| too_late(service, in_time))??;
    service.metrics.body_read(bytes.len());
    give_back(&mut share, bytes.len());
    Ok(BoundedBody { bytes, _share: share })
}

/// Whose fault it was cannot be told while ingest itself is busy: then a sender is not blamed, but comes back later.
fn too_late(service: &Service, in_time: Duration) -> Rejection {
    let message = format!("the body did not arrive within {} ms; nothing was kept", in_time.as_millis());
    if service.turns.available_permits() < service.config.requests_max / 2 {
        return Rejection::later(StatusCode::SERVICE_UNAVAILABLE, "overload", message, service.config.retry_after_s);
    }
    Rejection::new(StatusCode::REQUEST_TIMEOUT, "body_timeout", message)
}

/// Takes a share of the bytes in flight; a body of unknown length could be as large as any.
fn reserve(service: &Service, bytes: usize) -> Result<OwnedSemaphorePermit, Rejection> {
    let kibibytes = u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX);
    let share = Arc::clone(&service.in_flight).try_acquire_many_owned(kibibytes);
    share.map_err(|_| {
        Rejection::later(
            StatusCode::TOO_MANY_REQUESTS,
            "in_flight",
            format!(
                "bodies of {} bytes are being worked on already; nothing was kept, send the same again later",
                service.config.in_flight_bytes_max
            ),
            service.config.retry_after_s,
        )
    })
}

/// Keeps only what the body turned out to need.
fn give_back(share: &mut OwnedSemaphorePermit, bytes: usize) {
    let surplus = share.num_permits().saturating_sub(bytes.div_ceil(1024));
    drop(share.split(surplus));
}

async fn collect(body: Body, encoding: Encoding, expected: usize, most: usize) -> Result<Vec<u8>, Rejection> {
    let failed = |error| match error {
        DecodeError::TooLarge => over_limit(most),
        DecodeError::Malformed(error) => {
            let message = format!("the body is not {}, or not all of it: {error}; nothing was kept", encoding.name());
            Rejection::new(StatusCode::BAD_REQUEST, "malformed_encoding", message)
        }
    };
    let mut decoder = Decoder::new(encoding, expected, most).map_err(failed)?;
    let mut sent_bytes = 0;
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| {
            Rejection::new(StatusCode::BAD_REQUEST, "body_broken", format!("the body broke off: {error}; nothing was kept"))
        })?;
        sent_bytes += chunk.len();
        if sent_bytes > most {
            return Err(over_limit(most));
        }
        decoder.push(&chunk).map_err(failed)?;
    }
    decoder.finish().map_err(failed)
}

fn over_limit(most: usize) -> Rejection {
    let message = format!("the body has more than {most} bytes, decoded or as sent; it was not kept, send it in smaller parts");
    Rejection::too_large("body_too_large", message)
}
