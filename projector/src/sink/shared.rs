//! Inserts of all partitions of a process, shared: a table takes one at a time, and whatever comes meanwhile goes into the
//! next one together. Many small parts cost ClickHouse more than their rows, and what is visible waits for them.

use std::sync::{Arc, Mutex, PoisonError};

use arrow::{
    array::{ArrayRef, RecordBatch},
    compute::concat,
    datatypes::{Field, Schema},
    error::ArrowError,
};
use tokio::sync::{Mutex as Turn, oneshot};

use crate::Error;

/// Rows that go together at most: far below what stays one block.
const ROWS_MAX: usize = 500_000;

/// The inserts into one table.
#[derive(Default)]
pub(super) struct SharedInserts {
    /// Held during an insert.
    turn: Turn<()>,
    waiting: Mutex<Vec<Waiting>>,
}

/// Rows, and who waits until they are in.
struct Waiting {
    rows: RecordBatch,
    outcome: oneshot::Sender<Result<(), Error>>,
}

impl SharedInserts {
    /// Inserts rows by `insert`, alone or together with those of others.
    ///
    /// # Errors
    /// What `insert` says of these rows; others have no part in it. Whoever inserted them was stopped in the middle.
    pub(super) async fn insert<F>(&self, rows: RecordBatch, insert: impl Fn(RecordBatch) -> F) -> Result<(), Error>
    where
        F: Future<Output = Result<(), Error>>,
    {
        let (sender, mut outcome) = oneshot::channel();
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push(Waiting { rows, outcome: sender });
        let _turn = tokio::select! {
            biased;
            done = &mut outcome => return done.unwrap_or_else(|_| Err(stopped())),
            turn = self.turn.lock() => turn,
        };
        loop {
            // Also by the one before, in the moment in which it gave up its turn.
            match outcome.try_recv() {
                Ok(done) => return done,
                Err(oneshot::error::TryRecvError::Closed) => return Err(stopped()),
                Err(oneshot::error::TryRecvError::Empty) => self.insert_some(&insert).await,
            }
        }
    }

    /// Inserts those who wait longest.
    async fn insert_some<F>(&self, insert: &impl Fn(RecordBatch) -> F)
    where
        F: Future<Output = Result<(), Error>>,
    {
        let some = self.take();
        if some.len() > 1
            && let Ok(together) = together(&some)
            && insert(together).await.is_ok()
        {
            some.into_iter().for_each(|one| drop(one.outcome.send(Ok(()))));
            return;
        }
        // One alone; or one of them spoils it for the others, and each is told of its own rows.
        for one in some {
            drop(one.outcome.send(insert(one.rows).await));
        }
    }

    fn take(&self) -> Vec<Waiting> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let mut rows = 0;
        let fits = waiting.iter().take_while(|one| {
            rows += one.rows.num_rows();
            rows <= ROWS_MAX
        });
        let count = fits.count().max(1).min(waiting.len());
        waiting.drain(..count).collect()
    }
}

/// The rows of several as one. A column may be NULL where it is in any of them.
fn together(some: &[Waiting]) -> Result<RecordBatch, ArrowError> {
    let Some(first) = some.first() else { return Ok(RecordBatch::new_empty(Arc::new(Schema::empty()))) };
    let column = |(index, field): (usize, &Arc<Field>)| -> Result<(Field, ArrayRef), ArrowError> {
        let arrays: Vec<_> = some.iter().map(|one| one.rows.column(index).as_ref()).collect();
        let array = concat(&arrays)?;
        Ok((field.as_ref().clone().with_nullable(array.null_count() > 0), array))
    };
    let columns = first.rows.schema_ref().fields().iter().enumerate().map(column);
    let (fields, arrays): (Vec<_>, Vec<_>) = columns.collect::<Result<Vec<_>, _>>()?.into_iter().unzip();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
}

fn stopped() -> Error {
    Error::Unavailable { system: "ClickHouse", reason: "the insert was stopped".to_owned() }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use arrow::array::{AsArray, Int64Array};
    use arrow::datatypes::Int64Type;

    use super::*;

    fn rows(values: &[Option<i64>]) -> RecordBatch {
        let field = Field::new("n", arrow::datatypes::DataType::Int64, values.contains(&None));
        RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![Arc::new(Int64Array::from(values.to_vec()))]).unwrap()
    }

    fn values(rows: &RecordBatch) -> Vec<Option<i64>> {
        rows.column(0).as_primitive::<Int64Type>().iter().collect()
    }

    /// Many insert at once, one of them what is refused: the others are in, few inserts were needed, and it alone is told.
    #[tokio::test]
    async fn what_comes_during_an_insert_goes_together_and_nobody_fails_for_another() {
        let (shared, inserts, taken) = (SharedInserts::default(), AtomicUsize::new(0), Mutex::new(Vec::new()));
        let (counted, into) = (&inserts, &taken);
        let insert = move |rows: RecordBatch| async move {
            counted.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            if values(&rows).contains(&Some(13)) {
                return Err(Error::Refused { reason: "13".to_owned() });
            }
            into.lock().unwrap().extend(values(&rows));
            Ok(())
        };
        let one = |n: i64| {
            let value = if n == 7 { None } else { Some(n) };
            shared.insert(rows(&[value]), &insert)
        };
        let outcomes = futures::future::join_all((0..20).filter(|n| *n != 13).map(one)).await;
        assert!(outcomes.iter().all(Result::is_ok));
        assert_eq!(inserts.load(Ordering::Relaxed), 2, "the first, and all others together");
        assert_eq!(taken.lock().unwrap().len(), 19);

        let outcomes = futures::future::join_all((10..16).map(one)).await;
        let failed: Vec<usize> = outcomes.iter().enumerate().filter(|(_, outcome)| outcome.is_err()).map(|(at, _)| at).collect();
        assert_eq!(failed, [3]);
        taken.lock().unwrap().sort_unstable();
        assert_eq!(taken.lock().unwrap().iter().filter(|n| **n == Some(12)).count(), 2, "once in each half");
    }

    /// The one whose turn it is goes away: those who went with it are told, those who wait go on.
    #[tokio::test]
    async fn whoever_is_stopped_stops_nobody_for_good() {
        let shared = SharedInserts::default();
        let never = |_: RecordBatch| std::future::pending::<Result<(), Error>>();
        let at_once = |_: RecordBatch| std::future::ready(Ok(()));
        {
            let stuck = shared.insert(rows(&[Some(1)]), &never);
            assert!(tokio::time::timeout(std::time::Duration::from_millis(20), stuck).await.is_err());
        }
        assert!(shared.insert(rows(&[Some(2)]), &at_once).await.is_ok());
    }
}
