//! `data`, field by field as its type defines it.

use chrono_tz::Tz;
use serde_json::{Map, Value, value::RawValue};
use tidemark_schemas::events::{
    Data, EventType,
    definition::{EventDefinition, definition},
    wire::payload_from_json,
};

use super::{
    fields::Fields,
    problem::{Code, Problem, Problems},
    scalar::Field,
};

/// The typed payload, or nothing and the problems noted.
pub(super) fn read_data(event_type: EventType, json: Option<&RawValue>, time_zone: Tz, problems: &mut Problems) -> Option<Data> {
    let definition = definition(event_type);
    let mut fields = problems.note(object(definition, json))?;
    for name in std::mem::take(&mut fields.duplicates) {
        let name = format!("data.{name}");
        problems.push(Problem::of_field(Code::DuplicateField, &name, format!("{name} occurs twice in one object")));
    }
    let values = defined_values(definition, &mut fields, time_zone, problems);
    for name in fields.left_over() {
        problems.push(unknown(definition, &name));
    }
    if !problems.is_empty() {
        return None;
    }
    let payload = payload_from_json(event_type, Value::Object(values));
    problems.note(payload.map_err(|error| Problem::of_field(Code::WrongType, "data", format!("data: {error}"))))
}

fn object<'a>(definition: &EventDefinition, json: Option<&'a RawValue>) -> Result<Fields<'a>, Problem> {
    let Some(json) = json else {
        let expected = names(definition);
        return Err(Problem::of_field(Code::MissingField, "data", format!("data is missing: an object with {expected}")));
    };
    Fields::read(json).ok_or_else(|| Problem::of_field(Code::WrongType, "data", "data is not an object"))
}

fn defined_values(
    definition: &EventDefinition,
    fields: &mut Fields<'_>,
    time_zone: Tz,
    problems: &mut Problems,
) -> Map<String, Value> {
    let mut values = Map::new();
    for field in &definition.fields {
        let name = format!("data.{}", field.name);
        match fields.take(&field.name) {
            Some(json) => {
                let value = Field { name: &name, json }.value(field, time_zone);
                values.extend(problems.note(value).map(|value| (field.name.clone(), value)));
            }
            None if field.required => {
                let message = format!("{name} is missing: {} needs it", definition.event_type.name());
                problems.push(Problem::of_field(Code::MissingField, name, message));
            }
            None => {}
        }
    }
    values
}

fn unknown(definition: &EventDefinition, name: &str) -> Problem {
    let field = format!("data.{name:.128}");
    let message = format!("{field} is not a field of {}, which has {}", definition.event_type.name(), names(definition));
    Problem::of_field(Code::UnknownField, field, message)
}

fn names(definition: &EventDefinition) -> String {
    let names: Vec<&str> = definition.fields.iter().map(|field| field.name.as_str()).collect();
    if names.is_empty() { "no fields".to_owned() } else { names.join(", ") }
}
