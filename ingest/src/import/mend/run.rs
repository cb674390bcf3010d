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
    report::Answered,
};
use crate::Error;

/// Letters of one page.
const PAGE_LETTERS: usize = 1_000;
/// Bytes of one request, unless one letter is more.
const REQUEST_BYTES_MAX: usize = 1 << 20;

/// Replays every letter of the filter; what is still refused stays a dead letter and is counted by reason.
/// Interrupted and started again, it goes on: what was replayed is not pending any more.
/// While one page is sent, the next is remade and the one after it fetched.
///
/// # Errors
/// A mapping or program that cannot be used, a wrong key, an id that no letter has, ingest away for too long.
pub async fn replay(options: &MendOptions) -> Result<MendReport, Error> {
    let (poster, mut workshop) = (Poster::new(&options.import)?, Workshop::open(options)?);
    let columns = workshop.columns();
    let path = if options.dry_run { "/v1/dead/replay?dry_run=true" } else { "/v1/dead/replay" };
    let verb = if options.dry_run { "would be replayed" } else { "replayed" };
    let mut report = MendReport { verb, ..MendReport::default() };
    let mut pages = Pages::new(&poster, &options.filter, &options.import);
    let (mut letters, mut bodies) = (pages.next().await?, Vec::new());
    while letters.is_some() || !bodies.is_empty() {
        let remade = async {
            match letters.take() {
                Some(letters) => workshop.remake(letters).await,
                None => Ok(Vec::new()),
            }
        };
        let (answers, remade, next) = tokio::try_join!(send_all(&poster, path, &bodies), remade, pages.next())?;
        for answer in answers {
            pages.bar.inc(answer.letters() as u64);
            report.add(answer);
        }
        (letters, bodies) = (next, bodies_of(remade, &mut report, &pages.bar));
    }
    pages.bar.finish_and_clear();
    report.unknown_columns = columns.map(|columns| columns.unknown()).unwrap_or_default();
    Ok(report)
}

/// Lines of letters in bodies of a bounded size; letters of which the mapping makes nothing are counted.
fn bodies_of(remade: Vec<Remade>, report: &mut MendReport, bar: &ProgressBar) -> Vec<String> {
    let (mut bodies, mut bytes) = (Vec::new(), REQUEST_BYTES_MAX);
    for Remade { letter, line } in remade {
        match line {
            Err(reason) => {
                report.add_unmapped(&letter.id, reason);
                bar.inc(1);
            }
            Ok(line) => {
                // The letters' own bodies count, as ingest reads them where none is sent.
                let more = line.len() + letter.body.len();
                if bytes + more > REQUEST_BYTES_MAX {
                    bodies.push(String::new());
                    bytes = 0;
                }
                bytes += more;
                bodies.iter_mut().last().into_iter().for_each(|body| *body += &format!("{line}\n"));
            }
        }
    }
    bodies
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
        report.add(send(&poster, "/v1/dead/drop", json!({ "ids": ids }).to_string()).await?);
        pages.bar.inc(letters.len() as u64);
    }
    pages.bar.finish_and_clear();
    Ok(report)
}

async fn send_all(poster: &Poster, path: &str, bodies: &[String]) -> Result<Vec<Answered>, Error> {
    let mut answers = Vec::new();
    for body in bodies {
        answers.push(send(poster, path, body.clone()).await?);
    }
    Ok(answers)
}

async fn send(poster: &Poster, path: &str, body: String) -> Result<Answered, Error> {
    let content_type = "application/x-ndjson";
    poster.ask(Request { method: Method::POST, path, content_type, body: body.into() }).await
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
