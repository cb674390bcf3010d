//! `tidemark dead`: what was refused, listed, shown, replayed and dropped.

mod args;
mod table;

use std::process::ExitCode;

use anyhow::{Result, bail};
use tidemark_ingest::{ImportOptions, LetterFilter, causes, drop_letters, letter, letters, replay};

use self::args::{DropArgs, ListArgs, REPLAY_EXAMPLES, ReplayArgs, ShowArgs};
use crate::cli::Place;
use crate::config::Config;
use crate::say::say;

const EXAMPLES: &str = "\
Examples:
  What was refused, by cause, and then one of them whole:
    tidemark dead list
    tidemark dead list --letters --reason bad_format --field data.amount
    tidemark dead show 5f0c…
  The mapping had a mistake: try the mended one on the rows that were refused, then replay them:
    tidemark dead replay --reason unmapped --mapping ./my-mapping.jq --dry-run
    tidemark dead replay --reason unmapped --mapping ./my-mapping.jq
  The sender had a mistake: edit the events by jq:
    tidemark dead replay --reason unknown_field --field data.colour --edit 'del(.data.colour)'
  Nobody wants them:
    tidemark dead drop --source old-crm --yes

A letter is pending until it is replayed or dropped. Replaying it twice changes nothing; what is still refused stays pending, with the
reasons for which it came last: why a replay was refused is said by that replay.
The same bad event sent again after that is pending again.";

/// Letters are still refused.
const STILL_REFUSED: u8 = 3;

#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Count dead letters by cause, or list them
    #[command(after_help = EXAMPLES)]
    List(ListArgs),
    /// Show one letter: reasons, where it came from, its body
    #[command(after_help = EXAMPLES)]
    Show(ShowArgs),
    /// Send letters again: as they are, mapped again, or edited
    #[command(after_help = REPLAY_EXAMPLES)]
    Replay(ReplayArgs),
    /// Say that nobody wants them
    #[command(after_help = EXAMPLES)]
    Drop(DropArgs),
}

/// Runs it; the exit code tells whether letters are still refused.
///
/// # Errors
/// Ingest away, a wrong key, a mapping that cannot be used.
pub async fn run(place: &Place, args: Args) -> Result<ExitCode> {
    let config = Config::load(place.config.as_deref(), place.overrides())?;
    let ingest = format!("http://{}", config.ingest.listen);
    match args.action {
        Action::List(args) => {
            list(&args.connection.options(&ingest), args.which.filter(Vec::new()), args.letters, args.limit).await?;
        }
        Action::Show(args) => {
            say(table::letter(&letter(&args.connection.options(&ingest), &args.id).await?).trim_end());
        }
        Action::Replay(args) => {
            let report = replay(&args.options(&ingest)?).await?;
            say(&report);
            if let Some(position) = report.position {
                say(format_args!("position {position}"));
            }
            if report.refused > 0 {
                return Ok(ExitCode::from(STILL_REFUSED));
            }
        }
        Action::Drop(args) => drop_chosen(args, &ingest).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(options: &ImportOptions, filter: LetterFilter, single: bool, limit: usize) -> Result<()> {
    let (text, total, complete) = if single {
        let found = letters(options, &filter, limit).await?;
        (table::letters(&found.letters), found.total, found.complete)
    } else {
        let found = causes(options, &filter, limit).await?;
        (table::causes(&found.causes), found.total, found.complete)
    };
    let state = filter.state.as_deref().filter(|state| *state != "all").map_or(String::new(), |state| format!("{state} "));
    say(format_args!("{text}{total} {state}dead letters"));
    if !complete {
        say("the topic has more records than are looked at; the oldest letters are not counted here");
    }
    Ok(())
}

async fn drop_chosen(args: DropArgs, ingest: &str) -> Result<()> {
    let options = args.connection.options(ingest);
    let filter = args.chosen.filter()?;
    if args.yes {
        say(drop_letters(&options, &filter).await?);
        return Ok(());
    }
    let count = if filter.ids.is_empty() { letters(&options, &filter, 1).await?.total } else { filter.ids.len() };
    bail!("{count} letters would be dropped; nothing was done: say --yes to drop them")
}
