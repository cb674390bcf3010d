//! Cursors: answers that stay open and are fetched in parts, each part in the form that its FETCH wants.

use std::{collections::HashMap, sync::Arc};

use arrow::{array::RecordBatch, datatypes::SchemaRef};
use datafusion::{
    execution::SendableRecordBatchStream,
    physical_plan::stream::RecordBatchStreamAdapter,
    sql::sqlparser::ast::{CloseCursor, DeclareType, FetchDirection, Statement, Value, ValueWithSpan},
};
use futures::{StreamExt, stream};
use tokio::sync::Mutex;

use crate::Error;

/// Cursors of one connection at the same time.
const CURSORS_MAX: usize = 16;

/// The open cursors of one connection, by name.
#[derive(Default)]
pub(super) struct Cursors(Mutex<HashMap<String, Cursor>>);

struct Cursor {
    batches: SendableRecordBatchStream,
    /// What the last FETCH left of its last batch.
    left: Option<RecordBatch>,
}

/// The name and the question of the cursor that a statement declares.
pub(super) fn declaration(statement: &Statement) -> Option<(String, Statement)> {
    let Statement::Declare { stmts } = statement else { return None };
    let [declared] = stmts.as_slice() else { return None };
    let question = declared.for_query.clone().filter(|_| declared.declare_type == Some(DeclareType::Cursor))?;
    Some((declared.names.first()?.value.clone(), Statement::Query(question)))
}

impl Cursors {
    /// Opens one; another of the same name is closed.
    ///
    /// # Errors
    /// Too many.
    pub(super) async fn open(&self, name: String, batches: SendableRecordBatchStream) -> Result<(), Error> {
        let mut cursors = self.0.lock().await;
        cursors.insert(name.clone(), Cursor { batches, left: None });
        if cursors.len() > CURSORS_MAX {
            cursors.remove(&name);
            return Err(Error::Body(format!("a connection has at most {CURSORS_MAX} cursors: close one")));
        }
        Ok(())
    }

    /// The columns of a cursor.
    pub(super) async fn columns(&self, name: &str) -> Result<SchemaRef, Error> {
        self.0.lock().await.get(name).map(|cursor| cursor.batches.schema()).ok_or_else(|| unknown(name))
    }

    /// Its next rows.
    ///
    /// # Errors
    /// A cursor that is not open, a direction but forward; what its answer says.
    pub(super) async fn fetch(&self, name: &str, direction: &FetchDirection) -> Result<SendableRecordBatchStream, Error> {
        let mut cursors = self.0.lock().await;
        let cursor = cursors.get_mut(name).ok_or_else(|| unknown(name))?;
        let mut wanted = rows(direction)?;
        let schema = cursor.batches.schema();
        if wanted == usize::MAX {
            // Everything that is left streams, and the cursor stands at its end.
            let none = Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&schema), stream::empty()));
            let rest = std::mem::replace(&mut cursor.batches, none);
            let left = stream::iter(cursor.left.take().map(Ok));
            return Ok(Box::pin(RecordBatchStreamAdapter::new(schema, left.chain(rest))));
        }
        let mut fetched = Vec::new();
        while wanted > 0 {
            let batch = match cursor.left.take() {
                Some(left) => left,
                None => match cursor.batches.next().await.transpose()? {
                    Some(batch) => batch,
                    None => break,
                },
            };
            let taken = batch.num_rows().min(wanted);
            wanted -= taken;
            cursor.left = (taken < batch.num_rows()).then(|| batch.slice(taken, batch.num_rows() - taken));
            fetched.push(Ok(batch.slice(0, taken)));
        }
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, stream::iter(fetched))))
    }

    /// Closes one or all.
    ///
    /// # Errors
    /// One that is not open.
    pub(super) async fn close(&self, which: &CloseCursor) -> Result<(), Error> {
        let mut cursors = self.0.lock().await;
        match which {
            CloseCursor::All => cursors.clear(),
            CloseCursor::Specific { name } => drop(cursors.remove(&name.value).ok_or_else(|| unknown(&name.value))?),
        }
        Ok(())
    }
}

/// How many rows a FETCH wants.
fn rows(direction: &FetchDirection) -> Result<usize, Error> {
    match direction {
        FetchDirection::Next | FetchDirection::Forward { limit: None } => Ok(1),
        FetchDirection::All | FetchDirection::ForwardAll => Ok(usize::MAX),
        FetchDirection::Count { limit } | FetchDirection::Forward { limit: Some(limit) } => {
            number(limit).ok_or_else(|| Error::Body(format!("FETCH takes a number of rows, not {limit}")))
        }
        other => Err(Error::Body(format!("a cursor goes forward only, not {other}"))),
    }
}

fn number(limit: &ValueWithSpan) -> Option<usize> {
    match &limit.value {
        Value::Number(number, _) => number.parse().ok(),
        _ => None,
    }
}

fn unknown(name: &str) -> Error {
    Error::Body(format!("there is no open cursor {name:?}"))
}
