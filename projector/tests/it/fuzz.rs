//! No bytes in the log make the projector panic or take unbounded memory: records are events, poison, or a reason to wait.

#[path = "../../../ingest/tests/it/fuzz/harness.rs"]
mod harness;
#[path = "../../../ingest/tests/it/fuzz/mutate.rs"]
mod mutate;

use proptest::{collection::vec, option, prelude::*, sample::Index};
use tidemark_projector::state::Memory;
use tidemark_verify::generate;

use self::{
    harness::{Bytes, Case, in_a_process, run, target},
    mutate::mutated,
};
use crate::organisation::{Organisation, TENANT, log};

const PEAK_MIB_MAX: u64 = 512;

#[test]
fn avro() {
    in_a_process("avro", PEAK_MIB_MAX);
}

/// The process of a target.
#[test]
fn one_process() {
    if target().is_none() {
        return;
    }
    let organisation = Organisation::new();
    run(record(), |(Bytes(value), key)| {
        let mut records = log(&generate::history(1, 3));
        records[1].value.clone_from(value);
        records[1].key = key.as_ref().map(|Bytes(key)| key.clone());
        let batch = organisation.open(Memory::default()).project(&records, "log").unwrap();
        let reached = if batch.stalled.is_some() { 1 } else { 3 };
        assert_eq!(batch.mark.next_offset, reached, "it waits at the record, or goes past it");
        assert!(batch.rows.poison.iter().all(|poison| poison.value == *value || poison.value.len() < value.len()));
        Case::Done
    });
}

/// A record of an event of any type, made wrong, or any bytes behind a schema id that there is or is not; and its key.
fn record() -> impl Strategy<Value = (Bytes, Option<Bytes>)> {
    let events = log(&generate::history(7, 500));
    let seed = any::<Index>().prop_map(move |index| events[index.index(events.len())].value.clone());
    let behind_an_id =
        (0..60_u32, vec(any::<u8>(), 0..200)).prop_map(|(id, bytes)| Bytes([&[0][..], &id.to_be_bytes(), &bytes].concat()));
    let key = option::weighted(0.95, prop_oneof![9 => Just(TENANT.as_bytes().to_vec()), 1 => vec(any::<u8>(), 0..20)]);
    (prop_oneof![3 => mutated(seed), 1 => behind_an_id], key.prop_map(|key| key.map(Bytes)))
}
