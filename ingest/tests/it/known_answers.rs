//! Every known answer of the real data sets, line by line, from the mapped events alone: mapping → ingest's own validation →
//! the independent model's facts and KPI values. No server is needed. The data is not part of this project; what is absent is named.

mod adventureworks;
mod connectors;
mod olist;
mod opportunities;
mod zoho;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use chrono::{Datelike, NaiveDate, TimeDelta};
use sha2::{Digest, Sha256};
use tidemark_ingest::{ImportOptions, map_rows, read_event};
use tidemark_schemas::{
    decimal::Decimal6,
    events::{Data, Event, EventType},
    fact::{Fact, Scalar},
    kpi::Catalogue,
    pipeline::shipped_pipelines,
    table::FactTable,
    tenant::{Access, ApiKey, Tenant, Tenants},
};
use tidemark_verify::{CellKey, LogRecord, Measures, Model};

use crate::{kafka, server::NOW};

const KPIS: [&str; 12] = [
    "average_deal_size",
    "calls",
    "deals_lost",
    "deals_won",
    "leads",
    "received_amount",
    "sales_cycle",
    "survey_responses",
    "talk_minutes",
    "visits",
    "win_rate",
    "won_amount",
];

/// The folder of a data set, where it is there.
fn data_set(name: &str) -> Option<PathBuf> {
    let folder = kafka::workspace().join("../shared/data").join(name);
    if !folder.is_dir() {
        eprintln!("SKIPPED: the known answers of {name} need {}", folder.display());
        return None;
    }
    Some(folder)
}

/// What came of one file.
#[derive(Default)]
struct Imported {
    rows: u64,
    events: BTreeMap<EventType, u64>,
    refused: BTreeMap<String, u64>,
}

/// A data set as a company's log, and what follows from it.
struct Company {
    files: BTreeMap<String, Imported>,
    model: Model,
    catalogue: Catalogue,
}

impl Company {
    /// Imports the files by a shipped mapping; every event passes ingest's validation, or is counted as refused.
    fn of(folder: &Path, mapping: &str, currency: &str, files: &[&str]) -> Self {
        let access = access(currency);
        let (mut log, mut imported) = (Vec::new(), BTreeMap::new());
        for file in files {
            let mut of_file = Imported::default();
            map_rows(&ImportOptions::new(folder.join(file), mapping, "", ""), |_, events| {
                of_file.rows += 1;
                match events {
                    Err(unmapped) => *of_file.refused.entry(unmapped.reason).or_default() += 1,
                    Ok(events) => events.iter().for_each(|text| match read_event(text, &access, NOW) {
                        Ok(event) => {
                            *of_file.events.entry(event.data.event_type()).or_default() += 1;
                            log.push(LogRecord { position: log.len() as i64, known_at: NOW, event });
                        }
                        Err(problems) => *of_file.refused.entry(problems[0].message.clone()).or_default() += 1,
                    }),
                }
            })
            .unwrap_or_else(|error| panic!("{error}"));
            imported.insert((*file).to_owned(), of_file);
        }
        let catalogue = asked();
        let measures = Measures::plan(&catalogue).unwrap();
        let stages = &shipped_pipelines().unwrap()["default"];
        let model = Model::fold(&log, &access.settings, stages, &measures).unwrap();
        Self { files: imported, model, catalogue }
    }

    fn facts(&self, table: FactTable) -> impl Iterator<Item = &Fact> {
        self.model.facts.iter().filter(move |fact| fact.table == table)
    }

    /// How many facts, and the sum of a column, in each group.
    fn sums(&self, table: FactTable, column: &str, group: impl Fn(&Fact) -> String) -> BTreeMap<String, (u64, Decimal6)> {
        let mut sums: BTreeMap<String, (u64, Decimal6)> = BTreeMap::new();
        for fact in self.facts(table) {
            let sum = sums.entry(group(fact)).or_default();
            sum.0 += 1;
            match fact.get(column) {
                Scalar::Decimal(value) => sum.1 += *value,
                Scalar::Int(value) => sum.1 += Decimal6::from_int(*value),
                _ => {}
            }
        }
        sums
    }

