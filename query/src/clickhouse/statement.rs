//! One statement with its bound values, and the settings under which ClickHouse means the same by SQL as DataFusion.

use clickhouse::{Client, query::Query};

/// A text with `{p0:Type}` in the place of each value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Statement {
    /// The text.
    pub(crate) sql: String,
    /// The values of p0, p1, …
    pub(crate) values: Vec<String>,
}

/// NULLs as in SQL's standard, names as written, types as we map them to Arrow.
const SETTINGS: &[(&str, &str)] = &[
    ("join_use_nulls", "1"),
    ("aggregate_functions_null_for_empty", "1"),
    ("cast_keep_nullable", "1"),
    ("union_default_mode", "DISTINCT"),
    ("group_by_use_nulls", "1"),
    ("prefer_column_name_to_alias", "1"),
    ("session_timezone", "UTC"),
    ("enable_positional_arguments", "0"),
    ("enable_extended_results_for_datetime_functions", "1"),
    ("output_format_arrow_string_as_string", "1"),
    ("output_format_arrow_low_cardinality_as_dictionary", "0"),
    ("output_format_arrow_compression_method", "none"),
];

impl Statement {
    /// The statement as a query of `client`.
    pub(crate) fn query(&self, client: &Client) -> Query {
        // `??` is a plain `?` to the client, which binds nothing here.
        let mut query = client.query(&self.sql.replace('?', "??"));
        for (name, value) in SETTINGS {
            query = query.with_setting(*name, *value);
        }
        for (index, value) in self.values.iter().enumerate() {
            query = query.param(&format!("p{index}"), value);
        }
        query
    }
}
