//! What can keep the model from an answer: definitions that cannot be planned, rows that cannot be read.

/// Why there is no model.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// An expression of a KPI does not plan; the catalogue is at fault.
    #[error("KPI {kpi}: {source}")]
    Plan {
        /// The KPI's name.
        kpi: String,
        /// What DataFusion said.
        source: datafusion::error::DataFusionError,
    },
    /// Facts do not form a table; a fold of this crate is at fault.
    #[error("facts of {table}: {source}")]
    Facts {
        /// The fact table's name.
        table: &'static str,
        /// What Arrow said.
        source: arrow::error::ArrowError,
    },
    /// An expression of a KPI gave a value of an unexpected type.
    #[error("KPI {kpi}: {expression} gave {found}, expected {expected}")]
    Type {
        /// The KPI's name.
        kpi: String,
        /// Which of its expressions.
        expression: &'static str,
        /// The Arrow type that came.
        found: String,
        /// The one that was expected.
        expected: &'static str,
    },
    /// A stored row that cannot be what was written there.
    #[error("{table}: {reason}")]
    Row {
        /// The table in ClickHouse.
        table: String,
        /// Which row, and what is wrong with it.
        reason: String,
    },
}
