//! What drivers ask about the server and about keys. JDBC's has no answer of its own where this one is silent: it fails.

use std::collections::HashMap;

use arrow::datatypes::{DataType, Field, Schema};
use arrow_flight::{
    error::FlightError,
    sql::{
        SqlInfo,
        metadata::{SqlInfoData, SqlInfoDataBuilder},
    },
};

/// Of a column, by the protocol's names for metadata.
const REMARKS: &str = "ARROW:FLIGHT:SQL:REMARKS";
const YES: &[SqlInfo] = &[
    SqlInfo::FlightSqlServerReadOnly,
    SqlInfo::FlightSqlServerSql,
    SqlInfo::SqlCatalogAtStart,
    SqlInfo::SqlCorrelatedSubqueriesSupported,
    SqlInfo::SqlMaxRowSizeIncludesBlobs,
    SqlInfo::SqlNullPlusNullIsNull,
    SqlInfo::SqlSupportsColumnAliasing,
    SqlInfo::SqlSupportsDifferentTableCorrelationNames,
    SqlInfo::SqlSupportsExpressionsInOrderBy,
    SqlInfo::SqlSupportsLikeEscapeClause,
    SqlInfo::SqlSupportsNonNullableColumns,
    SqlInfo::SqlSupportsOrderByUnrelated,
    SqlInfo::SqlSupportsTableCorrelationNames,
    SqlInfo::SqlAllTablesAreSelectable,
];
const NO: &[SqlInfo] = &[
    SqlInfo::FlightSqlServerCancel,
    SqlInfo::FlightSqlServerSubstrait,
    SqlInfo::SqlBatchUpdatesSupported,
    SqlInfo::SqlDataDefinitionCausesTransactionCommit,
    SqlInfo::SqlDataDefinitionsInTransactionsIgnored,
    SqlInfo::SqlLocatorsUpdateCopy,
    SqlInfo::SqlNamedParametersSupported,
    SqlInfo::SqlSavepointsSupported,
    SqlInfo::SqlSelectForUpdateSupported,
    SqlInfo::SqlStoredFunctionsUsingCallSyntaxSupported,
    SqlInfo::SqlStoredProceduresSupported,
    SqlInfo::SqlSupportsIntegrityEnhancementFacility,
    SqlInfo::SqlTransactionsSupported,
];
/// Zero is "no limit, or not known", and no isolation of transactions, which there are not.
const ZERO: &[SqlInfo] = &[
    SqlInfo::SqlDbSchemaNameLength,
    SqlInfo::SqlDefaultTransactionIsolation,
    SqlInfo::SqlMaxBinaryLiteralLength,
    SqlInfo::SqlMaxCatalogNameLength,
    SqlInfo::SqlMaxCharLiteralLength,
    SqlInfo::SqlMaxColumnNameLength,
    SqlInfo::SqlMaxColumnsInGroupBy,
    SqlInfo::SqlMaxColumnsInIndex,
    SqlInfo::SqlMaxColumnsInOrderBy,
    SqlInfo::SqlMaxColumnsInSelect,
    SqlInfo::SqlMaxColumnsInTable,
    SqlInfo::SqlMaxConnections,
    SqlInfo::SqlMaxCursorNameLength,
    SqlInfo::SqlMaxIndexLength,
    SqlInfo::SqlMaxProcedureNameLength,
    SqlInfo::SqlMaxRowSize,
    SqlInfo::SqlMaxStatementLength,
    SqlInfo::SqlMaxStatements,
    SqlInfo::SqlMaxTableNameLength,
    SqlInfo::SqlMaxTablesInSelect,
    SqlInfo::SqlMaxUsernameLength,
];
const TEXTS: &[(SqlInfo, &str)] = &[
    (SqlInfo::FlightSqlServerName, "Tidemark"),
    (SqlInfo::FlightSqlServerVersion, env!("CARGO_PKG_VERSION")),
    (SqlInfo::FlightSqlServerArrowVersion, "1.3"),
    (SqlInfo::SqlCatalogTerm, "database"),
    (SqlInfo::SqlIdentifierQuoteChar, "\""),
    (SqlInfo::SqlSchemaTerm, "schema"),
    (SqlInfo::SqlSearchStringEscape, "\\"),
];
/// One bit for each member of the protocol's enumeration, the lowest for its first.
const BITS: &[(SqlInfo, i32)] = &[
    (SqlInfo::FlightSqlServerTransaction, 0),
    // Entry.
    (SqlInfo::SqlAnsi92SupportedLevel, 0b001),
    (SqlInfo::SqlCatalogsSupportedActions, 0),
    // Limited and full.
    (SqlInfo::SqlOuterJoinsSupportLevel, 0b110),
    (SqlInfo::SqlSchemasSupportedActions, 0),
    // Minimum and core.
    (SqlInfo::SqlSupportedGrammar, 0b011),
    // By columns that are not selected.
    (SqlInfo::SqlSupportedGroupBy, 0b11),
    (SqlInfo::SqlSupportedPositionedCommands, 0),
    // Forwards only.
    (SqlInfo::SqlSupportedResultSetTypes, 0b10),
    // In comparisons, EXISTS and IN.
    (SqlInfo::SqlSupportedSubqueries, 0b0111),
    // None.
    (SqlInfo::SqlSupportedTransactionsIsolationLevels, 0b1),
    // UNION and UNION ALL.
    (SqlInfo::SqlSupportedUnions, 0b11),
];

