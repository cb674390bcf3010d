//! What the measures stand on: the stage, the servers, the services that are up at the moment, the filled log. Each measure
//! asks for what it needs, and what is there already is not made again.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context, Result, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use rustix::process::Pid;
use tidemark_stage::{Company, Process, Setting, Stage, Target, company};
use tokio::time::{Instant, sleep};

use crate::{
    args::Args,
    engine::Engine,
    input, load, log, projector,
    report::{Goal, Report, Row},
    usage::{self, Usages},
};

/// The one projector of a run.
pub const PROJECTOR: Target = Target::Projector(1);
/// Longest that a projector may take for everything.
const CAUGHT_UP_WITHIN: Duration = Duration::from_secs(3_600);
const LOOK_EVERY: Duration = Duration::from_millis(100);
const SAMPLE_EVERY: Duration = Duration::from_secs(1);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);
const INGEST_BATCHED_GOAL: f64 = 100_000.0;

/// How a catch-up went.
pub struct CatchUp {
    pub seconds: f64,
    pub events: u64,
    /// Seconds since its start and records committed, each second.
    pub samples: Vec<(f64, u64)>,
    pub usage: Usages,
}

/// Everything that is up.
pub struct Stand {
    pub args: Args,
    pub stage: Stage,
    pub companies: Vec<Company>,
    pub client: reqwest::Client,
    pub catch_up: Option<CatchUp>,
    up: Option<Process>,
    services: BTreeMap<Target, Process>,
    is_filled: bool,
}

impl Stand {
    pub fn prepare(args: Args) -> Result<Self> {
        let (companies, tenants) = company::found(args.tenants as usize, args.partitions, &[input::TIME_ZONE])?;
        let mut stage = Stage::prepare(Setting {
            tidemark: args.tidemark.clone(),
            prefix: "tidemark-bench-",
            partitions: args.partitions,
            environment: Vec::new(),
            tenants: &tenants,
        })?;
        if args.keep {
            eprintln!("everything is in {}", stage.keep().display());
        }
        let client = reqwest::Client::builder().timeout(REQUEST_TIMEOUT).build()?;
        Ok(Self { args, stage, companies, client, catch_up: None, up: None, services: BTreeMap::new(), is_filled: false })
    }

    /// Kafka and the engine.
    pub async fn start_servers(&mut self) -> Result<()> {
        let up = self.stage.start_servers()?;
        let pid = up.pid().context("`tidemark up` ended at once")?;
        self.up = Some(up);
        self.stage.server(pid, Target::Kafka).await?;
        self.stage.answers(&self.client, &format!("{}/ping", self.stage.clickhouse())).await
    }

    /// A service, where it is not up.
    pub async fn start(&mut self, target: Target) -> Result<()> {
        if self.services.contains_key(&target) {
            return Ok(());
        }
        self.services.insert(target, self.stage.start_service(target)?);
        let url = match target {
            Target::Ingest => self.stage.ingest(),
            Target::Query => self.stage.query(),
            // Whoever starts one looks at what it commits.
            _ => return Ok(()),
        };
        self.stage.answers(&self.client, &format!("{url}/readyz")).await
    }

    /// Ends a service as an operator would.
    pub async fn stop(&mut self, target: Target) {
        if let Some(mut process) = self.services.remove(&target) {
            process.end().await;
        }
    }

    /// Ends all services, then the servers.
    pub async fn end(&mut self) {
        for target in [PROJECTOR, Target::Query, Target::Ingest] {
            self.stop(target).await;
        }
        if let Some(mut up) = self.up.take() {
            up.end().await;
        }
    }

    /// Everything in one process tree, on the state that the services left.
    pub fn start_everything(&mut self) -> Result<()> {
        self.up = Some(self.stage.start_everything()?);
        Ok(())
    }

    pub fn engine(&self) -> Engine {
        Engine::new(self.client.clone(), self.stage.clickhouse())
    }

