//! What is behind facts: the events that made them what they are, and what each of these changed.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, SecondsFormat};
use clickhouse::Row;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tidemark_schemas::{fact::Fact, table::FactTable};
use utoipa::ToSchema;

use super::Past;
use crate::{Error, service::Service};

/// Events and changes that one explanation reads at most.
const ROWS_MAX: u64 = 20_000;

/// An event behind a fact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct EventBehind {
    /// Its offset in the partition of the tenant.
    pub(crate) position: i64,
    /// As `visit.completed`.
    pub(crate) r#type: String,
    /// With the id and the revision its identity.
    pub(crate) source: String,
    /// The source's id of it.
    pub(crate) event_id: String,
    /// Orders corrections of one identity.
    pub(crate) revision: i64,
    /// On arrival: admitted, duplicate, conflict, correction or retraction.
    pub(crate) verdict: String,
    /// The correction or retraction that stands in its place now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) superseded_by: Option<i64>,
    /// Business time.
    pub(crate) occurred_at: String,
    /// When the broker took it.
    pub(crate) known_at: String,
    /// The payload.
    #[schema(value_type = Object)]
    pub(crate) data: Value,
}

/// What one event changed of a fact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct FactChange {
    /// That of the event.
    pub(crate) position: i64,
    /// When the broker took it.
    pub(crate) known_at: String,
    /// Whether the fact is there after it.
    pub(crate) exists: bool,
    /// Columns whose value changed: before and after. Of a fact that begins or ceases to exist, all of them.
    #[schema(value_type = Object)]
    pub(crate) columns: BTreeMap<String, (Value, Value)>,
}

/// The events and changes of each fact, by its key.
#[derive(Debug, Default)]
pub(crate) struct Behind {
    changes: HashMap<String, Vec<FactChange>>,
    events: BTreeMap<i64, EventBehind>,
    by_entity: HashMap<String, BTreeSet<i64>>,
    /// There was more than one explanation shows.
    pub(crate) is_cut: bool,
}

#[derive(Debug, Row, Deserialize)]
struct VersionRow {
    fact_key: String,
    position: i64,
    known_at_ms: i64,
    is_there: u8,
    fact: String,
}

#[derive(Debug, Row, Deserialize)]
struct EventRow {
    position: i64,
    r#type: String,
    source: String,
    event_id: String,
    revision: i64,
    verdict: String,
    entity_kind: String,
    entity_id: String,
    occurred_at_ms: i64,
    known_at_ms: i64,
    data: String,
}

impl Behind {
    /// Reads what is behind facts of one table.
    ///
    /// # Errors
    /// ClickHouse.
    pub(crate) async fn read(service: &Service, past: &Past, table: FactTable, facts: &[Fact]) -> Result<Self, Error> {
        let mut behind = Self::default();
        let keys: Vec<String> = facts.iter().map(Fact::key).collect();
        let versions = service
            .clickhouse
            .query(include_str!("../../sql/versions.sql"))
            .param("generation", past.generation)
            .param("tenant", past.tenant.as_ref())
            .param("table", table.name())
            .param("keys", keys)
            .param("position", past.position.offset)
            .param("rows", ROWS_MAX)
            .fetch_all::<VersionRow>()
            .await?;
        behind.is_cut = versions.len() as u64 == ROWS_MAX;
        behind.add_changes(versions);
        let positions: BTreeSet<i64> = behind.changes.values().flatten().map(|change| change.position).collect();
        let events = service
            .clickhouse
            .query(include_str!("../../sql/events_behind.sql"))
            .param("tenant", past.tenant.as_ref())
            .param("position", past.position.offset)
            .param("positions", positions.into_iter().collect::<Vec<i64>>())
            .param("entities", facts.iter().flat_map(entities).collect::<BTreeSet<_>>().into_iter().collect::<Vec<String>>())
            .param("rows", ROWS_MAX)
            .fetch_all::<EventRow>()
            .await?;
        behind.is_cut |= events.len() as u64 == ROWS_MAX;
        behind.add_events(events);
        Ok(behind)
    }

    /// What the events changed of a fact, in their order.
    pub(crate) fn changes(&self, fact: &Fact) -> Vec<FactChange> {
        self.changes.get(&fact.key()).cloned().unwrap_or_default()
    }