/// What drivers ask about the server.
///
/// # Errors
/// What the protocol's library says.
pub(super) fn sql_info() -> Result<SqlInfoData, FlightError> {
    let mut info = SqlInfoDataBuilder::new();
    YES.iter().for_each(|name| info.append(*name, true));
    NO.iter().for_each(|name| info.append(*name, false));
    ZERO.iter().for_each(|name| info.append(*name, 0_i64));
    TEXTS.iter().for_each(|(name, text)| info.append(*name, *text));
    BITS.iter().for_each(|(name, bits)| info.append(*name, *bits));
    info.append(SqlInfo::SqlSupportsConvert, HashMap::<i32, Vec<i32>>::new());
    info.build()
}

/// Columns of a table with what they mean, where drivers look for it.
pub(super) fn remarked(schema: &Schema) -> Schema {
    let fields = schema.fields().iter().map(|field| {
        let mut metadata = field.metadata().clone();
        let about = metadata.get("comment").cloned();
        metadata.extend(about.map(|about| (REMARKS.to_owned(), about)));
        field.as_ref().clone().with_metadata(metadata)
    });
    Schema::new(fields.collect::<Vec<_>>())
}

/// The columns of an answer about primary keys, of which there are none that a tool is told.
pub(super) fn primary_keys() -> Schema {
    Schema::new(vec![
        Field::new("catalog_name", DataType::Utf8, true),
        Field::new("db_schema_name", DataType::Utf8, true),
        Field::new("table_name", DataType::Utf8, false),
        Field::new("column_name", DataType::Utf8, false),
        Field::new("key_name", DataType::Utf8, true),
        Field::new("key_sequence", DataType::Int32, false),
    ])
}

/// The same of an answer about foreign keys, either way.
pub(super) fn foreign_keys() -> Schema {
    Schema::new(vec![
        Field::new("pk_catalog_name", DataType::Utf8, true),
        Field::new("pk_db_schema_name", DataType::Utf8, true),
        Field::new("pk_table_name", DataType::Utf8, false),
        Field::new("pk_column_name", DataType::Utf8, false),
        Field::new("fk_catalog_name", DataType::Utf8, true),
        Field::new("fk_db_schema_name", DataType::Utf8, true),
        Field::new("fk_table_name", DataType::Utf8, false),
        Field::new("fk_column_name", DataType::Utf8, false),
        Field::new("key_sequence", DataType::Int32, false),
        Field::new("fk_key_name", DataType::Utf8, true),
        Field::new("pk_key_name", DataType::Utf8, true),
        Field::new("update_rule", DataType::UInt8, false),
        Field::new("delete_rule", DataType::UInt8, false),
    ])
}
