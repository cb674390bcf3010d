//! Finds the clauses that decide how a statement travels: an INSERT's data and where its file goes, a SELECT's format
//! and where its pipe goes. It does not judge SQL: the engine's own parser does (`Connection::classify`).

mod lexer;

use lexer::{Kind, Lexer, Token};

/// A statement, as far as its transport goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Statement {
    /// An INSERT that takes data.
    Insert(Insert),
    /// A query whose answer can stream.
    Select(Select),
    /// Anything else; its answer is small.
    Other {
        /// The name in its FORMAT clause.
        format: Option<String>,
    },
    /// It would read or write a file of the server (`FROM INFILE`, `INTO OUTFILE`).
    ServerFile,
    /// `INSERT … SELECT … FROM input(…) FORMAT x` and its data.
    InsertFromInput,
}

/// An INSERT with data: `INSERT INTO t (a) | SETTINGS x = 1 | FORMAT CSV | data`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Insert {
    /// Where `FROM INFILE` goes.
    file_at: usize,
    /// Where `FORMAT` or `VALUES` begins.
    format_at: usize,
    /// The format that the statement names; `VALUES` is `Values`.
    pub(crate) format: Option<String>,
    /// Where data begins in the text; its end when there is none.
    pub(crate) data_at: usize,
}

/// A query with an answer: `SELECT 1 | FORMAT CSV SETTINGS x = 1 ;`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Select {
    /// Where `INTO OUTFILE` goes, and after it `FORMAT`.
    pipe_at: usize,
    /// Where the SETTINGS after the query begin and end; both are `pipe_at`'s neighbours when there are none.
    settings: (usize, usize),
    /// The format that the query names.
    pub(crate) format: Option<String>,
}

impl Statement {
    /// Reads the first statement of `text`, up to an INSERT's data.
    pub(crate) fn read(text: &[u8]) -> Self {
        let first = Lexer::new(text).find(|token| token.kind != Kind::Open);
        match first {
            Some(token) if token.is(text, "INSERT") => read_insert(text),
            Some(token) if ["SELECT", "WITH", "FROM"].iter().any(|word| token_is(text, &token, word)) => read_select(text, true),
            _ => read_select(text, false),
        }
    }
}

impl Insert {
    /// The statement with its data in the file at `path`.
    pub(crate) fn with_file(&self, text: &[u8], path: &str, format: &str) -> Vec<u8> {
        let file = format!(" FROM INFILE '{path}' COMPRESSION 'none' ");
        let format = format!(" FORMAT {format}");
        [&text[..self.file_at], file.as_bytes(), &text[self.file_at..self.format_at], format.as_bytes()].concat()
    }
}

impl Select {
    /// The query with its answer going to the pipe at `path`.
    pub(crate) fn with_pipe(&self, text: &[u8], path: &str, format: &str) -> Vec<u8> {
        let pipe = format!(" INTO OUTFILE '{path}' APPEND COMPRESSION 'none' FORMAT {format} ");
        [&text[..self.pipe_at], pipe.as_bytes(), &text[self.settings.0..self.settings.1]].concat()
    }
}

/// The data of VALUES goes on after its semicolon: the engine would pass the rest over in silence.
pub(crate) fn values_go_on(data: &[u8]) -> bool {
    let ended = |token: &Token| token.kind == Kind::Semicolon;
    data.contains(&b';') && Lexer::new(data).skip_while(|token| !ended(token)).any(|token| !ended(&token))
}

fn token_is(text: &[u8], token: &Token, word: &str) -> bool {
    token.kind == Kind::Word && text[token.start..token.end].eq_ignore_ascii_case(word.as_bytes())
}

fn name(text: &[u8], token: &Token) -> String {
    String::from_utf8_lossy(&text[token.start..token.end]).into_owned()
}

/// `INSERT [INTO] [TABLE] target [(columns)] [SETTINGS …] (VALUES | FORMAT x | SELECT …) data`.
fn read_insert(text: &[u8]) -> Statement {
    let mut tokens = Lexer::new(text).peekable();
    let mut last = tokens.next().expect("the caller saw INSERT");
    let mut file_at = None;
    skip_target(text, &mut tokens, &mut last);
    while let Some(token) = tokens.next() {
        let clause = ["SETTINGS", "VALUES", "FORMAT"].iter().any(|word| token.is(text, word));
        if clause {
            file_at.get_or_insert(token.start);
        }
        let insert = |format: String, data_at: usize| {
            Statement::Insert(Insert {
                file_at: file_at.unwrap_or(token.start),
                format_at: token.start,
                format: Some(format),
                data_at,
            })
        };
        if token.is(text, "VALUES") {
            return insert("Values".into(), token.end);
        }
        if token.is(text, "FORMAT")
            && let Some(format) = tokens.next()
        {
            return insert(name(text, &format), data_after_format(text, format.end));
        }
        let select_in_brackets =
            token.kind == Kind::Word && token.depth > 0 && text[last.start] == b'(' && is_select(text, &token);
        if select_in_brackets || (token.depth == 0 && is_select(text, &token)) {
            return read_insert_select(text);
        }
        if token.is(text, "FROM") && tokens.peek().is_some_and(|next| next.is(text, "INFILE")) {
            return Statement::ServerFile;
        }
        if token.kind == Kind::Semicolon {
            return after_semicolon(text, &last, file_at, tokens.next().is_none());
        }
        last = token;
    }
    after_semicolon(text, &last, file_at, true)
}

