//! A letter's row: the fold of its records. No body and no message, which may quote one.

use tidemark_schemas::dead::{DeadLetter, DeadReason, DeadRecord, Standing};

/// Characters of a field's name; unknown fields can be called anything.
const FIELD_MAX: usize = 128;

/// What the table says about a letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LetterRow {
    /// Of the key that sent it.
    pub source: String,
    /// Code of the first thing that was wrong.
    pub reason: String,
    /// Which field that was about.
    pub field: Option<String>,
    /// Everything that was wrong.
    pub reasons: String,
    /// How it stands.
    pub standing: Standing,
    /// Offset of the last record about it.
    pub version: i64,
}

/// The row after one more record. A record that is in it already changes nothing; none for what is done with an unknown letter.
pub fn fold(before: Option<LetterRow>, offset: i64, record: &DeadRecord) -> Option<LetterRow> {
    if before.as_ref().is_some_and(|before| before.version >= offset) {
        return before;
    }
    let standing = Standing::after(before.as_ref().map(|before| before.standing.clone()), record)?;
    match (record, before) {
        (DeadRecord::Letter(letter), _) => Some(row(letter, standing, offset)),
        (DeadRecord::Resolution(_), before) => before.map(|before| LetterRow { standing, version: offset, ..before }),
    }
}

fn row(letter: &DeadLetter, standing: Standing, version: i64) -> LetterRow {
    let first = letter.reasons.first();
    let mut reasons: Vec<String> = letter.reasons.iter().map(code_and_field).collect();
    reasons.dedup();
    LetterRow {
        source: letter.source.clone(),
        reason: first.map(|reason| reason.code.clone()).unwrap_or_default(),
        field: first.and_then(field),
        reasons: reasons.join(", "),
        standing,
        version,
    }
}

fn code_and_field(reason: &DeadReason) -> String {
    field(reason).map_or_else(|| reason.code.clone(), |field| format!("{} {field}", reason.code))
}

fn field(reason: &DeadReason) -> Option<String> {
    reason.field.as_ref().map(|field| field.chars().take(FIELD_MAX).collect())
}

#[cfg(test)]
mod tests {
    use tidemark_schemas::dead::{How, Resolution};

    use super::*;

    fn letter(at: i64, codes: &[&str]) -> DeadRecord {
        let reason = |code: &&str| DeadReason { code: (*code).into(), field: Some("data.x".into()), message: "Jane Doe".into() };
        let reasons = codes.iter().map(reason).collect();
        DeadRecord::Letter(DeadLetter { id: "a".into(), source: "crm".into(), received_at: at, reasons })
    }

    fn resolution(how: How) -> DeadRecord {
        let (id, tenant, resolved_by) = ("a".into(), "acme".into(), "crm".into());
        DeadRecord::Resolution(Resolution { id, tenant, how, resolved_at: 9, resolved_by })
    }

    #[test]
    fn whatever_stretch_is_read_again_the_row_is_the_same() {
        let log = [letter(1, &["empty"]), resolution(How::Dropped), letter(3, &["empty", "too_long"]), resolution(How::Replayed)];
        let read = |row: Option<LetterRow>, from: usize, to: usize| {
            (from..to).fold(row, |row, offset| fold(row, offset as i64, &log[offset]))
        };
        let whole = read(None, 0, 4).unwrap();
        assert_eq!((whole.standing.state(), whole.standing.times, whole.version), ("replayed", 2, 3));
        assert_eq!((whole.reason.as_str(), whole.reasons.as_str()), ("empty", "empty data.x, too_long data.x"));
        for crash in 0..=4 {
            for back_to in 0..=crash {
                assert_eq!(read(read(None, 0, crash), back_to, 4).as_ref(), Some(&whole), "{crash} {back_to}");
            }
        }
        assert_eq!(fold(None, 7, &resolution(How::Dropped)), None);
    }
}
