//! `tidemark import`: files of rows become events by a mapping, sent to ingest like everybody's.

mod conflicts;
mod superseded;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use chrono::Utc;
use tidemark_ingest::{Error, Format, ImportOptions, Reading, import, preview};
use tokio_util::sync::CancellationToken;

use self::conflicts::{Query, conflicts};
use self::superseded::superseded;
use super::lookups::Lookups;
use crate::cli::Place;
use crate::config::Config;
use crate::say::say;
use crate::signals::StopSignals;

const EXAMPLES: &str = "\
Examples:
  tidemark import sales_pipeline.csv --mapping crm-sales-opportunities --key my-key
  tidemark import export.csv --mapping ./my-mapping.jq --with teams=teams.csv --dry-run
  tidemark import crm.xlsx --sheet Visits --with accounts=accounts.parquet --mapping ./my-mapping.jq --key my-key
  tidemark import export.tsv.gz --mapping ./my-mapping.jq --encoding gb18030 --columns id,day,amount --key my-key

A mapping is a jq program: one row (an object of its columns) in, zero or more events out. CSV has texts in it, Parquet and Excel
also numbers and truth values; dates are ISO texts. `tidemark mapping` lists helpers and event types. An interrupted import goes on where it
stopped when the same command is run again; refused rows go to FILE.refused.ndjson with their reasons, and are
dead letters: `tidemark dead` lists them and maps them again. Importing a file twice
changes nothing. A column that the mapping reads and no row has is named at the end; `.Name?` is one that may be missing.

A corrected file corrects when it is imported with a higher --revision (or when the mapping gives each event one, as from a
column of changes: `revision: (.Changed | revision_in(\"%Y-%m-%d\"))`). Without one a changed row is a conflict: which of the two
counts is decided by content, not by which came last. After an import the conflicts in it are counted where query answers.

Exit code: 0 every row accepted, 3 rows refused (or would be, with --dry-run), 1 it could not go on, 2 wrong options.";

/// Rows were refused; everything else was done.
const ROWS_REFUSED: u8 = 3;

#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// CSV, TSV, NDJSON, Parquet or Excel files (.xlsx, .xlsb, .xls, .ods), plain or as .gz or .zip, imported in this order
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// The name of a shipped mapping, a .jq file, or a folder with a mapping.jq
    #[arg(long, value_name = "MAPPING")]
    mapping: String,
    #[command(flatten)]
    lookups: Lookups,
    /// What stands between fields: comma, tab, semicolon or pipe [default: found out]
    #[arg(long, value_name = "DELIMITER", value_parser = delimiter)]
    delimiter: Option<u8>,
    /// csv or ndjson [default: by the file's name]
    #[arg(long, value_name = "FORMAT", value_parser = format)]
    format: Option<Format>,
    /// Lines of text, or rows of a sheet, before the header: titles, the day of the export
    #[arg(long, value_name = "N", default_value_t = 0)]
    skip_lines: u64,
    /// The revision of events to which the mapping gives none: the higher corrects the lower
    #[arg(long, value_name = "N")]
    revision: Option<i64>,
    /// Show the first events, and what would be accepted and refused; send nothing
    #[arg(long)]
    dry_run: bool,
    /// The API key, which decides the tenant
    #[arg(long, value_name = "KEY", env = "TIDEMARK_KEY", hide_env_values = true, required_unless_present = "dry_run")]
    key: Option<String>,
    /// Address of ingest [default: the one of the settings]
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Address of query, which is asked for conflicts at the end [default: the one of the settings, unless --url is given]
    #[arg(long, value_name = "URL")]
    query_url: Option<String>,
    /// Where refused rows and progress are written [default: beside each file]
    #[arg(long, value_name = "DIR")]
    report_dir: Option<PathBuf>,
    /// Begin at the first row, whatever an earlier import got done
    #[arg(long)]
    restart: bool,
}

/// Imports the files one after the other, or shows what would come of it.
///
/// # Errors
/// As [`import`]; refused rows are none, but tell in the exit code.
pub async fn run(place: &Place, args: Args) -> Result<ExitCode> {
    let config = Config::load(place.config.as_deref(), place.overrides())?;
    let url = args.url.clone().unwrap_or_else(|| format!("http://{}", config.ingest.listen));
    let refused = if args.dry_run { args.preview(&url)? } else { args.import(&url, &config).await? };
    Ok(if refused == 0 { ExitCode::SUCCESS } else { ExitCode::from(ROWS_REFUSED) })
}

impl Args {
    /// Shows what would come of the files; how many rows would be refused.
    fn preview(&self, url: &str) -> Result<u64> {
        let mut refused = 0;
        for file in &self.files {
            let preview = preview(&self.options(file, url)?).map_err(|error| of_file(file, error))?;
            say(format_args!("{}:\n{preview}", file.display()));
            refused += preview.rows_refused;
        }
        Ok(refused)
    }

