//! How far the numbers are, and waiting until they are as far as somebody needs: read your own writes.

use std::time::Duration;

use tidemark_schemas::log::Position;
use tokio::time::Instant;

use crate::{Error, service::Service};

/// Looks after which it is asked again which numbers are live: they may have become others during the wait.
const LOOKS_PER_GENERATION: usize = 10;

/// The last position that is in the numbers of a partition; -1 for none.
///
/// # Errors
/// ClickHouse.
pub(crate) async fn reached(service: &Service, generation: u32, partition: i32) -> Result<i64, Error> {
    let query = service.clickhouse.query(include_str!("../../sql/position.sql"));
    Ok(query.param("generation", generation).param("partition", partition).fetch_one().await?)
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
    let (mut generation, mut looked) = (0, 0_usize);
    loop {
        if looked.is_multiple_of(LOOKS_PER_GENERATION) {
            generation = service.unless_silent(service.live.read(&service.clickhouse)).await?.number;
        }
        let offset = service.unless_silent(look(service, generation, partition)).await?;
        if offset >= wanted.offset {
            return Ok(());
        }
        let pause = Duration::from_millis(service.config.after_poll_ms);
        if Instant::now() + pause > deadline {
            let reached = Position { partition, offset };
            return Err(Error::NotYet { wanted, waited_ms: service.config.after_ms_max, reached });
        }
        tokio::time::sleep(pause).await;
        looked += 1;
    }
}

/// How far the numbers are now. However many wait, ClickHouse is asked by few at a time.
async fn look(service: &Service, generation: u32, partition: i32) -> Result<i64, Error> {
    let _turn = service.looks.acquire().await.map_err(|closed| Error::Unexpected(closed.to_string()))?;
    reached(service, generation, partition).await
}
