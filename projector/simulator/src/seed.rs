//! One run: histories of several companies arrive in two partitions, two processes project them, and blows fall; then the
//! world calms down and everything must be right.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, atomic::Ordering},
};

use futures::executor::block_on;
use tidemark_projector::{
    Error,
    sink::{Parts, Sink},
};
use tidemark_schemas::events::Data;
use tidemark_verify::generate;

use crate::{
    company::{Company, Definitions, GENERATION, PARTITIONS, partition_index},
    dice::Dice,
    disk::Disk,
    faults::{Hits, Point},
    feed::IDLE_MAX,
    invariant::{Lineage, check_all, check_cells, lineage},
    log::{Content, PartitionLog, Pending},
    owner::Owner,
    world::{Place, World, lock},
};

/// Processes that share the partitions.
pub(crate) const PROCESSES: usize = 2;
/// Records of a run, all companies together, at least.
const DELIVERIES_MIN: usize = 210;
/// Faults of a run at least.
const FAULTS_MIN: u64 = 20;
/// Steps after which a run without end is an error.
const STEPS_MAX: u64 = 60_000;

/// A run in the making.
pub(crate) struct Run<'a> {
    pub(crate) world: Arc<World>,
    pub(crate) company: &'a Company,
    definitions: Definitions,
    /// With more KPIs, which are added in the middle of the run.
    later: Option<Definitions>,
    arriving: VecDeque<Pending>,
    pub(crate) owners: [[Option<Owner>; PARTITIONS]; PROCESSES],
    pub(crate) disks: [[Disk; PARTITIONS]; PROCESSES],
    /// Stopped because the log is another.
    is_stopped: [[bool; PARTITIONS]; PROCESSES],
    pub(crate) backup: Parts,
    /// The engine lost something, so that a state may be ahead of it.
    pub(crate) sink_lost: bool,
    /// It did after KPIs were added: cells of theirs that came without a watermark may lack until that is noticed.
    pub(crate) added_lost: bool,
    pub(crate) step: u64,
}

/// Runs a seed; what happened, or what was wrong.
///
/// # Errors
/// The first read that differs from the model, or anything else that the projector must not do.
pub fn simulate(company: &Company, seed: u64) -> Result<Hits, String> {
    let run = AssertUnwindSafe(|| {
        let mut run = Run::new(company, seed)?;
        let outcome = run.chaos().and_then(|()| run.settle());
        let hits = run.world.hits();
        outcome.map_err(|wrong| format!("{wrong}\nin a run with {hits}")).map(|()| hits)
    });
    catch_unwind(run).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        Err(format!(
            "panic: {}",
            text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
        ))
    })
}

impl<'a> Run<'a> {
    fn new(company: &'a Company, seed: u64) -> Result<Self, String> {
        let logs = (0..PARTITIONS).map(|_| PartitionLog { cluster: "cluster", ..PartitionLog::default() }).collect();
        let world = Arc::new(World::new(seed, logs));
        let arriving = arriving(company, seed, &world);
        let (definitions, later) = company.definitions(seed);
        Ok(Self {
            world,
            company,
            definitions,
            later: Some(later),
            arriving,
            owners: Default::default(),
            disks: Default::default(),
            is_stopped: Default::default(),
            backup: Parts::new(),
            sink_lost: false,
            added_lost: false,
            step: 0,
        })
    }

    fn chaos(&mut self) -> Result<(), String> {
        while !self.arriving.is_empty() || self.world.hits().faults() < FAULTS_MIN {
            self.count_step()?;
            let choice = self.world.below(1_000);
            match choice {
                0..90 => self.append()?,
                90..125 => self.strike(),
                125..150 => self.engine_works(),
                150..155 => self.keep_copies(),
                155..158 => self.upgrade(),
                158..164 => self.read()?,
                164..166 => self.add_kpis()?,
                _ => self.poll_any()?,
            }
        }
        Ok(())
    }

    fn count_step(&mut self) -> Result<(), String> {
        self.step += 1;
        let ms = self.world.between(0, 8) as i64;
        self.world.pass(ms);
        if self.step < STEPS_MAX { Ok(()) } else { Err(format!("no end after {STEPS_MAX} steps: {}", self.standing())) }
    }

    fn append(&mut self) -> Result<(), String> {
        for _ in 0..self.world.between(1, 8) {
            let Some(pending) = self.arriving.pop_front() else { return Ok(()) };
            let partition = partition_index(&pending.tenant);
            self.world.with_log(partition, |log| log.append(pending))?;
        }
        Ok(())
    }

    fn upgrade(&mut self) {
        let waits =
            self.owners.iter().flatten().flatten().any(|owner| owner.status.stalled().is_some_and(|why| why.contains("upgrade")));
        if waits && !self.world.is_upgraded.swap(true, Ordering::Relaxed) {
            self.world.hit(Point::Upgraded);
            // Every process is started anew with the newest version.
            self.owners = Default::default();
        }
    }

