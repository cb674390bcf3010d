//! Which set of numbers is live. Read once for each request and used in every scan of it.

use clickhouse::Client;

use crate::Error;

/// The one that there is before anybody recorded one.
const FIRST: u32 = 1;

/// # Errors
/// ClickHouse.
pub(crate) async fn live_generation(clickhouse: &Client) -> Result<u32, Error> {
    let live: u32 = clickhouse.query(include_str!("../../sql/generation.sql")).fetch_one().await?;
    Ok(live.max(FIRST))
}
