//! A campaign as one sentence: start everything, send and torment and read, let it come to rest, compare everything.

use std::{collections::HashMap, io::IsTerminal, sync::Arc, time::Duration};

use anyhow::{Context, Result, anyhow, bail};
use indicatif::{ProgressBar, ProgressStyle};
use rustix::process::Pid;
use tidemark_stage::{Company, Setting, Stage, Target, company};
use tokio::{
    signal::unix::{SignalKind, signal},
    task::JoinSet,
    time::{Instant, sleep, sleep_until},
};
use tokio_util::sync::CancellationToken;

use crate::{
    Args,
    compare::{Compared, compare},
    faults::{Victim, torment},
    history::EVENTS_PER_COMPANY,
    load::{Acked, Pace, SENDERS, send},
    log::Log,
    reads::read,
    report::{Report, Tally},
    truth::Truth,
    watch::{Watch, watch},
};

/// Partitions of the log.
pub const PARTITIONS: i32 = 6;
/// Zones with and without clock changes, on both sides of UTC.
const TIME_ZONES: [&str; 3] = ["Asia/Shanghai", "America/New_York", "UTC"];
/// The shortest that Kafka allows.
const SESSION_TIMEOUT_MS: u32 = 6_000;
/// Often enough that a state which is lost or moved begins with one.
const SNAPSHOT_EVERY_RECORDS: u32 = 20_000;
/// Every process of the product.
const TARGETS: [Target; 6] =
    [Target::Kafka, Target::Engine, Target::Ingest, Target::Projector(1), Target::Projector(2), Target::Query];
const READERS: u64 = 2;
/// From the last blow until every number is there: states may have to be made anew from the whole log.
const REST_WITHIN: Duration = Duration::from_secs(1_800);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(20);
const SAY_EVERY: Duration = Duration::from_secs(1);
/// Where there is no terminal to keep a line on.
const SAY_SELDOM: u64 = 30;

/// What everybody in it shares.
pub struct Campaign {
    pub args: Args,
    pub stage: Stage,
    pub companies: Vec<Company>,
    pub client: reqwest::Client,
    pub log: Arc<Log>,
    pub truth: Truth,
    pub acked: Acked,
    pub pace: Pace,
    pub watch: Watch,
    pub tally: Tally,
    progress: ProgressBar,
}

/// Runs a campaign; everything that it started has ended afterwards.
pub async fn run(args: Args) -> Result<Report> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let campaign = Arc::new(Campaign::prepare(args)?);
    let mut up = campaign.stage.start_servers()?;
    let pid = up.pid().context("`tidemark up` ended at once")?;
    let mut tasks = JoinSet::new();
    let outcome = tokio::select! {
        outcome = play(&campaign, pid, &mut tasks) => outcome,
        ended = up.ended() => Err(anyhow!("`tidemark up` ended ({ended}):\n    {}", up.last_words())),
        _ = interrupt.recv() => Err(anyhow!("interrupted")),
        _ = terminate.recv() => Err(anyhow!("interrupted")),
    };
    campaign.progress.finish_and_clear();
    // The services die with the tasks that hold them, the servers with `tidemark up`.
    tasks.shutdown().await;
    up.end().await;
    outcome
}

