//! Histories written by hand, and facts as lines of text to compare with.

use chrono::{DateTime, NaiveDate, TimeDelta};
use tidemark_schemas::{
    decimal::Decimal6,
    events::{Data, Envelope, Event, payload::Retracted},
    fact::{Fact, Scalar},
    kpi::Catalogue,
    pipeline::shipped_pipelines,
    table::FactTable,
    tenant::{Tenant, Tenants},
};
use tidemark_verify::{LogRecord, Measures, Model};

/// Events in the order of their arrival, each received an hour after it happened; ids are e1, e2, …
#[derive(Default, Clone)]
pub struct Script(pub Vec<Event>);

impl Script {
    /// Something happens; an empty account or rep is none.
    pub fn say(&mut self, at: &str, account: &str, rep: &str, data: Data) -> &mut Self {
        let event_id = format!("e{}", self.0.len() + 1);
        self.revise(&event_id, 0, at, account, rep, data)
    }

    pub fn revise(&mut self, event_id: &str, revision: i64, at: &str, account: &str, rep: &str, data: Data) -> &mut Self {
        let occurred_at = instant(at);
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let envelope = Envelope {
            source: "crm".to_owned(),
            event_id: event_id.to_owned(),
            revision,
            account_id: some(account),
            rep_id: some(rep),
            occurred_at,
            received_at: occurred_at + 3_600_000,
            ..Envelope::default()
        };
        self.0.push(Event { envelope, data });
        self
    }

    pub fn retract(&mut self, event_id: &str, revision: i64) -> &mut Self {
        self.revise(event_id, revision, "2026-12-31T00:00:00Z", "", "", Data::EventRetracted(Retracted {}));
        if let Some(event) = self.0.last_mut() {
            event.envelope.retracted = true;
        }
        self
    }

    pub fn model(&self) -> Model {
        self.model_of(&Catalogue::shipped().unwrap())
    }

    pub fn model_of(&self, catalogue: &Catalogue) -> Model {
        let record = |(position, event): (i64, &Event)| LogRecord { position, known_at: 0, event: event.clone() };
        let log: Vec<LogRecord> = (0..).zip(&self.0).map(record).collect();
        let measures = Measures::plan(catalogue).unwrap();
        Model::fold(&log, &tenant(), &shipped_pipelines().unwrap()["default"], &measures).unwrap()
    }

    /// The named columns of a table, one line per fact.
    pub fn table(&self, table: FactTable, columns: &str) -> Vec<String> {
        let model = self.model();
        let facts = model.facts.iter().filter(|fact| fact.table == table);
        facts.map(|fact| line(fact, columns)).collect()
    }
}

/// Eight hours before UTC's midnight it is midnight here.
fn tenant() -> Tenant {
    let text = "[tenant.acme]\ntime_zone = \"Asia/Shanghai\"\ncurrency = \"CNY\"";
    Tenants::parse(text).unwrap().get("acme").unwrap().as_ref().clone()
}

pub fn instant(text: &str) -> i64 {
    DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis()
}

pub fn day(text: &str) -> i32 {
    let date: NaiveDate = text.parse().unwrap();
    i32::try_from(date.signed_duration_since(NaiveDate::default()).num_days()).unwrap()
}

pub fn decimal(text: &str) -> Decimal6 {
    text.parse().unwrap()
}

fn line(fact: &Fact, columns: &str) -> String {
    let text = |column: &str| {
        assert!(fact.table.definition().column(column).is_some(), "{column}");
        match fact.get(column) {
            Scalar::Null => "-".to_owned(),
            Scalar::Text(text) => text.to_string(),
            Scalar::Int(number) => number.to_string(),
            Scalar::Bool(truth) => truth.to_string(),
            Scalar::Decimal(number) => number.to_string(),
            Scalar::Date(day) => (NaiveDate::default() + TimeDelta::days(i64::from(*day))).to_string(),
            Scalar::Instant(ms) => DateTime::from_timestamp_millis(*ms).unwrap().format("%Y-%m-%dT%H:%MZ").to_string(),
        }
    };
    columns.split(' ').map(text).collect::<Vec<_>>().join(" ")
}

/// A payload with these fields, the others as by default.
#[macro_export]
macro_rules! data {
    ($variant:ident, $payload:ident { $($field:ident: $value:expr),* $(,)? }) => {
        tidemark_schemas::events::Data::$variant(tidemark_schemas::events::payload::$payload {
            $($field: $value.into(),)*
            ..Default::default()
        })
    };
}
