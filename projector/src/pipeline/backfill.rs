//! Backfill: a KPI that was added to a generation with numbers is measured on the facts that there are, at the position
//! that the partition has. First all facts in chunks, into the state only; then the finished cells as rows, so that every
//! row that is written holds what its cell holds at that position, however often and by whomever it is written.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound::{self, Excluded, Included},
    sync::Arc,
};

use serde::{Deserialize, Serialize};
use tidemark_schemas::table::FactTable;

use super::{Mark, Partition, Rows, Table, TenantRows, Watermark, Written, mark_key};
use crate::{
    Error,
    change::FactChange,
    facts,
    measure::{CellKey, CellRow, ValueKey, ValueRow},
    state::{Entry, Key, Space, State, Working, Writes},
};

/// Entries of the state that one step measures, and rows that one step writes.
const ENTRIES_MAX: usize = 10_000;
const ROWS_MAX: usize = 50_000;
/// Of the percent that readers are told, what measuring takes; the rest is writing.
const MEASURING_PERCENT: u64 = 90;

/// How far a KPI is in a partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Progress {
    /// The facts up to a key are measured.
    Measuring { after: Option<Vec<u8>>, done: u64, total: u64 },
    /// All facts are; the cells wait to be written.
    Measured,
    /// As if it had been there from the beginning.
    Complete,
}

/// The KPIs that are not complete, and where the writing of rows is.
#[derive(Debug, Default)]
pub(super) struct Pending {
    kpis: BTreeMap<String, Progress>,
    /// Position and step of the numbers that readers see, −1 before the first; while the state is behind them, no cell of a pending KPI
    /// may be added there. Nothing where nobody has looked since the state was opened: then it may not either.
    shown: Option<(i64, i64)>,
    /// Lost with the process: rows are written again from the first.
    reached: Reached,
}

/// Which of the stretches of the state is being written, and after which of its keys.
type Reached = (usize, Option<Vec<u8>>);

/// One step: rows to write, then changes of the state to commit.
pub struct BackfillStep {
    /// For the sink.
    pub rows: Rows,
    /// The KPIs that it is about.
    pub kpis: Vec<String>,
    /// How much of them is done after it.
    pub percent: u8,
    writes: Writes,
    mark: Mark,
    progress: Progress,
    reached: Reached,
}

impl Pending {
    /// The KPIs of the catalogue that the state does not hold completely.
    pub(super) fn read(state: &dyn State, kpis: impl Iterator<Item = String>, mark: &Mark) -> Result<Self, Error> {
        let mut pending = Self::default();
        if mark.next_offset == 0 {
            return Ok(pending);
        }
        let working = Working::new(state);
        for kpi in kpis {
            let progress = working.read(kpi_key(&kpi))?.unwrap_or(Progress::Measuring { after: None, done: 0, total: 0 });
            if progress != Progress::Complete {
                pending.kpis.insert(kpi, progress);
            }
        }
        Ok(pending)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.kpis.is_empty()
    }

    /// Whether KPIs are left that no record may be folded without.
    pub(super) fn is_measuring(&self) -> bool {
        self.kpis.values().any(|progress| matches!(progress, Progress::Measuring { .. }))
    }

    /// Whether a state that goes on at an offset is behind of what readers see.
    pub(super) fn is_behind(&self, next_offset: i64) -> bool {
        self.shown.is_some_and(|(shown, _)| next_offset <= shown)
    }

    /// Whether a state that is behind what readers see may only take away from a KPI's cells: those that are empty where
    /// readers are were never written there, so that nothing would win over what they held before.
    pub(super) fn withholds(&self, kpi: &str) -> bool {
        self.kpis.contains_key(kpi)
    }

    /// The KPIs that go together: those that are where the first is, and measuring comes before writing.
    fn group(&self) -> Option<(Vec<String>, Progress)> {
        let measuring = self.kpis.values().find(|progress| matches!(progress, Progress::Measuring { .. }));
        let first = measuring.or_else(|| self.kpis.values().next())?;
        let group = self.kpis.iter().filter(|(_, progress)| *progress == first);
        Some((group.map(|(kpi, _)| kpi.clone()).collect(), first.clone()))
    }
}

/// Notes that the state has held these KPIs from its first record on; those that are pending wait to be written.
pub(super) fn held_from_the_beginning(
    working: &mut Working<'_>,
    mut kpis: impl Iterator<Item = String>,
    pending: &Pending,
) -> Result<(), Error> {
    let held = |kpi: &str| if pending.withholds(kpi) { Progress::Measured } else { Progress::Complete };
    kpis.try_for_each(|kpi| working.write(kpi_key(&kpi), &held(&kpi)))
}

impl<S: State> Partition<S> {
    /// Whether the state's cells of a KPI are complete.
    pub fn holds(&self, kpi: &str) -> bool {
        self.settings.catalogue.get(kpi).is_some() && !self.pending.kpis.contains_key(kpi)
    }