    /// Files are added: their KPIs cannot be read yet, and every process begins again, as it does when it notices.
    fn add_kpis(&mut self) -> Result<(), String> {
        let Some(later) = self.later.take() else { return Ok(()) };
        self.world.hit(Point::KpisAdded);
        for partition in 0..PARTITIONS {
            let announced = self.world.sink.announce(GENERATION, partition as i32, &later.added, 0);
            block_on(announced).map_err(|error| error.to_string())?;
        }
        // What a process without these KPIs had sent must be there before one with them looks.
        self.late_inserts();
        self.owners = Default::default();
        self.definitions = later;
        self.added_lost = false;
        Ok(())
    }

    /// The engine does what it had taken without saying so.
    fn late_inserts(&self) {
        for (table, part) in lock(&self.world.late).drain(..) {
            self.world.sink.add(table, part);
        }
    }

    /// The KPIs that readers of a partition are not given.
    fn hidden(&self, partition: usize) -> Vec<String> {
        let is_hidden = |kpi: &&String| self.added_lost || self.world.sink.measured(kpi, partition as i32) != Some(100);
        let hidden: Vec<String> = self.definitions.added.iter().filter(is_hidden).cloned().collect();
        if hidden.len() < self.definitions.added.len() {
            self.world.hit(Point::AddedKpisRead);
        }
        hidden
    }

    /// What a reader sees now.
    fn read(&mut self) -> Result<(), String> {
        self.world.hit(Point::ReadDuringRun);
        let tables = self.world.sink.tables();
        let partition = self.world.below(PARTITIONS);
        check_cells(&self.world, self.company, &self.definitions, &self.hidden(partition), &tables, partition)
    }

    /// Lets one worker go on; starts it where it is not there.
    fn poll_any(&mut self) -> Result<(), String> {
        let (process, partition) = (self.world.below(PROCESSES), self.world.below(PARTITIONS));
        self.poll(process, partition)
    }

    fn poll(&mut self, process: usize, partition: usize) -> Result<(), String> {
        if self.is_stopped[process][partition] && !self.world.chance(10) {
            return Ok(());
        }
        let step = self.step;
        let Some(owner) = &mut self.owners[process][partition] else {
            let disk = self.disks[process][partition].clone();
            let metrics = self.company.metrics.clone();
            self.owners[process][partition] =
                Some(Owner::start(&self.world, &self.definitions, metrics, process, partition, disk));
            return Ok(());
        };
        if owner.paused_until > step {
            return Ok(());
        }
        let before = owner.place();
        let ended = owner.step();
        self.note_old_owner(process, partition, before);
        match ended {
            None => Ok(()),
            Some(outcome) => {
                self.owners[process][partition] = None;
                self.ended(process, partition, outcome)
            }
        }
    }

    /// A worker ended by itself, which it may do for few reasons.
    fn ended(&mut self, process: usize, partition: usize, outcome: Result<(), Error>) -> Result<(), String> {
        match outcome {
            Err(Error::LogReplaced { .. }) if self.is_broken(partition) => {
                self.world.hit(Point::LogReplacementNoticed);
                self.is_stopped[process][partition] = true;
                Ok(())
            }
            Err(Error::SinkLost { .. }) if self.sink_lost => Ok(()),
            Err(error) => Err(format!("partition {partition} of process {process} ended: {error}")),
            Ok(()) => Err(format!("partition {partition} of process {process} ended without a reason")),
        }
    }

    /// Nothing goes wrong any more; everything that is under way comes to its end.
    fn settle(&mut self) -> Result<(), String> {
        self.world.is_calm.store(true, Ordering::Relaxed);
        self.world.refuses_until_ms.store(0, Ordering::Relaxed);
        self.late_inserts();
        for owner in self.owners.iter_mut().flatten().flatten() {
            owner.paused_until = 0;
        }
        let deadline = self.step + STEPS_MAX / 2;
        for partition in 0..PARTITIONS {
            if self.is_broken(partition) {
                // Whoever wrote of the log as it was must be looked at by somebody who comes after.
                self.owners.iter_mut().for_each(|owners| owners[partition] = None);
            }
            // What was lost behind the back of a worker that has nothing to read shows when it doubts, and is mended then.
            for _ in 0..3 * IDLE_MAX {
                self.count_step()?;
                self.poll(self.world.owner(partition), partition)?;
            }
            while !self.is_settled(partition)? {
                self.count_step()?;
                if self.step > deadline {
                    return Err(format!("does not settle: {}", self.standing()));
                }
                self.upgrade();
                let process = self.world.below(PROCESSES);
                self.poll(process, partition)?;
            }
        }
        self.world.hit(Point::ReadAtTheEnd);
        let tables = self.world.sink.tables();
        for partition in 0..PARTITIONS {
            if self.is_stopped(partition) {
                check_cells(&self.world, self.company, &self.definitions, &self.hidden(partition), &tables, partition)?;
            } else {
                check_all(&self.world, self.company, &self.definitions, &tables, partition)?;
                self.note_verdicts(&tables);
            }
        }
        Ok(())
    }