impl Campaign {
    fn prepare(args: Args) -> Result<Self> {
        let events = f64::from(args.rate) * args.minutes * 60.0;
        let count = (events / EVENTS_PER_COMPANY as f64 * 1.5) as usize + 2 * SENDERS;
        let (companies, tenants) = company::found(count, PARTITIONS, &TIME_ZONES)?;
        let mut stage = Stage::prepare(Setting {
            tidemark: args.tidemark.clone(),
            prefix: "tidemark-chaos-",
            partitions: PARTITIONS,
            environment: vec![
                ("TIDEMARK_PROJECTOR__SESSION_TIMEOUT_MS", SESSION_TIMEOUT_MS.to_string()),
                ("TIDEMARK_PROJECTOR__SNAPSHOT_EVERY_RECORDS", SNAPSHOT_EVERY_RECORDS.to_string()),
            ],
            tenants: &tenants,
        })?;
        if args.keep {
            eprintln!("everything is in {}", stage.keep().display());
        }
        let style = ProgressStyle::with_template("{elapsed_precise} {bar:24} {msg}")?;
        Ok(Self {
            stage,
            companies,
            client: reqwest::Client::builder().timeout(REQUEST_TIMEOUT).pool_max_idle_per_host(0).build()?,
            log: Arc::default(),
            truth: Truth::new()?,
            acked: Acked::default(),
            pace: Pace::new(args.rate),
            watch: Watch::default(),
            tally: Tally::default(),
            progress: ProgressBar::new((args.minutes * 60.0) as u64).with_style(style),
            args,
        })
    }

    /// Something is wrong: said at once, and again at the end.
    pub fn problem(&self, problem: String) {
        self.progress.suspend(|| eprintln!("! {problem}"));
        self.tally.problem(problem);
    }

    fn say(&self, phase: &str) {
        let counts = self.tally.now();
        let kills: usize = counts.kills.values().sum();
        let message = format!(
            "{phase}: {} acknowledged, {kills} kills, {} rebalances, {} states lost, {} reads checked, {} wrong, {:.1} s late",
            self.acked.events(),
            self.stage.rebalances(),
            counts.state_losses,
            counts.reads_checked,
            counts.wrong_reads,
            self.watch.late_ms() as f64 / 1_000.0,
        );
        let seconds = self.progress.elapsed().as_secs();
        self.progress.set_position(seconds);
        if !std::io::stderr().is_terminal() && seconds.is_multiple_of(SAY_SELDOM) {
            eprintln!("{seconds:>5} s {message}");
        }
        self.progress.set_message(message);
    }
}

async fn play(campaign: &Arc<Campaign>, up: Pid, tasks: &mut JoinSet<Result<()>>) -> Result<Report> {
    let (calm, rest) = (CancellationToken::new(), CancellationToken::new());
    let mut victims = start(campaign, up).await?;
    let started = Instant::now();
    campaign.progress.reset_elapsed();
    tasks.spawn(campaign.log.clone().follow(campaign.stage.brokers()));
    let mut senders = JoinSet::new();
    (0..SENDERS).for_each(|sender| drop(senders.spawn(send(campaign.clone(), sender, calm.clone()))));
    for (target, victim) in victims.drain(..) {
        tasks.spawn(torment(campaign.clone(), target, victim, calm.clone()));
    }
    (0..PARTITIONS).for_each(|partition| drop(tasks.spawn(watch(campaign.clone(), partition, rest.clone()))));
    (0..READERS).for_each(|reader| drop(tasks.spawn(read(campaign.clone(), reader, rest.clone()))));

    let end = started + Duration::from_secs_f64(campaign.args.minutes * 60.0);
    while Instant::now() < end {
        campaign.say("chaos");
        going_on(tasks, &mut senders, sleep_until(end.min(Instant::now() + SAY_EVERY))).await?;
    }
    calm.cancel();
    let calm_since = Instant::now();
    while let Some(sender) = senders.join_next().await {
        sender??;
    }
    let in_log = come_to_rest(campaign, tasks).await?;
    let caught_up_s = calm_since.elapsed().as_secs_f64();
    rest.cancel();
    report(campaign, in_log, caught_up_s).await
}