    /// How many rows were refused.
    async fn import(&self, url: &str, config: &Config) -> Result<u64> {
        let began = Utc::now();
        let shutdown = CancellationToken::new();
        let mut signals = StopSignals::listen()?;
        let (mut refused, mut position) = (0, None);
        for file in &self.files {
            let options = self.options(file, url)?;
            let importing = import(&options, shutdown.clone());
            tokio::pin!(importing);
            // A signal lets the batches under way finish, so that the next import goes on after them.
            let imported = tokio::select! {
                imported = &mut importing => imported,
                () = signals.next() => {
                    shutdown.cancel();
                    importing.await
                }
            };
            let summary = imported.map_err(|error| of_file(file, error))?;
            say(format_args!("{}: {summary}", file.display()));
            // Of a run that went on after another, the letters of both are of this import.
            if let Some(superseded) = superseded(&options, began).await.filter(|_| summary.resumed_at_row == 0) {
                say(&superseded);
            }
            refused += summary.rows_refused;
            position = summary.position.or(position);
        }
        if let Some(position) = position {
            if let Some(conflicts) = conflicts(self.query(config).as_ref(), began, &position).await {
                say(&conflicts);
            }
            say(format_args!("position {position}"));
        }
        Ok(refused)
    }

    /// None where it cannot be told: the settings' is of another place than `--url`.
    fn query(&self, config: &Config) -> Option<Query> {
        let of_settings = || self.url.is_none().then(|| format!("http://{}", config.query.listen));
        let url = self.query_url.clone().or_else(of_settings)?;
        Some(Query { url, key: self.key.clone()? })
    }

    fn options(&self, file: &Path, url: &str) -> Result<ImportOptions> {
        let mut options = ImportOptions::new(file, &self.mapping, url, self.key.as_deref().unwrap_or_default());
        options.report_dir.clone_from(&self.report_dir);
        options.restart = self.restart;
        options.revision = self.revision;
        options.reading =
            Reading { format: self.format, delimiter: self.delimiter, skip_lines: self.skip_lines, ..Reading::default() };
        self.lookups.apply(&mut options)?;
        Ok(options)
    }
}

/// Names the file, unless the error does.
fn of_file(file: &Path, error: Error) -> anyhow::Error {
    let file = file.display().to_string();
    let is_named = error.to_string().contains(&file);
    let error = anyhow::Error::from(error);
    if is_named { error } else { error.context(file) }
}

fn delimiter(text: &str) -> Result<u8, String> {
    Reading::delimiter_of(text).ok_or_else(|| "expected comma, tab, semicolon or pipe".to_owned())
}

fn format(text: &str) -> Result<Format, String> {
    match text {
        "csv" | "tsv" => Ok(Format::Table),
        "ndjson" | "jsonl" => Ok(Format::Ndjson),
        _ => Err("expected csv or ndjson".to_owned()),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that fails says where")]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn options(line: &str) -> Result<ImportOptions, String> {
        let parsed = Line::try_parse_from(line.split(' ')).map_err(|error| error.to_string())?;
        parsed.args.options(Path::new("file.csv"), "http://127.0.0.1:8080").map_err(|error| error.to_string())
    }

    #[test]
    fn how_files_are_read_is_said_by_options() {
        Line::command().debug_assert();
        let line = "import file.csv --mapping m --dry-run --with teams=t.csv --columns a,b --columns teams=id,name \
                    --sheet Visits --sheet teams=2026 --delimiter tab --encoding latin1 --format csv --skip-lines 2 --revision 3";
        let options = options(line).unwrap();
        assert_eq!(options.reading.columns.unwrap(), ["a", "b"]);
        assert_eq!(options.with_columns["teams"], ["id", "name"]);
        assert_eq!((options.reading.sheet.as_deref(), &options.with_sheet["teams"][..]), (Some("Visits"), "2026"));
        assert_eq!(options.with["teams"], Path::new("t.csv"));
        assert_eq!((options.reading.delimiter, options.reading.format), (Some(b'\t'), Some(Format::Table)));
        assert_eq!(options.reading.skip_lines, 2);
        assert_eq!((options.reading.encoding.unwrap().name(), options.revision), ("windows-1252", Some(3)));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (line, expected) in [
            ("import --mapping m --key k", "FILE"),
            ("import f.csv --mapping m --key k --encoding klingon", "there is no such encoding"),
            ("import f.csv --mapping m --key k --delimiter x", "expected comma, tab, semicolon or pipe"),
            ("import f.csv --mapping m --key k --with t-1=f", "letters, digits and _"),
        ] {
            let error = options(line).unwrap_err();
            assert!(error.contains(expected), "{line}: {error}");
        }
    }
}
