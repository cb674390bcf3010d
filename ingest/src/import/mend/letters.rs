//! Dead letters as ingest tells them.

use reqwest::Method;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    super::{
        ImportOptions,
        post::{Poster, Request},
    },
    LetterFilter,
};
use crate::Error;

/// Letters by what was wrong with them.
#[derive(Debug, Deserialize)]
pub struct Causes {
    /// The most frequent first.
    pub causes: Vec<Cause>,
    /// Letters that the filter takes.
    pub total: usize,
    /// Whether these are all; else the oldest were not looked at.
    pub complete: bool,
}

/// What several letters have in common.
#[derive(Debug, Deserialize)]
pub struct Cause {
    /// Of a closed list.
    pub code: String,
    /// About which field.
    pub field: Option<String>,
    /// Of the key that sent them.
    pub source: String,
    /// How many.
    pub letters: u64,
    /// The newest of them.
    pub example: Example,
}

/// One of them.
#[derive(Debug, Deserialize)]
pub struct Example {
    /// The letter's id.
    pub id: String,
    /// What was wrong with it.
    pub message: String,
}

/// A page of letters.
#[derive(Debug, Deserialize)]
pub struct Letters {
    /// Newest first.
    pub letters: Vec<Letter>,
    /// Letters that the filter takes, on whichever page.
    pub total: usize,
    /// Where the next page begins.
    pub next: Option<String>,
    /// Whether these are all; else the oldest were not looked at.
    pub complete: bool,
}

/// One letter.
#[derive(Debug, Deserialize)]
pub struct Letter {
    /// Hash of tenant and body.
    pub id: String,
    /// When it came last.
    pub received_at: String,
    /// When it came first.
    pub first_at: String,
    /// Of the key that sent it.
    pub source: String,
    /// `pending`, `replayed` or `dropped`.
    pub state: String,
    /// How often it came.
    pub times: u32,
    /// When it was dealt with.
    pub resolved_at: Option<String>,
    /// The source of the key that did it.
    pub resolved_by: Option<String>,
    /// What was wrong.
    pub reasons: Vec<Reason>,
    /// Of the body.
    pub content_type: Option<String>,
    /// `text` or `hex`.
    pub encoding: String,
    /// As it came.
    pub body: String,
    /// The row of a file that it was made of.
    pub row: Option<Row>,
}

/// One thing that was wrong.
#[derive(Debug, Deserialize)]
pub struct Reason {
    /// Of a closed list.
    pub code: String,
    /// Which field.
    pub field: Option<String>,
    /// For people.
    pub message: String,
}

/// Where a row stood.
#[derive(Debug, Deserialize)]
pub struct Row {
    /// Name of the file.
    pub file: String,
    /// From 1.
    pub line: u64,
    /// What it said; none where it is the letter's body.
    pub content: Option<Box<RawValue>>,
}

/// The letters of a filter by cause, `limit` causes at most.
///
/// # Errors
/// The key is wrong, or ingest stayed away.
pub async fn causes(options: &ImportOptions, filter: &LetterFilter, limit: usize) -> Result<Causes, Error> {
    let query = filter.query(&[("group", "cause"), ("limit", &limit.to_string())]);
    Poster::new(options)?.ask(get(&format!("/v1/dead?{query}"))).await
}

/// The newest letters of a filter.
///
/// # Errors
/// As [`causes`].
pub async fn letters(options: &ImportOptions, filter: &LetterFilter, limit: usize) -> Result<Letters, Error> {
    page(&Poster::new(options)?, filter, limit, None).await
}

/// One letter, whole.
///
/// # Errors
/// As [`causes`]; there is no such letter.
pub async fn letter(options: &ImportOptions, id: &str) -> Result<Letter, Error> {
    one(&Poster::new(options)?, id).await
}

pub(super) async fn page(poster: &Poster, filter: &LetterFilter, limit: usize, after: Option<&str>) -> Result<Letters, Error> {
    let limit = limit.to_string();
    let more: Vec<(&str, &str)> = [("limit", limit.as_str())].into_iter().chain(after.map(|after| ("after", after))).collect();
    poster.ask(get(&format!("/v1/dead?{}", filter.query(&more)))).await
}

pub(super) async fn one(poster: &Poster, id: &str) -> Result<Letter, Error> {
    // As tables show it.
    let id = id.trim_end_matches('…');
    let encoded = percent_encoding::utf8_percent_encode(id, percent_encoding::NON_ALPHANUMERIC);
    match poster.ask(get(&format!("/v1/dead/{encoded}"))).await {
        Err(Error::IngestAnswer { status: 404, .. }) => Err(Error::NoSuchLetter { id: id.to_owned() }),
        Err(Error::IngestAnswer { status: 409, .. }) => Err(Error::AmbiguousLetter { id: id.to_owned() }),
        other => other,
    }
}

fn get(path: &str) -> Request<'_> {
    Request { method: Method::GET, path, content_type: "application/json", body: bytes::Bytes::new() }
}
