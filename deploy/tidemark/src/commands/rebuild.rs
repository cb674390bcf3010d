//! `tidemark rebuild`: makes all numbers anew from the log with the files as they are now, beside the live ones; shows what is
//! different; and makes them the live ones when asked to.

use std::cell::Cell;
use std::collections::BTreeSet;

use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};
use tidemark_projector::generations::{
    Change, Difference, KpiDifference, Ledger, Pace, Positions, Progress, Rebuild, Stage, Status, Then,
};
use tokio_util::sync::CancellationToken;

use crate::cli::Place;
use crate::config::{Config, Log};
use crate::say::{say, tell};
use crate::signals::StopSignals;
use crate::telemetry;
use crate::traces::Traces;

const EXAMPLES: &str = "\
Examples:
  A KPI file was changed. Make all numbers anew beside the live ones, and see what is different:
    tidemark rebuild
  It is what was meant: give readers the new numbers, all at one moment:
    tidemark rebuild --swap
  It is not: give the new numbers up:
    tidemark rebuild --abort

The live numbers go on meanwhile, and so does everybody who asks for them. Interrupted, a rebuild goes on where it stopped when it
is run again. After a swap a running projector goes on with the new numbers by itself; the old ones stay until
`tidemark generations drop`. `--swap` on the machine and with the state directory of the projector spares it reading the log again.";

#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Make the generation that was built the live one, once it has everything that the live one has
    #[arg(long, conflicts_with = "abort")]
    swap: bool,
    /// Give up the generation that is being built
    #[arg(long)]
    abort: bool,
    /// Read no more events a second [default: half of one core's time]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    events_per_second: Option<u32>,
    /// Take as much of the machine as there is, for when the live numbers need not be fresh meanwhile
    #[arg(long, conflicts_with = "events_per_second")]
    full_speed: bool,
}

impl Args {
    fn pace(&self) -> Pace {
        match self.events_per_second {
            Some(events) => Pace::EventsPerSecond(events),
            None if self.full_speed => Pace::Unbounded,
            None => Pace::Half,
        }
    }
}

/// Runs it until it is done or until a signal.
///
/// # Errors
/// What the projector refuses, with what to do instead.
pub async fn run(place: &Place, args: Args) -> Result<()> {
    let config = Config::load(place.config.as_deref(), place.overrides())?;
    // Its own words come in a table and a bar; of the rest, what is wrong.
    telemetry::start(&Log { filter: "warn,librdkafka=off,rdkafka=off".to_owned(), format: config.log.format }, &Traces::none())?;
    if args.abort {
        return abort(&config).await;
    }
    let mut signals = StopSignals::listen()?;
    let shutdown = CancellationToken::new();
    let rebuild = Rebuild {
        config: config.projector(),
        kafka: config.kafka.clone(),
        clickhouse: config.clickhouse.clone(),
        registry: config.registry.clone(),
        files: config.read_definitions()?,
        pace: args.pace(),
        then: if args.swap { Then::Swap } else { Then::Compare },
    };
    let (bar, stage) = (progress_bar(), Cell::new(None));
    let running = rebuild.run(|progress| show(&bar, &stage, progress), shutdown.clone());
    tokio::pin!(running);
    let rebuilt = tokio::select! {
        rebuilt = &mut running => rebuilt,
        () = signals.next() => {
            shutdown.cancel();
            running.await
        }
    };
    bar.finish_and_clear();
    let rebuilt = rebuilt?;
    match rebuilt.difference {
        None => say(format_args!(
            "generation {} is live; generation {} is retired and stays until `tidemark generations drop {}`",
            rebuilt.new, rebuilt.old, rebuilt.old
        )),
        Some(difference) => say(text(&difference, rebuilt.old, rebuilt.new)),
    }
    Ok(())
}

async fn abort(config: &Config) -> Result<()> {
    let ledger = Ledger::new(&config.clickhouse);
    let building: Vec<u32> =
        ledger.all().await?.into_iter().filter(|row| row.status == Status::Building).map(|row| row.number).collect();
    if building.is_empty() {
        say("no generation is being built");
    }
    for number in building {
        ledger.drop_generation(&config.projector(), number, 0).await?;
        say(format_args!("generation {number} is given up"));
    }
    Ok(())
}

/// Events; on a terminal only.
fn progress_bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{msg} {bar:40} {human_pos}/{human_len} events, {per_sec}, {eta} left");
    ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// Each stage in a line when it begins, since some take many seconds in which no event is read.
fn show(bar: &ProgressBar, shown: &Cell<Option<Stage>>, progress: Progress) {
    if shown.replace(Some(progress.stage)) != Some(progress.stage) {
        bar.suspend(|| tell(format_args!("generation {}: {}", progress.generation, doing(progress.stage))));
    }
    bar.set_message(format!("generation {}", progress.generation));
    bar.set_length(progress.of);
    bar.set_position(progress.done);
}

fn doing(stage: Stage) -> &'static str {
    match stage {
        Stage::Opening => "opening its state and holding it against the log and ClickHouse",
        Stage::Joining => "waiting until Kafka gives it the partitions",
        Stage::Reading => "reading what it lacks of the log, until all of it is in ClickHouse",
        Stage::Comparing => "comparing it with the live one",
        Stage::Closing => "closing its state, of which a snapshot is kept",
    }
}

/// What people decide by.
fn text(difference: &Difference, old: u32, new: u32) -> String {
    let mut lines = vec![if difference.is_exact {
        format!("generation {old} (live) and generation {new} (built), both at {}:", positions(&difference.positions_old))
    } else {
        format!(
            "generation {old} (live) at {} and generation {new} (built) at {}: events come in, so that some of this may be theirs",
            positions(&difference.positions_old),
            positions(&difference.positions_new)
        )
    }];
    let differing: Vec<&KpiDifference> =
        difference.kpis.iter().filter(|kpi| kpi.differ > 0 || kpi.definition != Change::Same).collect();
    if differing.is_empty() {
        lines.push("  no cell is different".to_owned());
    } else {
        lines.push(format!("  {:<32} {:<8} {:>12} {:>24} {:>24}  totals", "KPI", "", "differ", "cells", "facts"));
    }
    for kpi in &differing {
        let name = [kpi.kpi.as_str(), kpi.currency.as_str()].join(" ");
        lines.push(format!(
            "  {:<32} {:<8} {:>12} {:>24} {:>24}  {}",
            name.trim_end(),
            kpi.definition.name(),
            kpi.differ,
            arrow(kpi.cells.0, kpi.cells.1),
            arrow(kpi.facts.0, kpi.facts.1),
            arrow(kpi.totals.0.join(", "), kpi.totals.1.join(", ")),
        ));
    }
    let same = difference.kpis.iter().filter(|kpi| kpi.differ == 0 && kpi.definition == Change::Same);
    let same: BTreeSet<&str> = same.map(|kpi| kpi.kpi.as_str()).collect();
    lines.push(format!("  {} other KPIs with numbers have the same cells", same.len()));
    lines.push("Next: `tidemark rebuild --swap` makes the new ones live, `tidemark rebuild --abort` gives them up".to_owned());
    lines.join("\n")
}

fn arrow<T: std::fmt::Display + PartialEq>(old: T, new: T) -> String {
    if old == new { old.to_string() } else { format!("{old} → {new}") }
}

/// As position tokens.
pub fn positions(positions: &Positions) -> String {
    let tokens: Vec<String> = positions.iter().map(|(partition, reached)| format!("{partition}-{reached}")).collect();
    if tokens.is_empty() { "no event".to_owned() } else { tokens.join(" ") }
}
