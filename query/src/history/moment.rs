//! A moment of the past, as somebody names it and as the log has it: the position of the last event that was known then.

use std::{str::FromStr, sync::Arc};

use chrono::{DateTime, Utc};
use tidemark_schemas::log::Position;

use crate::{
    Error,
    kpis::Scope,
    service::Service,
    trust::{Trust, pulse, reached},
};

/// What `as_of` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AsOf {
    /// As the answer was that had this in its stamp of trust.
    Position(Position),
    /// With everything that the broker had taken by then, and nothing later.
    Instant(DateTime<Utc>),
}

impl FromStr for AsOf {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if let Ok(position) = text.parse() {
            return Ok(Self::Position(position));
        }
        // A plus that was sent as it is, is a space when it arrives.
        let instant = DateTime::parse_from_rfc3339(&text.replacen(' ', "+", 1));
        let instant = instant.or_else(|_| DateTime::parse_from_rfc3339(text));
        instant.map(|instant| Self::Instant(instant.to_utc())).map_err(|_| {
            let given: String = text.chars().take(60).collect();
            let reason = format!(
                "{given:?} is neither an instant like 2026-03-31T18:00:00Z nor the `token` of a stamp of trust like 3-1042"
            );
            Error::parameter("as_of", reason)
        })
    }
}

/// Whose numbers, and up to which event.
#[derive(Debug, Clone)]
pub(crate) struct Past {
    pub(crate) tenant: Arc<str>,
    /// The currency that money is wanted in.
    pub(crate) currency: String,
    pub(crate) generation: u32,
    /// Everything up to here counts, and nothing later.
    pub(crate) position: Position,
}

impl AsOf {
    /// Finds the moment in the numbers of `scope`.
    ///
    /// # Errors
    /// A position of another partition, or beyond the numbers; an instant whose events are not all in the numbers yet; ClickHouse.
    pub(crate) async fn find(self, service: &Service, scope: &Scope) -> Result<Past, Error> {
        let partition = scope.partition;
        let reached = Position { partition, offset: reached(&service.clickhouse, scope.generation, partition).await? };
        let position = match self {
            Self::Position(position) if position.partition != partition => {
                let reason = format!("{position} is not a position of this tenant, whose events are in partition {partition}");
                return Err(Error::parameter("as_of", reason));
            }
            Self::Position(position) if position.offset > reached.offset => {
                return Err(Error::parameter("as_of", format!("{position} is not in the numbers yet, which are at {reached}")));
            }
            Self::Position(position) => position,
            Self::Instant(instant) => known_at(service, scope, instant, reached).await?,
        };
        Ok(Past::new(scope, position))
    }
}

impl Past {
    /// The numbers of `scope` up to a position.
    pub(crate) fn new(scope: &Scope, position: Position) -> Self {
        let Scope { tenant, currency, generation, .. } = scope;
        Self { tenant: Arc::clone(tenant), currency: currency.clone(), generation: *generation, position }
    }

    /// The stamp of an answer of that moment.
    ///
    /// # Errors
    /// ClickHouse.
    pub(crate) async fn stamp(&self, service: &Service) -> Result<Trust, Error> {
        let of = (self.generation, self.position.partition, self.tenant.as_ref());
        let pulse = pulse(&service.clickhouse, of, 1).await?;
        Ok(Trust::new(service, self.position, self.generation, &pulse, Utc::now()))
    }

    /// The numbers of `scope` as they are now.
    ///
    /// # Errors
    /// ClickHouse.
    pub(crate) async fn now(service: &Service, scope: &Scope) -> Result<Self, Error> {
        let offset = reached(&service.clickhouse, scope.generation, scope.partition).await?;
        Ok(Self::new(scope, Position { partition: scope.partition, offset }))
    }
}

async fn known_at(service: &Service, scope: &Scope, instant: DateTime<Utc>, reached: Position) -> Result<Position, Error> {
    // Asked for before the events are: what it says was read by then is in them.
    let pulse = pulse(&service.clickhouse, (scope.generation, scope.partition, &scope.tenant), 1).await?;
    let (offset, later): (i64, u64) = service
        .clickhouse
        .query(include_str!("../../sql/as_of.sql"))
        .param("instant", instant.timestamp_millis())
        .param("tenant", scope.tenant.as_ref())
        .param("reached", reached.offset)
        .fetch_one()
        .await?;
    // An answer that further events of before the instant would change is none yet: they are all there where one of after it is,
    // or where the end of the log was seen after it.
    let end_was_seen = pulse.heartbeat.is_some_and(|beat| {
        beat.position >= beat.end_position
            && reached.offset >= beat.end_position
            && beat.written_at_ms > instant.timestamp_millis()
    });
    if later == 0 && !end_was_seen {
        return Err(Error::Unsettled(instant));
    }
    Ok(Position { partition: reached.partition, offset })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_positions_or_instants() {
        let position = AsOf::Position(Position { partition: 3, offset: 1042 });
        assert_eq!("3-1042".parse::<AsOf>().unwrap(), position);
        let instant = |text: &str| AsOf::Instant(text.parse().unwrap());
        for text in ["2026-03-31T18:00:00+08:00", "2026-03-31T18:00:00 08:00", "2026-03-31T10:00:00Z", "2026-03-31 10:00:00Z"] {
            assert_eq!(text.parse::<AsOf>().unwrap(), instant("2026-03-31T10:00:00Z"), "{text}");
        }
        for text in ["", "yesterday", "2026-03-31", "3-", "3--1"] {
            assert!(text.parse::<AsOf>().is_err(), "{text}");
        }
    }
}
