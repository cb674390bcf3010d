//! Rebuild: reads the log into a new generation beside the live one, with the definitions that the files have now, follows it
//! until it has caught up, and compares the two or makes it the live one. Interrupted, it goes on where it stopped.

use std::{sync::Arc, time::Duration};

use tidemark_schemas::{
    connect::{ClickHouseConfig, KafkaConfig, RegistryConfig},
    definitions::Definitions,
};
use tokio_util::sync::CancellationToken;

use super::{Claim, Difference, Generation, Ledger, Pace, Positions, Status};
use crate::{
    Config, Error,
    process::{Process, Role},
    registry::Registry,
    retry::patiently,
    run::{Begun, begin_with},
    sink::{GenerationId, apply_schema},
    source::{Offsets, Status as WorkerStatus, WallClock},
};

/// Events that a generation may lack to be made live at once: of more than that, nobody has seen what they change.
const SWAP_BEHIND_MAX: i64 = 10_000;
/// How often it is looked whether the new generation has caught up.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How often two generations are compared again because one of them moved meanwhile.
const COMPARISONS_MAX: usize = 10;

/// What is to be done once the new generation has caught up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// Show what is different and leave it as it is.
    Compare,
    /// Make it the live one.
    Swap,
}

/// What a rebuild is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Its state is opened, and held against the log and ClickHouse.
    Opening,
    /// Kafka gives it the partitions.
    Joining,
    /// It reads the log, until everything that the live one has is in ClickHouse.
    Reading,
    /// It is compared with the live one.
    Comparing,
    /// What was asked is done; its state is closed, with a snapshot.
    Closing,
}

/// How far the log is read into the new generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The generation that is being built.
    pub generation: u32,
    /// What it is at.
    pub stage: Stage,
    /// Events that are in it.
    pub done: u64,
    /// Events in the log.
    pub of: u64,
}

/// What came of it.
#[derive(Debug)]
pub struct Rebuilt {
    /// The new generation.
    pub new: u32,
    /// The one that was live before it.
    pub old: u32,
    /// What is different.
    pub difference: Option<Difference>,
}

/// What a rebuild works with.
pub struct Rebuild {
    /// The `[projector]` section.
    pub config: Config,
    /// Where the log is.
    pub kafka: KafkaConfig,
    /// Where the numbers are.
    pub clickhouse: ClickHouseConfig,
    /// Where schema ids come from.
    pub registry: RegistryConfig,
    /// What the files say.
    pub files: Definitions,
    /// How much of the machine it takes.
    pub pace: Pace,
    /// What is to be done in the end.
    pub then: Then,
}

impl Rebuild {
    /// Runs until the new generation has caught up and what was asked is done, or until `shutdown`.
    ///
    /// # Errors
    /// [`Error::Declined`] with what to do instead; what does not get better by waiting.
    pub async fn run(self, progress: impl Fn(Progress), shutdown: CancellationToken) -> Result<Rebuilt, Error> {
        loop {
            match self.build(&progress, &shutdown).await {
                Err(reason) if reason.is_transient() || matches!(reason, Error::SinkLost { .. } | Error::Snapshot { .. }) => {
                    tracing::warn!(%reason, "the rebuild begins again");
                }
                outcome => return outcome,
            }
            let pause = Duration::from_millis(self.config.retry_ms_max);
            // Whether it was cancelled or not is looked at again before anything begins.
            let _elapsed = tokio::time::timeout(pause, shutdown.cancelled()).await;
        }
    }

    async fn build(&self, progress: &impl Fn(Progress), shutdown: &CancellationToken) -> Result<Rebuilt, Error> {
        let (old, new, begun) = tokio::select! {
            () = shutdown.cancelled() => return Err(interrupted()),
            begun = self.begin(progress) => begun?,
        };
        let stop = shutdown.child_token();
        let process = Process::new(&self.own_config(new.number), &self.kafka, begun, Role::Builder(self.pace))?;
        let (offsets, statuses) = (process.offsets(), process.statuses());
        let running = process.run(&stop);
        tokio::pin!(running);
        let follow = Follow { rebuild: self, old: &old, new: &new, offsets: &offsets, statuses: &statuses, progress };
        let followed = tokio::select! {
            ended = &mut running => return Err(ended.map_or_else(dropped, |()| interrupted())),
            followed = follow.to_the_end() => followed,
        };
        follow.tell(Stage::Closing);
        stop.cancel();
        running.await?;
        Ok(Rebuilt { new: new.number, old: old.number, difference: followed? })
    }