/// An INSERT that ends without naming a format, unless another statement follows.
fn after_semicolon(text: &[u8], last: &Token, file_at: Option<usize>, alone: bool) -> Statement {
    if !alone {
        return Statement::Other { format: None };
    }
    let file_at = file_at.unwrap_or(last.end);
    Statement::Insert(Insert { file_at, format_at: last.end, format: None, data_at: text.len() })
}

fn is_select(text: &[u8], token: &Token) -> bool {
    token_is(text, token, "SELECT") || token_is(text, token, "WITH") || token_is(text, token, "WATCH")
}

/// Passes the table's name, which may itself be `values` or `format`.
fn skip_target(text: &[u8], tokens: &mut std::iter::Peekable<Lexer<'_>>, last: &mut Token) {
    for keyword in ["INTO", "TABLE", "FUNCTION"] {
        if let Some(token) = tokens.next_if(|token| token.is(text, keyword)) {
            *last = token;
        }
    }
    let is_name = |token: &Token| matches!(token.kind, Kind::Word | Kind::Quoted);
    while let Some(token) = tokens.next_if(is_name) {
        *last = token;
        match tokens.next_if(|token| &text[token.start..token.end] == b".") {
            Some(dot) => *last = dot,
            None => return,
        }
    }
}

/// Data begins after the blanks that follow the format's name and one line break, as in ClickHouse's parser.
fn data_after_format(text: &[u8], end: usize) -> usize {
    let blanks = text[end..].iter().take_while(|byte| matches!(byte, b' ' | b'\t' | 0x0c)).count();
    let mut at = end + blanks;
    for byte in [b';', b'\r', b'\n'] {
        at += usize::from(text.get(at) == Some(&byte));
    }
    at
}

/// `INSERT … SELECT` takes no data, except from the table function `input`.
fn read_insert_select(text: &[u8]) -> Statement {
    let tokens: Vec<Token> = Lexer::new(text).collect();
    let input = |pair: &[Token]| token_is(text, &pair[0], "input") && text[pair[1].start] == b'(';
    match tokens.windows(2).any(input) {
        true => Statement::InsertFromInput,
        false => Statement::Other { format: None },
    }
}

/// Finds a query's end, its last FORMAT and the SETTINGS around it.
fn read_select(text: &[u8], streams: bool) -> Statement {
    let tokens: Vec<Token> = Lexer::new(text).collect();
    let end = tokens.iter().position(|token| token.kind == Kind::Semicolon).unwrap_or(tokens.len());
    let tokens = &tokens[..end];
    if tokens.windows(2).any(|pair| pair[0].is(text, "INTO") && pair[1].is(text, "OUTFILE")) {
        return Statement::ServerFile;
    }
    let at = |index: usize| tokens.get(index).map_or_else(|| tokens.last().map_or(0, |last| last.end), |token| token.start);
    let text_end = tokens.last().map_or(0, |token| token.end);
    let format = (0..tokens.len().saturating_sub(1)).rev().find(|&index| {
        tokens[index].is(text, "FORMAT")
            && tokens[index + 1].kind == Kind::Word
            && tokens.get(index + 2).is_none_or(|next| next.is(text, "SETTINGS"))
    });
    let format_name = format.map(|index| name(text, &tokens[index + 1]));
    if !streams {
        return Statement::Other { format: format_name };
    }
    let settings = match format {
        Some(index) => index + 2,
        None => trailing_settings(text, tokens),
    };
    let pipe = format.unwrap_or(settings);
    let pipe_at = pipe.checked_sub(1).map_or(0, |before| tokens[before].end);
    Statement::Select(Select { pipe_at, settings: (at(settings), text_end), format: format_name })
}

