//! The import as a sentence: find the mapping, find the place, then read → map → post → note until the file ends.

use std::{
    fs::File,
    io::{self, BufRead, BufReader},
    path::Path,
    time::{Duration, Instant},
};

use futures::{StreamExt, TryStreamExt, stream};
use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use super::{
    ImportOptions, Summary,
    journal::Journal,
    mapping::Mapping,
    post::{Answered, Poster},
    read::{Batch, read_batches},
};
use crate::Error;

/// How long a stop waits for the requests under way.
const STOP_GRACE: Duration = Duration::from_secs(3);

/// Imports a file; goes on where an interrupted import of the same file and mapping stopped.
/// What cannot be imported is in `FILE.refused.ndjson` and counted by reason; it stops nothing.
///
/// # Errors
/// A mapping or header that is wrong, a key that is refused, ingest away for too long, files that cannot be written,
/// or `shutdown`. All but the first two leave a progress file that the next import goes on from.
pub async fn import(options: &ImportOptions, shutdown: CancellationToken) -> Result<Summary, Error> {
    let began = Instant::now();
    let mapping = Mapping::load(options)?;
    let columns = mapping.columns.clone();
    let mut journal = Journal::open(options, identity(options, &mapping)?)?;
    let poster = Poster::new(options)?;
    let bar = progress_bar(options);
    let failed = |source| Error::Io { path: options.file.clone(), source };
    let mut batches = read_batches(options.clone(), mapping, journal.place()).map_err(failed)?;
    let mut answered = stream::poll_fn(|context| batches.poll_recv(context))
        .take_until(shutdown.cancelled())
        .map_ok(|batch| post(&poster, batch))
        .try_buffered(options.concurrency.max(1))
        .take_until(grace(&shutdown))
        .boxed();
    while let Some((batch, answer)) = answered.try_next().await? {
        journal.record(&batch, &answer)?;
        bar.set_length(batch.file_bytes);
        bar.set_position(journal.place().byte);
        bar.set_message(progress(journal.summary()));
    }
    drop(answered);
    if shutdown.is_cancelled() {
        return Err(Error::Interrupted { row: journal.place().row });
    }
    bar.finish_and_clear();
    let run_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(Summary { run_ms, unknown_columns: columns.unknown(), ..journal.finish()? })
}

fn progress(summary: &Summary) -> String {
    let Summary { rows, events_accepted, rows_refused, .. } = summary;
    format!("{} rows, {} events, {} refused", HumanCount(*rows), HumanCount(*events_accepted), HumanCount(*rows_refused))
}

/// Requests under way when the import is stopped may still be answered, for a while.
async fn grace(shutdown: &CancellationToken) {
    shutdown.cancelled().await;
    tokio::time::sleep(STOP_GRACE).await;
}

async fn post(poster: &Poster, mut batch: Batch) -> Result<(Batch, Answered), Error> {
    let body = std::mem::take(&mut batch.body);
    Ok((batch, poster.post(body).await?))
}

/// What makes two imports the same one.
fn identity(options: &ImportOptions, mapping: &Mapping) -> Result<String, Error> {
    let mut hash = Sha256::new();
    hash_file(&options.file, &mut hash).map_err(|source| Error::Io { path: options.file.clone(), source })?;
    hash.update(mapping.identity);
    for part in [&options.url, &options.key] {
        hash.update(Sha256::digest(part));
    }
    Ok(hex::encode(hash.finalize()))
}

pub(super) fn hash_file(path: &Path, hash: &mut Sha256) -> io::Result<()> {
    let mut file = BufReader::with_capacity(1 << 16, File::open(path)?);
    loop {
        let chunk = file.fill_buf()?;
        if chunk.is_empty() {
            return Ok(());
        }
        hash.update(chunk);
        let read = chunk.len();
        file.consume(read);
    }
}

/// Bytes of the unpacked file; on a terminal only.
fn progress_bar(options: &ImportOptions) -> ProgressBar {
    let target = if options.progress_bar { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let style = ProgressStyle::with_template("{bar:30} {bytes}/{total_bytes} {msg}, {eta} left");
    ProgressBar::with_draw_target(None, target).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
