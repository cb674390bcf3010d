//! Answers: status and headers as ClickHouse sends them, the body as it comes, and errors before and after its start.

use std::io;
use std::time::Instant;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures::stream;
use http::{HeaderValue, StatusCode, header};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;
use uuid::Uuid;

use crate::compression::{Encoder, Encoding};
use crate::exception::{Exception, code};
use crate::ffi::Counts;
use crate::http::query::{Face, Run};
use crate::http::request::Request;

/// Bytes of one piece of a streamed answer before compression.
const PIECE_BYTES: usize = 256 << 10;

/// A query's answer on its way to the client.
pub(crate) struct Answer {
    run: Run,
    pipe: pipe::Receiver,
    head: Head,
    hold_bytes: usize,
    started: Instant,
}

/// What the answer's headers need.
struct Head {
    query_id: String,
    format: String,
    encoding: Encoding,
    time_zone: String,
    tag: String,
}

impl Answer {
    pub(crate) fn new(face: &Face, request: &Request, format: String, mut run: Run) -> Self {
        let pipe = run.take_pipe().expect("a run that has just started has its pipe");
        let tag = Uuid::new_v4().simple().to_string()[..16].to_owned();
        let head = Head {
            query_id: request.query_id.clone(),
            format,
            encoding: request.encoding,
            time_zone: face.engine.time_zone.clone(),
            tag,
        };
        let hold_bytes = match request.wait_end {
            true => face.config.answer_buffer_bytes_max,
            false => face.config.answer_head_bytes,
        };
        Self { run, pipe, head, hold_bytes, started: Instant::now() }
    }

    /// Holds the first bytes back: an answer that ends within them has its own status and summary.
    pub(crate) async fn respond(mut self) -> Result<Response, Exception> {
        let mut held = Vec::new();
        while held.len() < self.hold_bytes {
            match read_piece(&mut self.pipe).await? {
                piece if piece.is_empty() => return self.whole(held).await,
                piece => held.extend(piece),
            }
        }
        let mut response = self.head.response();
        *response.body_mut() = self.streamed(held)?;
        Ok(response)
    }

    async fn whole(mut self, plain: Vec<u8>) -> Result<Response, Exception> {
        let counts = self.run.outcome().await?;
        let mut encoder = Encoder::new(self.head.encoding).map_err(broken)?;
        let mut bytes = if plain.is_empty() { plain } else { encoder.push(plain).map_err(broken)? };
        bytes.extend(encoder.finish().map_err(broken)?);
        let mut response = self.head.response();
        insert(&mut response, "x-clickhouse-summary", &summary(counts, self.started));
        *response.body_mut() = Body::from(bytes);
        Ok(response)
    }

    fn streamed(self, held: Vec<u8>) -> Result<Body, Exception> {
        let encoder = Encoder::new(self.head.encoding).map_err(broken)?;
        let Self { run, pipe, head, .. } = self;
        let pieces = Pieces { run, pipe, tag: head.tag, encoder };
        let state = State::Held(Box::new(pieces), held);
        Ok(Body::from_stream(stream::unfold(state, State::next)))
    }
}

/// A streamed answer between two pieces.
struct Pieces {
    run: Run,
    pipe: pipe::Receiver,
    tag: String,
    encoder: Encoder,
}

enum State {
    Held(Box<Pieces>, Vec<u8>),
    Reading(Box<Pieces>),
    /// The exception has been handed over; next, the connection breaks off.
    Failed,
    Ended,
}

impl State {
    async fn next(self) -> Option<(io::Result<Bytes>, Self)> {
        match self {
            Self::Held(pieces, held) => Some(pieces.send(held)),
            Self::Reading(pieces) => pieces.read().await,
            Self::Failed => {
                // The server writes out what it has when the body is not ready, and drops it when the body fails.
                tokio::task::yield_now().await;
                Some((Err(io::Error::other("the query failed after its answer had begun")), Self::Ended))
            }
            Self::Ended => None,
        }
    }
}

impl Pieces {
    fn send(mut self: Box<Self>, plain: Vec<u8>) -> (io::Result<Bytes>, State) {
        match self.encoder.push(plain) {
            Ok(bytes) => (Ok(bytes.into()), State::Reading(self)),
            Err(error) => (Err(error), State::Ended),
        }
    }