/// The index of SETTINGS after which no other query part follows; the number of tokens when there is none.
fn trailing_settings(text: &[u8], tokens: &[Token]) -> usize {
    let parts = ["UNION", "INTERSECT", "EXCEPT", "SELECT"];
    tokens
        .iter()
        .rposition(|token| token.is(text, "SETTINGS"))
        .filter(|&at| !tokens[at..].iter().any(|token| parts.iter().any(|part| token.is(text, part))))
        .unwrap_or(tokens.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn insert(text: &str) -> (String, Option<String>, String) {
        match Statement::read(text.as_bytes()) {
            Statement::Insert(insert) => {
                let format = insert.format.clone().unwrap_or_else(|| "?".into());
                let sql = insert.with_file(text.as_bytes(), "f", &format);
                (String::from_utf8(sql).unwrap(), insert.format.clone(), text[insert.data_at..].to_owned())
            }
            other => panic!("{text}: {other:?}"),
        }
    }

    fn select(text: &str) -> String {
        match Statement::read(text.as_bytes()) {
            Statement::Select(select) => {
                let format = select.format.clone().unwrap_or_else(|| "?".into());
                String::from_utf8(select.with_pipe(text.as_bytes(), "p", &format)).unwrap()
            }
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn an_insert_gives_up_its_data() {
        let file = " FROM INFILE 'f' COMPRESSION 'none' ";
        let (sql, format, data) = insert("INSERT INTO t VALUES (1),('a;\n\nb')");
        assert_eq!((sql.as_str(), data.as_str()), (&*format!("INSERT INTO t {file} FORMAT Values"), " (1),('a;\n\nb')"));
        assert_eq!(format.as_deref(), Some("Values"));
        let (sql, _, data) = insert("insert into `a b`.t (x, `format`) settings y = 1 format CSV \r\n\n1");
        assert_eq!(sql, format!("insert into `a b`.t (x, `format`) {file}settings y = 1  FORMAT CSV"));
        assert_eq!(data, "\n1");
        let (sql, _, data) = insert("INSERT INTO values(a) FORMAT JSONEachRow {\"a\": \"FORMAT x\"}");
        assert_eq!(
            (sql.as_str(), data.as_str()),
            (&*format!("INSERT INTO values(a) {file} FORMAT JSONEachRow"), "{\"a\": \"FORMAT x\"}")
        );
        let (sql, format, data) = insert("INSERT INTO {t:Identifier} (a) -- note");
        assert_eq!(
            (sql.as_str(), format, data.as_str()),
            (&*format!("INSERT INTO {{t:Identifier}} (a){file} FORMAT ?"), None, "")
        );
        let (sql, _, data) = insert("INSERT INTO FUNCTION null('a Int8') VALUES (1)");
        assert_eq!(
            (sql.as_str(), data.as_str()),
            (&*format!("INSERT INTO FUNCTION null('a Int8') {file} FORMAT Values"), " (1)")
        );
    }

    #[test]
    fn values_end_at_their_semicolon() {
        assert!(!values_go_on(b"(1, 'a; b'), ('it''s; c') ; -- the end"));
        assert!(values_go_on(b"(1); SELECT 1"));
    }

    #[test]
    fn an_insert_without_data_is_left_alone() {
        let other = Statement::Other { format: None };
        assert_eq!(Statement::read(b"INSERT INTO t SELECT format FROM u"), other);
        assert_eq!(Statement::read(b"INSERT INTO t (SELECT 1)"), other);
        assert_eq!(Statement::read(b"INSERT INTO t; SELECT 1"), other);
        assert_eq!(Statement::read(b"INSERT INTO t FROM INFILE 'x' FORMAT CSV"), Statement::ServerFile);
        assert_eq!(Statement::read(b"INSERT INTO t SELECT a FROM input('a Int8') FORMAT CSV\n1"), Statement::InsertFromInput);
    }

    #[test]
    fn a_query_gets_its_pipe_before_format_and_settings() {
        let pipe = " INTO OUTFILE 'p' APPEND COMPRESSION 'none' FORMAT ";
        assert_eq!(select("SELECT 1 -- note"), format!("SELECT 1{pipe}? "));
        assert_eq!(select("SELECT 1 AS format;"), format!("SELECT 1 AS format{pipe}? "));
        assert_eq!(select("SELECT 1 format JSON settings a=1 ;"), format!("SELECT 1{pipe}JSON settings a=1"));
        assert_eq!(
            select("(SELECT 1) UNION ALL (SELECT 2) SETTINGS a=1"),
            format!("(SELECT 1) UNION ALL (SELECT 2){pipe}? SETTINGS a=1")
        );
        assert_eq!(
            select("SELECT 1 SETTINGS a=1 UNION ALL SELECT 2"),
            format!("SELECT 1 SETTINGS a=1 UNION ALL SELECT 2{pipe}? ")
        );
        assert_eq!(Statement::read(b"SELECT 1 INTO OUTFILE 'x'"), Statement::ServerFile);
        assert_eq!(Statement::read(b"SHOW TABLES FORMAT JSON"), Statement::Other { format: Some("JSON".into()) });
    }
}
