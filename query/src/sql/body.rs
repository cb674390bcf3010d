//! The body of an answer that is written while it is read: written on the threads for SQL, read by a connection. A client that
//! goes away ends the writing, and writing that fails breaks the body off, so that no half answer looks like a whole one.

use axum::body::{Body, Bytes};
use futures::{
    StreamExt, TryStreamExt,
    stream::{iter, try_unfold},
};
use tokio::sync::mpsc::{Sender, channel};
use tokio_util::task::AbortOnDropHandle;

use super::Threads;
use crate::{
    Error,
    http::request_id::{self, RequestId},
};

/// Chunks that are written ahead of a client that reads slowly; a further one waits in the hands of the writer.
const CHUNKS_AHEAD_MAX: usize = 1;

/// Where a writer puts what it has written.
pub(crate) struct Chunks(Sender<Bytes>);

impl Chunks {
    /// Waits until there is room for these bytes.
    ///
    /// # Errors
    /// [`Error::Canceled`]: nobody reads any more.
    pub(crate) async fn give(&self, bytes: Vec<u8>) -> Result<(), Error> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.0.send(bytes.into()).await.map_err(|_| Error::Canceled)
    }
}

/// The body that `write` writes, as soon as there are first bytes of it. What goes wrong before is an answer of its own.
///
/// # Errors
/// What `write` says before its first bytes.
pub(crate) async fn body<W>(threads: &Threads, write: impl FnOnce(Chunks) -> W) -> Result<Body, Error>
where
    W: Future<Output = Result<(), Error>> + Send + 'static,
{
    let (sender, mut chunks) = channel(CHUNKS_AHEAD_MAX);
    let writing = threads.spawn(write(Chunks(sender)))?;
    let Some(first) = chunks.recv().await else {
        ended(writing).await?;
        return Ok(Body::empty());
    };
    let rest = try_unfold((chunks, writing), async |(mut chunks, writing)| match chunks.recv().await {
        Some(chunk) => Ok(Some((chunk, (chunks, writing)))),
        // Only a writer that says so has written everything: one that failed gives no more chunks either.
        None => ended(writing).await.map(|()| None),
    });
    let request_id = request_id::current();
    let rest = rest.inspect_err(move |error| {
        tracing::warn!(%error, request_id = request_id.as_ref().map(RequestId::as_str), "an answer broke off");
    });
    Ok(Body::from_stream(iter([Ok(first)]).chain(rest)))
}

async fn ended(writing: AbortOnDropHandle<Result<(), Error>>) -> Result<(), Error> {
    writing.await.map_err(|error| Error::Unexpected(error.to_string()))?
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use tokio_util::sync::CancellationToken;

    use super::*;

    #[tokio::test]
    async fn no_more_is_written_ahead_than_waits() {
        let (threads, written) = (Threads::start().unwrap(), Arc::new(AtomicUsize::new(0)));
        let counted = Arc::clone(&written);
        let body = body(&threads, |chunks| async move {
            for _ in 0..10_000 {
                counted.fetch_add(1, Ordering::SeqCst);
                chunks.give(vec![0; 100]).await?;
            }
            Ok(())
        });
        let mut chunks = body.await.unwrap().into_data_stream();
        // What waits, what is in the hands of the writer, and the first one, which was read before the head of the answer.
        let mut read = 0;
        loop {
            assert!(written.load(Ordering::SeqCst) <= read + CHUNKS_AHEAD_MAX + 2, "after {read}");
            match chunks.next().await {
                Some(chunk) => read += usize::from(!chunk.unwrap().is_empty()),
                None => break,
            }
        }
        assert_eq!(read, 10_000);
    }

    #[tokio::test]
    async fn what_goes_wrong_first_is_an_answer_and_later_breaks_it_off() {
        let threads = Threads::start().unwrap();
        let failed = body(&threads, |_| async { Err(Error::Silent) }).await;
        assert!(matches!(failed, Err(Error::Silent)));
        let panicked = body(&threads, |_| async { panic!("a bug") }).await;
        assert!(matches!(panicked, Err(Error::Unexpected(_))));
        for is_panic in [false, true] {
            let begun = body(&threads, |chunks| async move {
                chunks.give(b"first".to_vec()).await?;
                assert!(!is_panic, "a bug");
                Err(Error::Silent)
            });
            let mut chunks = begun.await.unwrap().into_data_stream();
            assert_eq!(chunks.next().await.unwrap().unwrap(), "first");
            assert!(chunks.next().await.unwrap().is_err());
        }
        let nothing = body(&threads, |_| async { Ok(()) }).await.unwrap();
        assert!(nothing.into_data_stream().next().await.is_none());
    }

    #[tokio::test]
    async fn a_reader_that_goes_away_ends_the_writer() {
        let (threads, ended) = (Threads::start().unwrap(), CancellationToken::new());
        let guard = ended.clone().drop_guard();
        let body = body(&threads, |chunks| async move {
            let _guard = guard;
            chunks.give(b"first".to_vec()).await?;
            std::future::pending().await
        });
        drop(body.await.unwrap());
        ended.cancelled().await;
    }
}
