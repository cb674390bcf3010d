//! The command: generates on a thread of its own, writes or sends in batches, shows how far it is.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufWriter, ErrorKind, Write},
    num::NonZeroU32,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use chrono::NaiveDate;
use chrono_tz::Tz;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::{sync::mpsc, task::JoinSet, time::Instant};

use super::{ndjson::write_line, post::Ingest, settings::Settings, simulation::Simulation};
use crate::{cli::Place, config::Config, say::say, signals::StopSignals};

/// Events of one body or one write.
const BATCH_EVENTS: u64 = 2_000;
/// Batches that may wait while ingest is busy.
const BATCHES_AHEAD: usize = 4;

const EXAMPLES: &str = "\
Examples:
  tidemark simulate --events 1000 > events.ndjson
  tidemark simulate --key my-key --events 20000
  tidemark simulate --key my-key --events 5000 --rate 50
  tidemark simulate --key key-of-acme --key key-of-globex --reps 500 --events 1000000

Everything simulated says so: its source is `simulated` and its event ids begin with `sim-`. The same flags give the same events.";

#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Events per tenant, with their duplicates and corrections
    #[arg(long, default_value_t = 20_000)]
    events: u64,
    /// Tenants; where events are sent there are as many as keys
    #[arg(long, default_value_t = NonZeroU32::MIN)]
    tenants: NonZeroU32,
    /// Sellers of each tenant
    #[arg(long, default_value_t = 40)]
    reps: usize,
    /// First day
    #[arg(long, value_name = "DATE", default_value = "2026-01-01")]
    from: NaiveDate,
    /// Days, weekends included
    #[arg(long, default_value_t = 90)]
    days: u32,
    /// Another seed gives another history
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Time zone in which the organisation works
    #[arg(long, value_name = "NAME", default_value = "Asia/Shanghai")]
    time_zone: Tz,
    /// Currency that exchange rates lead to, which should be the tenant's
    #[arg(long, value_name = "CODE", default_value = "CNY")]
    currency: String,
    /// Send to ingest with this API key, which decides the tenant; once per tenant
    #[arg(long, value_name = "KEY", env = "TIDEMARK_KEY", hide_env_values = true)]
    key: Vec<String>,
    /// Address of ingest [default: the one of the settings]
    #[arg(long, value_name = "URL", requires = "key")]
    url: Option<String>,
    /// Events per second and tenant [default: as fast as possible]
    #[arg(long, value_name = "N")]
    rate: Option<NonZeroU32>,
    /// Write to this file, `-` for standard output; several tenants each to their own, numbered [default without a key: -]
    #[arg(long, value_name = "FILE", conflicts_with = "url")]
    output: Option<PathBuf>,
}

/// Where one tenant's lines go.
enum Destination {
    Ingest(Ingest),
    Lines(Box<dyn Write + Send>),
}

/// Simulates all tenants at the same time.
///
/// # Errors
/// A destination that cannot be written to; see [`Ingest::post`].
pub async fn run(place: &Place, args: Args) -> Result<()> {
    let mut signals = StopSignals::listen()?;
    tokio::select! {
        done = simulate(place, &args) => done,
        // What was sent is complete events; what was not is the same in the next run.
        () = signals.next() => anyhow::bail!("interrupted"),
    }
}

async fn simulate(place: &Place, args: &Args) -> Result<()> {
    ensure!((1..=36_500).contains(&args.days), "--days is 1 to 36500");
    ensure!((1..=1_000_000).contains(&args.reps), "--reps is 1 to 1000000");
    let destinations = destinations(place, args)?;
    let progress = progress(args.events * destinations.len() as u64);
    let mut tenants = JoinSet::new();
    for (tenant, destination) in (0..).zip(destinations) {
        let settings = Settings {
            events: args.events,
            reps: args.reps,
            from: args.from,
            days: args.days,
            seed: args.seed,
            tenant,
            time_zone: args.time_zone,
            currency: args.currency.clone(),
        };
        tenants.spawn(deliver(settings, destination, args.rate, progress.clone()));
    }
    let mut positions = BTreeMap::new();
    while let Some(done) = tenants.join_next().await {
        let (tenant, position) = done.context("the simulation failed")??;
        positions.insert(tenant, position);
    }
    progress.finish_and_clear();
    for position in positions.into_values().flatten() {
        say(format_args!("position {position}"));
    }
    Ok(())
}