    async fn begin(&self, progress: &impl Fn(Progress)) -> Result<(Generation, Generation, Begun), Error> {
        patiently(&self.config, &WallClock, || apply_schema(&self.clickhouse)).await?;
        let ledger = Ledger::new(&self.clickhouse);
        let (old, new) = patiently(&self.config, &WallClock, || self.generations(&ledger)).await?;
        progress(Progress { generation: new.number, stage: Stage::Opening, done: 0, of: 0 });
        if self.then == Then::Swap {
            let (live, built) = (ledger.positions(old.number).await?, ledger.positions(new.number).await?);
            let behind = behind(&live, &built);
            if behind > SWAP_BEHIND_MAX {
                return Err(Error::Declined(format!(
                    "generation {} is {behind} events behind the live one: let `tidemark rebuild` catch up and look at the difference \
                     first",
                    new.number
                )));
            }
        }
        let id = GenerationId { generation: new.number, definitions_hash: new.definitions_hash.clone() };
        let registry = Arc::new(Registry::new(self.registry.clone())?);
        let claim = Claim { id, definitions: self.files.clone(), redefined: Arc::default() };
        let begun = begin_with(&self.own_config(new.number), &self.kafka, &self.clickhouse, &registry, claim).await?;
        Ok((old, new, begun))
    }

    /// The live generation and the one that is built beside it, which is begun where there is none.
    async fn generations(&self, ledger: &Ledger) -> Result<(Generation, Generation), Error> {
        let all = ledger.all().await?;
        let find = |status| all.iter().rfind(|generation| generation.status == status).cloned();
        let Some(live) = find(Status::Live) else {
            return Err(Error::Declined(
                "there are no numbers yet: `tidemark project` makes the first ones of the files".to_owned(),
            ));
        };
        match find(Status::Building) {
            Some(building) if building.definitions.as_ref() == Ok(&self.files) => Ok((live, building)),
            Some(building) => Err(Error::Declined(format!(
                "generation {} is being built with other definitions than the files have now: put them back as they were, or give it up \
                 with `tidemark rebuild --abort` and begin again",
                building.number
            ))),
            None if self.then == Then::Swap => Err(Error::Declined(
                "no generation is being built: `tidemark rebuild` makes one of the files and shows what is different".to_owned(),
            )),
            None => {
                let number = all.last().map_or(live.number, |last| last.number) + 1;
                ledger.put(number, Status::Building, &self.files, None).await?;
                let built = ledger.all().await?.into_iter().find(|generation| generation.number == number);
                let lost = || Error::Unavailable { system: "ClickHouse", reason: "the new generation was not stored".to_owned() };
                Ok((live, built.ok_or_else(lost)?))
            }
        }
    }

    /// A consumer group and a name of its own, so that the live one is left alone.
    fn own_config(&self, generation: u32) -> Config {
        Config {
            group: format!("{}-generation-{generation}", self.config.group),
            instance: format!("{}-rebuild", self.config.instance),
            ..self.config.clone()
        }
    }
}

/// Watches the new generation catch up.
struct Follow<'a, P> {
    rebuild: &'a Rebuild,
    old: &'a Generation,
    new: &'a Generation,
    offsets: &'a Offsets,
    statuses: &'a [Arc<WorkerStatus>],
    progress: &'a P,
}

impl<P: Fn(Progress)> Follow<'_, P> {
    async fn to_the_end(&self) -> Result<Option<Difference>, Error> {
        let ledger = Ledger::new(&self.rebuild.clickhouse);
        self.caught_up(&ledger).await?;
        match self.rebuild.then {
            Then::Swap => {
                ledger.set_status(self.new.number, Status::Live).await?;
                Ok(None)
            }
            Then::Compare => self.compare(&ledger).await.map(Some),
        }
    }

    /// Waits until everything is read, and everything that the live one has is there too.
    async fn caught_up(&self, ledger: &Ledger) -> Result<(), Error> {
        loop {
            if let Some(reason) = self.statuses.iter().find_map(|status| status.stalled()) {
                return Err(Error::Declined(format!("generation {} cannot go on: {reason}", self.new.number)));
            }
            let is_joined = self.offsets.all_assigned();
            let (done, of) = self.tell(if is_joined { Stage::Reading } else { Stage::Joining });
            if done >= of && is_joined {
                let positions = async |number| patiently(&self.rebuild.config, &WallClock, || ledger.positions(number)).await;
                if behind(&positions(self.old.number).await?, &positions(self.new.number).await?) == 0 {
                    return Ok(());
                }
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    fn tell(&self, stage: Stage) -> (u64, u64) {
        let (done, of) = self.offsets.progress();
        (self.progress)(Progress { generation: self.new.number, stage, done, of });
        (done, of)
    }

    async fn compare(&self, ledger: &Ledger) -> Result<Difference, Error> {
        self.tell(Stage::Comparing);
        let mut compared = ledger.difference(self.old, self.new).await?;
        for _ in 1..COMPARISONS_MAX {
            if compared.is_exact {
                break;
            }
            tokio::time::sleep(LOOK_EVERY).await;
            compared = ledger.difference(self.old, self.new).await?;
        }
        Ok(compared)
    }
}

/// Events that `built` lacks.
fn behind(live: &Positions, built: &Positions) -> i64 {
    live.iter().map(|(partition, reached)| (reached - built.get(partition).copied().unwrap_or(-1)).max(0)).sum()
}

fn interrupted() -> Error {
    Error::Declined("interrupted: `tidemark rebuild` goes on from here".to_owned())
}

fn dropped(error: Error) -> Error {
    match error {
        Error::Superseded => Error::Declined("the generation that was being built was dropped meanwhile".to_owned()),
        other => other,
    }
}
