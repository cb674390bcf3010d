//! Dead letters for people: aligned columns, one line each; and one letter whole.

use std::fmt::Write;

use tidemark_ingest::{Cause, Letter};

/// Characters of a message in a table.
const MESSAGE_MAX: usize = 100;

/// Characters of an id in a table, by which a letter is found; another may begin so, and then more are asked for.
const ID_SHOWN: usize = 12;

/// Causes, the most frequent first.
pub fn causes(causes: &[Cause]) -> String {
    let rows = causes.iter().map(|cause| {
        let field = cause.field.clone().unwrap_or_default();
        [cause.letters.to_string(), cause.code.clone(), field, cause.source.clone(), one_line(&cause.example.message)]
    });
    table(["LETTERS", "REASON", "FIELD", "SOURCE", "EXAMPLE"], rows.collect())
}

/// Letters, newest first.
pub fn letters(letters: &[Letter]) -> String {
    let rows = letters.iter().map(|letter| {
        let first = letter.reasons.first();
        let text = |text: Option<&String>| text.cloned().unwrap_or_default();
        [
            short(&letter.id),
            letter.received_at.clone(),
            letter.state.clone(),
            letter.source.clone(),
            text(first.map(|reason| &reason.code)),
            text(first.and_then(|reason| reason.field.as_ref())),
            one_line(&text(first.map(|reason| &reason.message))),
        ]
    });
    table(["ID", "CAME", "STATE", "SOURCE", "REASON", "FIELD", "MESSAGE"], rows.collect())
}

/// Enough of an id to find its letter by.
fn short(id: &str) -> String {
    id.chars().take(ID_SHOWN).collect()
}

/// Everything about one letter.
pub fn letter(letter: &Letter) -> String {
    let mut lines = vec![("id", letter.id.clone()), ("state", letter.state.clone()), ("source", letter.source.clone())];
    lines.push(("came", format!("{} (first {}, {} times)", letter.received_at, letter.first_at, letter.times)));
    if let (Some(at), Some(by)) = (&letter.resolved_at, &letter.resolved_by) {
        lines.push(("dealt with", format!("{at} by a key of {by}")));
    }
    if let Some(row) = &letter.row {
        lines.push(("from", format!("{}, line {}", row.file, row.line)));
        lines.extend(row.content.as_ref().map(|content| ("row", content.to_string())));
    }
    for reason in &letter.reasons {
        let field = reason.field.as_deref().map_or(String::new(), |field| format!(" {field}"));
        lines.push(("reason", format!("{}{field}: {}", reason.code, reason.message)));
    }
    lines.extend(letter.content_type.iter().map(|content_type| ("type", content_type.clone())));
    let what = if letter.is_row() { "row" } else { "body" };
    lines.push((
        what,
        if letter.encoding == "text" { letter.body.clone() } else { format!("({}) {}", letter.encoding, letter.body) },
    ));
    let mut text = String::new();
    for (name, value) in lines {
        // Writing into a String cannot fail.
        let _ = writeln!(text, "{name:10} {value}");
    }
    text
}

fn table<const N: usize>(header: [&str; N], rows: Vec<[String; N]>) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let all: Vec<[String; N]> = std::iter::once(header.map(str::to_owned)).chain(rows).collect();
    let width = |column: usize| all.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..N).map(width).collect();
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    all.iter().map(line).collect()
}

fn one_line(message: &str) -> String {
    let line: String = message.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MESSAGE_MAX).collect();
    if message.chars().count() > MESSAGE_MAX { line + "…" } else { line }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = vec![["2".to_owned(), "回款".to_owned()], ["10".to_owned(), String::new()]];
        assert_eq!(table(["N", "NAME"], rows), "N   NAME\n2   回款\n10\n");
        assert_eq!(table(["N"], Vec::new()), "");
        assert_eq!(one_line("a\nb"), "a b");
    }
}
