//! In any order, with duplicates, corrections and retractions of anything, cut into any batches, through crashes:
//! verdicts, facts and cells are those of the naive model.

use std::collections::BTreeMap;

use proptest::prelude::*;
use tidemark_projector::{
    measure::CellKey,
    sink::{MemorySink, Tables},
    state::Memory,
};
use tidemark_schemas::{decimal::Decimal6, events::Event, fact::Scalar};
use tidemark_verify::{self as verify, LogRecord, Model, generate};

use crate::organisation::{Crash, Organisation, TENANT, log, project};

proptest! {
    #![proptest_config(config())]

    #[test]
    fn equals_the_naive_model(seed in any::<u64>(), events in 1..220_usize, sizes in prop::collection::vec(1..40_usize, 1..12), crashes in prop::collection::vec(0..6_u8, 0..20)) {
        let organisation = shared();
        let history = generate::history(seed, events);
        let tables = projected(organisation, &history, &sizes, &crashes);
        compare(organisation, &history, &tables, seed);
    }

    #[test]
    fn order_of_arrival_does_not_matter(seed in any::<u64>(), events in 1..160_usize, shuffle in any::<u64>()) {
        let organisation = shared();
        let history = generate::history(seed, events);
        let mut shuffled = history.clone();
        shuffle_by(&mut shuffled, shuffle);
        let (one, other) = (projected(organisation, &history, &[13], &[]), projected(organisation, &shuffled, &[7], &[]));
        compare(organisation, &shuffled, &other, seed);
        prop_assert_eq!(one.facts(), other.facts());
        prop_assert_eq!(one.cells(), other.cells());
        prop_assert_eq!(one.values(), other.values());
        prop_assert_eq!(one.findings(), other.findings());
    }
}

/// Some seconds of cases, or as many as `PROPTEST_CASES` says.
fn config() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(300);
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

fn shared() -> &'static Organisation {
    static ORGANISATION: std::sync::LazyLock<Organisation> = std::sync::LazyLock::new(Organisation::new);
    &ORGANISATION
}

fn projected(organisation: &Organisation, history: &[Event], sizes: &[usize], crashes: &[u8]) -> Tables {
    let sink = MemorySink::default();
    let mut partition = organisation.open(Memory::default());
    project(&mut partition, &sink, &log(history), sizes, |batch| match crashes.get(batch) {
        Some(0) => Some(Crash::BeforeWrite),
        Some(1) => Some(Crash::BeforeCommit),
        _ => None,
    });
    sink.tables()
}

/// A permutation that depends on nothing but the seed.
fn shuffle_by(events: &mut [Event], seed: u64) {
    let mut state = seed | 1;
    for index in (1..events.len()).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        events.swap(index, usize::try_from(state >> 33).unwrap() % (index + 1));
    }
}

fn compare(organisation: &Organisation, history: &[Event], tables: &Tables, seed: u64) {
    let records: Vec<LogRecord> =
        (0..).zip(history).map(|(position, event)| LogRecord { position, known_at: 0, event: event.clone() }).collect();
    let measures = verify::Measures::plan(&organisation.catalogue).unwrap();
    let tenant = organisation.tenants.get(TENANT).unwrap();
    let model = Model::fold(&records, tenant, &organisation.pipelines["default"], &measures).unwrap();

    let verdicts = tables.verdicts();
    let expected: Vec<&str> = model.verdicts.iter().map(|verdict| verdict.name()).collect();
    assert_eq!(verdicts, expected, "verdicts, seed {seed}");

    let mut facts: Vec<_> = tables.facts().into_values().collect();
    facts.sort();
    let only = |a: &[tidemark_schemas::fact::Fact], b: &[tidemark_schemas::fact::Fact]| {
        a.iter().filter(|fact| !b.contains(fact)).map(|fact| (fact.table, fact.to_json())).collect::<Vec<_>>()
    };
    assert_eq!(only(&facts, &model.facts), only(&model.facts, &facts), "facts (projector | model), seed {seed}");
    assert_eq!(cells(tables), model_cells(&model), "cells, seed {seed}");
}

/// Facts, sums and values of every cell, in a shape that both sides have.
type PlainCell = (i64, Vec<i128>, BTreeMap<(u8, String), i64>);

fn plain_key(key: &CellKey) -> (String, i32, String, Vec<String>, String) {
    let dims = key.dims.iter().rev().skip_while(|dim| dim.is_empty()).map(ToString::to_string).collect();
    (key.kpi.to_string(), key.day, key.rep_id.to_string(), dims, key.currency.to_string())
}

fn cells(tables: &Tables) -> BTreeMap<(String, i32, String, Vec<String>, String), PlainCell> {
    let mut cells: BTreeMap<_, PlainCell> = BTreeMap::new();
    for ((_, key), cell) in tables.cells() {
        cells.insert(plain_key(&key), (cell.facts, cell.sums, BTreeMap::new()));
    }
    for ((_, key), facts) in tables.values() {
        let cell = cells.get_mut(&plain_key(&key.cell)).expect("a value belongs to a cell that holds facts");
        let value = match &key.value {
            Scalar::Decimal(value) => value.to_string(),
            other => other.as_text().unwrap_or_default().to_owned(),
        };
        cell.2.insert((key.slot, value), facts);
    }
    cells
}

fn model_cells(model: &Model) -> BTreeMap<(String, i32, String, Vec<String>, String), PlainCell> {
    let plain = |value: &verify::CellValue| match value {
        verify::CellValue::Text(text) => text.clone(),
        verify::CellValue::Number(number) => number.to_string(),
    };
    let one = |(key, cell): (&verify::CellKey, &verify::Cell)| {
        let dims = key.dims.iter().rev().skip_while(|dim| dim.is_empty()).cloned().collect::<Vec<_>>();
        let values =
            cell.values.iter().map(|((slot, value), facts)| ((u8::try_from(*slot).unwrap(), plain(value)), *facts)).collect();
        let sums = cell.sums.iter().map(|Decimal6(sum)| *sum).collect();
        ((key.kpi.clone(), key.day, key.rep.clone(), dims, key.currency.clone()), (cell.facts, sums, values))
    };
    model.cells.iter().map(one).collect()
}
