//! What Tidemark needs and cargo cannot bring: Kafka's jars, ClickHouse's engine, the clients that tests knock with.
//! Pinned by version and checksum, put in place by one rename, reused from then on.

mod checksums;
mod clients;
mod kafka;
mod libchdb;
mod place;
mod python;
pub mod tools;

use std::time::Instant;

use anyhow::Result;

use crate::cache;

/// Makes everything present; says nothing where it already is.
pub fn run() -> Result<()> {
    let started = Instant::now();
    let cache = cache::dir();
    tools::check_platform()?;
    let pinned = checksums::Pinned::read()?;
    let fetched = [
        kafka::ensure(&cache, &pinned)?,
        libchdb::ensure(&cache, &pinned)?,
        python::ensure(&cache)?,
        clients::ensure_jdbc(&cache, &pinned, clients::JDBC)?,
        clients::ensure_jdbc(&cache, &pinned, clients::FLIGHT_JDBC)?,
        clients::ensure_node(&cache)?,
    ];
    if fetched.contains(&true) {
        eprintln!("fetched into {} in {} s", cache.display(), started.elapsed().as_secs());
    }
    Ok(())
}
