//! An answer as one JSON document, which is held in memory whole and therefore bounded by `rows_max`.

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{
    Rows,
    columns::{json, unique_names},
};
use crate::{Error, trust::Trust};

/// The answer to a question.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Answer<'a> {
    /// In the order of the question.
    columns: Vec<Column>,
    /// An object for each row. Decimals are strings, so that no digit is lost; dates and instants are ISO 8601.
    #[schema(value_type = Vec<Object>)]
    rows: Vec<Map<String, Value>>,
    /// How far it can be trusted.
    trust: &'a Trust,
}

/// A column.
#[derive(Debug, Serialize, ToSchema)]
struct Column {
    /// Its name.
    name: String,
    /// Its type in Arrow.
    r#type: String,
}

impl<'a> Answer<'a> {
    /// # Errors
    /// Two columns of one name; a type that has no text.
    pub(crate) fn new(rows: &Rows, trust: &'a Trust) -> Result<Self, Error> {
        unique_names(&rows.schema)?;
        let fields = rows.schema.fields();
        let columns = fields.iter().map(|f| Column { name: f.name().clone(), r#type: f.data_type().to_string() }).collect();
        let mut objects = Vec::new();
        for batch in &rows.batches {
            let mut some = vec![Map::new(); batch.num_rows()];
            for (field, column) in fields.iter().zip(batch.columns()) {
                for (object, value) in some.iter_mut().zip(json(column)?) {
                    object.insert(field.name().clone(), value);
                }
            }
            objects.extend(some);
        }
        Ok(Self { columns, rows: objects, trust })
    }
}
