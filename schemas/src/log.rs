//! The log's vocabulary: topics, the partition of a tenant, positions and the token that a writer gets back.

use std::{fmt, str::FromStr};

/// Every accepted event, for ever; key = tenant.
pub const EVENTS_TOPIC: &str = "crm.events";
/// What was refused, with its reason and raw body; key = tenant.
pub const DEAD_TOPIC: &str = "crm.dead";
/// Cells that moved.
pub const CHANGES_TOPIC: &str = "crm.changes";
/// Alerts raised and resolved.
pub const ALERTS_TOPIC: &str = "crm.alerts";

/// The header of a record whose event is being traced: `traceparent` as W3C Trace Context writes it.
pub const TRACE_HEADER: &str = "traceparent";
/// The header of a record whose schema id is that of a configured registry; without it the id is from `events/ids.lock`.
/// Both can be in one log, and neither is ever taken for the other.
pub const REGISTRY_HEADER: &str = "schema-registry";
/// The target of every span that belongs to traces, not to logs, so that each is made only where somebody wants it.
pub const TRACES: &str = "tidemark_traces";

/// Where one record stands in the log: what `after=` waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Partition of `crm.events`; a tenant lives in exactly one.
    pub partition: i32,
    /// Offset in it.
    pub offset: i64,
}

impl fmt::Display for Position {
    /// The position token, `partition-offset`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.partition, self.offset)
    }
}

/// A text that is no position token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a position token: send back the `position` of an answer, like \"3-1042\"")]
pub struct PositionError(String);

impl FromStr for Position {
    type Err = PositionError;

    fn from_str(text: &str) -> Result<Self, PositionError> {
        let error = || PositionError(text.chars().take(60).collect());
        let (partition, offset) = text.split_once('-').ok_or_else(error)?;
        let position = Self { partition: partition.parse().map_err(|_| error())?, offset: offset.parse().map_err(|_| error())? };
        if position.partition < 0 || position.offset < 0 {
            return Err(error());
        }
        Ok(position)
    }
}

/// The partition of a key: murmur2 as Kafka's Java clients compute it (and librdkafka's `murmur2_random`).
///
/// Source: `org.apache.kafka.common.utils.Utils.murmur2` and `toPositive`.
#[must_use]
pub fn partition_of(key: &str, partitions: i32) -> i32 {
    let positive = i32::try_from(murmur2(key.as_bytes()) & 0x7fff_ffff).unwrap_or(0);
    positive % partitions.max(1)
}

fn murmur2(data: &[u8]) -> u32 {
    const M: u32 = 0x5bd1_e995;
    let mut hash = 0x9747_b28c_u32 ^ u32::try_from(data.len()).unwrap_or(u32::MAX);
    let mut chunks = data.chunks_exact(4);
    for chunk in &mut chunks {
        let mut k = u32::from_le_bytes([chunk[0], chunk[1], chunk[2], chunk[3]]).wrapping_mul(M);
        k = (k ^ (k >> 24)).wrapping_mul(M);
        hash = hash.wrapping_mul(M) ^ k;
    }
    let tail = chunks.remainder();
    if !tail.is_empty() {
        for (index, byte) in tail.iter().enumerate() {
            hash ^= u32::from(*byte) << (8 * index);
        }
        hash = hash.wrapping_mul(M);
    }
    hash = (hash ^ (hash >> 13)).wrapping_mul(M);
    hash ^ (hash >> 15)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values from Kafka's own `UtilsTest.testMurmur2`.
    #[test]
    fn murmur2_is_kafkas() {
        for (text, hash) in [("21", -973_932_308), ("foobar", -790_332_482), ("a-little-bit-long-string", -985_981_536)] {
            assert_eq!(murmur2(text.as_bytes()) as i32, hash, "{text}");
        }
    }

    #[test]
    fn tokens_survive_a_round_trip() {
        let position = Position { partition: 3, offset: 1042 };
        assert_eq!(position.to_string().parse(), Ok(position));
        for wrong in ["", "3", "3-", "-3-1", "a-1", "1--1"] {
            assert!(wrong.parse::<Position>().is_err(), "{wrong}");
        }
    }
}
