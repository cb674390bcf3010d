//! PostgreSQL's letters of a time, which are not chrono's: DataFusion would take what it does not know for the text itself.

/// Patterns of a time in PostgreSQL and in chrono, the longer before those that they begin with.
const TIME_PATTERNS: [(&str, &str); 27] = [
    ("IYYY", "%G"),
    ("YYYY", "%Y"),
    ("YY", "%y"),
    ("FMMonth", "%B"),
    ("Month", "%B"),
    ("Mon", "%b"),
    ("FMMM", "%-m"),
    ("MM", "%m"),
    ("FMDD", "%-d"),
    ("DDD", "%j"),
    ("DD", "%d"),
    ("FMDay", "%A"),
    ("Day", "%A"),
    ("Dy", "%a"),
    ("ID", "%u"),
    ("Q", "%q"),
    ("IW", "%V"),
    ("HH24", "%H"),
    ("HH12", "%I"),
    ("HH", "%I"),
    ("MI", "%M"),
    ("SS", "%S"),
    (".US", "%.6f"),
    (".MS", "%.3f"),
    ("AM", "%p"),
    ("PM", "%p"),
    ("OF", "%:z"),
];

/// `YYYY-MM-DD HH24:MI:SS.US` as chrono writes it; none where a letter is left that chrono would take for itself.
pub(super) fn time_format(format: &str) -> Option<String> {
    let (mut ours, mut rest) = (String::new(), format);
    while let Some(next) = rest.chars().next() {
        if let Some(quoted) = rest.strip_prefix('"') {
            let (text, after) = quoted.split_once('"')?;
            ours.push_str(text);
            rest = after;
        } else if let Some((theirs, chrono)) = TIME_PATTERNS.iter().find(|pattern| begins(rest, pattern)) {
            ours.push_str(chrono);
            rest = &rest[theirs.len()..];
        } else if next.is_alphanumeric() {
            return None;
        } else {
            ours.push(next);
            rest = &rest[next.len_utf8()..];
        }
    }
    Some(ours)
}

/// Names are written as the pattern is; numbers have no capital letters.
fn begins(format: &str, (theirs, chrono): &(&str, &str)) -> bool {
    let is_name = matches!(*chrono, "%B" | "%b" | "%A" | "%a" | "%p");
    format.get(..theirs.len()).is_some_and(|begin| begin == *theirs || !is_name && begin.eq_ignore_ascii_case(theirs))
}

/// What there is, for whoever wrote something else.
pub(super) fn known() -> String {
    TIME_PATTERNS.map(|(theirs, _)| theirs).join(", ")
}
