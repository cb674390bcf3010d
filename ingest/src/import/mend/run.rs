//! Replaying and dropping many letters: page by page, newest first, each page in requests of a bounded size.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use reqwest::Method;
use serde_json::json;

use super::{
    super::{
        ImportOptions,
        post::{Poster, Request},
    },
    Letter, LetterFilter, MendOptions, MendReport,
    letters::{one, page},
    remake::{Remade, Workshop},
};
use crate::Error;

/// Letters of one page.
const PAGE_LETTERS: usize = 500;
/// Bytes of one request, unless one letter is more.
const REQUEST_BYTES_MAX: usize = 1 << 20;

/// Replays every letter of the filter; what is still refused stays a dead letter and is counted by reason.
/// Interrupted and started again, it goes on: what was replayed is not pending any more.
///
/// # Errors
/// A mapping or program that cannot be used, a wrong key, an id that no letter has, ingest away for too long.
pub async fn replay(options: &MendOptions) -> Result<MendReport, Error> {
    let (poster, mut workshop) = (Poster::new(&options.import)?, Workshop::open(options)?);
    let path = if options.dry_run { "/v1/dead/replay?dry_run=true" } else { "/v1/dead/replay" };
    let verb = if options.dry_run { "would be replayed" } else { "replayed" };
    let mut report = MendReport { verb, ..MendReport::default() };
    let mut pages = Pages::new(&poster, &options.filter, &options.import);
    while let Some(letters) = pages.next().await? {
        let count = letters.len() as u64;
        // The letters' own bodies count, as ingest reads them where none is sent.
        let (mut lines, mut bytes) = (String::new(), 0);
        for Remade { letter, line } in workshop.remake(letters).await? {
            match line {
                Err(reason) => report.add_unmapped(&letter.id, reason),
                Ok(line) => {
                    let more = line.len() + letter.body.len();
                    if bytes + more > REQUEST_BYTES_MAX {
                        send(&poster, path, std::mem::take(&mut lines), &mut report).await?;
                        bytes = 0;
                    }
                    bytes += more;
                    lines += &(line + "\n");
                }
            }
        }
        send(&poster, path, lines, &mut report).await?;
        pages.bar.inc(count);
    }
    pages.bar.finish_and_clear();
    Ok(report)
}

/// Says of every letter of the filter that nobody wants it.
///
/// # Errors
/// As [`replay`].
pub async fn drop_letters(options: &ImportOptions, filter: &LetterFilter) -> Result<MendReport, Error> {
    let poster = Poster::new(options)?;
    let mut report = MendReport { verb: "dropped", ..MendReport::default() };
    let mut pages = Pages::new(&poster, filter, options);
    while let Some(letters) = pages.next().await? {
        let ids: Vec<&str> = letters.iter().map(|letter| letter.id.as_str()).collect();
        send(&poster, "/v1/dead/drop", json!({ "ids": ids }).to_string(), &mut report).await?;
        pages.bar.inc(letters.len() as u64);
    }
    pages.bar.finish_and_clear();
    Ok(report)
}

async fn send(poster: &Poster, path: &str, body: String, report: &mut MendReport) -> Result<(), Error> {
    if body.is_empty() {
        return Ok(());
    }
    let content_type = "application/x-ndjson";
    report.add(poster.ask(Request { method: Method::POST, path, content_type, body: body.into() }).await?);
    Ok(())
}

/// The letters of a filter, page by page.
struct Pages<'a> {
    poster: &'a Poster,
    filter: &'a LetterFilter,
    after: Option<String>,
    is_done: bool,
    bar: ProgressBar,
}

impl<'a> Pages<'a> {
    fn new(poster: &'a Poster, filter: &'a LetterFilter, options: &ImportOptions) -> Self {
        let target = if options.progress_bar { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let style = ProgressStyle::with_template("{bar:40} {pos}/{len} letters, {eta} left");
        let bar = ProgressBar::with_draw_target(Some(filter.ids.len() as u64), target);
        let bar = bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self { poster, filter, after: None, is_done: false, bar }
    }

    async fn next(&mut self) -> Result<Option<Vec<Letter>>, Error> {
        if self.is_done {
            return Ok(None);
        }
        if !self.filter.ids.is_empty() {
            self.is_done = true;
            let mut letters = Vec::new();
            for id in &self.filter.ids {
                letters.push(one(self.poster, id).await?);
            }
            return Ok(Some(letters));
        }
        let page = page(self.poster, self.filter, PAGE_LETTERS, self.after.as_deref()).await?;
        if self.after.is_none() {
            self.bar.set_length(page.total as u64);
        }
        self.is_done = page.next.is_none();
        self.after = page.next;
        Ok((!page.letters.is_empty()).then_some(page.letters))
    }
}
