//! The options of `tidemark dead`: which letters, and what is sent in their place.

use std::path::Path;

use anyhow::{Result, bail};
use tidemark_ingest::{ImportOptions, LetterFilter, MendOptions, Mending};

use crate::commands::lookups::Lookups;

pub const REPLAY_EXAMPLES: &str = "\
Examples:
  tidemark dead replay 5f0c… --edit '.occurred_at = \"2026-03-05\"' --dry-run
  tidemark dead replay --reason unmapped --source shop --mapping ./my-mapping.jq --with teams=teams.csv
  tidemark dead replay --file visits.csv --mapping ./my-mapping.jq --dry-run
  tidemark dead replay --all                     (as they are: the cause was ours and is mended)

--mapping gets the row of the file that the letter came from (or the letter's body, where it came from no file) and makes its
events anew; events of that row that were accepted before are duplicates then. --edit is a jq program over the body, with the
helpers of mappings. All events of a letter are accepted, or nothing of it is sent and it stays. Exit code: 0 every
letter was accepted (with --dry-run: would be), 3 some are still refused, 1 it could not go on.";

/// How long a request is tried again while ingest is busy or away: somebody is waiting at a terminal.
const PATIENCE_MS: u64 = 15_000;

/// Where ingest is, and who asks.
#[derive(clap::Args)]
pub struct Connection {
    /// The API key, which decides the tenant
    #[arg(long, value_name = "KEY", env = "TIDEMARK_KEY", hide_env_values = true)]
    key: String,
    /// Address of ingest [default: the one of the settings]
    #[arg(long, value_name = "URL")]
    url: Option<String>,
}

/// Which letters.
#[derive(clap::Args)]
pub struct Which {
    /// With a reason of this code, as `list` shows it
    #[arg(long, value_name = "CODE")]
    reason: Option<String>,
    /// About this field
    #[arg(long, value_name = "FIELD")]
    field: Option<String>,
    /// Sent with a key of this source
    #[arg(long, value_name = "SOURCE")]
    source: Option<String>,
    /// Rows of the file of this name
    #[arg(long, value_name = "FILE")]
    file: Option<String>,
    /// Came last before this instant, as 2026-03-05T09:00:00Z
    #[arg(long, value_name = "INSTANT")]
    before: Option<String>,
    /// pending, replayed, dropped or all
    #[arg(long, value_name = "STATUS", default_value = "pending", value_parser = ["pending", "replayed", "dropped", "all"])]
    status: String,
}

#[derive(clap::Args)]
pub struct ListArgs {
    #[command(flatten)]
    pub which: Which,
    /// Single letters, newest first, instead of causes
    #[arg(long)]
    pub letters: bool,
    /// Most lines
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub limit: usize,
    #[command(flatten)]
    pub connection: Connection,
}

#[derive(clap::Args)]
pub struct ShowArgs {
    /// As `list --letters` shows it; a beginning that no other has will do
    #[arg(value_name = "ID")]
    pub id: String,
    #[command(flatten)]
    pub connection: Connection,
}

/// Letters by id, by a filter, or all.
#[derive(clap::Args)]
pub struct Chosen {
    /// As `list --letters` shows them
    #[arg(value_name = "ID", conflicts_with_all = ["reason", "field", "source", "file", "before", "all"])]
    ids: Vec<String>,
    #[command(flatten)]
    pub which: Which,
    /// Every pending letter
    #[arg(long, conflicts_with_all = ["reason", "field", "source", "file", "before"])]
    all: bool,
}

#[derive(clap::Args)]
pub struct ReplayArgs {
    #[command(flatten)]
    pub chosen: Chosen,
    /// A mended mapping, which makes events of the rows that the letters came from
    #[arg(long, value_name = "MAPPING", conflicts_with = "edit")]
    mapping: Option<String>,
    /// A jq program over the letters' bodies, which makes the events that they should have been
    #[arg(long, value_name = "JQ")]
    edit: Option<String>,
    #[command(flatten)]
    lookups: Lookups,
    /// The revision of events to which the mapping gives none: the higher corrects the lower
    #[arg(long, value_name = "N")]
    revision: Option<i64>,
    /// Say what would be accepted and what not; change nothing
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub connection: Connection,
}

#[derive(clap::Args)]
pub struct DropArgs {
    #[command(flatten)]
    pub chosen: Chosen,
    /// Drop them; without it they are only counted
    #[arg(long)]
    pub yes: bool,
    #[command(flatten)]
    pub connection: Connection,
}

impl Connection {
    pub fn options(&self, ingest: &str) -> ImportOptions {
        let options = ImportOptions::new("", "", self.url.as_deref().unwrap_or(ingest), &self.key);
        ImportOptions { retry_ms_max: PATIENCE_MS, ..options }
    }
}

impl Which {
    pub fn filter(self, ids: Vec<String>) -> LetterFilter {
        let Self { reason, field, source, file, before, status } = self;
        // Letters have a file's name, not where it was.
        let file = file.map(|file| Path::new(&file).file_name().map_or(file.clone(), |name| name.to_string_lossy().into_owned()));
        LetterFilter { ids, reason, field, source, file, before, state: Some(status) }
    }
}

impl Chosen {
    pub fn filter(self) -> Result<LetterFilter> {
        let which = &self.which;
        let is_said = self.all
            || [&which.reason, &which.field, &which.source, &which.file, &which.before].iter().any(|part| part.is_some());
        if self.ids.is_empty() && !is_said {
            bail!(
                "which letters? Name ids, a filter (--reason, --field, --source, --file, --before), or say --all; `tidemark dead list` shows what there is"
            );
        }
        Ok(self.which.filter(self.ids))
    }
}

impl ReplayArgs {
    pub fn options(self, ingest: &str) -> Result<MendOptions> {
        let mut import = self.connection.options(ingest);
        self.lookups.apply(&mut import)?;
        if import.reading.columns.is_some() || import.reading.sheet.is_some() {
            bail!("letters hold their rows as they were read: --columns and --sheet are for files given by --with, as NAME=...");
        }
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

    use super::super::{Action, Args};
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
            ("dead replay --all --columns a,b --key k", "letters hold their rows"),
            ("dead replay --all --file a.csv --key k", "cannot be used with"),
            ("dead replay --all --status lost --key k", "possible values"),
        ] {
            let error = replayed(line).unwrap_err();
            assert!(error.contains(expected), "{line}: {error}");
        }
    }

    #[test]
    fn what_is_sent_in_their_place_is_said_by_options() {
        let options = replayed("dead replay --reason empty --mapping m --with t=t.csv --columns t=a,b --encoding latin1 --file x/v.csv --revision 2 --dry-run --key k").unwrap();
        assert_eq!((options.filter.reason.as_deref(), options.filter.state.as_deref()), (Some("empty"), Some("pending")));
        assert_eq!((options.filter.file.as_deref(), options.import.with_columns["t"].len()), (Some("v.csv"), 2));
        assert!(matches!(options.mending, Mending::Mapped) && options.dry_run);
        assert_eq!((options.import.mapping.as_str(), options.import.revision, options.import.with.len()), ("m", Some(2), 1));
        assert!(matches!(replayed("dead replay a b --key k").unwrap().mending, Mending::AsKept));
        assert!(matches!(replayed("dead replay a --edit . --key k").unwrap().mending, Mending::Edited(_)));
    }
}
