//! `pg_description` and its functions: what tables and columns mean, as clients show it beside them.

use std::{
    collections::HashMap,
    hash::{Hash, Hasher},
    sync::Arc,
};

use arrow::{
    array::{ArrayRef, AsArray, Int32Array, RecordBatch, StringArray},
    datatypes::{DataType, Field, Int64Type, Schema},
};
use datafusion::{
    common::exec_err,
    datasource::{MemTable, TableProvider},
    error::Result,
    logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility},
    prelude::SessionContext,
};

use super::{Table, comment};

/// Where PostgreSQL's catalogue of tables has its number, if the library gives it no other.
const PG_CLASS: i32 = 1259;

/// The comments of tables (place 0) and of their columns (from 1), by the table's number.
pub(super) struct Descriptions {
    comments: Arc<HashMap<(i32, i32), String>>,
    pg_class: i32,
}

impl Descriptions {
    /// Those of these tables, whose numbers are `oids`.
    pub(super) fn of(tables: &[Table], oids: &HashMap<String, i32>) -> Self {
        let mut comments = HashMap::new();
        for table in tables {
            let Some(oid) = oids.get(&table.name) else { continue };
            comments.extend(comment(table.columns.metadata()).map(|text| ((*oid, 0), text.to_owned())));
            for (place, field) in (1..).zip(table.columns.fields()) {
                comments.extend(comment(field.metadata()).map(|text| ((*oid, place), text.to_owned())));
            }
        }
        Self { comments: Arc::new(comments), pg_class: oids.get("pg_class").copied().unwrap_or(PG_CLASS) }
    }

    /// Adds `col_description` and `obj_description` to a session.
    pub(super) fn register_functions(&self, session: &SessionContext) {
        for name in ["col_description", "obj_description"] {
            let signature = Signature::variadic_any(Volatility::Stable);
            session.register_udf(ScalarUDF::from(Description { name, signature, comments: Arc::clone(&self.comments) }));
        }
    }

    /// `pg_description`.
    ///
    /// # Errors
    /// What DataFusion says.
    pub(super) fn table(&self) -> Result<Arc<dyn TableProvider>> {
        let mut rows: Vec<(&(i32, i32), &String)> = self.comments.iter().collect();
        rows.sort();
        let number =
            |of: fn(&(i32, i32)) -> i32| Arc::new(rows.iter().map(|(key, _)| Some(of(key))).collect::<Int32Array>()) as ArrayRef;
        let schema = Arc::new(Schema::new(vec![
            Field::new("objoid", DataType::Int32, false),
            Field::new("classoid", DataType::Int32, false),
            Field::new("objsubid", DataType::Int32, false),
            Field::new("description", DataType::Utf8, false),
        ]));
        let texts: StringArray = rows.iter().map(|(_, text)| Some(text.as_str())).collect();
        let classes = Arc::new(Int32Array::from(vec![self.pg_class; rows.len()]));
        let columns = vec![number(|(oid, _)| *oid), classes, number(|(_, place)| *place), Arc::new(texts)];
        let batch = RecordBatch::try_new(Arc::clone(&schema), columns)?;
        Ok(Arc::new(MemTable::try_new(schema, vec![vec![batch]])?))
    }
}

/// `col_description(table, place)`, and `obj_description(table)` with or without its catalogue.
#[derive(Debug)]
struct Description {
    name: &'static str,
    signature: Signature,
    comments: Arc<HashMap<(i32, i32), String>>,
}

impl PartialEq for Description {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Description {}

impl Hash for Description {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl ScalarUDFImpl for Description {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let Some(table) = args.args.first() else { return exec_err!("{} takes a table", self.name) };
        let tables = integers(table, args.number_rows)?;
        let places = match args.args.get(1) {
            Some(place) if self.name == "col_description" => integers(place, args.number_rows)?,
            _ => vec![Some(0); args.number_rows],
        };
        let text = |(table, place): (Option<i32>, Option<i32>)| self.comments.get(&(table?, place?)).map(String::as_str);
        Ok(ColumnarValue::Array(Arc::new(tables.into_iter().zip(places).map(text).collect::<StringArray>())))
    }
}

fn integers(value: &ColumnarValue, rows: usize) -> Result<Vec<Option<i32>>> {
    let array = arrow::compute::cast(&value.to_array(rows)?, &DataType::Int64)?;
    Ok(array.as_primitive::<Int64Type>().iter().map(|number| i32::try_from(number?).ok()).collect())
}
