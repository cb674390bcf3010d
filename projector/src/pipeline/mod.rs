//! The pipeline as one sentence: decode → admit → fold → measure, a pure function of a partition's state and the next
//! records of its log. Writing, publishing and committing what it returns is the worker's (`source/worker.rs`).

mod backfill;
mod rows;

use std::{collections::BTreeMap, ops::Bound::Unbounded, sync::Arc};

pub use backfill::BackfillStep;
use backfill::Pending;
pub use rows::{EventRow, FactRow, FindingRow, KeyedRows, Rows, Table, TenantRows, VersionRow, Watermark, Written, record_hash};
use serde::{Deserialize, Serialize};

pub use crate::decode::{Poison, Record};
use crate::{
    Error,
    admit::admit,
    change::{EventChanges, FactChange, Finding, FindingKind},
    decode::{Decoded, decode},
    fold::fold,
    measure::{self, Measured, Measures},
    sabotage::Sabotage,
    settings::{Settings, TenantSettings},
    snapshot::View,
    state::{Entry, Key, KeyValue, Space, State, Working, Writes},
    trace::stage,
};

/// Changed facts after which a batch is cut, so that its cells stay far below the rows of one insert block.
const CHANGES_MAX: usize = 50_000;

/// A partition of the log and what is known of it.
pub struct Partition<S> {
    number: i32,
    state: S,
    settings: Arc<Settings>,
    measures: Arc<Measures>,
    mark: Mark,
    pending: Pending,
}

/// How far a partition was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The next offset to read.
    pub next_offset: i64,
    /// The newest append time seen, milliseconds; append times never go back in our answers.
    pub known_at: i64,
    /// Hash of the last record that was read.
    pub record_hash: u64,
    /// Which log this was: cluster and first record; empty before the first record.
    pub log_id: String,
    /// How many blocks of cells of added KPIs were written since the last record.
    pub step: i64,
    /// Of each table the newest batch that had rows for it: what must be found there as long as nothing is lost.
    pub written: BTreeMap<Table, Written>,
}

impl Mark {
    /// Of a log that nothing was read of.
    fn new() -> Self {
        Self { next_offset: 0, known_at: 0, record_hash: 0, log_id: String::new(), step: 0, written: BTreeMap::new() }
    }
}

/// What a batch of records does: rows to write, and changes of the state to commit once they are written.
pub struct Batch {
    /// For the sink.
    pub rows: Rows,
    /// For the state.
    pub writes: Writes,
    /// How far it goes.
    pub mark: Mark,
    /// Why the record after the batch cannot be read.
    pub stalled: Option<Error>,
}

impl<S: State> Partition<S> {
    /// Picks up where the state left off.
    ///
    /// # Errors
    /// The state cannot be read.
    pub fn open(number: i32, mut state: S, settings: Arc<Settings>, measures: Arc<Measures>) -> Result<Self, Error> {
        let mark = Working::new(&state).read(mark_key())?;
        // Without a mark, entries are the beginning of a snapshot whose restoration was interrupted.
        if mark.is_none() && !settings.lacks(Sabotage::CheckpointPosition) && state.range(Unbounded, Unbounded).next().is_some() {
            state.clear()?;
        }
        let mark = mark.unwrap_or_else(Mark::new);
        let pending = Pending::read(&state, settings.catalogue.names(), &mark)?;
        Ok(Self { number, state, settings, measures, mark, pending })
    }

    /// How far it was read.
    pub fn mark(&self) -> &Mark {
        &self.mark
    }

    /// Its number.
    pub fn number(&self) -> i32 {
        self.number
    }

    /// What numbers depend on beside the log.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Runs the sentence over the next records. Changes nothing: the batch is written by the sink and then committed here.
    ///
    /// # Errors
    /// A gap in the log, or the state cannot be read. A record that must wait is in [`Batch::stalled`].
    pub fn project(&self, records: &[Record], log_id: &str) -> Result<Batch, Error> {
        let is_behind = self.pending.is_behind(self.mark.next_offset);
        if self.pending.is_measuring() || (!self.pending.is_empty() && !is_behind) {
            return Err(Error::Internal(format!("partition {}: KPIs that were added are not measured yet", self.number)));
        }
        let mut working = Working::new(&self.state);
        let mut rows = Rows::new(self.number, self.settings.generation, self.mark.next_offset);
        let mut mark = Mark { log_id: log_id.to_owned(), step: 0, ..self.mark.clone() };
        let mut changes: BTreeMap<Arc<str>, Vec<FactChange>> = BTreeMap::new();
        let mut stalled = None;
        let folding = stage("fold").entered();
        for record in records {
            if record.offset < mark.next_offset {
                continue;
            }
            self.check_gap(record, &mark)?;
            let hash = record_hash(&record.value);
            let (offset, appended_at) = (record.offset, record.appended_at);
            let decoded = decode(self.number, record, &self.settings);
            match decoded {
                Ok(Ok(decoded)) => {
                    mark.known_at = mark.known_at.max(appended_at);
                    let decoded = Decoded { known_at: mark.known_at, ..decoded };
                    self.event(&mut working, decoded, hash, &mut rows, &mut changes)?;
                }
                Ok(Err(poison)) => rows.poison.push(poison),
                Err(error) => {
                    stalled = Some(error);
                    break;
                }
            }
            mark.next_offset = offset + 1;
            mark.record_hash = hash;
            rows.watermark.read(offset, hash);
            if changes.values().map(Vec::len).sum::<usize>() >= CHANGES_MAX {
                break;
            }
        }
        drop(folding);
        let _measuring = stage("measure").entered();
        rows.watermark.log_id.clone_from(&mark.log_id);
        for (tenant, changes) in changes {
            Self::measure(&self.measures, &mut working, &tenant, &changes, rows.tenant(&tenant))?;
        }
        if self.mark.next_offset == 0 {
            backfill::held_from_the_beginning(&mut working, self.settings.catalogue.names(), &self.pending)?;
        }
        if self.pending.is_behind(mark.next_offset) {
            rows.only_emptied_cells(|kpi| self.pending.withholds(kpi));
        }
        self.sabotage(&mut rows)?;
        // Cells come with their watermark or not at all, which tells more than counting them.
        for table in rows.tables().into_iter().filter(|table| *table != Table::Cells) {
            mark.written.insert(table, rows.written(table));
        }
        if !self.settings.lacks(Sabotage::CheckpointPosition) {
            working.write(mark_key(), &mark)?;
        }
        Ok(Batch { rows, writes: working.into_writes(), mark, stalled })
    }