    /// Makes the histories and puts them into the log, where they are not there; no projector reads meanwhile.
    pub async fn fill(&mut self, report: &mut Report) -> Result<()> {
        if self.is_filled {
            return Ok(());
        }
        let files = input::make(&self.stage, &self.args).await?;
        report.detail("input_of_one_company", input::shares(files.first().context("no company")?)?)?;
        self.start(Target::Ingest).await?;
        let feeds =
            self.companies.iter().zip(files).map(|(company, file)| load::Feed { key: company.key.clone(), file }).collect();
        let before = self.usages().await?;
        let progress = self.progress("events sent", self.args.events);
        let took = load::send_batches(&self.stage.ingest(), feeds, self.args.connections as usize, &progress).await?;
        progress.finish_and_clear();
        let sent = self.records().await?;
        let rate = sent as f64 / took.as_secs_f64();
        report.row(Row::new("ingest", "batches of 500, acks=all", rate, "events/s").goal(Goal::AtLeast(INGEST_BATCHED_GOAL)));
        let usage = usage::between(&before, &[self.usages().await?]);
        report.detail("ingest_batched", serde_json::json!({ "events": sent, "seconds": took.as_secs_f64(), "usage": usage }))?;
        self.is_filled = true;
        Ok(())
    }

    /// Records in the log.
    pub async fn records(&self) -> Result<u64> {
        let ends = log::ends(self.stage.brokers(), self.args.partitions).await?;
        Ok(ends.iter().sum::<i64>().cast_unsigned())
    }

    /// The filled log counted to its end, where it is not; the first time is the catch-up that is measured.
    pub async fn caught_up(&mut self, report: &mut Report) -> Result<()> {
        self.fill(report).await?;
        if self.catch_up.is_none() {
            self.catch_up = Some(self.first_catch_up().await?);
            return Ok(());
        }
        self.start(PROJECTOR).await?;
        self.at_the_end().await
    }

    async fn first_catch_up(&mut self) -> Result<CatchUp> {
        let all = self.records().await?;
        let before = self.usages().await?;
        let progress = self.progress("events counted", all);
        let (mut samples, mut usages) = (Vec::new(), Vec::new());
        let started = Instant::now();
        let mut sample_at = started;
        self.start(PROJECTOR).await?;
        let seconds = loop {
            let committed = projector::ask(&self.client, &self.stage.projector(1)).await?.committed;
            let elapsed = started.elapsed();
            progress.set_position(committed);
            if committed >= all || Instant::now() >= sample_at {
                samples.push((elapsed.as_secs_f64(), committed));
                usages.push(self.usages().await?);
                sample_at += SAMPLE_EVERY;
            }
            if committed >= all {
                break elapsed.as_secs_f64();
            }
            self.still_going_on(started)?;
            sleep(LOOK_EVERY).await;
        };
        progress.finish_and_clear();
        Ok(CatchUp { seconds, events: all, samples, usage: usage::between(&before, &usages) })
    }

    /// Waits until the projector says of every partition that it is at the end.
    pub async fn at_the_end(&self) -> Result<()> {
        let started = Instant::now();
        while projector::ask(&self.client, &self.stage.projector(1)).await?.caught_up < self.args.partitions as usize {
            self.still_going_on(started)?;
            sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    fn still_going_on(&self, since: Instant) -> Result<()> {
        let projector = self.services.get(&PROJECTOR).context("no projector is up")?;
        let pid = projector.pid().and_then(usage::usage);
        ensure!(pid.is_some(), "the projector ended:\n    {}", projector.last_words());
        ensure!(since.elapsed() < CAUGHT_UP_WITHIN, "the projector did not catch up:\n    {}", projector.last_words());
        Ok(())
    }

    /// What each process that is up costs now.
    pub async fn usages(&self) -> Result<Usages> {
        let mut usages: Usages =
            self.services.iter().filter_map(|(target, process)| Some((name(*target), usage::usage(process.pid()?)?))).collect();
        let up = self.up.as_ref().and_then(Process::pid).context("`tidemark up` is not up")?;
        for server in [Target::Kafka, Target::Engine] {
            usages.extend(usage::usage(self.stage.server(up, server).await?).map(|usage| (name(server), usage)));
        }
        usages.extend(Pid::from_raw(std::process::id().cast_signed()).and_then(usage::usage).map(|usage| ("bench", usage)));
        Ok(usages)
    }

    /// A bar that says how far something is.
    pub fn progress(&self, what: &'static str, of: u64) -> ProgressBar {
        let style = ProgressStyle::with_template("{bar:40} {human_pos}/{human_len} {msg}, {per_sec}, {eta} left");
        ProgressBar::new(of).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())).with_message(what)
    }
}

fn name(target: Target) -> &'static str {
    match target {
        Target::Projector(_) => "projector",
        _ => target.name(),
    }
}
