//! `tidemark dead`: what was refused, listed, shown, replayed and dropped.

mod table;

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Result, bail};
use tidemark_ingest::{ImportOptions, LetterFilter, MendOptions, Mending, causes, drop_letters, letter, letters, replay};

use crate::cli::Place;
use crate::commands::import::assignment;
use crate::config::Config;

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

A letter is pending until it is replayed or dropped. Replaying it twice changes nothing; what is still refused stays pending.
The same bad event sent again after that is pending again.";

const REPLAY_EXAMPLES: &str = "\
Examples:
  tidemark dead replay 5f0c… --edit '.occurred_at = \"2026-03-05\"' --dry-run
  tidemark dead replay --reason unmapped --source shop --mapping ./my-mapping.jq --with teams=teams.csv
  tidemark dead replay --all                     (as they are: the cause was ours and is mended)

--mapping gets the row of the file that the letter came from (or the letter's body, where it came from no file) and makes its
events anew; events of that row that were accepted before are duplicates then. --edit is a jq program over the body, with the
helpers of mappings. All events of a letter are accepted, or nothing of it is sent and it stays.";

/// How long a request is tried again while ingest is busy or away: somebody is waiting at a terminal.
const PATIENCE_MS: u64 = 15_000;

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

/// Where ingest is, and who asks.
#[derive(clap::Args)]
struct Connection {
    /// The API key, which decides the tenant
    #[arg(long, value_name = "KEY", env = "TIDEMARK_KEY", hide_env_values = true)]
    key: String,
    /// Address of ingest [default: the one of the settings]
    #[arg(long, value_name = "URL")]
    url: Option<String>,
}

/// Which letters.
#[derive(clap::Args)]
struct Which {
    /// With a reason of this code, as `list` shows it
    #[arg(long, value_name = "CODE")]
    reason: Option<String>,
    /// About this field
    #[arg(long, value_name = "FIELD")]
    field: Option<String>,
    /// Sent with a key of this source
    #[arg(long, value_name = "SOURCE")]
    source: Option<String>,
    /// pending, replayed, dropped or all
    #[arg(long, value_name = "STATUS", default_value = "pending", value_parser = ["pending", "replayed", "dropped", "all"])]
    status: String,
}

#[derive(clap::Args)]
struct ListArgs {
    #[command(flatten)]
    which: Which,
    /// Single letters, newest first, instead of causes
    #[arg(long)]
    letters: bool,
    /// Most lines
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
    #[command(flatten)]
    connection: Connection,
}

#[derive(clap::Args)]
struct ShowArgs {
    /// As `list --letters` shows it
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    connection: Connection,
}

/// Letters by id, by a filter, or all.
#[derive(clap::Args)]
struct Chosen {
    /// As `list --letters` shows them
    #[arg(value_name = "ID", conflicts_with_all = ["reason", "field", "source", "all"])]
    ids: Vec<String>,
    #[command(flatten)]
    which: Which,
    /// Every pending letter
    #[arg(long, conflicts_with_all = ["reason", "field", "source"])]
    all: bool,
}

#[derive(clap::Args)]
struct ReplayArgs {
    #[command(flatten)]
    chosen: Chosen,
    /// A mended mapping, which makes events of the rows that the letters came from
    #[arg(long, value_name = "MAPPING", conflicts_with = "edit")]
    mapping: Option<String>,
    /// A jq program over the letters' bodies, which makes the events that they should have been
    #[arg(long, value_name = "JQ")]
    edit: Option<String>,
    /// Another file that the mapping looks things up in, by the name that it has there
    #[arg(long, value_name = "NAME=FILE", value_parser = assignment)]
    with: Vec<(String, String)>,
    /// The revision of events to which the mapping gives none: the higher corrects the lower
    #[arg(long, value_name = "N")]
    revision: Option<i64>,
    /// Say what would be accepted and what not; change nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    connection: Connection,
}

#[derive(clap::Args)]
struct DropArgs {
    #[command(flatten)]
    chosen: Chosen,
    /// Drop them; without it they are only counted
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    connection: Connection,
}

/// Runs it.
///
/// # Errors
/// Ingest away, a wrong key, a mapping that cannot be used; letters that are still refused are none.
pub async fn run(place: &Place, args: Args) -> Result<()> {
    let config = Config::load(place.config.as_deref(), place.overrides())?;
    let ingest = format!("http://{}", config.ingest.listen);
    match args.action {
        Action::List(args) => {
            list(&args.connection.options(&ingest), args.which.filter(Vec::new()), args.letters, args.limit).await
        }
        Action::Show(args) => {
            print!("{}", table::letter(&letter(&args.connection.options(&ingest), &args.id).await?));
            Ok(())
        }
        Action::Replay(args) => {
            let report = replay(&args.options(&ingest)?).await?;
            println!("{report}");
            if let Some(position) = report.position {
                println!("position {position}");
            }
            Ok(())
        }
        Action::Drop(args) => drop_chosen(args, &ingest).await,
    }
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
    println!("{text}{total} {state}dead letters");
    if !complete {
        println!("the topic has more records than are looked at; the oldest letters are not counted here");
    }
    Ok(())
}

async fn drop_chosen(args: DropArgs, ingest: &str) -> Result<()> {
    let options = args.connection.options(ingest);
    let filter = args.chosen.filter()?;
    if args.yes {
        println!("{}", drop_letters(&options, &filter).await?);
        return Ok(());
    }
    let count = if filter.ids.is_empty() { letters(&options, &filter, 1).await?.total } else { filter.ids.len() };
    bail!("{count} letters would be dropped; nothing was done: say --yes to drop them")
}

impl Connection {
    fn options(&self, ingest: &str) -> ImportOptions {
        let options = ImportOptions::new("", "", self.url.as_deref().unwrap_or(ingest), &self.key);
        ImportOptions { retry_ms_max: PATIENCE_MS, ..options }
    }
}

impl Which {
    fn filter(self, ids: Vec<String>) -> LetterFilter {
        let Self { reason, field, source, status } = self;
        LetterFilter { ids, reason, field, source, state: Some(status) }
    }
}

impl Chosen {
    fn filter(self) -> Result<LetterFilter> {
        let which = &self.which;
        let is_said = self.all || [&which.reason, &which.field, &which.source].iter().any(|part| part.is_some());
        if self.ids.is_empty() && !is_said {
            bail!(
                "which letters? Name ids, a filter (--reason, --field, --source), or say --all; `tidemark dead list` shows what there is"
            );
        }
        Ok(self.which.filter(self.ids))
    }
}

impl ReplayArgs {
    fn options(self, ingest: &str) -> Result<MendOptions> {
        let mut import = self.connection.options(ingest);
        import.with = self.with.into_iter().map(|(name, file)| (name, PathBuf::from(file))).collect::<BTreeMap<_, _>>();
        import.revision = self.revision;
        let mending = match (self.mapping, self.edit) {
            (Some(mapping), _) => {
                import.mapping = mapping;
                Mending::Mapped
            }
            (None, Some(program)) => Mending::Edited(program),
            (None, None) => Mending::AsKept,
        };
        Ok(MendOptions { filter: self.chosen.filter()?, mending, dry_run: self.dry_run, import })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that fails says where")]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;
    use crate::cli::{Cli, Command};

    fn replayed(line: &str) -> Result<MendOptions, String> {
        let parsed = Cli::try_parse_from(format!("tidemark {line}").split(' ')).map_err(|error| error.to_string())?;
        let Command::Dead(Args { action: Action::Replay(args) }) = parsed.command else { return Err("no replay".to_owned()) };
        args.options("http://127.0.0.1:8080").map_err(|error| error.to_string())
    }

    #[test]
    fn which_letters_must_be_said() {
        Cli::command().debug_assert();
        for (line, expected) in [
            ("dead replay --key k", "which letters?"),
            ("dead replay a --reason empty --key k", "cannot be used with"),
            ("dead replay --all --reason empty --key k", "cannot be used with"),
            ("dead replay a --mapping m --edit . --key k", "cannot be used with"),
            ("dead replay --all --status lost --key k", "possible values"),
        ] {
            let error = replayed(line).unwrap_err();
            assert!(error.contains(expected), "{line}: {error}");
        }
    }

    #[test]
    fn what_is_sent_in_their_place_is_said_by_options() {
        let options = replayed("dead replay --reason empty --mapping m --with t=t.csv --revision 2 --dry-run --key k").unwrap();
        assert_eq!((options.filter.reason.as_deref(), options.filter.state.as_deref()), (Some("empty"), Some("pending")));
        assert!(matches!(options.mending, Mending::Mapped) && options.dry_run);
        assert_eq!((options.import.mapping.as_str(), options.import.revision, options.import.with.len()), ("m", Some(2), 1));
        assert!(matches!(replayed("dead replay a b --key k").unwrap().mending, Mending::AsKept));
        assert!(matches!(replayed("dead replay a --edit . --key k").unwrap().mending, Mending::Edited(_)));
    }
}
