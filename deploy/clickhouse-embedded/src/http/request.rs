//! What a request's URL and headers say. Users, passwords and quotas are read by nobody: the face is loopback only.

use std::time::Duration;

use http::request::Parts;
use http::{HeaderMap, Method, header};
use uuid::Uuid;

use crate::compression::{BodyEncoding, Encoding};
use crate::config::Config;
use crate::exception::{Exception, code};
use crate::session::SessionRequest;

/// A request without its body.
#[derive(Debug)]
pub(crate) struct Request {
    /// Came by GET: may not write.
    pub(crate) read_only: bool,
    /// The `query` parameter; the body may go on with it.
    pub(crate) query: Vec<u8>,
    pub(crate) database: Option<String>,
    pub(crate) default_format: Option<String>,
    pub(crate) params: Vec<(Vec<u8>, Vec<u8>)>,
    pub(crate) settings: Vec<(String, String)>,
    pub(crate) query_id: String,
    pub(crate) session: Option<SessionRequest>,
    pub(crate) body_encoding: BodyEncoding,
    /// The body is in ClickHouse's frames.
    pub(crate) decompress: bool,
    /// Encodings that the client accepts, by parameter or header.
    pub(crate) encoding: Encoding,
    /// Keep the answer back until the query has ended.
    pub(crate) wait_end: bool,
    /// The boundary of a `multipart/form-data` body.
    pub(crate) boundary: Option<String>,
    session_id: Option<String>,
    session_timeout: Option<u64>,
    session_check: bool,
    native_frames: bool,
    http_compression: bool,
}

impl Request {
    /// Reads the URL's parameters and the headers.
    pub(crate) fn read(parts: &Parts, config: &Config) -> Result<Self, Exception> {
        let mut request = Self {
            read_only: parts.method != Method::POST,
            query: Vec::new(),
            database: text_header(&parts.headers, "x-clickhouse-database"),
            default_format: text_header(&parts.headers, "x-clickhouse-format"),
            params: Vec::new(),
            settings: Vec::new(),
            query_id: Uuid::new_v4().to_string(),
            session: None,
            decompress: false,
            body_encoding: BodyEncoding::parse(&text_header(&parts.headers, "content-encoding").unwrap_or_default())?,
            encoding: Encoding::Plain,
            wait_end: false,
            boundary: boundary(&parts.headers),
            session_id: None,
            session_timeout: None,
            session_check: false,
            native_frames: false,
            http_compression: true,
        };
        for (name, value) in pairs(parts.uri.query().unwrap_or_default()) {
            request.parameter(&text(name)?, value)?;
        }
        request.settle(&parts.headers, config)?;
        Ok(request)
    }

    /// Takes one parameter, of the URL or of a form.
    pub(crate) fn parameter(&mut self, name: &str, value: Vec<u8>) -> Result<(), Exception> {
        if let Some(param) = name.strip_prefix("param_") {
            self.params.push((param.as_bytes().to_vec(), value));
            return Ok(());
        }
        if name == "query" {
            self.query = value;
            return Ok(());
        }
        let value = text(value)?;
        match name {
            "database" => self.database = Some(value).filter(|name| !name.is_empty()),
            "default_format" => self.default_format = Some(value),
            "query_id" if !value.is_empty() => self.query_id = header_safe(&value)?,
            "decompress" => self.decompress = is_true(&value),
            "compress" => self.native_frames = is_true(&value),
            "wait_end_of_query" => self.wait_end = is_true(&value),
            "session_id" => self.session_id = Some(value).filter(|id| !id.is_empty()),
            "session_check" => self.session_check = is_true(&value),
            "session_timeout" => self.session_timeout = Some(seconds(&value)?),
            // Of the protocol, but without a meaning here.
            "query_id"
            | "user"
            | "password"
            | "quota_key"
            | "role"
            | "buffer_size"
            | "stacktrace"
            | "close_session"
            | "client_protocol_version" => {}
            _ => {
                if name == "enable_http_compression" {
                    self.http_compression = is_true(&value);
                }
                self.settings.push((name.to_owned(), value));
            }
        }
        Ok(())
    }

    /// Draws the conclusions from all parameters together.
    fn settle(&mut self, headers: &HeaderMap, config: &Config) -> Result<(), Exception> {
        let accepted = text_header(headers, "accept-encoding").unwrap_or_default();
        self.encoding = match (self.native_frames, self.http_compression) {
            (true, _) => Encoding::NativeFrames,
            (false, true) => Encoding::accepted(&accepted),
            (false, false) => Encoding::Plain,
        };
        self.session = self.session_id.take().map(|id| SessionRequest {
            id,
            idle: Duration::from_secs(self.session_timeout.unwrap_or(config.session_seconds)),
            must_exist: self.session_check,
        });
        if let Some(format) = &self.default_format {
            check_format(format)?;
        }
        Ok(())
    }
}

/// A format's name goes into SQL as it is, so it may only be a word.
fn check_format(format: &str) -> Result<(), Exception> {
    let is_word = !format.is_empty() && format.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if is_word { Ok(()) } else { Err(bad("default_format is not the name of a format")) }
}

/// The URL's parameters, percent-decoded to bytes.
fn pairs(query: &str) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> {
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (percent_decode(name), percent_decode(value))
    })
}

fn percent_decode(text: &str) -> Vec<u8> {
    let digit = |byte: Option<&u8>| byte.and_then(|&byte| char::from(byte).to_digit(16));
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escaped = match bytes[at] {
            b'%' => digit(bytes.get(at + 1)).zip(digit(bytes.get(at + 2))),
            _ => None,
        };
        match (bytes[at], escaped) {
            (_, Some((high, low))) => {
                plain.push(u8::try_from(high * 16 + low).expect("two hexadecimal digits"));
                at += 2;
            }
            (b'+', None) => plain.push(b' '),
            (byte, None) => plain.push(byte),
        }
        at += 1;
    }
    plain
}

fn text_header(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

fn boundary(headers: &HeaderMap) -> Option<String> {
    let content_type = text_header(headers, header::CONTENT_TYPE.as_str())?;
    let (kind, rest) = content_type.split_once(';')?;
    let boundary = rest.split(';').find_map(|part| part.trim().strip_prefix("boundary="))?;
    kind.trim().eq_ignore_ascii_case("multipart/form-data").then(|| boundary.trim_matches('"').to_owned())
}

fn text(bytes: Vec<u8>) -> Result<String, Exception> {
    String::from_utf8(bytes).map_err(|_| bad("A parameter's name or a setting's value is not UTF-8"))
}

fn header_safe(value: &str) -> Result<String, Exception> {
    match value.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        true => Ok(value.to_owned()),
        false => Err(bad("query_id may only hold printable ASCII")),
    }
}

fn seconds(value: &str) -> Result<u64, Exception> {
    let refused = || Exception::new(code::INVALID_SESSION_TIMEOUT, format!("Invalid session timeout: '{value}'"));
    value.parse().ok().filter(|&seconds| seconds <= 3600).ok_or_else(refused)
}

fn is_true(value: &str) -> bool {
    value == "1" || value.eq_ignore_ascii_case("true")
}

fn bad(message: &str) -> Exception {
    Exception::new(code::BAD_ARGUMENTS, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_keep_every_byte() {
        let read: Vec<_> = pairs("a=%00%ff+%2B&b&=c&d=%zz%4").collect();
        let expected: [(&[u8], &[u8]); 4] = [(b"a", b"\x00\xff +"), (b"b", b""), (b"", b"c"), (b"d", b"%zz%4")];
        assert!(read.iter().map(|(name, value)| (&name[..], &value[..])).eq(expected));
    }
}
