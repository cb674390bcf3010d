//! What a listener has seen: the `id` of an event, which comes back as `Last-Event-ID` from one who was away.

use std::{fmt, str::FromStr};

use tidemark_schemas::log::{Position, PositionError};

use crate::kpis::Answer;

/// Everything up to a position of a set of numbers. A position alone would not do: another set has other numbers at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seen {
    /// The set of numbers.
    pub(crate) generation: u32,
    /// How far.
    pub(crate) position: Position,
}

impl Seen {
    /// Who has an answer has seen this; nothing before the first event.
    pub(crate) fn of(answer: &Answer) -> Option<Self> {
        let position = Position { partition: answer.trust.partition, offset: answer.trust.position? };
        Some(Self { generation: answer.trust.generation, position })
    }

    /// What who has several answers has seen of all of them.
    pub(crate) fn of_all<'a>(answers: impl IntoIterator<Item = Option<&'a Answer>>) -> Option<Self> {
        let seen: Vec<Self> = answers.into_iter().map(|answer| Self::of(answer?)).collect::<Option<_>>()?;
        let least = seen.iter().copied().min_by_key(|seen| seen.position)?;
        seen.iter().all(|seen| seen.generation == least.generation).then_some(least)
    }
}

impl fmt::Display for Seen {
    /// `partition-offset@generation`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.position, self.generation)
    }
}

impl FromStr for Seen {
    type Err = PositionError;

    fn from_str(text: &str) -> Result<Self, PositionError> {
        let (position, generation) = text.split_once('@').unwrap_or((text, ""));
        // Numbers have a generation from 1 on: one that is missing or no number is none that there is.
        Ok(Self { position: position.parse()?, generation: generation.parse().unwrap_or(0) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_survives_a_round_trip() {
        let seen = Seen { generation: 2, position: Position { partition: 3, offset: 1042 } };
        assert_eq!((seen.to_string().as_str(), seen.to_string().parse()), ("3-1042@2", Ok(seen)));
        assert_eq!("3-1042".parse(), Ok(Seen { generation: 0, ..seen }));
        assert!("x@2".parse::<Seen>().is_err());
    }
}