    async fn read(mut self: Box<Self>) -> Option<(io::Result<Bytes>, State)> {
        let failure = match read_piece(&mut self.pipe).await {
            Ok(piece) if !piece.is_empty() => return Some(self.send(piece)),
            Ok(_) => self.run.outcome().await.err(),
            Err(error) => Some(error),
        };
        match failure {
            Some(exception) => {
                let text = tagged(&exception, &self.tag);
                Some((self.encoder.push(text).map(Bytes::from), State::Failed))
            }
            None => {
                let Self { encoder, .. } = *self;
                match encoder.finish() {
                    Ok(end) if end.is_empty() => None,
                    end => Some((end.map(Bytes::from), State::Ended)),
                }
            }
        }
    }
}

impl Head {
    fn response(&self) -> Response {
        let mut response = Response::new(Body::empty());
        insert(&mut response, "content-type", content_type(&self.format));
        insert(&mut response, "x-clickhouse-query-id", &self.query_id);
        insert(&mut response, "x-clickhouse-format", &self.format);
        insert(&mut response, "x-clickhouse-timezone", &self.time_zone);
        insert(&mut response, "x-clickhouse-server-display-name", "clickhouse-embedded");
        insert(&mut response, "x-clickhouse-exception-tag", &self.tag);
        if let Some(encoding) = self.encoding.header() {
            insert(&mut response, header::CONTENT_ENCODING.as_str(), encoding);
        }
        response
    }
}

/// The answer to a query that failed before its answer had begun.
pub(crate) fn refusal(query_id: Option<&str>, exception: &Exception) -> Response {
    let mut response = Response::new(Body::from(format!("{}\n", exception.text())));
    *response.status_mut() = exception.status();
    insert(&mut response, "content-type", "text/plain; charset=UTF-8");
    insert(&mut response, "x-clickhouse-exception-code", &exception.code().to_string());
    if let Some(query_id) = query_id {
        insert(&mut response, "x-clickhouse-query-id", query_id);
    }
    debug_assert_ne!(response.status(), StatusCode::OK);
    response
}

/// The exception inside a body that has begun, as ClickHouse writes it since 25.11.
fn tagged(exception: &Exception, tag: &str) -> Vec<u8> {
    let text = exception.text();
    let length = text.len() + 1;
    format!("\r\n__exception__\r\n{tag}\r\n{text}\n{length} {tag}\r\n__exception__\r\n").into_bytes()
}

/// The next bytes of the answer; none at its end.
async fn read_piece(pipe: &mut pipe::Receiver) -> Result<Vec<u8>, Exception> {
    let mut piece = Vec::with_capacity(PIECE_BYTES);
    pipe.read_buf(&mut piece).await.map_err(broken)?;
    Ok(piece)
}

fn broken(error: io::Error) -> Exception {
    Exception::new(code::CANNOT_READ_BODY, format!("Cannot pass the answer on: {error}"))
}

fn insert(response: &mut Response, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

fn summary(counts: Counts, started: Instant) -> String {
    let number = |count: u64| serde_json::Value::String(count.to_string());
    let elapsed_ns = u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX);
    serde_json::json!({
        "read_rows": number(counts.read_rows),
        "read_bytes": number(0),
        "written_rows": number(counts.written.0),
        "written_bytes": number(counts.written.1),
        "total_rows_to_read": number(0),
        "result_rows": number(counts.result.0),
        "result_bytes": number(counts.result.1),
        "elapsed_ns": number(elapsed_ns),
    })
    .to_string()
}

/// The types that ClickHouse gives its formats.
fn content_type(format: &str) -> &'static str {
    match format {
        "TabSeparated" | "TSV" => "text/tab-separated-values; charset=UTF-8",
        "TabSeparatedWithNames" | "TSVWithNames" | "TabSeparatedWithNamesAndTypes" | "TSVWithNamesAndTypes" => {
            "text/tab-separated-values; charset=UTF-8; header=present"
        }
        "CSV" => "text/csv; charset=UTF-8; header=absent",
        "CSVWithNames" | "CSVWithNamesAndTypes" => "text/csv; charset=UTF-8; header=present",
        "JSON" | "JSONCompact" | "JSONStrings" | "JSONColumns" => "application/json; charset=UTF-8",
        "JSONEachRow" | "JSONCompactEachRow" | "NDJSON" | "JSONLines" => "application/x-ndjson; charset=UTF-8",
        "Native" | "RowBinary" | "RowBinaryWithNames" | "RowBinaryWithNamesAndTypes" => "application/octet-stream",
        "Arrow" => "application/vnd.apache.arrow.file",
        "ArrowStream" => "application/vnd.apache.arrow.stream",
        "Parquet" => "application/vnd.apache.parquet",
        "XML" => "application/xml; charset=UTF-8",
        _ => "text/plain; charset=UTF-8",
    }
}
