//! What is answered: the rows of a KPI with their stamp of trust, in the order and shape of the documentation.

use serde::{Serialize, Serializer, ser::SerializeMap};
use tidemark_schemas::kpi::Unit;
use utoipa::ToSchema;

use super::grain::Grain;
use crate::trust::Trust;

/// The answer of `/v1/kpis/{name}`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Answer {
    /// The KPI's name.
    pub(crate) kpi: String,
    /// What the values count.
    #[schema(value_type = String)]
    pub(crate) unit: Unit,
    /// The length of a period.
    #[schema(value_type = String)]
    pub(crate) grain: Grain,
    /// In the order of the periods, then of what they are split by.
    pub(crate) rows: Vec<AnswerRow>,
    /// Rates that were needed and are missing; values that need them are null.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) missing_rates: Vec<MissingRate>,
    /// How far this can be trusted.
    pub(crate) trust: Trust,
}

/// `{period, <what it is split by>, value}`.
#[derive(Debug, ToSchema)]
pub(crate) struct AnswerRow {
    /// The first day of the period.
    pub(crate) period: String,
    /// Name and value of what it is split by; null where there is none.
    #[schema(value_type = Object)]
    pub(crate) by: Vec<(String, Option<String>)>,
    /// A decimal; null where nothing can be said, as after a division by zero.
    pub(crate) value: Option<String>,
}

impl Serialize for AnswerRow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut row = serializer.serialize_map(Some(self.by.len() + 2))?;
        row.serialize_entry("period", &self.period)?;
        for (name, value) in &self.by {
            row.serialize_entry(name, value)?;
        }
        row.serialize_entry("value", &self.value)?;
        row.end()
    }
}

/// No rate is known for this currency on this day.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
pub(crate) struct MissingRate {
    /// What the money is in.
    pub(crate) from_currency: String,
    /// What it is wanted in.
    pub(crate) to_currency: String,
    /// The day whose rate is missing.
    pub(crate) day: String,
}
