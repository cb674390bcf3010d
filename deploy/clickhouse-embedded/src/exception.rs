//! ClickHouse's own errors: code, text and the HTTP status that ClickHouse gives each of them.

use http::StatusCode;

/// An error code with its name, as in ClickHouse's `ErrorCodes`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Code(pub(crate) u32, pub(crate) &'static str);

/// The codes that this face gives by itself; all others come from the engine.
pub(crate) mod code {
    use super::Code;

    pub(crate) const ATTEMPT_TO_READ_AFTER_EOF: Code = Code(32, "ATTEMPT_TO_READ_AFTER_EOF");
    pub(crate) const BAD_ARGUMENTS: Code = Code(36, "BAD_ARGUMENTS");
    pub(crate) const CHECKSUM_DOESNT_MATCH: Code = Code(40, "CHECKSUM_DOESNT_MATCH");
    pub(crate) const NOT_IMPLEMENTED: Code = Code(48, "NOT_IMPLEMENTED");
    pub(crate) const SYNTAX_ERROR: Code = Code(62, "SYNTAX_ERROR");
    pub(crate) const UNKNOWN_TYPE_OF_QUERY: Code = Code(78, "UNKNOWN_TYPE_OF_QUERY");
    pub(crate) const UNKNOWN_COMPRESSION_METHOD: Code = Code(89, "UNKNOWN_COMPRESSION_METHOD");
    pub(crate) const UNKNOWN_SETTING: Code = Code(115, "UNKNOWN_SETTING");
    pub(crate) const READONLY: Code = Code(164, "READONLY");
    pub(crate) const TOO_MANY_SIMULTANEOUS_QUERIES: Code = Code(202, "TOO_MANY_SIMULTANEOUS_QUERIES");
    pub(crate) const QUERY_IS_TOO_LARGE: Code = Code(229, "QUERY_IS_TOO_LARGE");
    pub(crate) const ABORTED: Code = Code(236, "ABORTED");
    pub(crate) const CANNOT_DECOMPRESS: Code = Code(271, "CANNOT_DECOMPRESS");
    pub(crate) const INTO_OUTFILE_NOT_ALLOWED: Code = Code(358, "INTO_OUTFILE_NOT_ALLOWED");
    pub(crate) const SESSION_NOT_FOUND: Code = Code(372, "SESSION_NOT_FOUND");
    pub(crate) const SESSION_IS_LOCKED: Code = Code(373, "SESSION_IS_LOCKED");
    pub(crate) const INVALID_SESSION_TIMEOUT: Code = Code(374, "INVALID_SESSION_TIMEOUT");
    pub(crate) const QUERY_WAS_CANCELLED: Code = Code(394, "QUERY_WAS_CANCELLED");
    pub(crate) const CANNOT_READ_BODY: Code = Code(1001, "STD_EXCEPTION");
    pub(crate) const UNKNOWN_EXCEPTION: Code = Code(1002, "UNKNOWN_EXCEPTION");
}

/// What a client sees when its query fails: `Code: 60. DB::Exception: … (UNKNOWN_TABLE)`.
#[derive(Debug, Clone)]
pub(crate) struct Exception {
    code: u32,
    text: String,
}

impl Exception {
    /// An error of the face itself, in the words' order of ClickHouse.
    pub(crate) fn new(code: Code, message: impl std::fmt::Display) -> Self {
        let Code(number, name) = code;
        Self { code: number, text: format!("Code: {number}. DB::Exception: {message}. ({name})") }
    }

    /// An error as the engine told it. Text without a code gets ClickHouse's 1002.
    pub(crate) fn from_engine(text: String) -> Self {
        // An error while reading an inserted file arrives wrapped in itself.
        let text = match text.split_once("DB::Exception: Code: ") {
            Some((head, tail)) if head.starts_with("Code: ") && head.len() < 16 => format!("Code: {tail}"),
            _ => text,
        };
        match code_of(&text) {
            Some(code) => Self { code, text },
            None => Self::new(code::UNKNOWN_EXCEPTION, text),
        }
    }

    /// ClickHouse's number, for `X-ClickHouse-Exception-Code`.
    pub(crate) fn code(&self) -> u32 {
        self.code
    }

    /// The whole sentence, without a line break at its end.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The status that ClickHouse's HTTP handler gives this code (its `exceptionCodeToHTTPStatus`).
    pub(crate) fn status(&self) -> StatusCode {
        match self.code {
            194 => StatusCode::UNAUTHORIZED,
            192 | 193 | 497 | 512 | 516 => StatusCode::FORBIDDEN,
            6
            | 8
            | 15
            | 25..=27
            | 36..=38
            | 41
            | 44
            | 53
            | 62
            | 72
            | 117
            | 123
            | 167
            | 168
            | 223
            | 321
            | 376
            | 427
            | 441
            | 675
            | 676 => StatusCode::BAD_REQUEST,
            46 | 47 | 50 | 56 | 60 | 63 | 73 | 78 | 81 | 115 | 152 | 336 | 511 => StatusCode::NOT_FOUND,
            159 => StatusCode::REQUEST_TIMEOUT,
            381 => StatusCode::LENGTH_REQUIRED,
            229 => StatusCode::PAYLOAD_TOO_LARGE,
            779 => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            48 => StatusCode::NOT_IMPLEMENTED,
            76 | 209 | 439 => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

fn code_of(text: &str) -> Option<u32> {
    let digits = text.strip_prefix("Code: ")?;
    digits[..digits.find('.')?].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_error_keeps_its_code_and_loses_its_wrapping() {
        let plain = Exception::from_engine("Code: 60. DB::Exception: no t. (UNKNOWN_TABLE)".into());
        assert_eq!((plain.code(), plain.status()), (60, StatusCode::NOT_FOUND));
        let wrapped = Exception::from_engine("Code: 27. DB::Exception: Code: 27. DB::Exception: bad. (X)".into());
        assert_eq!(wrapped.text(), "Code: 27. DB::Exception: bad. (X)");
        let bare = Exception::from_engine("No active streaming query".into());
        assert_eq!(bare.code(), 1002);
    }
}
