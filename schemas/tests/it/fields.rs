//! A payload's Rust fields are those of its schema: the same names, and optional where the schema lets them be null.

use std::collections::{BTreeMap, BTreeSet};

use tidemark_schemas::events::{
    EventType,
    definition::{FieldKind, TextFormat, definition},
    wire::{payload_from_json, payload_to_json},
};
use tidemark_verify::generate;

#[test]
fn names_and_optionality_are_the_schemas() {
    let mut payloads = BTreeMap::new();
    for event in generate::history(1, 3_000) {
        payloads.insert(event.data.event_type(), payload_to_json(&event.data).unwrap());
    }
    for event_type in EventType::ALL {
        let payload = payloads[event_type].as_object().unwrap();
        let fields = &definition(*event_type).fields;
        let names: BTreeSet<&str> = fields.iter().map(|field| field.name.as_str()).collect();
        assert_eq!(payload.keys().map(String::as_str).collect::<BTreeSet<_>>(), names, "{}", event_type.name());
        for field in fields {
            let mut without = payload.clone();
            without.remove(&field.name);
            let read = payload_from_json(*event_type, without.into());
            assert_eq!(read.is_err(), field.required, "{} without {}", event_type.name(), field.name);
        }
    }
}

#[test]
fn what_is_said_of_fields_fits_their_kind() {
    for event_type in EventType::ALL {
        for field in &definition(*event_type).fields {
            let place = format!("{}.{}", event_type.name(), field.name);
            let is_text = field.kind == FieldKind::Text;
            assert!(!field.about.is_empty() || field.one_of.is_some(), "{place} is not described");
            assert!(field.one_of.is_none() || is_text, "{place}: oneOf is for texts");
            assert!(field.minimum.is_none() || matches!(field.kind, FieldKind::Decimal | FieldKind::Int), "{place}: minimum");
            assert!(field.format.is_none() || is_text, "{place}: format is for texts");
            let currency = matches!(field.name.as_str(), "currency");
            assert!(!currency || field.format == Some(TextFormat::Currency), "{place} is a currency");
            assert!(field.name != "name" || field.pii, "{place}: names are personal");
        }
    }
}