    /// Whether nothing more will happen to a partition: it is read to its end, or rightly stopped.
    fn is_settled(&self, partition: usize) -> Result<bool, String> {
        if self.is_stopped(partition) {
            return Ok(true);
        }
        if !self.owner_is_idle(partition) {
            return Ok(false);
        }
        let watermark = self.world.watermark(partition);
        let place = lineage(&self.world, partition, watermark.as_ref())?;
        let (records, low) = self.world.with_log(partition, |log| (log.records.len(), log.low));
        let is_read = matches!(place, Some((Lineage::Now, at)) if at + 1 == records) || (place.is_none() && records == 0);
        let is_measured = |kpi: &String| self.world.sink.measured(kpi, partition as i32) == Some(100);
        let is_measured = self.definitions.added.iter().all(is_measured);
        // The numbers may be those of an owner before, while the one that is now still reads what they stand on again.
        Ok(is_read && is_measured && low == 0 && self.world.committed(partition) == records as i64)
    }

    /// Whether the owner has committed what it wrote and waits for records.
    fn owner_is_idle(&self, partition: usize) -> bool {
        let process = self.world.owner(partition);
        self.owners[process][partition].as_ref().is_some_and(|owner| owner.place() == Place::Reading)
    }

    /// Whether the log is not what it was.
    pub(crate) fn is_broken(&self, partition: usize) -> bool {
        self.world.with_log(partition, |log| log.before.is_some())
    }

    fn is_stopped(&self, partition: usize) -> bool {
        self.is_stopped.iter().any(|partitions| partitions[partition])
    }

    fn note_verdicts(&self, tables: &tidemark_projector::sink::Tables) {
        for verdict in tables.verdicts() {
            match verdict {
                "duplicate" => self.world.hit(Point::Duplicate),
                "conflict" => self.world.hit(Point::Conflict),
                "correction" => self.world.hit(Point::Correction),
                "retraction" => self.world.hit(Point::Retraction),
                _ => {}
            }
        }
    }

    /// Where everybody is, for messages.
    fn standing(&self) -> String {
        let of = |partition: usize| {
            let records = self.world.with_log(partition, |log| log.records.len());
            let watermark = self.world.watermark(partition).map(|watermark| watermark.to);
            let places: Vec<_> = self
                .owners
                .iter()
                .map(|owners| owners[partition].as_ref().map(|owner| (owner.place(), owner.status.stalled())))
                .collect();
            format!(
                "partition {partition}: {records} records, numbers to {watermark:?}, owner {}, {places:?}",
                self.world.owner(partition)
            )
        };
        (0..PARTITIONS).map(of).collect::<Vec<_>>().join("; ")
    }
}

/// The histories of all companies, in one order of arrival, with records that say nothing or are of a newer version.
fn arriving(company: &Company, seed: u64, world: &World) -> VecDeque<Pending> {
    let mut dice = Dice::new(seed ^ 0x5eed);
    let tenants: Vec<Arc<str>> = (0..PARTITIONS).flat_map(|partition| company.tenants_of(partition).cloned()).collect();
    let each = DELIVERIES_MIN.div_ceil(tenants.len());
    let mut histories: Vec<_> = (0..)
        .zip(&tenants)
        .map(|(index, tenant)| {
            (tenant.clone(), VecDeque::from(generate::history(seed.wrapping_mul(31).wrapping_add(index), each)))
        })
        .collect();
    let has_newer = dice.chance(250);
    let mut arriving = VecDeque::new();
    while !histories.is_empty() {
        let index = dice.below(histories.len());
        let (tenant, history) = &mut histories[index];
        let Some(event) = history.pop_front() else {
            histories.remove(index);
            continue;
        };
        match &event.data {
            Data::EntityDeleted(_) => world.hit(Point::Deletion),
            Data::EntityRestored(_) => world.hit(Point::Restoration),
            _ => {}
        }
        let tenant = tenant.clone();
        if dice.chance(8) {
            world.hit(Point::Undecodable);
            let poison = [vec![], vec![1, 2, 3], b"\x00\x00\x00\x00\x07garbage".to_vec()];
            let content = Content::Poison(poison[dice.below(poison.len())].clone());
            arriving.push_back(Pending { tenant: tenant.clone(), content });
        }
        let content = if has_newer && dice.chance(10) {
            world.hit(Point::UnknownSchema);
            Content::Newer(event)
        } else {
            Content::Event(event)
        };
        arriving.push_back(Pending { tenant, content });
    }
    arriving
}