    /// Whether the state's cells of every KPI are complete and written.
    pub fn is_measured(&self) -> bool {
        self.pending.is_empty()
    }

    /// Notes where the numbers are that readers see, and which of their KPIs were added. While the state is behind, it only
    /// takes away from the cells of those; once it is there, all that it holds of them is written.
    ///
    /// # Errors
    /// The state cannot be written.
    pub fn show(&mut self, watermark: Option<&Watermark>, added: &[String]) -> Result<(), Error> {
        self.pending.shown = Some(watermark.map_or((-1, 0), |watermark| (watermark.to, watermark.step)));
        if self.mark.next_offset == 0 {
            // What was noted when readers were ahead: they may not be any more.
            self.pending.kpis.clear();
        }
        if !self.pending.is_behind(self.mark.next_offset) {
            return Ok(());
        }
        let mut working = Working::new(&self.state);
        for kpi in added.iter().filter(|kpi| self.settings.catalogue.get(kpi).is_some()) {
            if !self.pending.kpis.contains_key(kpi) {
                self.pending.kpis.insert(kpi.clone(), Progress::Measured);
                if self.mark.next_offset > 0 {
                    working.write(kpi_key(kpi), &Progress::Measured)?;
                }
            }
        }
        let writes = working.into_writes();
        self.state.commit(writes)
    }

    /// The next step of measuring KPIs that were added; none when all are complete, or wait for the state to be where
    /// readers are, which [`Partition::show`] tells. Changes nothing: the rows are written by the sink, then the step is committed here.
    ///
    /// # Errors
    /// The state cannot be read.
    pub fn backfill(&self) -> Result<Option<BackfillStep>, Error> {
        match self.pending.group().filter(|_| self.pending.shown.is_some()) {
            None => Ok(None),
            Some((kpis, Progress::Measuring { after, done, total })) => self.measure_some(kpis, after, (done, total)).map(Some),
            Some(_) if self.pending.is_behind(self.mark.next_offset) => Ok(None),
            Some((kpis, _)) => self.write_some(kpis).map(Some),
        }
    }

    /// Makes a written step part of the state.
    ///
    /// # Errors
    /// The state cannot be written.
    pub fn commit_backfill(&mut self, step: BackfillStep) -> Result<(), Error> {
        self.state.commit(step.writes)?;
        for kpi in step.kpis {
            match &step.progress {
                Progress::Complete => drop(self.pending.kpis.remove(&kpi)),
                progress => drop(self.pending.kpis.insert(kpi, progress.clone())),
            }
        }
        self.mark = step.mark;
        self.pending.reached = step.reached;
        Ok(())
    }

    fn measure_some(&self, kpis: Vec<String>, after: Option<Vec<u8>>, (done, total): (u64, u64)) -> Result<BackfillStep, Error> {
        let tables = self.tables(&kpis);
        let spaces: BTreeSet<u8> = tables.iter().map(|table| facts::space_of(*table) as u8).collect();
        let total = if after.is_none() { self.count(&spaces)? } else { total };
        let (mut changes, mut entries, mut last) = (BTreeMap::<Arc<str>, Vec<FactChange>>::new(), 0, after);
        for entry in self.entries(&spaces, last.clone()).take(ENTRIES_MAX) {
            let (key, value) = entry?;
            let settings = self.tenant(Key::tenant_of(&key))?;
            let found = facts::stored(settings, &key, &value)?.into_iter().filter(|fact| tables.contains(&fact.table));
            let (position, known_at) = (self.mark.next_offset - 1, self.mark.known_at);
            let found = found.map(|fact| FactChange { key: fact.key().into(), position, known_at, old: None, new: Some(fact) });
            changes.entry(settings.name.clone()).or_default().extend(found);
            entries += 1;
            last = Some(key);
        }
        let mut working = Working::new(&self.state);
        let mut rows = self.no_rows();
        let measures = self.measures.only(&kpis);
        for (tenant, changes) in changes {
            let tenant_rows = rows.tenant(&tenant);
            Self::measure(&measures, &mut working, &tenant, &changes, tenant_rows)?;
            // Not finished: what is written must be what the cell holds at this position.
            tenant_rows.cells.clear();
            tenant_rows.values.clear();
        }
        let done = done + entries as u64;
        let progress = if entries < ENTRIES_MAX { Progress::Measured } else { Progress::Measuring { after: last, done, total } };
        let percent = MEASURING_PERCENT * done / total.max(done).max(1);
        self.step(kpis, rows, working, (progress, percent), Reached::default())
    }

