//! At the end: every row that ClickHouse shows of every company against the model of its whole log.

use std::{collections::BTreeSet, sync::Arc};

use anyhow::{Context, Result};
use clickhouse::{Client, Compression, Row};
use serde::Deserialize;
use tidemark_schemas::{
    decimal::Decimal6,
    fact::{Fact, Scalar},
    table::{Column, ColumnType, FactTable},
};
use tidemark_verify::{CellKey, CellValue, Model};

use tidemark_stage::Company;

use crate::campaign::Campaign;

/// A row as texts; none is NULL.
type Texts = Vec<Option<String>>;

/// Sums in a row of `kpi_cells`, and its dimensions.
const SLOTS: usize = 6;
const DIMS: usize = 3;

/// How much was compared and how much of it is wrong.
#[derive(Debug, Default, Clone, Copy)]
pub struct Compared {
    pub cells: usize,
    pub wrong_cells: usize,
    pub facts: usize,
    pub wrong_facts: usize,
    pub events: usize,
    pub wrong_events: usize,
}

#[derive(Row, Deserialize)]
struct Found {
    texts: Texts,
}

/// Compares one company.
pub async fn compare(campaign: &Arc<Campaign>, company: &Company, compared: &mut Compared) -> Result<()> {
    let count = campaign.log.count(&company.name, i64::MAX);
    let model = campaign.truth.model(&campaign.log, company, count).with_context(|| company.name.clone())?;
    let client = Client::default().with_url(campaign.stage.clickhouse()).with_database("tidemark");
    let client = client.with_compression(Compression::None);
    let hold = |what: &str, expected: BTreeSet<Texts>, found: Vec<Texts>| {
        let wrong = differences(&expected, &found);
        if let Some(first) = wrong.first() {
            campaign.problem(format!("{} {what} of {} differ at the end: {first}", wrong.len(), company.name));
        }
        (expected.len(), wrong.len())
    };
    let found = rows(&client, EVENTS, &company.name).await?;
    let (events, wrong) = hold("events", events(campaign, company, &model, count)?, found);
    (compared.events, compared.wrong_events) = (compared.events + events, compared.wrong_events + wrong);
    let found = [rows(&client, CELLS, &company.name).await?, rows(&client, VALUES, &company.name).await?].concat();
    let (cells, wrong) = hold("cells", cells(&model), found);
    (compared.cells, compared.wrong_cells) = (compared.cells + cells, compared.wrong_cells + wrong);
    for table in FactTable::ALL {
        let found = rows(&client, &facts_sql(*table), &company.name).await?;
        let expected = model.facts.iter().filter(|fact| fact.table == *table).map(fact_texts).collect();
        let (facts, wrong) = hold(table.name(), expected, found);
        (compared.facts, compared.wrong_facts) = (compared.facts + facts, compared.wrong_facts + wrong);
    }
    Ok(())
}

const EVENTS: &str = "SELECT CAST([toString(position), verdict, event_id] AS Array(Nullable(String))) AS texts \
     FROM events FINAL WHERE tenant = {tenant:String}";
const CELLS: &str = "SELECT CAST([kpi, toString(toInt32(day)), rep_id, d0, d1, d2, currency, toString(facts), toString(s0), \
     toString(s1), toString(s2), toString(s3), toString(s4), toString(s5)] AS Array(Nullable(String))) AS texts \
     FROM kpi_cells FINAL WHERE generation = 1 AND tenant = {tenant:String} AND row_kind = 'cell'";
const VALUES: &str = "SELECT CAST([kpi, toString(toInt32(day)), rep_id, d0, d1, d2, currency, toString(facts), toString(slot), \
     text, toString(number)] AS Array(Nullable(String))) AS texts \
     FROM kpi_cells FINAL WHERE generation = 1 AND tenant = {tenant:String} AND row_kind = 'value'";

async fn rows(client: &Client, sql: &str, company: &str) -> Result<Vec<Texts>> {
    let found = client.query(sql).param("tenant", company).fetch_all::<Found>().await?;
    Ok(found.into_iter().map(|found| found.texts).collect())
}

