//! What is done to a process: killed, stopped, left down, robbed of its state. Shuffled decks of blows under a seed, so
//! that each kind comes as often as it should, in an order that nobody chose.

use std::{fs, io::ErrorKind, sync::Arc, time::Duration};

use anyhow::Result;
use rand::{RngExt, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use rustix::process::{Pid, Signal};
use tidemark_stage::{Process, Target, signal};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::campaign::Campaign;

/// One blow; the seconds say how long the process then lies still.
#[derive(Debug, Clone, Copy)]
enum Blow {
    /// `kill -9`, then a start.
    Kill(f64, f64),
    /// `SIGSTOP`, then `SIGCONT`.
    Stop(f64, f64),
    /// `kill -9`, the state directory deleted, then a start.
    LoseState(f64, f64),
}

/// Shorter and longer than the session timeout: the longer ones make the group rebalance twice.
const SHORT: (f64, f64) = (0.0, 2.0);
const LONG: (f64, f64) = (8.5, 13.0);
/// A process that ended by itself is started again after this, as a supervisor would.
const RESTART_AFTER: Duration = Duration::from_secs(1);

/// The blows to a process, and the mean pause between two.
fn deck(target: Target) -> (Vec<Blow>, f64) {
    let blows = |kinds: &[(usize, Blow)]| kinds.iter().flat_map(|(count, blow)| vec![*blow; *count]).collect();
    let (short, long) = (Blow::Kill(SHORT.0, SHORT.1), Blow::Kill(LONG.0, LONG.1));
    match target {
        Target::Projector(_) => {
            let (nap, coma) = (Blow::Stop(0.5, 4.0), Blow::Stop(LONG.0, LONG.1));
            let (lost, lost_long) = (Blow::LoseState(SHORT.0, SHORT.1), Blow::LoseState(LONG.0, LONG.1));
            (blows(&[(3, short), (2, long), (1, nap), (2, coma), (1, lost), (1, lost_long)]), 33.0)
        }
        Target::Kafka => (blows(&[(3, short), (1, Blow::Stop(1.0, 8.0))]), 60.0),
        Target::Engine => (blows(&[(3, short), (1, Blow::Stop(1.0, 8.0))]), 40.0),
        Target::Ingest | Target::Query => (blows(&[(3, short), (1, Blow::Stop(0.5, 6.0))]), 30.0),
    }
}

/// The victim: a process of ours, or a server that `tidemark up` keeps.
pub enum Victim {
    Ours(Box<Process>),
    Server { up: Pid },
}

/// Torments one process until `calm`, then only keeps it alive.
pub async fn torment(campaign: Arc<Campaign>, target: Target, mut victim: Victim, calm: CancellationToken) -> Result<()> {
    let number = match target {
        Target::Projector(number) => number as u64,
        _ => 0,
    };
    let salt = target.name().bytes().fold(number, |salt, byte| salt.wrapping_mul(31).wrapping_add(u64::from(byte)));
    let mut chance = ChaCha8Rng::seed_from_u64(campaign.args.seed ^ (salt << 16));
    let (kinds, pause) = deck(target);
    let (mut waiting, mut is_calm) = (Vec::new(), false);
    loop {
        let next = sleep(Duration::from_secs_f64(pause * chance.random_range(0.3..1.7)));
        tokio::select! {
            biased;
            () = calm.cancelled(), if !is_calm => is_calm = true,
            () = next, if !is_calm => {
                // A server that never comes up again on a busy machine would leave nothing to be tormented.
                if matches!(victim, Victim::Server { .. }) && !campaign.stage.is_up(target).await {
                    continue;
                }
                if waiting.is_empty() {
                    waiting.clone_from(&kinds);
                    waiting.shuffle(&mut chance);
                }
                if let Some(blow) = waiting.pop() {
                    strike(&campaign, target, &mut victim, blow, &mut chance).await?;
                }
            }
            ended = ended(&mut victim) => revive(&campaign, target, &mut victim, &ended).await?,
        }
    }
}

async fn ended(victim: &mut Victim) -> String {
    match victim {
        Victim::Ours(process) => process.ended().await,
        // Whoever keeps it alive says when it cannot.
        Victim::Server { .. } => std::future::pending().await,
    }
}

async fn revive(campaign: &Campaign, target: Target, victim: &mut Victim, ended: &str) -> Result<()> {
    let Victim::Ours(process) = victim else { return Ok(()) };
    campaign.tally.ended_by_itself(target, format!("{} ended by itself ({ended}):\n    {}", target.name(), process.last_words()));
    sleep(RESTART_AFTER).await;
    process.start_again()
}

async fn strike(campaign: &Campaign, target: Target, victim: &mut Victim, blow: Blow, chance: &mut ChaCha8Rng) -> Result<()> {
    let (Blow::Kill(from, to) | Blow::Stop(from, to) | Blow::LoseState(from, to)) = blow;
    let still = Duration::from_secs_f64(chance.random_range(from..to));
    campaign.watch.blow(target);
    match (blow, victim) {
        (Blow::Stop(..), victim) => {
            campaign.tally.stopped(target);
            if let Some(pid) = pid(campaign, target, victim).await? {
                signal(pid, Signal::STOP);
                sleep(still).await;
                signal(pid, Signal::CONT);
            }
        }
        (_, victim @ Victim::Server { .. }) => {
            campaign.tally.killed(target);
            if let Some(pid) = pid(campaign, target, victim).await? {
                signal(pid, Signal::KILL);
            }
        }
        (blow, Victim::Ours(process)) => {
            campaign.tally.killed(target);
            process.kill().await?;
            if matches!(blow, Blow::LoseState(..)) {
                lose_state(campaign, target)?;
            }
            sleep(still).await;
            process.start_again()?;
        }
    }
    Ok(())
}

/// A projector that has waited for its servers since its last loss has no state to lose.
fn lose_state(campaign: &Campaign, target: Target) -> Result<()> {
    match fs::remove_dir_all(campaign.stage.state_of(target)) {
        Ok(()) => campaign.tally.state_lost(),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

async fn pid(campaign: &Campaign, target: Target, victim: &Victim) -> Result<Option<Pid>> {
    match victim {
        Victim::Ours(process) => Ok(process.pid()),
        Victim::Server { up } => campaign.stage.server(*up, target).await.map(Some),
    }
}
