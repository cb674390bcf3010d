//! The tables in ClickHouse: the numbered DDL steps under `tables/`, and what the columns of a fact table are.
//! The `.sql` files are the source; everything else (Arrow schemas, inserts, SQL tables, docs) is read from them.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, LazyLock},
};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use foldhash::fast::FixedState;
use include_dir::{Dir, include_dir};

static TABLES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/tables");

/// One numbered step of the database's schema: applied once, in order, and recorded.
#[derive(Debug, Clone, Copy)]
pub struct SchemaStep {
    /// Its number.
    pub number: u32,
    /// Its file name.
    pub name: &'static str,
    /// One idempotent statement.
    pub sql: &'static str,
}

/// Every step in order.
#[must_use]
pub fn schema_steps() -> &'static [SchemaStep] {
    static STEPS: LazyLock<Vec<SchemaStep>> = LazyLock::new(read_steps);
    &STEPS
}

/// The files are part of the program; what is wrong with them is found by the first test.
#[expect(clippy::expect_used, reason = "embedded files that tests cover")]
fn read_steps() -> Vec<SchemaStep> {
    let mut steps: Vec<SchemaStep> = TABLES
        .files()
        .map(|file| {
            let name = file.path().to_str().expect("an ASCII name");
            let number = name.split('_').next().and_then(|number| number.parse().ok()).expect("NNN_name.sql");
            SchemaStep { number, name, sql: file.contents_utf8().expect("UTF-8") }
        })
        .collect();
    steps.sort_by_key(|step| step.number);
    steps
}

/// The tables that hold facts, one per kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[allow(missing_docs)]
pub enum FactTable {
    Visits,
    Calls,
    Touches,
    Deals,
    DealStages,
    Receivables,
    Payments,
    Surveys,
    Leads,
    Activities,
    Incidents,
    Ratings,
    Appeals,
    Accounts,
    Roster,
    Targets,
    Rates,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    /// UTF-8.
    Text,
    /// 64 bits.
    Int,
    /// true or false.
    Bool,
    /// Six places.
    Decimal,
    /// Days since 1970-01-01.
    Date,
    /// Milliseconds since 1970-01-01 UTC.
    Instant,
}

/// One column of a fact table.
#[derive(Debug, Clone)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub column_type: ColumnType,
    /// Whether it may be NULL.
    pub nullable: bool,
    /// One sentence, from the DDL's comment.
    pub about: String,
}

/// A fact table as users see it: without the technical columns generation, tenant, version and is_deleted.
#[derive(Debug)]
pub struct TableDefinition {
    /// Which.
    pub table: FactTable,
    /// One sentence.
    pub about: String,
    /// The columns in the order of the DDL.
    pub columns: Vec<Column>,
    /// The columns that identify a row within a tenant.
    pub key: Vec<&'static str>,
    index: HashMap<&'static str, usize, FixedState>,
    arrow: SchemaRef,
}

/// Columns that hold money, in any table; their currency is the row's `currency`.
const MONEY_COLUMNS: &[&str] = &["amount", "received_amount", "annual_spend", "acquisition_cost"];

/// Columns of every fact table that are ours and not the user's.
const TECHNICAL_COLUMNS: &[&str] = &["generation", "tenant", "version", "is_deleted"];

impl FactTable {
    /// Every fact table.
    pub const ALL: &[Self] = &[
        Self::Visits,
        Self::Calls,
        Self::Touches,
        Self::Deals,
        Self::DealStages,
        Self::Receivables,
        Self::Payments,
        Self::Surveys,
        Self::Leads,
        Self::Activities,
        Self::Incidents,
        Self::Ratings,
        Self::Appeals,
        Self::Accounts,
        Self::Roster,
        Self::Targets,
        Self::Rates,
    ];

