//! What a caller takes, by `Accept`.

use super::forms::Form;

/// What the caller wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// `{columns, rows, trust}`, held in memory whole.
    Json,
    /// Rows as they come.
    Streamed(Form),
}

impl Format {
    /// Every form there is.
    pub(crate) const NAMES: &str = "application/json, application/x-ndjson, text/csv, application/vnd.apache.arrow.stream, \
                                    application/vnd.apache.parquet";

    /// The first of `Accept` that there is; JSON for callers who do not mind.
    pub(crate) fn accepted(accept: Option<&str>) -> Option<Self> {
        let Some(accept) = accept else { return Some(Self::Json) };
        accept.split(',').find_map(|range| {
            let media_type = range.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
            Some(match media_type.as_str() {
                "application/json" | "application/*" | "*/*" => Self::Json,
                "application/x-ndjson" => Self::Streamed(Form::NdJson),
                "text/csv" | "text/*" => Self::Streamed(Form::Csv),
                "application/vnd.apache.arrow.stream" => Self::Streamed(Form::Arrow),
                "application/vnd.apache.parquet" => Self::Streamed(Form::Parquet),
                _ => return None,
            })
        })
    }
}
