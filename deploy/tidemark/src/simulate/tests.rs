//! What a simulation is: exact in number, ordered, deterministic, valid, imperfect in the promised shares.
#![allow(clippy::unwrap_used, reason = "a failed step ends its test")]

use std::collections::{BTreeMap, HashMap, HashSet};

use sha2::{Digest, Sha256};
use tidemark_schemas::{
    events::{Data, Event, EventType},
    tenant::Tenants,
};

use super::{ndjson::write_line, settings::Settings, simulation::Simulation};

fn settings(events: u64) -> Settings {
    Settings {
        events,
        reps: 40,
        from: "2026-01-01".parse().unwrap(),
        days: 90,
        seed: 1,
        tenant: 0,
        time_zone: chrono_tz::Asia::Shanghai,
        currency: "CNY".to_owned(),
    }
}

fn simulated(events: u64) -> Vec<Event> {
    Simulation::new(settings(events)).collect()
}

#[test]
fn the_number_of_events_is_what_was_asked_for() {
    for events in [1, 10, 500, 20_000] {
        assert_eq!(simulated(events).len() as u64, events);
    }
    for (days, reps) in [(1, 1), (2, 300), (400, 3)] {
        let events: Vec<Event> = Simulation::new(Settings { days, reps, ..settings(3_000) }).collect();
        assert_eq!(events.len(), 3_000, "{days} days, {reps} reps");
    }
}

#[test]
fn it_is_ordered_and_deterministic_and_tenants_differ() {
    let events = simulated(5_000);
    assert!(events.is_sorted_by_key(|event| event.envelope.received_at));
    assert_eq!(events, simulated(5_000));
    let other: Vec<Event> = Simulation::new(Settings { tenant: 1, ..settings(5_000) }).collect();
    assert_ne!(events, other);
}

#[test]
fn imperfections_come_in_their_shares() {
    let events = simulated(20_000);
    let share = |count: usize| count as f64 / events.len() as f64;
    let mut seen = HashSet::new();
    let duplicates = events.iter().filter(|event| !seen.insert((&event.envelope.event_id, event.envelope.revision))).count();
    let late = events.iter().filter(|event| {
        let envelope = &event.envelope;
        envelope.recorded_at.is_some_and(|recorded_at| recorded_at - envelope.occurred_at > 86_400_000)
    });
    let corrections = events.iter().filter(|event| event.envelope.revision == 1).count();
    let retractions = events.iter().filter(|event| matches!(event.data, Data::EventRetracted(_))).count();
    assert!((0.035..0.06).contains(&share(duplicates)), "{duplicates}");
    assert!((0.07..0.13).contains(&share(late.count())), "late");
    assert!((0.012..0.03).contains(&share(corrections)), "{corrections}");
    assert!((0.002..0.009).contains(&share(retractions)), "{retractions}");
}

#[test]
fn everything_is_marked_and_most_types_occur() {
    let events = simulated(20_000);
    assert!(events.iter().all(|event| event.envelope.source == "simulated" && event.envelope.event_id.starts_with("sim-")));
    let mut types: BTreeMap<EventType, usize> = BTreeMap::new();
    for event in &events {
        *types.entry(event.data.event_type()).or_default() += 1;
    }
    let missing: Vec<&str> =
        EventType::ALL.iter().filter(|event_type| !types.contains_key(event_type)).map(|event_type| event_type.name()).collect();
    // There are no alerts to be acknowledged; who amends an account sends it anew.
    assert_eq!(missing, ["account.amended", "alert.acknowledged", "alert.snoozed", "alert.muted"], "{types:?}");
    let won = types[&EventType::DealWon] as f64 / (types[&EventType::DealWon] + types[&EventType::DealLost]) as f64;
    assert!((0.25..0.75).contains(&won), "{types:?}");
}

#[test]
fn few_accounts_are_seen_often_and_days_are_alike() {
    let events = simulated(20_000);
    let mut by_account: HashMap<&str, usize> = HashMap::new();
    let mut by_day: BTreeMap<i64, usize> = BTreeMap::new();
    for event in &events {
        *by_account.entry(event.envelope.account_id.as_deref().unwrap_or_default()).or_default() += 1;
        *by_day.entry(event.envelope.received_at / 86_400_000).or_default() += 1;
    }
    let mut counts: Vec<usize> = by_account.into_values().collect();
    counts.sort_unstable_by(|a, b| b.cmp(a));
    let busiest: usize = counts[..counts.len() / 10].iter().sum();
    assert!(busiest * 10 > events.len() * 3, "{busiest}");
    let busiest_day = by_day.values().max().copied().unwrap();
    assert!(busiest_day * 63 < events.len() * 4, "{by_day:?}");
}

#[test]
fn ingest_takes_every_line() {
    let tenants = format!(
        "[tenant.acme]\ntime_zone = \"Asia/Shanghai\"\ncurrency = \"CNY\"\nkeys = [{{ sha256 = \"{}\", source = \"crm\" }}]",
        hex::encode(Sha256::digest("key"))
    );
    let tenants = Tenants::parse(&tenants).unwrap();
    let access = tenants.by_key_hash(&hex::encode(Sha256::digest("key"))).unwrap();
    let now = chrono::Utc::now().timestamp_millis();
    for event in simulated(20_000) {
        let mut line = String::new();
        write_line(&event, chrono_tz::Asia::Shanghai, &mut line).unwrap();
        let read = tidemark_ingest::read_event(&line, access, now).unwrap_or_else(|problems| panic!("{line}: {problems:?}"));
        if !event.envelope.retracted {
            assert_eq!(read.data, event.data);
            assert_eq!(read.envelope.occurred_at, event.envelope.occurred_at);
            assert_eq!(read.envelope.recorded_at, event.envelope.recorded_at);
        }
        assert_eq!(read.payload_hash(), event.payload_hash(), "{line}");
    }
}