    /// The events that changed a fact, and every other that is about the same thing: duplicates, conflicts, what was superseded.
    pub(crate) fn events(&self, fact: &Fact) -> Vec<EventBehind> {
        let mut positions: BTreeSet<i64> = self.changes(fact).iter().map(|change| change.position).collect();
        for entity in entities(fact) {
            positions.extend(self.by_entity.get(&entity).into_iter().flatten());
        }
        positions.into_iter().filter_map(|position| self.events.get(&position).cloned()).collect()
    }

    fn add_changes(&mut self, versions: Vec<VersionRow>) {
        let mut before: Option<(String, Value)> = None;
        for version in versions {
            let exists = version.is_there == 1;
            let now = if exists { serde_json::from_str(&version.fact).unwrap_or(Value::Null) } else { Value::Null };
            let was = match before.take() {
                Some((key, fact)) if key == version.fact_key => fact,
                _ => Value::Null,
            };
            let change = FactChange {
                position: version.position,
                known_at: instant(version.known_at_ms),
                exists,
                columns: difference(&was, &now),
            };
            self.changes.entry(version.fact_key.clone()).or_default().push(change);
            before = Some((version.fact_key, now));
        }
    }

    fn add_events(&mut self, rows: Vec<EventRow>) {
        // The newest revision of an identity, and where it is.
        let mut newest: HashMap<(String, String), (i64, i64)> = HashMap::new();
        for row in rows.iter().filter(|row| matches!(row.verdict.as_str(), "correction" | "retraction")) {
            let newest = newest.entry((row.source.clone(), row.event_id.clone())).or_insert((row.revision, row.position));
            if row.revision >= newest.0 {
                *newest = (row.revision, row.position);
            }
        }
        for row in rows {
            let counted = matches!(row.verdict.as_str(), "admitted" | "correction");
            let by = newest.get(&(row.source.clone(), row.event_id.clone())).map(|(_, position)| *position);
            self.by_entity.entry(format!("{}/{}", row.entity_kind, row.entity_id)).or_default().insert(row.position);
            self.events.insert(
                row.position,
                EventBehind {
                    position: row.position,
                    r#type: row.r#type,
                    source: row.source,
                    event_id: row.event_id,
                    revision: row.revision,
                    verdict: row.verdict,
                    superseded_by: by.filter(|by| counted && *by > row.position),
                    occurred_at: instant(row.occurred_at_ms),
                    known_at: instant(row.known_at_ms),
                    data: serde_json::from_str(&row.data).unwrap_or(Value::Null),
                },
            );
        }
    }
}

/// What a fact is of: the things whose id it has, as `deal/D-1` for the column `deal_id`. Whoever did it and whom it was for are
/// not what it is.
fn entities(fact: &Fact) -> Vec<String> {
    let columns = fact.table.definition().columns.iter();
    let ids = columns.filter_map(|column| Some((column.name.strip_suffix("_id")?, fact.get(column.name).as_text()?)));
    let is_account = fact.table == FactTable::Accounts;
    ids.filter(|(kind, _)| *kind != "rep" && (*kind != "account" || is_account))
        .map(|(kind, id)| format!("{kind}/{id}"))
        .collect()
}

fn difference(before: &Value, after: &Value) -> BTreeMap<String, (Value, Value)> {
    let of = |fact: &Value, name: &str| fact.get(name).cloned().unwrap_or(Value::Null);
    let names = [before, after].into_iter().filter_map(Value::as_object).flat_map(serde_json::Map::keys);
    let both = names.map(|name| (name.clone(), (of(before, name), of(after, name))));
    both.filter(|(_, (before, after))| before != after).collect()
}

pub(super) fn instant(ms: i64) -> String {
    DateTime::from_timestamp_millis(ms).map(|at| at.to_rfc3339_opts(SecondsFormat::Millis, true)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_changed_is_named() {
        let changed =
            difference(&json!({"amount": "1", "status": "won", "stage": "x"}), &json!({"amount": "2", "status": "won"}));
        let expected = [("amount", ("1".into(), "2".into())), ("stage", ("x".into(), Value::Null))];
        assert_eq!(changed, expected.map(|(name, both)| (name.to_owned(), both)).into());
        assert_eq!(difference(&Value::Null, &json!({"a": 1}))["a"], (Value::Null, 1.into()));
    }
}
