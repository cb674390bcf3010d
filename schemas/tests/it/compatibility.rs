//! Full-transitive compatibility: every version of a type's schema reads what every other version wrote.

use std::collections::BTreeMap;

use apache_avro::{Schema, schema_compatibility::SchemaCompatibility};
use serde_json::Value;
use tidemark_schemas::events::{
    EventType,
    wire::{current_schema, schemas},
};

#[test]
fn every_version_reads_every_other() {
    let mut versions: BTreeMap<EventType, Vec<(u32, &str)>> = BTreeMap::new();
    for schema in schemas() {
        versions.entry(schema.event_type).or_default().push((schema.version, schema.text));
    }
    for (event_type, versions) in &versions {
        for (written, writer) in versions {
            for (read, reader) in versions {
                can_read(writer, reader)
                    .unwrap_or_else(|reason| panic!("{} {read} cannot read {written}: {reason}", event_type.name()));
            }
        }
    }
}

/// The subject of a schema is its full name, which is the type's.
#[test]
fn records_are_named_by_their_type() {
    for schema in schemas() {
        let Schema::Record(record) = Schema::parse_str(schema.text).unwrap() else { panic!("{} is no record", schema.id) };
        assert_eq!(record.name.fullname(None), schema.event_type.name());
    }
}

/// What the test above would say of changes that are easily made by mistake.
#[test]
fn changes_that_break_readers_are_noticed() {
    let current = current_schema(EventType::PaymentDue).text;
    let both_ways = |changed: &str| (can_read(current, changed).is_ok(), can_read(changed, current).is_ok());
    let due_on = r#"{"name": "due_on", "#;
    let with_field = |field: &str| current.replacen(due_on, &format!("{field},\n      {due_on}"), 1);
    let optional = with_field(r#"{"name": "discount", "type": ["null", "long"], "default": null}"#);
    assert_eq!(both_ways(&optional), (true, true));
    let required = with_field(r#"{"name": "discount", "type": "long"}"#);
    assert_eq!(both_ways(&required), (false, true));
    let retyped = current.replacen(r#""logicalType": "date""#, r#""logicalType": "time-millis""#, 1);
    assert_eq!(both_ways(&retyped), (false, false));
    let rescaled = current.replacen(r#""scale": 6"#, r#""scale": 2"#, 1);
    assert_eq!(both_ways(&rescaled), (false, false));
    let undecimal = current.replacen(r#""logicalType": "decimal", "#, "", 1);
    assert_eq!(both_ways(&undecimal), (false, false));
}

/// apache-avro's check finds every decimal inconclusive: they are checked here, and are bytes to it.
fn can_read(writer: &str, reader: &str) -> Result<(), String> {
    let (writer, reader) = (Decimals::taken_from(writer), Decimals::taken_from(reader));
    for (field, written) in &writer.by_field {
        match reader.by_field.get(field) {
            Some(read) if read != written => return Err(format!("{field}: {written} became {read}")),
            _ => {}
        }
    }
    let parse = |schema: &Value| Schema::parse(schema).map_err(|error| error.to_string());
    SchemaCompatibility::can_read(&parse(&writer.schema)?, &parse(&reader.schema)?).map_err(|error| error.to_string())
}

/// A schema without decimals, and what each of its fields of bytes was.
struct Decimals {
    schema: Value,
    by_field: BTreeMap<String, String>,
}

impl Decimals {
    fn taken_from(text: &str) -> Self {
        let mut taken = Self { schema: serde_json::from_str(text).unwrap(), by_field: BTreeMap::new() };
        let mut schema = taken.schema.take();
        taken.visit(&mut schema, "");
        taken.schema = schema;
        taken
    }

    fn visit(&mut self, node: &mut Value, field: &str) {
        match node {
            Value::Object(object) if object.get("type").is_some_and(|inner| inner == "bytes") => {
                let precision = |name: &str| object.get(name).map(Value::to_string).unwrap_or_default();
                let logical = precision("logicalType");
                let found = format!("bytes {logical} {} {}", precision("precision"), precision("scale"));
                self.by_field.insert(field.to_owned(), found);
                *node = "bytes".into();
            }
            Value::Object(object) => {
                let name = object.get("name").and_then(Value::as_str).unwrap_or(field).to_owned();
                object.values_mut().for_each(|inner| self.visit(inner, &name));
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.visit(item, field)),
            _ => {}
        }
    }
}
