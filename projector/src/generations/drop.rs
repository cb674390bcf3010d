//! Dropping a generation: its rows in every table, its snapshots and its local state. Its number is never given again, as a process that
//! did not hear of it may still write.

use std::time::Duration;

use clickhouse::Row;
use serde::Deserialize;

use super::{Ledger, Status, state_dir};
use crate::{Config, Error, snapshot::Place};

#[derive(Row, Deserialize)]
struct Table {
    name: String,
    is_partitioned: u8,
}

impl Ledger {
    /// Drops a generation that is not live. One that was live a moment ago is waited for until no answer of `readers_ms_max`
    /// can be reading it.
    ///
    /// # Errors
    /// [`Error::Declined`]: there is none of that number, or it is live; ClickHouse does not answer.
    pub async fn drop_generation(&self, config: &Config, number: u32, readers_ms_max: u64) -> Result<(), Error> {
        let all = self.all().await?;
        let Some(generation) = all.iter().find(|generation| generation.number == number) else {
            return Err(Error::Declined(format!(
                "there is no generation {number}: `tidemark generations list` shows those there are"
            )));
        };
        match generation.status {
            Status::Live => {
                return Err(Error::Declined(format!("generation {number} is live: readers would be left without numbers")));
            }
            Status::Retired => tokio::time::sleep(self.until_unread(generation.changed_at, readers_ms_max).await?).await,
            Status::Building | Status::Dropped => {}
        }
        // First this, so that no process goes on with it.
        self.set_status(number, Status::Dropped).await?;
        for table in self.client.query(include_str!("../../sql/generation_tables.sql")).fetch_all::<Table>().await? {
            // Names are those of our own steps and the number is one: nothing here comes from outside.
            let sql = if table.is_partitioned == 1 {
                format!("ALTER TABLE {} DROP PARTITION {number}", table.name)
            } else {
                format!("ALTER TABLE {} DELETE WHERE generation = {number} SETTINGS mutations_sync = 1", table.name)
            };
            self.client.query(&sql).execute().await?;
        }
        if let Some(place) = Place::open(&config.snapshots)? {
            place.forget(number).await?;
        }
        let directory = state_dir(config, number);
        match std::fs::remove_dir_all(&directory) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::State(format!("{} cannot be removed: {error}", directory.display())))
            }
            _ => Ok(()),
        }
    }

    /// How long an answer that began before the swap may still be read.
    async fn until_unread(&self, retired_at: i64, readers_ms_max: u64) -> Result<Duration, Error> {
        let (now, _) = self.now().await?;
        let retired_ms = u64::try_from(now - retired_at).unwrap_or(0);
        Ok(Duration::from_millis(readers_ms_max.saturating_sub(retired_ms)))
    }
}
