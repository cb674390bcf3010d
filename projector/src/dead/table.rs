//! The tables `dead_letters` and `dead_marks`, which are the only state there is: what is known of a letter is read from its row.

use std::collections::BTreeMap;

use clickhouse::{Client, Row};
use serde::{Deserialize, Serialize};
use tidemark_schemas::{
    connect::ClickHouseConfig,
    dead::{How, PENDING, Standing},
};

use super::{fold::LetterRow, marks::Mark};
use crate::{Error, sink::client};

/// Ids of one question.
const IDS_MAX: usize = 500;

/// Company and id of a letter.
pub type LetterKey = (String, String);

/// Both tables.
#[derive(Clone)]
pub struct DeadTable {
    client: Client,
}

#[derive(Row, Serialize, Deserialize)]
struct StoredLetter {
    tenant: String,
    id: String,
    source: String,
    state: String,
    reason: String,
    field: Option<String>,
    reasons: String,
    times: i64,
    first_at: i64,
    last_at: i64,
    resolved_at: Option<i64>,
    resolved_by: Option<String>,
    version: u64,
}

#[derive(Row, Serialize, Deserialize)]
struct StoredMark {
    partition: i32,
    next_offset: i64,
    complete_at: Option<i64>,
    written_at: i64,
}

#[derive(Row, Deserialize)]
struct Pending {
    tenant: String,
    letters: u64,
}

impl DeadTable {
    /// In that database.
    #[must_use]
    pub fn new(config: &ClickHouseConfig) -> Self {
        Self { client: client(config) }
    }

    /// What is known of these letters.
    ///
    /// # Errors
    /// ClickHouse does not answer.
    pub async fn known(&self, keys: &[LetterKey]) -> Result<BTreeMap<LetterKey, LetterRow>, Error> {
        let mut by_tenant: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (tenant, id) in keys {
            by_tenant.entry(tenant).or_default().push(id);
        }
        let mut known = BTreeMap::new();
        for (tenant, ids) in by_tenant {
            for ids in ids.chunks(IDS_MAX) {
                let sql = "SELECT ?fields FROM dead_letters FINAL WHERE tenant = ? AND id IN ?";
                let rows: Vec<StoredLetter> = self.client.query(sql).bind(tenant).bind(ids).fetch_all().await?;
                known.extend(rows.into_iter().map(StoredLetter::into_row));
            }
        }
        Ok(known)
    }

    /// # Errors
    /// ClickHouse did not take all of them; writing them again is safe.
    pub async fn write(&self, rows: &BTreeMap<LetterKey, LetterRow>) -> Result<(), Error> {
        let mut insert = self.client.insert::<StoredLetter>("dead_letters").await?;
        for (key, row) in rows {
            insert.write(&StoredLetter::new(key, row)).await?;
        }
        Ok(insert.end().await?)
    }

    /// How far the topic was read, by partition.
    ///
    /// # Errors
    /// ClickHouse does not answer.
    pub async fn marks(&self) -> Result<BTreeMap<i32, Mark>, Error> {
        let rows: Vec<StoredMark> = self.client.query("SELECT ?fields FROM dead_marks FINAL").fetch_all().await?;
        let mark = |row: StoredMark| (row.partition, Mark { next_offset: row.next_offset, complete_at: row.complete_at });
        Ok(rows.into_iter().map(mark).collect())
    }

    /// # Errors
    /// ClickHouse did not take it.
    pub async fn write_marks(&self, marks: &BTreeMap<i32, Mark>, written_at: i64) -> Result<(), Error> {
        let mut insert = self.client.insert::<StoredMark>("dead_marks").await?;
        for (&partition, &Mark { next_offset, complete_at }) in marks {
            insert.write(&StoredMark { partition, next_offset, complete_at, written_at }).await?;
        }
        Ok(insert.end().await?)
    }

    /// Pending letters by company.
    ///
    /// # Errors
    /// ClickHouse does not answer.
    pub async fn pending(&self) -> Result<Vec<(String, u64)>, Error> {
        let sql = "SELECT CAST(tenant AS String) AS tenant, countIf(state = 'pending') AS letters \
                   FROM dead_letters FINAL GROUP BY tenant";
        let rows: Vec<Pending> = self.client.query(sql).fetch_all().await?;
        Ok(rows.into_iter().map(|row| (row.tenant, row.letters)).collect())
    }
}

impl StoredLetter {
    fn new((tenant, id): &LetterKey, row: &LetterRow) -> Self {
        let LetterRow { source, reason, field, reasons, standing, version } = row.clone();
        Self {
            tenant: tenant.clone(),
            id: id.clone(),
            source,
            state: standing.state().to_owned(),
            reason,
            field,
            reasons,
            times: standing.times.into(),
            first_at: standing.first_at,
            last_at: standing.last_at,
            resolved_at: standing.resolved_at,
            resolved_by: standing.resolved_by,
            version: u64::try_from(version).unwrap_or(0),
        }
    }

    fn into_row(self) -> (LetterKey, LetterRow) {
        let Self { source, reason, field, reasons, times, first_at, last_at, resolved_at, resolved_by, .. } = self;
        let resolved = match self.state.as_str() {
            PENDING => None,
            state if state == How::Dropped.name() => Some(How::Dropped),
            _ => Some(How::Replayed),
        };
        let times = u32::try_from(times).unwrap_or(u32::MAX);
        let standing = Standing { resolved, resolved_at, resolved_by, times, first_at, last_at };
        let version = i64::try_from(self.version).unwrap_or(i64::MAX);
        ((self.tenant, self.id), LetterRow { source, reason, field, reasons, standing, version })
    }
}
