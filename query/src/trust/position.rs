//! How far the numbers are, and waiting until they are as far as somebody needs: read your own writes.

use std::{collections::HashMap, time::Duration};

use clickhouse::Client;
use tidemark_schemas::log::Position;
use tokio::{
    sync::Mutex,
    time::{Instant, sleep_until},
};

use super::Trust;
use crate::{Error, service::Service};

/// Looks at how far the live numbers are, shared by all who wait: one at a time, with a pause between two, whose result is for
/// everybody who had asked before it began.
#[derive(Default)]
pub(crate) struct Looks(Mutex<Option<Look>>);

/// What the last look saw.
struct Look {
    began: Instant,
    ended: Instant,
    positions: HashMap<i32, i64>,
}

impl Looks {
    /// How far a partition is in a look that began at `asked` or later.
    async fn since(&self, asked: Instant, service: &Service, partition: i32) -> Result<i64, Error> {
        let mut last = self.0.lock().await;
        let look = match last.take() {
            Some(look) if look.began >= asked => look,
            before => {
                if let Some(before) = &before {
                    sleep_until(before.ended + Duration::from_millis(service.config.after_poll_ms)).await;
                }
                Look::new(service).await?
            }
        };
        let position = look.positions.get(&partition).copied().unwrap_or(-1);
        *last = Some(look);
        Ok(position)
    }
}

impl Look {
    async fn new(service: &Service) -> Result<Self, Error> {
        let began = Instant::now();
        let found = service.clickhouse.query(include_str!("../../sql/positions.sql")).fetch_all::<(i32, i64)>().await?;
        if found.is_empty() {
            // No event yet, or no numbers at all, which is an error.
            service.live.read(&service.clickhouse).await?;
        }
        Ok(Self { began, ended: Instant::now(), positions: found.into_iter().collect() })
    }
}

/// The last position that is in the numbers of a partition; -1 for none.
///
/// # Errors
/// ClickHouse.
pub(crate) async fn reached(clickhouse: &Client, generation: u32, partition: i32) -> Result<i64, Error> {
    let query = clickhouse.query(include_str!("../../sql/position.sql"));
    Ok(query.param("generation", generation).param("partition", partition).fetch_one().await?)
}

/// A position that has to be in an answer, `after_ms_max` after it was asked for at the latest.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    position: Position,
    deadline: Instant,
}

impl Wanted {
    /// What `after=` asks for of a tenant whose events are in `partition`.
    ///
    /// # Errors
    /// A position of another partition.
    pub(crate) fn new(service: &Service, position: Position, partition: i32) -> Result<Self, Error> {
        if position.partition != partition {
            let reason = format!("{position} is not a position of this tenant, whose events are in partition {partition}");
            return Err(Error::parameter("after", reason));
        }
        Ok(Self { position, deadline: Instant::now() + Duration::from_millis(service.config.after_ms_max) })
    }

    /// Waits until it is in the live numbers.
    ///
    /// # Errors
    /// [`Error::NotYet`]; ClickHouse, [`Error::Silent`].
    pub(crate) async fn wait(&self, service: &Service) -> Result<(), Error> {
        loop {
            let looked = service.looks.since(Instant::now(), service, self.position.partition);
            if self.is_reached(service, service.unless_silent(looked).await?)? {
                return Ok(());
            }
        }
    }

    /// Whether it is in an answer. Other numbers may have become live since they were waited for, and be less far.
    ///
    /// # Errors
    /// [`Error::NotYet`].
    pub(crate) fn is_in(&self, service: &Service, answer: &Trust) -> Result<bool, Error> {
        self.is_reached(service, answer.position.unwrap_or(-1))
    }

    fn is_reached(&self, service: &Service, offset: i64) -> Result<bool, Error> {
        let Self { position: wanted, deadline } = *self;
        if offset < wanted.offset && Instant::now() >= deadline {
            let reached = Position { partition: wanted.partition, offset };
            return Err(Error::NotYet { wanted, waited_ms: service.config.after_ms_max, reached });
        }
        Ok(offset >= wanted.offset)
    }
}
