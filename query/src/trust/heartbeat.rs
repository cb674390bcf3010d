//! What the projector last said about a partition, what it could not count for a tenant, and what was refused of it.

use clickhouse::{Client, Row};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Error;

/// A partition's heartbeat and a tenant's findings.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pulse {
    /// None until the projector has looked at the partition for the first time.
    pub(crate) heartbeat: Option<Heartbeat>,
    /// By kind.
    pub(crate) findings: Vec<Finding>,
    /// None until `crm.dead` was read to its end for the first time.
    pub(crate) dead_letters: Option<DeadLetters>,
}

/// Letters that nobody has dealt with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DeadLetters {
    /// Everything that was refused until then is counted.
    pub(crate) complete_at_ms: i64,
    /// How many.
    pub(crate) pending: u64,
}

/// That a partition was read up to here.
#[derive(Debug, Clone)]
pub(crate) struct Heartbeat {
    /// Last position that is in the numbers.
    pub(crate) position: i64,
    /// Last position of the log.
    pub(crate) end_position: i64,
    /// Copies that the log keeps of each record.
    pub(crate) copies: i32,
    /// When, by the projector's clock.
    pub(crate) written_at_ms: i64,
    /// Why the partition waits for an operator; empty where it does not.
    pub(crate) stalled: String,
    /// What the files have otherwise than the definitions that the numbers were made with, joined by commas.
    pub(crate) redefined: String,
}

/// One kind of what could not be counted.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Finding {
    /// incomplete, other_currency or not_measured.
    pub(crate) kind: String,
    /// How many.
    pub(crate) found: u64,
    /// Some of them: what it is about, and one sentence.
    pub(crate) examples: Vec<(String, String)>,
}

/// One thing that is known; the other two are empty. Tuples, as the client knows no structs inside a row.
#[derive(Debug, Row, Deserialize)]
struct Known {
    heartbeat: Vec<HeartbeatRow>,
    finding: Vec<FindingRow>,
    dead_letters: Vec<(i64, u64)>,
}

type HeartbeatRow = (i64, i64, i32, i64, String, String);
type FindingRow = (String, u64, Vec<(String, String)>);

/// # Errors
/// ClickHouse.
pub(crate) async fn pulse(clickhouse: &Client, of: (u32, i32, &str), examples: u64) -> Result<Pulse, Error> {
    let (generation, partition, tenant) = of;
    let known = clickhouse
        .query(include_str!("../../sql/pulse.sql"))
        .param("generation", generation)
        .param("partition", partition)
        .param("tenant", tenant)
        .param("examples", examples)
        .fetch_all::<Known>()
        .await?;
    let mut pulse = Pulse::default();
    for known in known {
        if let Some((position, end_position, copies, written_at_ms, stalled, redefined)) = known.heartbeat.into_iter().next() {
            pulse.heartbeat = Some(Heartbeat { position, end_position, copies, written_at_ms, stalled, redefined });
        }
        pulse.findings.extend(known.finding.into_iter().map(|(kind, found, examples)| Finding { kind, found, examples }));
        if let Some((complete_at_ms, pending)) = known.dead_letters.into_iter().next() {
            pulse.dead_letters = Some(DeadLetters { complete_at_ms, pending });
        }
    }
    pulse.findings.sort_by(|one, other| one.kind.cmp(&other.kind));
    Ok(pulse)
}