    /// A KPI's values over groups of its cells, as texts; NULL is left out.
    fn kpi(&self, name: &str, group: impl Fn(&CellKey) -> String) -> BTreeMap<String, String> {
        let values = self.model.values(self.catalogue.get(name).unwrap(), group);
        values.into_iter().filter_map(|(group, value)| Some((group, value?))).collect()
    }

    /// The names of the reps, which the facts do not hold.
    fn rep_names(&self) -> BTreeMap<String, String> {
        let named = |event: &Event| match &event.data {
            Data::RosterAssigned(assigned) => Some((assigned.rep_id.clone(), assigned.name.clone()?)),
            _ => None,
        };
        self.model.live.iter().filter_map(named).collect()
    }
}

/// The KPIs that have known answers; planning and evaluating all of them would take longer than everything else here.
fn asked() -> Catalogue {
    let (shipped, mut asked) = (Catalogue::shipped().unwrap(), Catalogue::default());
    for (name, text) in shipped.texts().filter(|(name, _)| KPIS.contains(name)) {
        asked.add(name, text).unwrap();
    }
    asked
}

/// A company in UTC: dates without a time are midnight there, and no day is 23 hours long.
fn access(currency: &str) -> Access {
    let sha256 = hex::encode(Sha256::digest("key"));
    let keys = vec![ApiKey { sha256: sha256.clone(), source: "crm".to_owned(), scram: None }];
    let tenant = Tenant { time_zone: chrono_tz::UTC, currency: currency.to_owned(), pipeline: "default".to_owned(), keys };
    let mut tenants = Tenants::default();
    tenants.add("known", tenant).unwrap();
    tenants.by_key_hash(&sha256).unwrap().clone()
}

/// A text column; empty for NULL.
fn text(fact: &Fact, column: &str) -> String {
    fact.get(column).as_text().unwrap_or_default().to_owned()
}

fn date(days_since_1970: i32) -> NaiveDate {
    NaiveDate::default() + TimeDelta::days(i64::from(days_since_1970))
}

fn month(days_since_1970: i32) -> String {
    date(days_since_1970).format("%Y-%m").to_string()
}

fn quarter(days_since_1970: i32) -> String {
    let date = date(days_since_1970);
    format!("{}-Q{}", date.year(), date.month0() / 3 + 1)
}

/// The answers of a data set: every line is compared, and all that differ are told.
struct Lines {
    data_set: &'static str,
    compared: usize,
    different: Vec<String>,
}

impl Lines {
    fn of(data_set: &'static str) -> Self {
        Self { data_set, compared: 0, different: Vec::new() }
    }

    /// Published values have at most ten digits after the point, the model's are exact.
    fn number(&mut self, line: &str, expected: f64, found: Option<&String>) {
        let number: Option<f64> = found.map(|found| found.parse().unwrap());
        let is_same = number.is_some_and(|number| (number - expected).abs() <= 1e-6 * expected.abs().max(1.0));
        self.note(is_same, line, &expected.to_string(), &found.map_or("nothing".to_owned(), String::clone));
    }

    fn exact(&mut self, line: &str, expected: impl ToString, found: impl ToString) {
        let (expected, found) = (expected.to_string(), found.to_string());
        self.note(expected == found, line, &expected, &found);
    }

    fn note(&mut self, is_same: bool, line: &str, expected: &str, found: &str) {
        self.compared += 1;
        if !is_same {
            self.different.push(format!("{line}: expected {expected}, found {found}"));
        }
    }

    fn finish(self) {
        eprintln!("{}: {} known answers compared", self.data_set, self.compared);
        assert!(self.different.is_empty(), "{}:\n{}", self.data_set, self.different.join("\n"));
    }
}

/// `answers.json` of a data set.
fn answers(folder: &Path) -> Arc<serde_json::Value> {
    Arc::new(serde_json::from_str(&std::fs::read_to_string(folder.join("answers.json")).unwrap()).unwrap())
}
