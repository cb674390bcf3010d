//! Nothing that is sent or imported, and no mapping, makes ingest panic or takes unbounded memory.

mod harness;
mod mutate;
mod programs;

use std::{fs, time::Instant};

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use proptest::{collection::vec, option, prelude::*, sample::select};
use serde_json::{Value, json};
use tidemark_ingest::{Error, ImportOptions, Reading, map_rows, read_body};
use tidemark_schemas::events::wire;

use self::{
    harness::{Bytes, Case, in_a_process, run, target},
    mutate::mutated,
    programs::{HOSTILE, STUCK, program},
};
use crate::{
    arbitrary::{event, print},
    server::{NOW, access},
};

/// What an event or a row may cost beside the program itself.
const PEAK_MIB_MAX: u64 = 256;
/// A mapping may take 512 MiB for a row, and is seen to a moment later.
const JQ_PEAK_MIB_MAX: u64 = 1_536;

#[test]
fn json() {
    in_a_process("json", PEAK_MIB_MAX);
}

#[test]
fn ndjson() {
    in_a_process("ndjson", PEAK_MIB_MAX);
}

#[test]
fn cloud_events() {
    in_a_process("cloud_events", PEAK_MIB_MAX);
}

#[test]
fn csv() {
    in_a_process("csv", PEAK_MIB_MAX);
}

#[test]
fn jq() {
    in_a_process("jq", JQ_PEAK_MIB_MAX);
}

#[test]
fn jq_that_is_hostile() {
    in_a_process("hostile", JQ_PEAK_MIB_MAX);
}

#[test]
fn jq_that_cannot_be_called_off() {
    for index in 0..STUCK.len() {
        in_a_process(&format!("stuck {index}"), JQ_PEAK_MIB_MAX);
    }
}

/// The process of a target.
#[test]
fn one_process() {
    let json_seed = || vec(event().prop_map(|event| print(&event)), 1..4).prop_map(|events| Value::from(events).to_string());
    match target().as_deref() {
        None => {}
        Some("json") => run(mutated(json_seed().prop_map(String::into_bytes)), |body| read(&headers("application/json"), body)),
        Some("ndjson") => {
            let lines = vec(event().prop_map(|event| format!("{}\r\n", print(&event))), 1..4);
            run(mutated(lines.prop_map(|lines| lines.concat().into_bytes())), |body| {
                read(&headers("application/x-ndjson"), body)
            });
        }
        Some("cloud_events") => run(cloud_event(), |(headers, body)| read(headers, body)),
        Some("csv") => run((mutated(table()), reading()), |(file, reading)| import(file, reading, ".", "csv")),
        Some("jq") => run((program(), mutated(row())), |(program, row)| import(row, &Reading::default(), program, "ndjson")),
        Some("hostile") => run(Just(()), |()| {
            let stuck = HOSTILE.iter().any(|(program, expected)| stopped(program, expected) == Case::Ended);
            if stuck { Case::Ended } else { Case::Done }
        }),
        Some(stuck) => {
            let program = STUCK[stuck.strip_prefix("stuck ").unwrap().parse::<usize>().unwrap()];
            run(Just(program), |program| cannot_be_called_off(program));
        }
    }
}

fn headers(content_type: &'static str) -> HeaderMap {
    HeaderMap::from_iter([(HeaderName::from_static("content-type"), HeaderValue::from_static(content_type))])
}

/// Whatever is accepted can be encoded, and is read back as the same.
fn read(headers: &HeaderMap, Bytes(body): &Bytes) -> Case {
    for event in read_body(headers, body, &access("fuzz"), NOW).into_iter().flatten().flatten() {
        assert_eq!(wire::decode(&wire::encode(&event).unwrap()).unwrap(), event);
    }
    Case::Done
}

/// Attributes of CloudEvents as headers.
const NAMES: [&str; 7] = ["ce-id", "ce-type", "ce-time", "ce-source", "ce-specversion", "ce-revision", "ce-x"];

