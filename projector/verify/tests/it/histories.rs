//! Generated histories: deterministic, of all types and verdicts, and the same model in any order of arrival.

use std::collections::BTreeSet;

use rand::{SeedableRng, seq::SliceRandom};
use tidemark_schemas::{
    events::{Event, EventType},
    kpi::Catalogue,
    pipeline::shipped_pipelines,
    table::FactTable,
    tenant::{Tenant, Tenants},
};
use tidemark_verify::{LogRecord, Measures, Model, Verdict, generate};

fn tenant() -> Tenant {
    let text = "[tenant.acme]\ntime_zone = \"America/New_York\"\ncurrency = \"CNY\"";
    Tenants::parse(text).unwrap().get("acme").unwrap().as_ref().clone()
}

fn fold(events: Vec<Event>, measures: &Measures) -> Model {
    let record = |(position, event)| LogRecord { position, known_at: 0, event };
    let log: Vec<LogRecord> = (0..).zip(events).map(record).collect();
    Model::fold(&log, &tenant(), &shipped_pipelines().unwrap()["default"], measures).unwrap()
}

#[test]
fn arrival_order_does_not_matter() {
    let measures = Measures::plan(&Catalogue::shipped().unwrap()).unwrap();
    for seed in 0..20 {
        let mut events = generate::history(seed, 150);
        assert_eq!(events, generate::history(seed, 150));
        let model = fold(events.clone(), &measures);
        events.shuffle(&mut rand_chacha::ChaCha8Rng::seed_from_u64(seed));
        let shuffled = fold(events, &measures);
        let different = model.facts.iter().zip(&shuffled.facts).find(|(a, b)| a != b);
        assert_eq!(different, None, "seed {seed}");
        assert_eq!(model.facts.len(), shuffled.facts.len(), "seed {seed}");
        let different = model.cells.iter().zip(&shuffled.cells).find(|(a, b)| a != b);
        assert_eq!(different, None, "seed {seed}");
        assert_eq!(model.cells.len(), shuffled.cells.len(), "seed {seed}");
    }
}

/// Retractions meet their own revision in both orders, and corrections that do not say when they were entered come late.
#[test]
fn histories_have_what_is_decided_by_more_than_the_revision() {
    let (mut retracted_after, mut retracted_before, mut entered_before) = (0, 0, 0);
    for seed in 0..30 {
        let events = generate::history(seed, 200);
        for (index, event) in events.iter().enumerate() {
            let identity = |event: &Event| (event.envelope.source.clone(), event.envelope.event_id.clone());
            let known: Vec<&Event> = events[..index].iter().filter(|known| identity(known) == identity(event)).collect();
            let equal = |known: &&Event| known.envelope.revision == event.envelope.revision;
            let other = |known: &&Event| known.envelope.retracted != event.envelope.retracted;
            let meets = known.iter().copied().filter(equal).any(|known| other(&known));
            retracted_after += usize::from(meets && event.envelope.retracted);
            retracted_before += usize::from(meets && !event.envelope.retracted);
            entered_before += usize::from(!known.is_empty() && event.envelope.recorded_at.is_none() && !event.envelope.retracted);
        }
    }
    assert!(retracted_after > 30 && retracted_before > 30, "{retracted_after} {retracted_before}");
    assert!(entered_before > 100, "{entered_before}");
}

#[test]
fn histories_have_everything() {
    let catalogue = Catalogue::shipped().unwrap();
    let measures = Measures::plan(&catalogue).unwrap();
    let mut types: BTreeSet<EventType> = BTreeSet::new();
    let mut verdicts: BTreeSet<Verdict> = BTreeSet::new();
    let mut tables: BTreeSet<FactTable> = BTreeSet::new();
    let mut kpis: BTreeSet<String> = BTreeSet::new();
    for seed in 0..30 {
        let events = generate::history(seed, 200);
        types.extend(events.iter().map(|event| event.data.event_type()));
        let model = fold(events, &measures);
        verdicts.extend(&model.verdicts);
        tables.extend(model.facts.iter().map(|fact| fact.table));
        kpis.extend(model.cells.into_keys().map(|key| key.kpi));
    }
    assert_eq!(types.len(), EventType::ALL.len());
    assert_eq!(verdicts.len(), 5, "{verdicts:?}");
    assert_eq!(tables.len(), FactTable::ALL.len());
    let without: Vec<&str> = catalogue.iter().map(|kpi| kpi.name.as_str()).filter(|name| !kpis.contains(*name)).collect();
    assert!(without.is_empty(), "no cells of {without:?}");
}
