//! What `crm.dead` holds: dead letters, and what became of them. Both are records of the log, so that a letter's state is a
//! fold of them: it is pending while its last record is a letter.

use serde::{Deserialize, Serialize};

/// One record of `crm.dead`, without the body that a letter keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeadRecord {
    /// Something was refused; the same again is another record with the same id.
    Letter(DeadLetter),
    /// Somebody has dealt with it.
    Resolution(Resolution),
}

/// What was refused, where from and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Hash of tenant and body.
    pub id: String,
    /// The source of the key that sent it.
    pub source: String,
    /// When it came, milliseconds UTC.
    pub received_at: i64,
    /// Everything that was wrong with it.
    pub reasons: Vec<DeadReason>,
}

/// One thing that was wrong.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct DeadReason {
    /// Of a closed list.
    pub code: String,
    /// Which field; none where it is the whole.
    pub field: Option<String>,
    /// For people; it may quote what was sent.
    pub message: String,
}

/// A letter was dealt with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Resolution {
    /// Of the letter.
    pub id: String,
    /// Whose letter.
    pub tenant: String,
    /// What was done.
    #[serde(rename = "resolution")]
    pub how: How,
    /// When, milliseconds UTC.
    pub resolved_at: i64,
    /// The source of the key that did it.
    pub resolved_by: String,
}

/// What was done with a letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// Its events, mended or as they were, are in the log.
    Replayed,
    /// Nobody wants it.
    Dropped,
}

impl How {
    /// As in records and answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Replayed => "replayed",
            Self::Dropped => "dropped",
        }
    }
}

impl DeadRecord {
    /// Reads a record's value; none where it is neither a letter nor a resolution.
    #[must_use]
    pub fn read(value: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Fields {
            id: String,
            #[serde(default)]
            source: String,
            #[serde(default)]
            received_at: i64,
            reasons: Option<Vec<DeadReason>>,
            #[serde(default)]
            tenant: String,
            resolution: Option<How>,
            #[serde(default)]
            resolved_at: i64,
            #[serde(default)]
            resolved_by: String,
        }
        let Fields { id, source, received_at, reasons, tenant, resolution, resolved_at, resolved_by } =
            serde_json::from_slice(value).ok()?;
        match (resolution, reasons) {
            (Some(how), _) => Some(Self::Resolution(Resolution { id, tenant, how, resolved_at, resolved_by })),
            (None, Some(reasons)) => Some(Self::Letter(DeadLetter { id, source, received_at, reasons })),
            (None, None) => None,
        }
    }

    /// Which letter it is about.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Letter(letter) => &letter.id,
            Self::Resolution(resolution) => &resolution.id,
        }
    }
}

/// How a letter stands: the fold of its records in the order of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// What was done with it since it came last; none: it is pending.
    pub resolved: Option<How>,
    /// When that was, milliseconds UTC.
    pub resolved_at: Option<i64>,
    /// The source of the key that did it.
    pub resolved_by: Option<String>,
    /// How often it came.
    pub times: u32,
    /// When it came first, milliseconds UTC.
    pub first_at: i64,
    /// When it came last, milliseconds UTC.
    pub last_at: i64,
}

impl Standing {
    /// After one more record of the same letter; none for a resolution of a letter that is not known.
    #[must_use]
    pub fn after(before: Option<Self>, record: &DeadRecord) -> Option<Self> {
        match record {
            DeadRecord::Letter(letter) => Some(Self {
                resolved: None,
                resolved_at: None,
                resolved_by: None,
                times: before.as_ref().map_or(1, |before| before.times.saturating_add(1)),
                first_at: before.map_or(letter.received_at, |before| before.first_at),
                last_at: letter.received_at,
            }),
            DeadRecord::Resolution(resolution) => Some(Self {
                resolved: Some(resolution.how),
                resolved_at: Some(resolution.resolved_at),
                resolved_by: Some(resolution.resolved_by.clone()),
                ..before?
            }),
        }
    }

    /// `pending`, `replayed` or `dropped`.
    #[must_use]
    pub fn state(&self) -> &'static str {
        self.resolved.map_or(PENDING, How::name)
    }
}

/// The state of a letter that nobody has dealt with.
pub const PENDING: &str = "pending";

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(at: i64) -> DeadRecord {
        let text = format!(
            r#"{{"id":"a","tenant":"acme","source":"crm","received_at":{at},"reasons":[{{"code":"empty","message":"m"}}],"body":"x"}}"#
        );
        DeadRecord::read(text.as_bytes()).unwrap()
    }

    fn resolution(how: How, at: i64) -> DeadRecord {
        let resolution = Resolution { id: "a".into(), tenant: "acme".into(), how, resolved_at: at, resolved_by: "crm".into() };
        let read = DeadRecord::read(&serde_json::to_vec(&resolution).unwrap()).unwrap();
        assert_eq!(read, DeadRecord::Resolution(resolution));
        read
    }

    fn fold(records: &[DeadRecord]) -> Option<(&'static str, u32, i64, i64, Option<i64>)> {
        let standing = records.iter().fold(None, Standing::after)?;
        Some((standing.state(), standing.times, standing.first_at, standing.last_at, standing.resolved_at))
    }

    #[test]
    fn the_last_record_decides() {
        let (replayed, dropped) = (resolution(How::Replayed, 5), resolution(How::Dropped, 7));
        assert_eq!(fold(&[letter(1), letter(3)]), Some(("pending", 2, 1, 3, None)));
        assert_eq!(fold(&[letter(1), replayed.clone()]), Some(("replayed", 1, 1, 1, Some(5))));
        assert_eq!(fold(&[letter(1), replayed.clone(), replayed.clone()]), Some(("replayed", 1, 1, 1, Some(5))));
        assert_eq!(fold(&[letter(1), replayed.clone(), letter(6)]), Some(("pending", 2, 1, 6, None)), "it came again");
        assert_eq!(fold(&[letter(1), dropped.clone(), replayed.clone()]), Some(("replayed", 1, 1, 1, Some(5))));
        assert_eq!(fold(&[dropped, letter(9)]), Some(("pending", 1, 9, 9, None)), "what was done before it came is not about it");
        assert_eq!(fold(&[replayed]), None);
    }

    #[test]
    fn what_is_neither_is_nothing() {
        for value in ["", "{}", "[]", r#"{"id":"a"}"#, r#"{"id":"a","resolution":"mended"}"#, r#"{"reasons":[]}"#] {
            assert_eq!(DeadRecord::read(value.as_bytes()), None, "{value}");
        }
    }
}