    /// Its name in ClickHouse and in SQL.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Visits => "visits",
            Self::Calls => "calls",
            Self::Touches => "touches",
            Self::Deals => "deals",
            Self::DealStages => "deal_stages",
            Self::Receivables => "receivables",
            Self::Payments => "payments",
            Self::Surveys => "surveys",
            Self::Leads => "leads",
            Self::Activities => "activities",
            Self::Incidents => "incidents",
            Self::Ratings => "ratings",
            Self::Appeals => "appeals",
            Self::Accounts => "accounts",
            Self::Roster => "roster",
            Self::Targets => "targets",
            Self::Rates => "rates",
        }
    }

    /// The table of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|table| table.name() == name)
    }

    /// Its columns.
    #[must_use]
    pub fn definition(self) -> &'static TableDefinition {
        static DEFINITIONS: LazyLock<BTreeMap<FactTable, TableDefinition>> =
            LazyLock::new(|| FactTable::ALL.iter().map(|&table| (table, read_definition(table))).collect());
        &DEFINITIONS[&self]
    }
}

impl TableDefinition {
    /// Where a column stands; `None` where there is none of that name.
    #[must_use]
    pub fn position(&self, column: &str) -> Option<usize> {
        self.index.get(column).copied()
    }

    /// A column by name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.position(name).map(|position| &self.columns[position])
    }

    /// The columns as an Arrow schema: Utf8, Int64, Boolean, Decimal128(38, 6), Date32, Timestamp(ms, UTC).
    #[must_use]
    pub fn arrow_schema(&self) -> SchemaRef {
        self.arrow.clone()
    }

    /// Whether a column holds money.
    #[must_use]
    pub fn is_money(&self, column: &str) -> bool {
        MONEY_COLUMNS.contains(&column) && self.position("currency").is_some()
    }
}

impl ColumnType {
    /// The Arrow type.
    #[must_use]
    pub fn arrow(self) -> DataType {
        match self {
            Self::Text => DataType::Utf8,
            Self::Int => DataType::Int64,
            Self::Bool => DataType::Boolean,
            Self::Decimal => DataType::Decimal128(38, 6),
            Self::Date => DataType::Date32,
            Self::Instant => DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())),
        }
    }

    fn from_clickhouse(name: &str) -> Option<Self> {
        Some(match name {
            "String" | "LowCardinality(String)" => Self::Text,
            "Int64" => Self::Int,
            "Bool" => Self::Bool,
            "Decimal(38, 6)" => Self::Decimal,
            "Date32" => Self::Date,
            "DateTime64(3, 'UTC')" => Self::Instant,
            _ => return None,
        })
    }
}

#[expect(clippy::expect_used, reason = "embedded files that tests cover")]
fn read_definition(table: FactTable) -> TableDefinition {
    let suffix = format!("_{}.sql", table.name());
    let sql = schema_steps().iter().find(|step| step.name[3..] == suffix).expect("every fact table has a step").sql;
    let about = sql.lines().next().and_then(|line| line.strip_prefix("-- ")).unwrap_or_default().to_owned();
    let columns: Vec<Column> =
        sql.lines().filter_map(column).filter(|column| !TECHNICAL_COLUMNS.contains(&column.name)).collect();
    let order = sql.lines().find_map(|line| line.strip_prefix("ORDER BY (generation, tenant, ")).expect("an ORDER BY");
    let key = order.trim_end_matches(')').split(", ").collect();
    let index = columns.iter().enumerate().map(|(position, column)| (column.name, position)).collect();
    let fields: Vec<Field> = columns.iter().map(|c| Field::new(c.name, c.column_type.arrow(), c.nullable)).collect();
    TableDefinition { table, about, columns, key, index, arrow: Arc::new(Schema::new(fields)) }
}

/// Reads `    name Type COMMENT 'text',`, the one form that columns have in our DDL; technical columns have other types.
fn column(line: &'static str) -> Option<Column> {
    let line = line.strip_prefix("    ")?;
    let (name, rest) = line.split_once(' ')?;
    let (type_name, comment) = rest.split_once(" COMMENT '")?;
    let (nullable, type_name) = match type_name.strip_prefix("Nullable(").and_then(|inner| inner.strip_suffix(')')) {
        Some(inner) => (true, inner),
        None => (false, type_name),
    };
    let about = comment.trim_end_matches(',').trim_end_matches('\'').replace("''", "'");
    Some(Column { name, column_type: ColumnType::from_clickhouse(type_name)?, nullable, about })
}
