//! `tidemark generations`: which sets of numbers there are, and dropping those that nobody needs any more.

use anyhow::{Result, bail};
use chrono::DateTime;
use tidemark_projector::generations::{Generation, Ledger, Status};

use super::rebuild::positions;
use crate::cli::Place;
use crate::config::Config;
use crate::say::{say, tell};

const EXAMPLES: &str = "\
Examples:
  tidemark generations list
  tidemark generations drop 1

A generation is one complete set of facts and cells, made with one set of definitions. `tidemark rebuild` makes another.";

#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Every set of numbers: what it is to readers, how far it is, how much it takes
    List,
    /// Remove the rows and the local state of a generation that is not live
    Drop {
        /// Its number
        #[arg(value_name = "N")]
        number: u32,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

/// Runs it.
///
/// # Errors
/// ClickHouse does not answer; the generation cannot be dropped.
pub async fn run(place: &Place, args: Args) -> Result<()> {
    let config = Config::load(place.config.as_deref(), place.overrides())?;
    let ledger = Ledger::new(&config.clickhouse);
    match args.action {
        Action::List => list(&ledger).await,
        Action::Drop { number, yes } => {
            if !yes && !confirmed(number)? {
                bail!("nothing was dropped; --yes answers the question");
            }
            ledger.drop_generation(&config.projector(), number, config.query.time_ms_max).await?;
            say(format_args!("generation {number} is dropped"));
            Ok(())
        }
    }
}

async fn list(ledger: &Ledger) -> Result<()> {
    let rows = ledger.rows().await?;
    say(format_args!("{:>10}  {:<9} {:<20} {:>5} {:>14}  positions", "generation", "status", "made", "KPIs", "rows"));
    for generation in ledger.all().await?.iter().filter(|generation| generation.status != Status::Dropped) {
        let Generation { number, status, definitions, made_at, .. } = generation;
        let made = DateTime::from_timestamp_millis(*made_at).unwrap_or_default().format("%Y-%m-%d %H:%M:%SZ");
        let kpis = definitions.as_ref().map_or_else(|_| "?".to_owned(), |definitions| definitions.kpis.len().to_string());
        let stored = rows.get(number).copied().unwrap_or(0);
        let reached = positions(&ledger.positions(*number).await?);
        say(format_args!("{number:>10}  {:<9} {made:<20} {kpis:>5} {stored:>14}  {reached}", status.name()));
    }
    Ok(())
}

fn confirmed(number: u32) -> Result<bool> {
    tell(format_args!("drop all rows of generation {number}? [y/N]"));
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
