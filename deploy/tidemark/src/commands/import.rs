//! `tidemark import`: files of rows become events by a mapping, sent to ingest like everybody's.

use std::path::PathBuf;

use anyhow::{Context, Result};
use tidemark_ingest::{ImportOptions, import};
use tokio_util::sync::CancellationToken;

use crate::cli::Place;
use crate::config::Config;
use crate::signals::StopSignals;

const EXAMPLES: &str = "\
Examples:
  tidemark import sales_pipeline.csv --mapping crm-sales-opportunities --key my-key
  tidemark import export.csv --mapping ./my-mapping.jq --url http://ingest.example:8080 --key my-key

A mapping is a jq program: one row (an object of its columns) in, zero or more events out. An interrupted import goes on where it
stopped when the same command is run again; refused rows go to FILE.refused.ndjson with their reasons.";

#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// CSV files with a header row, imported in this order
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// The name of a shipped mapping, a .jq file, or a folder with a mapping.jq
    #[arg(long, value_name = "MAPPING")]
    mapping: String,
    /// The API key, which decides the tenant
    #[arg(long, value_name = "KEY", env = "TIDEMARK_KEY", hide_env_values = true)]
    key: String,
    /// Address of ingest [default: the one of the settings]
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Where refused rows and progress are written [default: beside each file]
    #[arg(long, value_name = "DIR")]
    report_dir: Option<PathBuf>,
    /// Begin at the first row, whatever an earlier import got done
    #[arg(long)]
    restart: bool,
}

/// Imports the files one after the other.
///
/// # Errors
/// As [`import`]; refused rows are none.
pub async fn run(place: &Place, args: Args) -> Result<()> {
    let config = Config::load(place.config.as_deref(), place.overrides())?;
    let url = args.url.unwrap_or_else(|| format!("http://{}", config.ingest.listen));
    let shutdown = CancellationToken::new();
    let mut signals = StopSignals::listen()?;
    let mut position = None;
    for file in args.files {
        let mut options = ImportOptions::new(&file, &args.mapping, &url, &args.key);
        options.report_dir.clone_from(&args.report_dir);
        options.restart = args.restart;
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
        let summary = imported.with_context(|| file.display().to_string())?;
        println!("{}: {summary}", file.display());
        position = summary.position.or(position);
    }
    if let Some(position) = position {
        println!("position {position}");
    }
    Ok(())
}
