//! Takes a body in, within its bounds, and says which part of it is SQL and which is an INSERT's data.

use axum::body::Body;
use futures::StreamExt;

use crate::compression;
use crate::config::Config;
use crate::exception::{Exception, code};
use crate::http::request::Request;
use crate::spool::Spool;
use crate::sql::{Insert, Statement};

/// How much of a body is searched for the head of an INSERT.
const HEAD_BYTES: u64 = 1 << 20;

/// A query's text and, of an INSERT, its data.
pub(crate) struct Query {
    /// SQL, up to an INSERT's data.
    pub(crate) text: Vec<u8>,
    pub(crate) statement: Statement,
    pub(crate) data: Option<Spool>,
    /// The format of the answer, or of an INSERT's data.
    pub(crate) format: String,
}

/// Reads the whole body. A body over its bound is read to its end all the same, so that the client gets the answer.
pub(crate) async fn receive(body: Body, config: &Config) -> Result<Spool, Exception> {
    let mut spool = Spool::new(config.body_bytes_max).map_err(unreadable)?;
    let mut failure = None;
    let mut pieces = body.into_data_stream();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(unreadable)?;
        if failure.is_none() {
            failure = spool.append(&piece).err();
        }
    }
    failure.map_or(Ok(spool), Err)
}

/// Decompresses the body and divides it. Blocks: call it off the runtime's workers.
pub(crate) fn divide(request: &Request, body: Spool, config: &Config) -> Result<Query, Exception> {
    let body = compression::decode(body, request.body_encoding, request.decompress)?;
    let statement = Statement::read(&request.query);
    match statement {
        Statement::Insert(insert) if insert.format.is_some() || request.default_format.is_some() => {
            insert_by_parameter(request, insert, body)
        }
        _ => joined(request, body, config),
    }
}

/// The whole head of the INSERT is in the URL: the body is data, after what data the URL may have.
fn insert_by_parameter(request: &Request, insert: Insert, body: Spool) -> Result<Query, Exception> {
    let (text, inline) = request.query.split_at(insert.data_at);
    let inline = if inline.trim_ascii().is_empty() { Vec::new() } else { [inline, b"\n"].concat() };
    let data = body.with_head(&inline, 0).map_err(unreadable)?;
    Ok(insert_query(request, text.to_vec(), insert, data))
}

/// The URL's text and the body are one text, as ClickHouse joins them.
fn joined(request: &Request, body: Spool, config: &Config) -> Result<Query, Exception> {
    let prefix = match request.query.as_slice() {
        [] => Vec::new(),
        query => [query, b"\n"].concat(),
    };
    let start = [prefix.as_slice(), &body.head(HEAD_BYTES).map_err(unreadable)?].concat();
    if let Statement::Insert(insert) = Statement::read(&start) {
        return insert_by_text(request, insert, start, &prefix, body);
    }
    if body.bytes() > config.query_bytes_max {
        let message = format!("The query is larger than {} bytes (query_bytes_max)", config.query_bytes_max);
        return Err(Exception::new(code::QUERY_IS_TOO_LARGE, message));
    }
    let text = match body.bytes() > HEAD_BYTES {
        true => [prefix, body.head(body.bytes()).map_err(unreadable)?].concat(),
        false => start,
    };
    let statement = Statement::read(&text);
    let named = match &statement {
        Statement::Select(select) => select.format.clone(),
        Statement::Other { format } => format.clone(),
        _ => None,
    };
    let format = named.or_else(|| request.default_format.clone()).unwrap_or_else(|| "TabSeparated".into());
    Ok(Query { text, statement, data: None, format })
}

/// The INSERT's head ends in the joined text, and its data begins there.
fn insert_by_text(request: &Request, insert: Insert, start: Vec<u8>, prefix: &[u8], body: Spool) -> Result<Query, Exception> {
    let data_at = insert.data_at;
    let (inline, offset) = match data_at.checked_sub(prefix.len()) {
        Some(in_body) => (&[][..], in_body as u64),
        None => (&prefix[data_at..], 0),
    };
    let data = body.with_head(inline, offset).map_err(unreadable)?;
    Ok(insert_query(request, start[..data_at].to_vec(), insert, data))
}

fn insert_query(request: &Request, text: Vec<u8>, insert: Insert, data: Spool) -> Query {
    let default = || request.default_format.clone().unwrap_or_else(|| "Values".into());
    let format = insert.format.clone().unwrap_or_else(default);
    Query { text, statement: Statement::Insert(insert), data: Some(data), format }
}

fn unreadable(error: impl std::fmt::Display) -> Exception {
    Exception::new(code::CANNOT_READ_BODY, format!("Cannot read the body of the request: {error}"))
}
