//! Answers on their way out: rows stream, so that none is held in memory whole, and end at the bounds of their answer.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use arrow::{array::RecordBatch, datatypes::SchemaRef};
use datafusion::{
    error::{DataFusionError, Result},
    execution::{RecordBatchStream, SendableRecordBatchStream, SessionState},
    logical_expr::LogicalPlan,
    physical_plan::execute_stream,
};
use futures::Stream;
use tokio::time::{Instant, sleep_until};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use crate::{Error, service::Service, turns::Turn};

/// When an answer ends, read or not.
#[derive(Debug, Clone)]
pub(crate) struct Time {
    deadline: Instant,
    allowed_ms: u64,
    canceled: CancellationToken,
}

impl Time {
    /// From now on: as long as the service allows, or less where the caller wants less.
    pub(crate) fn starting(service: &Service, wanted_ms: Option<u64>) -> Self {
        let allowed_ms = wanted_ms.unwrap_or(u64::MAX).min(service.config.time_ms_max);
        Self { deadline: Instant::now() + Duration::from_millis(allowed_ms), allowed_ms, canceled: CancellationToken::new() }
    }

    /// And no longer than until this.
    pub(crate) fn until(self, canceled: CancellationToken) -> Self {
        Self { canceled, ..self }
    }

    /// Does `work` in this time, and no longer than ClickHouse lives.
    ///
    /// # Errors
    /// What `work` says; [`Error::TooSlow`], [`Error::Silent`], [`Error::Canceled`].
    pub(crate) async fn bounds<T>(&self, service: &Service, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        tokio::select! {
            biased;
            over = self.over() => Err(over),
            done = service.unless_silent(work) => done,
        }
    }

    /// Waits until it is over; why.
    async fn over(&self) -> Error {
        tokio::select! {
            () = sleep_until(self.deadline) => Error::TooSlow(self.allowed_ms),
            () = self.canceled.cancelled() => Error::Canceled,
        }
    }
}

/// Runs a plan of a tenant. The answer has its turn among those that are worked on until its last row, its time is over or it is dropped.
///
/// # Errors
/// [`Error::Busy`], [`Error::TooSlow`], [`Error::Silent`]; what planning says. What comes later is in the stream.
pub(crate) async fn stream(
    (service, tenant): (&Service, &str),
    session: &SessionState,
    plan: &LogicalPlan,
    (time, rows_max): (Time, u64),
) -> Result<SendableRecordBatchStream, Error> {
    let turn = service.turn(tenant, time.deadline).await?;
    let begun = async {
        let physical = session.create_physical_plan(plan).await?;
        Ok(execute_stream(physical, session.task_ctx())?)
    };
    let batches = time.bounds(service, begun).await?;
    let schema = batches.schema();
    let source: Source = Arc::new(Mutex::new(Some((batches, turn))));
    // A client that reads slowly, or fetches from a cursor at its leisure, keeps neither the turn nor the query for ever.
    let (forgotten, until) = (Arc::clone(&source), time.clone());
    let ending = tokio::spawn(async move {
        until.over().await;
        drop(locked(&forgotten).take());
    });
    Ok(Box::pin(Bounded {
        source,
        schema,
        over: Box::pin(async move { time.over().await }),
        rows: 0,
        rows_max,
        is_ended: false,
        _ending: AbortOnDropHandle::new(ending),
    }))
}

/// The batches until they end or their time does.
type Source = Arc<Mutex<Option<(SendableRecordBatchStream, Turn)>>>;

struct Bounded {
    source: Source,
    schema: SchemaRef,
    over: Pin<Box<dyn Future<Output = Error> + Send>>,
    rows: u64,
    rows_max: u64,
    is_ended: bool,
    _ending: AbortOnDropHandle<()>,
}

impl Bounded {
    /// Whatever was the last item, nothing is held after it.
    fn ended<T>(&mut self, last: T) -> Poll<T> {
        self.is_ended = true;
        drop(locked(&self.source).take());
        Poll::Ready(last)
    }

    fn failed(&mut self, error: Error) -> Poll<Option<Result<RecordBatch>>> {
        self.ended(Some(Err(DataFusionError::External(Box::new(error)))))
    }
}

impl Stream for Bounded {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.is_ended {
            return Poll::Ready(None);
        }
        if let Poll::Ready(over) = self.over.as_mut().poll(context) {
            return self.failed(over);
        }
        let polled = match locked(&self.source).as_mut() {
            Some((batches, _)) => batches.as_mut().poll_next(context),
            // Taken away this very moment, which the end of its time will say.
            None => Poll::Pending,
        };
        match polled {
            Poll::Ready(Some(Ok(batch))) => {
                self.rows += batch.num_rows() as u64;
                let (rows, rows_max) = (self.rows, self.rows_max);
                if rows > rows_max {
                    self.failed(Error::TooManyRows(rows_max, "rows_streamed_max"))
                } else {
                    Poll::Ready(Some(Ok(batch)))
                }
            }
            Poll::Ready(last) => self.ended(last),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl RecordBatchStream for Bounded {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}

fn locked(source: &Source) -> MutexGuard<'_, Option<(SendableRecordBatchStream, Turn)>> {
    source.lock().unwrap_or_else(PoisonError::into_inner)
}
