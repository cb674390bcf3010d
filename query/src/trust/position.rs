//! How far the numbers are, and waiting until they are as far as somebody needs: read your own writes.

use std::{collections::HashMap, time::Duration};

use clickhouse::Client;
use tidemark_schemas::log::Position;
use tokio::{
    sync::Mutex,
    time::{Instant, sleep_until},
};

use crate::{Error, service::Service};

/// Looks after which it is asked again which numbers are live: they may have become others during a wait.
const LOOKS_PER_GENERATION: u32 = 10;

/// Looks at how far the numbers are, shared by all who wait: one at a time, with a pause between two, whose result is for
/// everybody who had asked before it began.
#[derive(Default)]
pub(crate) struct Looks(Mutex<Option<Look>>);

/// What the last look saw.
struct Look {
    began: Instant,
    ended: Instant,
    generation: u32,
    /// Looks since the generation was asked for.
    age: u32,
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
                Look::new(before, service).await?
            }
        };
        let position = look.positions.get(&partition).copied().unwrap_or(-1);
        *last = Some(look);
        Ok(position)
    }
}

impl Look {
    async fn new(before: Option<Self>, service: &Service) -> Result<Self, Error> {
        let began = Instant::now();
        let (generation, age) = match before {
            Some(Self { generation, age, .. }) if age < LOOKS_PER_GENERATION => (generation, age + 1),
            _ => (service.live.read(&service.clickhouse).await?.number, 0),
        };
        let positions = positions(&service.clickhouse, generation).await?;
        Ok(Self { began, ended: Instant::now(), generation, age, positions })
    }
}

/// The last position that is in the numbers of a partition; -1 for none.
///
/// # Errors
/// ClickHouse.
pub(crate) async fn reached(service: &Service, generation: u32, partition: i32) -> Result<i64, Error> {
    Ok(positions(&service.clickhouse, generation).await?.get(&partition).copied().unwrap_or(-1))
}

/// Waits until `wanted` is in the numbers of `partition`, `after_ms_max` at most.
///
/// # Errors
/// [`Error::NotYet`]; a token of another tenant's partition; ClickHouse, [`Error::Silent`].
pub(crate) async fn wait_for(service: &Service, wanted: Position, partition: i32) -> Result<(), Error> {
    if wanted.partition != partition {
        let reason = format!("{wanted} is not a position of this tenant, whose events are in partition {partition}");
        return Err(Error::parameter("after", reason));
    }
    let deadline = Instant::now() + Duration::from_millis(service.config.after_ms_max);
    loop {
        let looked = service.looks.since(Instant::now(), service, partition);
        let offset = service.unless_silent(looked).await?;
        if offset >= wanted.offset {
            return Ok(());
        }
        if Instant::now() >= deadline {
            let reached = Position { partition, offset };
            return Err(Error::NotYet { wanted, waited_ms: service.config.after_ms_max, reached });
        }
    }
}

async fn positions(clickhouse: &Client, generation: u32) -> Result<HashMap<i32, i64>, Error> {
    let query = clickhouse.query(include_str!("../../sql/positions.sql")).param("generation", generation);
    Ok(query.fetch_all::<(i32, i64)>().await?.into_iter().collect())
}
