//! Whether records of one schema can be read with another. apache-avro's check finds every decimal inconclusive,
//! so that decimals are compared here, and are plain bytes to it.

use std::collections::BTreeMap;

use apache_avro::{Schema, schema_compatibility::SchemaCompatibility};
use serde_json::Value;

/// A valid Avro schema, its decimals aside.
pub(super) struct Readable {
    schema: Schema,
    /// What each field of bytes is: its logical type, precision and scale.
    bytes: BTreeMap<String, String>,
}

impl Readable {
    /// # Errors
    /// What is wrong with a text that is no Avro schema.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        Schema::parse_str(text).map_err(|error| error.to_string())?;
        let mut json: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let mut bytes = BTreeMap::new();
        take_decimals(&mut json, "", &mut bytes);
        Ok(Self { schema: Schema::parse(&json).map_err(|error| error.to_string())?, bytes })
    }

    /// # Errors
    /// Why not.
    pub(super) fn can_read(&self, written: &Self) -> Result<(), String> {
        for (field, before) in &written.bytes {
            if let Some(after) = self.bytes.get(field).filter(|after| *after != before) {
                return Err(format!("{field} was {before} and is {after}"));
            }
        }
        SchemaCompatibility::can_read(&written.schema, &self.schema).map_err(|error| error.to_string())
    }
}

/// Makes every `bytes` with attributes a plain one, and notes which field it was in.
fn take_decimals(node: &mut Value, field: &str, bytes: &mut BTreeMap<String, String>) {
    match node {
        Value::Object(object) if object.get("type").is_some_and(|inner| inner == "bytes") && !object.contains_key("name") => {
            let attribute = |name: &str| object.get(name).map(Value::to_string).unwrap_or_default();
            let kind = format!("bytes {} {} {}", attribute("logicalType"), attribute("precision"), attribute("scale"));
            bytes.insert(field.to_owned(), kind);
            *node = "bytes".into();
        }
        Value::Object(object) => {
            let name = object.get("name").and_then(Value::as_str).unwrap_or(field).to_owned();
            object.values_mut().for_each(|inner| take_decimals(inner, &name, bytes));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| take_decimals(item, field, bytes)),
        _ => {}
    }
}