/// In structured mode, as a batch, and in binary mode with headers as wrong as the body.
fn cloud_event() -> impl Strategy<Value = (HeaderMap, Bytes)> {
    let structured = event()
        .prop_map(|event| {
            let Value::Object(mut event) = print(&event) else { panic!("an object") };
            for (ours, theirs) in [("event_id", "id"), ("occurred_at", "time"), ("account_id", "accountid"), ("rep_id", "repid")]
            {
                let value = event.remove(ours).unwrap_or(Value::Null);
                event.insert(theirs.to_owned(), value);
            }
            event.remove("recorded_at");
            event.insert("specversion".to_owned(), json!("1.0"));
            Value::Object(event).to_string().into_bytes()
        })
        .boxed();
    let batch = vec(structured.clone(), 1..3).prop_map(|events| [&b"["[..], &events.join(&b','), &b"]"[..]].concat());
    let attribute = (select(NAMES.to_vec()), "[ -~]{0,40}");
    let binary = (vec(attribute, 0..8), mutated(structured.clone())).prop_map(|(attributes, body)| {
        let attributes: Vec<(&str, String)> = attributes;
        let attributes = attributes.iter().filter_map(|(name, value)| Some((*name, HeaderValue::from_str(value).ok()?)));
        let mut all = headers("application/json");
        all.extend(attributes.map(|(name, value)| (HeaderName::from_static(name), value)));
        (all, body)
    });
    prop_oneof![
        mutated(structured).prop_map(|body| (headers("application/cloudevents+json"), body)),
        mutated(batch).prop_map(|body| (headers("application/cloudevents-batch+json"), body)),
        binary,
    ]
}

fn table() -> impl Strategy<Value = Vec<u8>> {
    let cell = prop_oneof!["[a-z0-9]{0,5}", "[ -~]{0,10}", "\"[a-z,;\n]{0,10}\"", "[客户é]{0,3}"];
    (vec(vec(cell, 1..5), 1..8), select(vec![",", ";", "\t", "|"]), select(vec!["\n", "\r\n"]))
        .prop_map(|(rows, delimiter, end)| rows.into_iter().map(|row| row.join(delimiter) + end).collect::<String>().into_bytes())
}

fn reading() -> impl Strategy<Value = Reading> {
    let encodings = ["utf-8", "latin1", "gb18030", "shift_jis", "utf-16le", "iso-2022-jp"];
    let encoding = option::of(select(encodings.to_vec())).prop_map(|label| label.and_then(Reading::encoding_of));
    let columns = option::weighted(0.2, Just(vec!["a".to_owned(), "b".to_owned()]));
    (encoding, option::of(select(b",;\t|".to_vec())), columns).prop_map(|(encoding, delimiter, columns)| Reading {
        encoding,
        delimiter,
        columns,
        ..Reading::default()
    })
}

fn row() -> impl Strategy<Value = Vec<u8>> {
    let rows = [
        json!({ "a": "x", "b": [1, 2.5, null], "c": [{ "a": "2026-03-05" }] }),
        json!({ "a": "$1,200.50", "b": "", "c": { "a": true } }),
        json!({ "a": 12345678901234567890_u64, "b": [], "c": [] }),
    ];
    select(rows.map(|row| row.to_string().into_bytes()).to_vec())
}

/// Imports a file of these bytes, without sending anything.
fn mapped(Bytes(bytes): &Bytes, reading: &Reading, program: &str, format: &str) -> Result<Vec<String>, Error> {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    fs::write(path("mapping.jq"), program).unwrap();
    let file = path(&format!("rows.{format}"));
    fs::write(&file, bytes).unwrap();
    let mut options = ImportOptions::new(file, path("mapping.jq").to_str().unwrap(), "", "");
    options.reading = reading.clone();
    let mut refused = Vec::new();
    map_rows(&options, |_, events| refused.extend(events.err().map(|unmapped| unmapped.message)))?;
    Ok(refused)
}

fn import(file: &Bytes, reading: &Reading, program: &str, format: &str) -> Case {
    let stuck = mapped(file, reading, program, format).err().filter(|error| matches!(error, Error::MappingStuck { .. }));
    assert!(stuck.is_none(), "{program:?} cannot be called off: {stuck:?}");
    Case::Done
}

/// A bound ends the row, and says which; on a machine too busy to notice a call to stop in time it ends the import.
fn stopped(program: &str, expected: &str) -> Case {
    let began = Instant::now();
    match mapped(&Bytes(b"{\"a\": 1}\n{\"a\": 2}\n".to_vec()), &Reading::default(), program, "ndjson") {
        Ok(refused) => {
            assert!(refused.len() == 2 && refused.iter().all(|reason| reason.contains(expected)), "{program}: {refused:?}");
            assert!(refused.iter().all(|reason| reason.len() < 2_000), "{program}: a reason has a bound too");
            eprintln!("{:?} for {program}", began.elapsed());
            Case::Done
        }
        Err(stuck) => {
            assert!(matches!(stuck, Error::MappingStuck { .. }), "{program}: {stuck}");
            eprintln!("{stuck} for {program}");
            Case::Ended
        }
    }
}

fn cannot_be_called_off(program: &str) -> Case {
    let stuck = mapped(&Bytes(b"{}\n".to_vec()), &Reading::default(), program, "ndjson").unwrap_err();
    let said = stuck.to_string();
    assert!(said.starts_with("line 1: the mapping takes more than") && said.contains("cannot be called off"), "{said}");
    Case::Ended
}