/// Compares everything and says what was found.
async fn report(campaign: &Arc<Campaign>, in_log: i64, caught_up_s: f64) -> Result<Report> {
    let acked = campaign.acked.events();
    let Balance { lost, never_sent, duplicates } = balance(campaign)?;
    let compared = compare_all(campaign).await?;
    Ok(Report {
        seed: campaign.args.seed,
        minutes: campaign.args.minutes,
        counts: campaign.tally.now(),
        rebalances: campaign.stage.rebalances(),
        acked,
        retries: campaign.acked.retries(),
        in_log,
        duplicates,
        lost,
        never_sent,
        backwards: campaign.watch.backwards(),
        compared,
        late_s_max: campaign.watch.late_ms_max() as f64 / 1_000.0,
        caught_up_s,
        recoveries: campaign.watch.recoveries(),
    })
}

/// Starts everything and waits until it answers.
async fn start(campaign: &Campaign, up: Pid) -> Result<Vec<(Target, Victim)>> {
    let Campaign { stage, client, .. } = campaign;
    stage.server(up, Target::Kafka).await?;
    stage.answers(client, &format!("{}/ping", stage.clickhouse())).await?;
    let mut victims = Vec::new();
    for target in TARGETS {
        let victim = match target {
            Target::Kafka | Target::Engine => Victim::Server { up },
            _ => Victim::Ours(Box::new(stage.start_service(target)?)),
        };
        victims.push((target, victim));
    }
    stage.answers(client, &format!("{}/readyz", stage.ingest())).await?;
    stage.answers(client, &format!("{}/readyz", stage.query())).await?;
    Ok(victims)
}

/// Waits; a part that fails meanwhile ends the campaign.
async fn going_on(
    tasks: &mut JoinSet<Result<()>>,
    senders: &mut JoinSet<Result<()>>,
    until: impl Future<Output = ()>,
) -> Result<()> {
    tokio::select! {
        () = until => Ok(()),
        Some(ended) = tasks.join_next() => ended?.and_then(|()| bail!("a part ended by itself")),
        Some(ended) = senders.join_next() => ended?.and_then(|()| bail!("a sender ended by itself")),
    }
}

/// Waits until every partition's answers hold all of its log; the records in all.
async fn come_to_rest(campaign: &Campaign, tasks: &mut JoinSet<Result<()>>) -> Result<i64> {
    let deadline = Instant::now() + REST_WITHIN;
    let in_log = campaign.log.complete(&campaign.stage.brokers(), REST_WITHIN).await?;
    let waits = |partition: &i32| campaign.watch.position(*partition) + 1 < campaign.log.end(*partition);
    let mut none = JoinSet::new();
    loop {
        let behind: Vec<i32> = (0..PARTITIONS).filter(waits).collect();
        if behind.is_empty() {
            return Ok(in_log);
        }
        if Instant::now() > deadline {
            bail!("partitions {behind:?} did not catch up within {} s", REST_WITHIN.as_secs());
        }
        campaign.say("coming to rest");
        going_on(tasks, &mut none, sleep(SAY_EVERY)).await?;
    }
}

/// What was acknowledged against what is in the log.
#[derive(Default)]
struct Balance {
    lost: u64,
    never_sent: u64,
    duplicates: u64,
}

fn balance(campaign: &Campaign) -> Result<Balance> {
    let mut open: HashMap<(usize, u128), i64> =
        campaign.acked.take().into_iter().map(|(event, count)| (event, i64::from(count))).collect();
    let mut balance = Balance::default();
    for (number, company) in campaign.companies.iter().enumerate() {
        for record in campaign.log.records(&company.name, usize::MAX)? {
            match open.get_mut(&(number, record.event.payload_hash())) {
                Some(count) => *count -= 1,
                None => balance.never_sent += 1,
            }
        }
    }
    for count in open.into_values() {
        balance.lost += u64::try_from(count).unwrap_or(0);
        balance.duplicates += u64::try_from(-count).unwrap_or(0);
    }
    Ok(balance)
}

async fn compare_all(campaign: &Arc<Campaign>) -> Result<Compared> {
    let mut compared = Compared::default();
    for company in &campaign.companies {
        compare(campaign, company, &mut compared).await?;
    }
    Ok(compared)
}
