//! After an import: dead letters of the same file from before it. The file was read whole, so that what is refused of it now is a
//! letter of now; whether an older one is of this file or of another of that name, only people know.

use std::path::Path;

use chrono::{DateTime, SecondsFormat, Utc};
use tidemark_ingest::{ImportOptions, LetterFilter, letters};

/// How long ingest may take: everything else is done.
const PATIENCE_MS: u64 = 10_000;

/// What to say of the pending letters of a file that came before `began`; nothing where there are none, or nobody can tell.
pub async fn superseded(options: &ImportOptions, began: DateTime<Utc>) -> Option<String> {
    let file = options.file.file_name().map(Path::new)?.display().to_string();
    let before = began.to_rfc3339_opts(SecondsFormat::Millis, true);
    let filter = LetterFilter { file: Some(file.clone()), before: Some(before.clone()), ..LetterFilter::default() };
    let asking = ImportOptions { retry_ms_max: PATIENCE_MS, ..options.clone() };
    let pending = letters(&asking, &filter, 1).await.ok()?.total;
    (pending > 0).then(|| {
        format!(
            "{pending} dead letters of {file} are pending from before. Of the same file, nobody needs them any more: their rows were read \
             again, and what is still refused of them has letters of now.\n  \
             look at them:  tidemark dead list --file '{file}' --before {before}\n  \
             and drop them: tidemark dead drop --file '{file}' --before {before} --yes"
        )
    })
}
