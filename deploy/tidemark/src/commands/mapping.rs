//! `tidemark mapping`: what a mapping can use and what it can make, taken from the prelude and the schemas that it is held to.

use std::fmt::Write;

use anyhow::{Result, bail};
use tidemark_ingest::helpers;
use tidemark_schemas::events::EventType;
use tidemark_schemas::events::definition::{EventDefinition, FieldDefinition, FieldKind, definition};

use crate::say::say;

const ABOUT: &str = "\
A mapping is a jq program: one row (an object of its columns) in, zero or more events out, or refuse(\"why\").

  { type: \"visit.completed\", event_id: .Besuch, account_id: .Kunde, rep_id: .Vertreter,
    occurred_at: (.Datum | instant_in(\"%d.%m.%Y %H:%M\")),
    data: { visit_id: .Besuch, duration_min: (.Dauer | number) } }

Every event needs type, event_id, occurred_at and data; account_id, rep_id, revision, recorded_at and source may be there.
event_id must be the same whenever the row is read again. A column is .Name, .\"Two words\" or .[\"Two words\"]; .Name? may be missing.

Helpers, beside everything that jq has:
";

/// What `tidemark help mapping` says.
pub fn manual() -> String {
    let mut text = ABOUT.to_owned();
    for helper in helpers() {
        // Writing into a String cannot fail.
        let _ = writeln!(text, "  {:32} {}", helper.call, helper.about);
    }
    text += "\nEvents, with what their data must have at least (`tidemark mapping TYPE` shows every field):\n";
    for event_type in EventType::ALL {
        let definition = definition(*event_type);
        let required = definition.fields.iter().filter(|field| field.required).map(|field| field.name.as_str());
        let _ = writeln!(text, "  {:20} {}", event_type.name(), required.collect::<Vec<_>>().join(", "));
    }
    text += "\nTry one with `tidemark import FILE --mapping FILE.jq --dry-run`.";
    text
}

#[derive(clap::Args)]
#[command(after_help = manual())]
pub struct Args {
    /// An event type, to show every field of it
    #[arg(value_name = "TYPE")]
    event_type: Option<String>,
}

/// Prints it.
///
/// # Errors
/// There is no such event type.
pub fn run(args: &Args) -> Result<()> {
    let Some(name) = &args.event_type else {
        say(manual());
        return Ok(());
    };
    let Some(event_type) = EventType::from_name(name) else {
        bail!("there is no event type {name:?}; `tidemark mapping` lists them");
    };
    say(fields_of(definition(event_type)).trim_end());
    Ok(())
}

fn fields_of(definition: &EventDefinition) -> String {
    let mut text = format!("{}: {}\n", definition.event_type.name(), definition.about);
    for field in &definition.fields {
        let needed = if field.required { "required" } else { "" };
        let _ = writeln!(text, "  {:20} {:8} {needed:9} {}{}", field.name, kind(field), field.about, set(field));
    }
    text
}

fn kind(field: &FieldDefinition) -> &'static str {
    match field.kind {
        FieldKind::Text => "text",
        FieldKind::Int => "integer",
        FieldKind::Bool => "boolean",
        FieldKind::Decimal => "decimal",
        FieldKind::Date => "date",
        FieldKind::Instant => "instant",
    }
}

/// Where only some values are allowed.
fn set(field: &FieldDefinition) -> String {
    field.one_of.as_ref().map_or(String::new(), |values| format!(" ({})", values.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_and_its_required_fields_are_there() {
        let manual = manual();
        for event_type in EventType::ALL {
            let line = manual.lines().find(|line| line.split_whitespace().next() == Some(event_type.name()));
            let line = line.unwrap_or_else(|| panic!("{} is not there", event_type.name()));
            for field in &definition(*event_type).fields {
                let is_named = line.split([' ', ',']).any(|word| word == field.name);
                assert_eq!(is_named, field.required, "{}: {line}", field.name);
            }
        }
        assert!(manual.contains("  money_in($mark)") && manual.contains("  stable_id "), "{manual}");
        let visit = fields_of(definition(EventType::VisitCompleted));
        assert!(visit.contains("visit_id             text     required  The visit."), "{visit}");
        assert!(visit.contains("(onsite, online)"), "{visit}");
    }
}
