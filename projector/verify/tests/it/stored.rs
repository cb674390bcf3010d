//! What comes back from a store as texts is what went in, and a comparison names exactly what differs.

use std::collections::{BTreeMap, BTreeSet};

use tidemark_schemas::{
    events::wire::payload_to_json,
    fact::{Fact, Scalar},
    kpi::Catalogue,
    table::FactTable,
};
use tidemark_verify::{
    Cell, CellKey, CellValue, Comparison, Found, Sample, StoredCell, StoredCells, StoredEvent, fact, generate, key,
};

use crate::script::Script;

fn script() -> Script {
    Script(
        (0..6)
            .flat_map(|seed| generate::history(seed, 150))
            .enumerate()
            .map(|(number, mut event)| {
                event.envelope.event_id = format!("{}-{}", number / 150, event.envelope.event_id);
                event
            })
            .collect(),
    )
}

fn text(value: &Scalar) -> Option<String> {
    match value {
        Scalar::Null => None,
        Scalar::Text(text) => Some(text.to_string()),
        Scalar::Int(number) | Scalar::Instant(number) => Some(number.to_string()),
        Scalar::Bool(truth) => Some(truth.to_string()),
        Scalar::Decimal(number) => Some(number.to_string()),
        Scalar::Date(day) => Some(day.to_string()),
    }
}

#[test]
fn events_come_back_from_their_rows() {
    for event in script().0 {
        let data = payload_to_json(&event.data).unwrap();
        let data: serde_json::Map<_, _> =
            data.as_object().unwrap().iter().filter(|(_, value)| !value.is_null()).map(|(k, v)| (k.clone(), v.clone())).collect();
        let mut envelope = event.envelope.clone();
        envelope.retracted = false;
        let event_type = event.data.event_type().name().to_owned();
        let data = serde_json::Value::Object(data).to_string();
        let stored = StoredEvent { position: 7, known_at: 9, event_type, envelope, data };
        assert_eq!(stored.record().unwrap().event, event);
    }
}

#[test]
fn facts_come_back_from_the_texts_of_their_columns() {
    for original in script().model().facts {
        let texts: Vec<Option<String>> = original.values.iter().map(text).collect();
        assert_eq!(fact(original.table, &texts).unwrap(), original);
        let definition = original.table.definition();
        let keys: Vec<Option<String>> = definition.key.iter().map(|column| text(original.get(column))).collect();
        assert_eq!(key(&keys), original.key());
    }
    let error = fact(FactTable::Visits, &[]).unwrap_err().to_string();
    assert!(error.contains("visits: 0 columns instead of"), "{error}");
}

fn rows(key: &CellKey, cell: &Cell) -> Vec<StoredCell> {
    let mut dims = key.dims.clone();
    dims.resize(3, String::new());
    let mut sums: Vec<String> = cell.sums.iter().map(ToString::to_string).collect();
    sums.resize(6, "0".to_owned());
    let (kpi, day, rep, currency) = (key.kpi.clone(), key.day, key.rep.clone(), key.currency.clone());
    let common = StoredCell { kpi, day, rep, dims, currency, number: "0".to_owned(), version: 3, ..StoredCell::default() };
    let value = |((slot, value), facts): (&(usize, CellValue), &i64)| {
        let (text, number) = match value {
            CellValue::Text(text) => (text.clone(), "0".to_owned()),
            CellValue::Number(number) => (String::new(), number.to_string()),
        };
        StoredCell { is_value: true, slot: u8::try_from(*slot).unwrap(), text, number, facts: *facts, ..common.clone() }
    };
    // Values first: rows come in any order.
    cell.values.iter().map(value).chain([StoredCell { facts: cell.facts, sums, ..common.clone() }]).collect()
}

#[test]
fn cells_come_back_from_their_rows() {
    let catalogue = Catalogue::shipped().unwrap();
    let model = script().model();
    let mut stored = StoredCells::default();
    for row in model.cells.iter().flat_map(|(key, cell)| rows(key, cell)) {
        stored.add(&catalogue, row).unwrap();
    }
    let expected: BTreeMap<CellKey, &Cell> = model.cells.iter().map(|(key, cell)| (key.clone(), cell)).collect();
    let all = (&Sample::All.of(0, 0), &BTreeSet::new());
    let mut same = Comparison::at(3, 10);
    same.rows("kpi_cells", &stored.0, &expected, all, ToString::to_string);
    assert_eq!((same.compared, same.different), (expected.len() as u64, 0), "{:?}", same.mismatches);

    // From after the position, although the content is right; other content; too much; too little.
    let mut keys = model.cells.keys();
    stored.0.get_mut(keys.next().unwrap()).unwrap().version = 4;
    stored.0.get_mut(keys.next().unwrap()).unwrap().value.facts += 1;
    stored.0.remove(keys.next().unwrap());
    let extra = CellKey { kpi: "zz".to_owned(), day: 0, rep: "R".to_owned(), dims: Vec::new(), currency: "CNY".to_owned() };
    stored.0.insert(extra, Found { value: Cell::default(), version: 1 });
    let mut other = Comparison::at(3, 10);
    other.rows("kpi_cells", &stored.0, &expected, all, ToString::to_string);
    assert_eq!((other.different, other.mismatches.len()), (4, 4));
    let last = other.mismatches[3].to_string();
    assert_eq!(last, "kpi_cells zz/1970-01-01/R/CNY: ClickHouse has facts=0 (version 1), the model has no row");
    let mut bounded = Comparison::at(3, 2);
    bounded.rows("kpi_cells", &stored.0, &expected, all, ToString::to_string);
    assert_eq!((bounded.different, bounded.mismatches.len()), (4, 2));
}

#[test]
fn what_moved_on_is_not_compared() {
    let facts: BTreeMap<String, Fact> = script().model().facts.into_iter().map(|fact| (fact.key(), fact)).collect();
    let expected: BTreeMap<String, &Fact> = facts.iter().map(|(key, fact)| (key.clone(), fact)).collect();
    let moved = facts.keys().take(2).cloned().collect();
    let mut comparison = Comparison::at(3, 10);
    comparison.rows("facts", &BTreeMap::new(), &expected, (&Sample::All.of(0, 0), &moved), |fact| fact.to_json());
    assert_eq!((comparison.moved, comparison.different), (2, facts.len() as u64 - 2));
}
