//! Texts and numbers that PostgreSQL writes otherwise than DataFusion.

use datafusion::sql::sqlparser::ast::{Value, ValueWithSpan};

/// `1.5e3` without its exponent, which DataFusion would make a decimal of less than no digits behind the point.
pub(super) fn plain(number: &str) -> Option<String> {
    const ZEROS_MAX: usize = 38;
    let (digits, exponent) = number.split_once(['e', 'E'])?;
    let exponent = exponent.parse::<usize>().ok().filter(|zeros| *zeros <= ZEROS_MAX)?;
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let (shifted, rest) = part.split_at_checked(exponent).unwrap_or((part, ""));
    let zeros = "0".repeat(exponent - shifted.len());
    let point = if rest.is_empty() { "" } else { "." };
    Some(format!("{whole}{shifted}{zeros}{point}{rest}"))
}

/// `2026-01-01 08:00` is a time too.
pub(super) fn with_seconds(value: &mut ValueWithSpan) {
    const MINUTES: usize = "2026-01-01 08:00".len();
    let Value::SingleQuotedString(text) = &mut value.value else { return };
    let shape = |at: usize, is: fn(u8) -> bool| text.as_bytes().get(at).copied().is_some_and(is);
    let ends = text.len() == MINUTES || shape(MINUTES, |next| matches!(next, b'+' | b'-' | b'Z' | b' '));
    if ends && shape(10, |byte| matches!(byte, b' ' | b'T')) && shape(13, |byte| byte == b':') && text.is_ascii() {
        text.insert_str(MINUTES, ":00");
    }
}

/// The regular expression of a pattern for the whole of a text: `%` and `_` as in LIKE, `.`, `^` and `$` for themselves.
pub(super) fn regular(pattern: &str) -> String {
    let (mut regex, mut rest, mut is_class) = ("^(?s:".to_owned(), pattern.chars(), false);
    while let Some(next) = rest.next() {
        match next {
            '\\' => {
                if let Some(itself) = rest.next() {
                    if !itself.is_alphanumeric() {
                        regex.push('\\');
                    }
                    regex.push(itself);
                }
                continue;
            }
            '[' => is_class = true,
            ']' => is_class = false,
            _ => {}
        }
        match next {
            '%' if !is_class => regex.push_str(".*"),
            '_' if !is_class => regex.push('.'),
            '.' | '$' => regex.extend(['\\', next]),
            '^' if !is_class => regex.push_str("\\^"),
            _ => regex.push(next),
        }
    }
    regex + ")$"
}