    fn write_some(&self, kpis: Vec<String>) -> Result<BackfillStep, Error> {
        let stretches: Vec<(Arc<str>, &String, Space)> = kpis
            .iter()
            .flat_map(|kpi| [(kpi, Space::Cell), (kpi, Space::Value)])
            .flat_map(|(kpi, space)| self.settings.tenants().map(move |tenant| (tenant.clone(), kpi, space)))
            .collect();
        let (mut stretch, mut after) = self.pending.reached.clone();
        let mut rows = self.no_rows();
        let mut room = ROWS_MAX;
        while let Some((tenant, kpi, space)) = stretches.get(stretch) {
            let (from, to) = Key::new(*space, tenant).text(kpi).range();
            let from = after.take().map_or(from, Excluded);
            for entry in self.state.range(from, to).take(room) {
                let (key, value) = entry?;
                self.row(*space, &key, &value, rows.tenant(tenant))?;
                after = Some(key);
                room -= 1;
            }
            if room == 0 {
                break;
            }
            (stretch, after) = (stretch + 1, None);
        }
        let percent = MEASURING_PERCENT + (99 - MEASURING_PERCENT) * stretch as u64 / (stretches.len() as u64).max(1);
        let progress = if stretch == stretches.len() { Progress::Complete } else { Progress::Measured };
        rows.watermark = self.next_watermark();
        self.step(kpis, rows, Working::new(&self.state), (progress, percent), (stretch, after))
    }

    fn step(
        &self,
        kpis: Vec<String>,
        rows: Rows,
        mut working: Working<'_>,
        (progress, percent): (Progress, u64),
        reached: Reached,
    ) -> Result<BackfillStep, Error> {
        for kpi in &kpis {
            working.write(kpi_key(kpi), &progress)?;
        }
        let mark = self.mark_with(&rows);
        working.write(mark_key(), &mark)?;
        let reached = if progress == Progress::Complete { Reached::default() } else { reached };
        // That it can be read is said by whoever knows that the sink is not ahead of this state.
        let percent = u8::try_from(percent.min(99)).unwrap_or(0);
        Ok(BackfillStep { rows, kpis, percent, writes: working.into_writes(), mark, progress, reached })
    }

    /// Of the same position, with a block more: whoever loses the block loses its watermark.
    fn next_watermark(&self) -> Watermark {
        let Mark { next_offset, record_hash, ref log_id, step, .. } = self.mark;
        let shown = self.pending.shown.filter(|(shown, _)| shown + 1 == next_offset).map_or(0, |(_, step)| step);
        let step = step.max(shown) + 1;
        Watermark { partition: self.number, from: next_offset, to: next_offset - 1, step, record_hash, log_id: log_id.clone() }
    }

    /// The mark with what must be found in the sink after these rows.
    fn mark_with(&self, rows: &Rows) -> Mark {
        let mut mark = self.mark.clone();
        if rows.watermark.is_news() {
            mark.step = rows.watermark.step;
        }
        let version = mark.next_offset - 1;
        for table in rows.tables().into_iter().filter(|table| *table != Table::Cells) {
            let before = mark.written.get(&table).filter(|before| before.version == version);
            let (from, before) = before.map_or((version, 0), |before| (before.from, before.rows));
            mark.written.insert(table, Written { from, version, rows: before + rows.count(table) });
        }
        mark
    }

    /// A stored cell or value as the row that it is at this position.
    fn row(&self, space: Space, key: &[u8], value: &[u8], rows: &mut TenantRows) -> Result<(), Error> {
        let version = self.mark.next_offset - 1;
        if space == Space::Cell {
            rows.cells.insert(CellKey::parse(key)?, CellRow { cell: postcard::from_bytes(value)?, version });
        } else {
            let key = ValueKey::parse(key, &self.settings.catalogue)?;
            rows.values.insert(key, ValueRow { facts: postcard::from_bytes(value)?, version });
        }
        Ok(())
    }

    fn no_rows(&self) -> Rows {
        Rows::new(self.number, self.settings.generation, self.mark.next_offset)
    }

    fn tables(&self, kpis: &[String]) -> BTreeSet<FactTable> {
        kpis.iter().filter_map(|kpi| self.settings.catalogue.get(kpi)).map(|kpi| kpi.from).collect()
    }

    /// The entries of some spaces, in order, after a key.
    fn entries<'a>(&'a self, spaces: &'a BTreeSet<u8>, after: Option<Vec<u8>>) -> impl Iterator<Item = Entry> + 'a {
        let stretch = move |space: u8| {
            let from = match &after {
                Some(after) if after.first() == Some(&space) => Excluded(after.clone()),
                Some(after) if after.first() > Some(&space) => return None,
                _ => Included(vec![space]),
            };
            Some(self.state.range(from, Bound::Excluded(vec![space + 1])))
        };
        spaces.iter().copied().filter_map(stretch).flatten()
    }

    fn count(&self, spaces: &BTreeSet<u8>) -> Result<u64, Error> {
        self.entries(spaces, None).try_fold(0, |count, entry| entry.map(|_| count + 1))
    }
}

fn kpi_key(kpi: &str) -> Key {
    Key::new(Space::Kpi, kpi)
}
