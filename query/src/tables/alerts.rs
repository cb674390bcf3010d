//! `alerts`: what was raised about follow-ups that lag. There is none as long as no expectation is watched.

use std::sync::Arc;

use arrow::datatypes::{DataType, TimeUnit};
use datafusion::{
    datasource::{MemTable, TableProvider},
    error::Result,
};

use super::columns;

/// Its name.
pub(super) const NAME: &str = "alerts";

/// The table.
///
/// # Errors
/// What DataFusion says.
pub(super) fn table() -> Result<Arc<dyn TableProvider>> {
    let instant = || DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()));
    let schema = columns::schema(
        "Alerts about what was expected and did not happen; none yet.",
        &[
            ("alert_id", DataType::Utf8, false, "The alert."),
            ("rule", DataType::Utf8, false, "The expectation that was not met."),
            ("subject", DataType::Utf8, false, "The account, deal, lead or receivable that it is about."),
            ("rep_id", DataType::Utf8, true, "Whose it is."),
            ("status", DataType::Utf8, false, "raised or resolved."),
            ("due_at", instant(), false, "When it was to have happened."),
            ("raised_at", instant(), true, "When it was raised."),
            ("resolved_at", instant(), true, "When it was resolved."),
        ],
    );
    Ok(Arc::new(MemTable::try_new(schema, vec![vec![]])?))
}