fn destinations(place: &Place, args: &Args) -> Result<Vec<Destination>> {
    if args.output.is_none() && !args.key.is_empty() {
        let config = Config::load(place.config.as_deref(), place.overrides())?;
        let url = args.url.clone().unwrap_or_else(|| format!("http://{}", config.ingest.listen));
        return args.key.iter().map(|key| Ok(Destination::Ingest(Ingest::new(&url, key)?))).collect();
    }
    let output = args.output.as_deref().filter(|output| *output != Path::new("-"));
    let Some(output) = output else {
        ensure!(args.tenants == NonZeroU32::MIN, "several tenants need a --key for each, or an --output that is a file");
        return Ok(vec![Destination::Lines(Box::new(std::io::stdout()))]);
    };
    if args.tenants == NonZeroU32::MIN {
        return Ok(vec![file(output)?]);
    }
    (1..=args.tenants.get()).map(|tenant| file(&numbered(output, tenant))).collect()
}

fn file(path: &Path) -> Result<Destination> {
    let file = File::create(path).with_context(|| path.display().to_string())?;
    Ok(Destination::Lines(Box::new(BufWriter::new(file))))
}

/// `events.ndjson` becomes `events-2.ndjson`.
fn numbered(path: &Path, number: u32) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let extension = path.extension().map(|extension| format!(".{}", extension.to_string_lossy()));
    path.with_file_name(format!("{stem}-{number}{}", extension.unwrap_or_default()))
}

/// The tenant, and where in the log its last event is.
async fn deliver(
    settings: Settings,
    destination: Destination,
    rate: Option<NonZeroU32>,
    progress: ProgressBar,
) -> Result<(u64, Option<String>)> {
    let tenant = settings.tenant;
    // A slow stream should show up evenly, not in bursts of a batch.
    let batch = rate.map_or(BATCH_EVENTS, |rate| (u64::from(rate.get()) / 10).clamp(1, BATCH_EVENTS));
    let (sender, batches) = mpsc::channel(BATCHES_AHEAD);
    let generating = tokio::task::spawn_blocking(move || generate(settings, batch, &sender));
    let written = write(batches, destination, rate, &progress).await;
    generating.await.context("the simulation failed")??;
    Ok((tenant, written?))
}

/// Lines in batches; ends early when nobody takes them any more.
fn generate(settings: Settings, batch: u64, batches: &mpsc::Sender<(u64, String)>) -> Result<()> {
    let time_zone = settings.time_zone;
    let (mut events, mut lines) = (0, String::new());
    for event in Simulation::new(settings) {
        write_line(&event, time_zone, &mut lines)?;
        events += 1;
        if events == batch && batches.blocking_send((std::mem::take(&mut events), std::mem::take(&mut lines))).is_err() {
            return Ok(());
        }
    }
    // Nobody to take the rest: whoever stopped says why.
    let _ = batches.blocking_send((events, lines));
    Ok(())
}

async fn write(
    mut batches: mpsc::Receiver<(u64, String)>,
    mut destination: Destination,
    rate: Option<NonZeroU32>,
    progress: &ProgressBar,
) -> Result<Option<String>> {
    let (started, mut sent, mut position) = (Instant::now(), 0, None);
    while let Some((events, lines)) = batches.recv().await {
        if events == 0 {
            continue;
        }
        match &mut destination {
            Destination::Lines(output) => match output.write_all(lines.as_bytes()) {
                // Whoever reads them has seen enough.
                Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(None),
                written => written?,
            },
            Destination::Ingest(ingest) => {
                let answer = ingest.post(lines).await?;
                ensure!(answer.accepted == events, "ingest accepted {} of {events} events", answer.accepted);
                position = answer.position.or(position);
            }
        }
        sent += events;
        progress.inc(events);
        if let Some(rate) = rate {
            let due = started + Duration::from_secs_f64(sent as f64 / f64::from(rate.get()));
            tokio::time::sleep_until(due).await;
        }
    }
    match destination {
        Destination::Lines(mut output) => match output.flush() {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
            flushed => flushed?,
        },
        Destination::Ingest(_) => say(format_args!("{sent} simulated events")),
    }
    Ok(position)
}

fn progress(events: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {human_pos}/{human_len} simulated events, {per_sec}, {eta} left");
    ProgressBar::new(events).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
