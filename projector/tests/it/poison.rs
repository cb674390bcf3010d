//! Records that say nothing become dead letters; records from a newer ingest or of an unknown company make the partition wait.

use tidemark_projector::{Error, pipeline::Record, state::Memory};
use tidemark_schemas::{
    decimal::Decimal6,
    events::{Data, payload::DealOpened},
};
use tidemark_verify::generate;

use crate::organisation::{Organisation, log};

fn with(value: Vec<u8>, key: Option<&str>) -> Vec<Record> {
    let mut records = log(&generate::history(1, 3));
    records[1].value = value;
    records[1].key = key.map(|key| key.as_bytes().to_vec());
    records
}

#[test]
fn unreadable_records_are_kept_and_passed() {
    let organisation = Organisation::new();
    let partition = organisation.open(Memory::default());
    for (value, reason) in [
        (vec![], "not framed"),
        (vec![1, 0, 0, 0, 1], "not framed"),
        (vec![0, 0, 0, 0, 1], "does not match its schema 1"),
        (b"\x00\x00\x00\x00\x07garbage".to_vec(), "does not match its schema 7"),
    ] {
        let batch = partition.project(&with(value.clone(), Some("acme")), "log").unwrap();
        assert_eq!(batch.rows.poison.len(), 1);
        assert!(batch.rows.poison[0].reason.contains(reason), "{}", batch.rows.poison[0].reason);
        assert_eq!(batch.rows.poison[0].value, value);
        assert_eq!(batch.mark.next_offset, 3);
    }
}

#[test]
fn a_record_without_a_key_is_kept_and_passed() {
    let organisation = Organisation::new();
    let partition = organisation.open(Memory::default());
    let mut records = log(&generate::history(1, 3));
    records[1].key = None;
    let batch = partition.project(&records, "log").unwrap();
    assert!(batch.rows.poison[0].reason.contains("no key"));
    assert_eq!(batch.mark.next_offset, 3);
}

#[test]
fn events_that_ingest_would_refuse_are_kept_and_passed() {
    let organisation = Organisation::new();
    let partition = organisation.open(Memory::default());
    let mut history = generate::history(1, 3);
    history[0].envelope.occurred_at = i64::MAX;
    history[1].envelope.event_id.clear();
    let amount = Some(Decimal6::EVENT_LIMIT);
    history[2].data = Data::DealOpened(DealOpened { deal_id: "D-1".to_owned(), amount, ..DealOpened::default() });
    let batch = partition.project(&log(&history), "log").unwrap();
    let reasons: Vec<&str> = batch.rows.poison.iter().map(|poison| poison.reason.as_str()).collect();
    assert_eq!(reasons, ["an instant lies outside 1970 … 2149", "the event has no identity", "an amount is not below 10^15"]);
}

#[test]
fn a_newer_schema_or_an_unknown_company_makes_the_partition_wait() {
    let organisation = Organisation::new();
    let partition = organisation.open(Memory::default());
    let batch = partition.project(&with(vec![0, 0, 0, 99, 9, 1], Some("acme")), "log").unwrap();
    assert!(matches!(batch.stalled, Some(Error::Upgrade { offset: 1, .. })));
    assert_eq!(batch.mark.next_offset, 1);

    let mut records = log(&generate::history(1, 3));
    records[2].key = Some(b"nobody".to_vec());
    let batch = partition.project(&records, "log").unwrap();
    assert!(matches!(&batch.stalled, Some(Error::UnknownTenant { offset: 2, tenant, .. }) if tenant == "nobody"));
    assert_eq!(batch.mark.next_offset, 2);
}

#[test]
fn a_gap_in_the_log_stops() {
    let organisation = Organisation::new();
    let partition = organisation.open(Memory::default());
    let mut records = log(&generate::history(1, 3));
    records.remove(1);
    assert!(
        matches!(partition.project(&records, "log"), Err(Error::LogReplaced { what, .. }) if what.contains("jumps from offset 1 to 2"))
    );
}