fn facts_sql(table: FactTable) -> String {
    let text = |column: &Column| {
        let name = column.name;
        let text = match column.column_type {
            ColumnType::Text => name.to_owned(),
            ColumnType::Date => format!("toString(toInt32({name}))"),
            ColumnType::Instant => format!("toString(toUnixTimestamp64Milli({name}))"),
            ColumnType::Int | ColumnType::Bool | ColumnType::Decimal => format!("toString({name})"),
        };
        format!("CAST({text} AS Nullable(String))")
    };
    let texts: Vec<String> = table.definition().columns.iter().map(text).collect();
    let (texts, name) = (texts.join(", "), table.name());
    format!("SELECT [{texts}] AS texts FROM {name} FINAL WHERE generation = 1 AND tenant = {{tenant:String}}")
}

fn fact_texts(fact: &Fact) -> Texts {
    let text = |value: &Scalar| match value {
        Scalar::Null => None,
        Scalar::Text(text) => Some(text.to_string()),
        Scalar::Int(value) | Scalar::Instant(value) => Some(value.to_string()),
        Scalar::Bool(value) => Some(value.to_string()),
        Scalar::Decimal(value) => Some(value.to_string()),
        Scalar::Date(value) => Some(value.to_string()),
    };
    fact.values.iter().map(text).collect()
}

fn events(campaign: &Campaign, company: &Company, model: &Model, count: usize) -> Result<BTreeSet<Texts>> {
    let records = campaign.log.records(&company.name, count)?;
    let row = |(record, verdict): (&tidemark_verify::LogRecord, &tidemark_verify::Verdict)| {
        let texts = [record.position.to_string(), verdict.name().to_owned(), record.event.envelope.event_id.clone()];
        texts.map(Some).to_vec()
    };
    Ok(records.iter().zip(&model.verdicts).map(row).collect())
}

fn cells(model: &Model) -> BTreeSet<Texts> {
    let mut rows = BTreeSet::new();
    for (key, cell) in &model.cells {
        let sums = (0..SLOTS).map(|slot| cell.sums.get(slot).copied().unwrap_or(Decimal6::ZERO).to_string());
        rows.insert(key_texts(key).chain([cell.facts.to_string()]).chain(sums).map(Some).collect());
        for ((slot, value), facts) in &cell.values {
            let (text, number) = match value {
                CellValue::Text(text) => (text.clone(), Decimal6::ZERO),
                CellValue::Number(number) => (String::new(), *number),
            };
            let rest = [facts.to_string(), slot.to_string(), text, number.to_string()];
            rows.insert(key_texts(key).chain(rest).map(Some).collect());
        }
    }
    rows
}

fn key_texts(key: &CellKey) -> impl Iterator<Item = String> {
    let dims = (0..DIMS).map(|dim| key.dims.get(dim).cloned().unwrap_or_default());
    let texts = [key.kpi.clone(), key.day.to_string(), key.rep.clone()];
    texts.into_iter().chain(dims).chain([key.currency.clone()])
}

/// Rows that only one side has, or that are there twice.
fn differences(expected: &BTreeSet<Texts>, found: &[Texts]) -> Vec<String> {
    let unique: BTreeSet<&Texts> = found.iter().collect();
    let missing = expected.iter().filter(|row| !unique.contains(row)).map(|row| format!("missing {}", shown(row)));
    let mut wrong: Vec<String> = missing.collect();
    wrong.extend(unique.iter().filter(|row| !expected.contains(**row)).map(|row| format!("not expected {}", shown(row))));
    if unique.len() < found.len() {
        wrong.push(format!("{} rows twice", found.len() - unique.len()));
    }
    wrong
}

fn shown(row: &Texts) -> String {
    row.iter().map(|text| text.as_deref().unwrap_or("NULL")).collect::<Vec<_>>().join(" | ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_a_missing_and_a_doubled_row_are_differences() {
        let row = |texts: [&str; 2]| texts.map(|text| Some(text.to_owned())).to_vec();
        let expected = BTreeSet::from([row(["a", "1"]), row(["b", "2"])]);
        assert!(differences(&expected, &[row(["b", "2"]), row(["a", "1"])]).is_empty());
        assert_eq!(differences(&expected, &[row(["a", "1"]), row(["b", "3"])]), ["missing b | 2", "not expected b | 3"]);
        assert_eq!(differences(&expected, &[row(["a", "1"])]), ["missing b | 2"]);
        assert_eq!(differences(&expected, &[row(["a", "1"]), row(["b", "2"]), row(["b", "2"])]), ["1 rows twice"]);
    }
}
