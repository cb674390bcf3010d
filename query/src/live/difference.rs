//! What is different between two answers to the same question.

use std::collections::{HashMap, HashSet};

use serde::{Serialize, Serializer, ser::SerializeMap};

use crate::{
    kpis::{Answer, AnswerRow, MissingRate},
    trust::Trust,
};

/// The data of an event `changed`: what turns the answer before into the one that is true now.
#[derive(Debug, Serialize)]
pub(crate) struct Difference<'a> {
    /// The KPI's name.
    pub(crate) kpi: &'a str,
    /// Rows that are new or have another value, as an answer has them.
    pub(crate) rows: Vec<&'a AnswerRow>,
    /// Rows that ceased to exist, without their value.
    pub(crate) removed: Vec<Removed<'a>>,
    /// As in an answer: all that are missing now.
    #[serde(skip_serializing_if = "<[MissingRate]>::is_empty")]
    pub(crate) missing_rates: &'a [MissingRate],
    /// How far the answer can be trusted that this leads to.
    pub(crate) trust: &'a Trust,
}

/// `{period, <what it is split by>}`.
#[derive(Debug)]
pub(crate) struct Removed<'a>(&'a AnswerRow);

impl<'a> Difference<'a> {
    /// What is to be said to somebody who has the answer `before`.
    pub(crate) fn between(before: &'a Answer, now: &'a Answer) -> Self {
        let values: HashMap<_, _> = before.rows.iter().map(|row| (key(row), &row.value)).collect();
        let stays: HashSet<_> = now.rows.iter().map(key).collect();
        let rows = now.rows.iter().filter(|row| values.get(&key(row)).is_none_or(|before| **before != row.value)).collect();
        let removed = before.rows.iter().filter(|row| !stays.contains(&key(row))).map(Removed).collect();
        Self { kpi: &now.kpi, rows, removed, missing_rates: &now.missing_rates, trust: &now.trust }
    }

    /// Whether no number is different.
    pub(crate) fn is_nothing(&self) -> bool {
        self.rows.is_empty() && self.removed.is_empty()
    }
}

/// What a row is for: there is one of each in an answer.
fn key(row: &AnswerRow) -> (&str, &[(String, Option<String>)]) {
    (&row.period, &row.by)
}

impl Serialize for Removed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut row = serializer.serialize_map(Some(self.0.by.len() + 1))?;
        row.serialize_entry("period", &self.0.period)?;
        for (name, value) in &self.0.by {
            row.serialize_entry(name, value)?;
        }
        row.end()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use tidemark_schemas::kpi::Unit;

    use super::*;
    use crate::kpis::Grain;

    /// Rows of period, rep and value.
    fn answer(rows: &[(&str, Option<&str>, Option<&str>)]) -> Answer {
        let text = |text: &str| text.to_owned();
        let row = |(period, rep, value): &(&str, Option<&str>, Option<&str>)| AnswerRow {
            period: text(period),
            by: vec![("rep".to_owned(), rep.map(text))],
            value: value.map(text),
        };
        let rows = rows.iter().map(row).collect();
        Answer {
            kpi: text("visits"),
            unit: Unit::Count,
            grain: Grain::Day,
            rows,
            missing_rates: Vec::new(),
            trust: Trust::default(),
        }
    }

    fn difference(before: &Answer, now: &Answer) -> Value {
        let mut said = serde_json::to_value(Difference::between(before, now)).unwrap();
        assert!(said.as_object_mut().unwrap().remove("trust").is_some());
        said
    }

    #[test]
    fn only_what_is_different_is_said() {
        let before = answer(&[
            ("2026-03-01", Some("A"), Some("1")),
            ("2026-03-01", Some("B"), Some("1")),
            ("2026-03-01", None, Some("1")),
            ("2026-03-02", Some("A"), None),
        ]);
        let now = answer(&[
            ("2026-03-01", Some("A"), Some("1")),
            ("2026-03-01", Some("B"), Some("2")),
            ("2026-03-02", Some("A"), Some("0")),
            ("2026-03-03", Some("A"), None),
        ]);
        assert_eq!(
            difference(&before, &now),
            json!({
                "kpi": "visits",
                "rows": [
                    { "period": "2026-03-01", "rep": "B", "value": "2" },
                    { "period": "2026-03-02", "rep": "A", "value": "0" },
                    { "period": "2026-03-03", "rep": "A", "value": null },
                ],
                "removed": [{ "period": "2026-03-01", "rep": null }],
            })
        );
        let back = difference(&now, &before);
        assert_eq!(back["removed"], json!([{ "period": "2026-03-03", "rep": "A" }]));
        assert_eq!(back["rows"].as_array().unwrap().len(), 3);
        assert!(Difference::between(&now, &now).is_nothing());
    }
}
