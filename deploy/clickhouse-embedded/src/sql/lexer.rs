//! Cuts SQL into words, strings and brackets, on bytes, so that data of any kind may follow an INSERT.

/// What a token is, as far as finding clauses needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A keyword, an unquoted identifier or a number.
    Word,
    /// An identifier in backticks or double quotes.
    Quoted,
    /// A string or a heredoc.
    Text,
    /// `(`, `[` or `{`.
    Open,
    /// `)`, `]` or `}`.
    Close,
    /// `;`
    Semicolon,
    /// Any other single byte.
    Symbol,
}

/// One token: where it stands and how many brackets are open around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) depth: usize,
}

impl Token {
    /// The token is this keyword, outside all brackets.
    pub(crate) fn is(&self, text: &[u8], keyword: &str) -> bool {
        self.kind == Kind::Word && self.depth == 0 && text[self.start..self.end].eq_ignore_ascii_case(keyword.as_bytes())
    }
}

/// Reads tokens lazily: what follows the last token asked for is never looked at.
pub(crate) struct Lexer<'a> {
    text: &'a [u8],
    at: usize,
    depth: usize,
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0, depth: 0 }
    }

    fn skip_blanks(&mut self) {
        loop {
            let rest = &self.text[self.at..];
            let skip = match rest {
                [b' ' | b'\t' | b'\r' | b'\n' | 0x0b | 0x0c, ..] => 1,
                [b'-', b'-', ..] | [b'#', b' ' | b'!', ..] => length_to(rest, b"\n"),
                [b'/', b'*', ..] => 2 + length_to(&rest[2..], b"*/"),
                _ => return,
            };
            self.at += skip;
        }
    }

    fn bracket(&mut self, kind: Kind) -> usize {
        match kind {
            Kind::Open => {
                self.depth += 1;
                self.depth - 1
            }
            Kind::Close => {
                self.depth = self.depth.saturating_sub(1);
                self.depth
            }
            _ => self.depth,
        }
    }
}

impl Iterator for Lexer<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        self.skip_blanks();
        let rest = &self.text[self.at..];
        let (kind, length) = match *rest.first()? {
            quote @ (b'`' | b'"') => (Kind::Quoted, quoted(rest, quote)),
            b'\'' => (Kind::Text, quoted(rest, b'\'')),
            b'$' => heredoc(rest).map_or((Kind::Symbol, 1), |length| (Kind::Text, length)),
            b'(' | b'[' | b'{' => (Kind::Open, 1),
            b')' | b']' | b'}' => (Kind::Close, 1),
            b';' => (Kind::Semicolon, 1),
            byte if is_word(byte) => (Kind::Word, rest.iter().position(|&byte| !is_word(byte)).unwrap_or(rest.len())),
            _ => (Kind::Symbol, 1),
        };
        let depth = self.bracket(kind);
        let token = Token { kind, start: self.at, end: self.at + length, depth };
        self.at = token.end;
        Some(token)
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// Length up to and with the first `end`; all of it when there is none.
fn length_to(text: &[u8], end: &[u8]) -> usize {
    text.windows(end.len()).position(|window| window == end).map_or(text.len(), |at| at + end.len())
}

/// Length of a quoted token with backslash escapes. A doubled quote reads as two tokens, which does not matter here.
fn quoted(text: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < text.len() {
        match text[at] {
            b'\\' => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    text.len()
}

/// `$tag$ … $tag$`.
fn heredoc(text: &[u8]) -> Option<usize> {
    let name = text[1..].iter().position(|&byte| !is_word(byte))?;
    let tag = text.get(..name + 2).filter(|tag| tag.ends_with(b"$"))?;
    Some(tag.len() + length_to(&text[tag.len()..], tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<&str> {
        Lexer::new(text.as_bytes()).map(|token| &text[token.start..token.end]).collect()
    }

    #[test]
    fn comments_and_strings_hide_what_they_hold() {
        assert_eq!(words("SELECT 'a;\\'b' -- ; c\n, `x;y` /* ; */ ;"), ["SELECT", "'a;\\'b'", ",", "`x;y`", ";"]);
        assert_eq!(words("SELECT $q$ ; ' $q$, $1"), ["SELECT", "$q$ ; ' $q$", ",", "$", "1"]);
        assert_eq!(words("'open"), ["'open"]);
        assert_eq!(words("'open\\"), ["'open\\"]);
    }

    #[test]
    fn depth_counts_the_brackets_around_a_token() {
        let depths: Vec<usize> = Lexer::new(b"a (b [c]) d").map(|token| token.depth).collect();
        assert_eq!(depths, [0, 0, 1, 1, 2, 1, 0, 0]);
    }
}