    /// Makes a written batch part of the state.
    ///
    /// # Errors
    /// The state cannot be written.
    pub fn commit(&mut self, writes: Writes, mark: Mark) -> Result<(), Error> {
        self.state.commit(writes)?;
        self.mark = mark;
        Ok(())
    }

    /// Gives the state back, for whoever opens the partition next.
    pub fn into_state(self) -> S {
        self.state
    }

    /// Forgets everything, so that the log is read from its beginning.
    ///
    /// # Errors
    /// The state cannot be written.
    pub fn clear(&mut self) -> Result<(), Error> {
        self.state.clear()?;
        self.mark = Mark::new();
        self.pending = Pending::default();
        Ok(())
    }

    /// The state as it is now, for a snapshot.
    pub fn view(&self) -> View {
        let mark_key = mark_key().bytes();
        let is_mark = move |entry: &Entry| entry.as_ref().is_ok_and(|(key, _)| *key == mark_key);
        View { mark: self.mark.clone(), entries: Box::new(self.state.view().filter(move |entry| !is_mark(entry))) }
    }

    /// Puts entries of a snapshot into a state that was cleared. They count for nothing before [`Partition::restored`].
    ///
    /// # Errors
    /// The state cannot be written.
    pub fn restore(&mut self, entries: Vec<KeyValue>) -> Result<(), Error> {
        self.state.commit(entries.into_iter().map(|(key, value)| (key, Some(value))).collect())
    }

    /// Says that everything of a snapshot is there.
    ///
    /// # Errors
    /// The state cannot be written.
    pub fn restored(&mut self, mark: Mark) -> Result<(), Error> {
        let mut working = Working::new(&self.state);
        working.write(mark_key(), &mark)?;
        let writes = working.into_writes();
        self.pending = Pending::read(&self.state, self.settings.catalogue.names(), &mark)?;
        self.commit(writes, mark)
    }

    fn check_gap(&self, record: &Record, mark: &Mark) -> Result<(), Error> {
        if record.offset == mark.next_offset {
            return Ok(());
        }
        let what = format!("the log jumps from offset {} to {}, records are missing", mark.next_offset, record.offset);
        Err(Error::LogReplaced { partition: self.number, what })
    }

    fn tenant(&self, name: &str) -> Result<&TenantSettings, Error> {
        self.settings.tenant(name).ok_or_else(|| Error::Internal(format!("tenant {name} went missing")))
    }

    /// admit → fold for one event, noting every row it touches.
    fn event(
        &self,
        working: &mut Working<'_>,
        decoded: Decoded,
        record_hash: u64,
        rows: &mut Rows,
        changes: &mut BTreeMap<Arc<str>, Vec<FactChange>>,
    ) -> Result<(), Error> {
        let Decoded { position, known_at, tenant, event } = decoded;
        let settings = self.tenant(&tenant)?;
        let mut row = EventRow::new(position, known_at, record_hash, &event);
        let admission = admit(working, &self.settings, &tenant, event)?;
        row.verdict = admission.verdict.name();
        let mut changed = EventChanges::default();
        fold(working, settings, &admission, &mut changed)?;
        let tenant_rows = rows.tenant(&tenant);
        tenant_rows.events.push(row);
        for (finding, holds) in changed.changed_findings() {
            tenant_rows.finding(finding, holds, position);
        }
        let facts = changed.changed_facts(position, known_at);
        for change in &facts {
            tenant_rows.fact(change);
        }
        changes.entry(tenant).or_default().extend(facts);
        Ok(())
    }

    /// Takes a protection away from a batch's rows; nothing but in the simulator.
    fn sabotage(&self, rows: &mut Rows) -> Result<(), Error> {
        if self.settings.lacks(Sabotage::Tombstones) {
            rows.without_deleted();
        }
        if self.settings.lacks(Sabotage::VersionOfLastTouch) {
            rows.with_version(rows.watermark.from);
        }
        if self.settings.lacks(Sabotage::TouchedAfterEveryEvent) {
            let before = Working::new(&self.state);
            rows.without_unchanged_cells(|tenant, key| measure::stored(&before, tenant, key))?;
        }
        Ok(())
    }

    fn measure(
        measures: &Measures,
        working: &mut Working<'_>,
        tenant: &str,
        changes: &[FactChange],
        rows: &mut TenantRows,
    ) -> Result<(), Error> {
        let Measured { contributions, failures } = measures.measure(changes)?;
        for contribution in contributions {
            measure::apply(working, tenant, contribution, &mut rows.cells, &mut rows.values)?;
        }
        measure::store(working, tenant, &rows.cells, &rows.values)?;
        for failure in failures {
            let finding = Finding { kind: FindingKind::NotMeasured, subject: failure.subject, detail: failure.reason };
            rows.finding(finding, failure.sign > 0, failure.position);
        }
        Ok(())
    }
}

fn mark_key() -> Key {
    Key::new(Space::Partition, "")
}
