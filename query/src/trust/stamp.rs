//! The trust stamp that every answer carries.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use tidemark_schemas::{log::Position, tenant::Access};
use utoipa::ToSchema;

use super::{Pulse, position::reached, pulse};
use crate::{Error, service::Service};

/// The kind of finding that waits for its defining event, rather than being wrong.
const INCOMPLETE: &str = "incomplete";

/// How far an answer can be trusted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Trust {
    /// Every event up to this offset of the partition is in the answer, and no other; none before the first event.
    pub(crate) position: Option<i64>,
    /// The partition of the log that the tenant's events are in.
    pub(crate) partition: i32,
    /// Both in one, as `after=` takes it.
    pub(crate) token: Option<String>,
    /// When the projector last said that it is alive.
    pub(crate) written_at: Option<String>,
    /// How long ago that was, milliseconds.
    pub(crate) fresh_ms: Option<i64>,
    /// Events that are in the log but not yet in the numbers; none while that is not known, which is not zero.
    pub(crate) behind: Option<i64>,
    /// Nothing was heard of the projector for too long: the numbers may be old. False says that it is alive and no more: what is
    /// not in the numbers is in `position` (none: no event yet), `behind` and `stalled`.
    pub(crate) stale: bool,
    /// Why the numbers do not go on until an operator has mended something; absent where they do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stalled: Option<String>,
    /// The set of numbers.
    pub(crate) generation: u32,
    /// In-sync copies that the log keeps of each record; with 1 a lost disk loses events.
    pub(crate) copies: Option<i32>,
    /// Entities that are known but not counted, as their defining event has not come.
    pub(crate) incomplete: u64,
    /// What could not be counted for another reason; see /v1/freshness.
    pub(crate) findings: u64,
    /// What was refused and is neither replayed nor dropped; none while that is not known, which is not zero.
    pub(crate) dead_letters: Option<u64>,
    /// KPIs and tenants whose files were changed since the numbers were made; `tidemark rebuild` takes the changes up.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) redefined: Vec<String>,
}

/// The stamp that an answer of this moment would carry, and what it was made from.
///
/// # Errors
/// ClickHouse.
pub(crate) async fn stamp(service: &Service, access: &Access, generation: u32, examples: u64) -> Result<(Trust, Pulse), Error> {
    let partition = service.partition(access);
    let of = (generation, partition, access.tenant.as_ref());
    let reached = reached(&service.clickhouse, generation, partition);
    let (offset, pulse) = tokio::try_join!(reached, pulse(&service.clickhouse, of, examples))?;
    Ok((Trust::new(service, Position { partition, offset }, generation, &pulse, Utc::now()), pulse))
}

/// Says how far what is read now can be trusted.
#[async_trait]
pub(crate) trait Stamp: Send + Sync {
    /// The stamp.
    ///
    /// # Errors
    /// There are no numbers; ClickHouse.
    async fn now(&self) -> Result<Trust, Error>;
}

/// The stamp that an answer carries is that of every table in it.
#[async_trait]
impl Stamp for Trust {
    async fn now(&self) -> Result<Trust, Error> {
        Ok(self.clone())
    }
}

/// For a session that lasts: made each time it is asked for.
pub(crate) struct LiveStamp {
    /// Where the numbers are.
    pub(crate) service: Arc<Service>,
    /// Whose.
    pub(crate) access: Access,
}

#[async_trait]
impl Stamp for LiveStamp {
    async fn now(&self) -> Result<Trust, Error> {
        let live = self.service.live.read(&self.service.clickhouse).await?;
        Ok(stamp(&self.service, &self.access, live.number, 1).await?.0)
    }
}

impl Trust {
    /// The stamp of an answer that holds everything up to `position`.
    pub(crate) fn new(service: &Service, at: Position, generation: u32, pulse: &Pulse, now: DateTime<Utc>) -> Self {
        let known = (at.offset >= 0).then_some(at.offset);
        let beat = pulse.heartbeat.as_ref();
        let fresh_ms = beat.map(|beat| (now.timestamp_millis() - beat.written_at_ms).max(0));
        let stale = fresh_ms.is_none_or(|fresh| fresh > service.config.stale_after_ms);
        let written_at = beat.and_then(|beat| DateTime::from_timestamp_millis(beat.written_at_ms));
        let (incomplete, findings) = pulse.findings.iter().fold((0, 0), |(incomplete, others), finding| {
            if finding.kind == INCOMPLETE { (incomplete + finding.found, others) } else { (incomplete, others + finding.found) }
        });
        Self {
            position: known,
            partition: at.partition,
            token: known.map(|_| at.to_string()),
            written_at: written_at.map(|at| at.to_rfc3339_opts(SecondsFormat::Millis, true)),
            fresh_ms,
            behind: beat.filter(|_| !stale).map(|beat| (beat.end_position - beat.position.max(at.offset)).max(0)),
            stale,
            stalled: beat.map(|beat| beat.stalled.clone()).filter(|reason| !reason.is_empty()),
            generation,
            copies: beat.map(|beat| beat.copies),
            incomplete,
            findings,
            dead_letters: pulse
                .dead_letters
                .filter(|dead| now.timestamp_millis() - dead.complete_at_ms <= service.config.stale_after_ms)
                .map(|dead| dead.pending),
            redefined: beat.map(|beat| beat.redefined.split_terminator(',').map(str::to_owned).collect()).unwrap_or_default(),
        }
    }
}
