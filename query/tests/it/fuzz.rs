//! Whatever is asked by SQL or sent to the port of the PostgreSQL wire: nothing panics, nothing of another tenant comes back, and the
//! next question is answered. For seconds here, for minutes by `cargo xtask fuzz`.

use std::{
    env, panic,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use rand::{RngExt, SeedableRng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;
use tidemark_query::Config;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::{
    federation::filled_with,
    fixture::{ACME, Fixture},
};

const SECONDS: u64 = 8;
/// Statements that are mutated: what our tests ask, and what BI tools send.
const SOURCES: [&str; 8] = [
    include_str!("corpus/questions.sql"),
    include_str!("clients/statements/dbeaver.sql"),
    include_str!("clients/statements/excel.sql"),
    include_str!("clients/statements/grafana.sql"),
    include_str!("clients/statements/metabase.sql"),
    include_str!("clients/statements/powerbi.sql"),
    include_str!("clients/statements/superset.sql"),
    include_str!("clients/statements/tableau.sql"),
];
/// What is put between their words.
const WORDS: [&str; 44] = [
    "SELECT",
    "FROM",
    "WHERE",
    "deals",
    "visits",
    "kpi_monthly",
    "attainment",
    "events",
    "freshness",
    "roster",
    "(",
    ")",
    ",",
    "*",
    "NULL",
    "''",
    "'SECRET'",
    "-1",
    "1e308",
    "99999999999999999999999999999999999999",
    "0",
    "/",
    "%",
    "||",
    "::int",
    "::date",
    "::text",
    "CASE WHEN",
    "END",
    "GROUP BY 1",
    "ORDER BY 1",
    "LIMIT 3",
    "OVER ()",
    "DISTINCT",
    "UNION ALL SELECT * FROM deals",
    "JOIN deals USING (deal_id)",
    "IN",
    "NOT",
    "explain_kpi('visits', NULL, NULL)",
    "open_pipeline('2026-01-31')",
    "unnest(ARRAY[1])",
    "INTERVAL '1 day'",
    "\u{0}",
    "é漢",
];

/// What only the other tenant's rows have.
const FOREIGN: &str = "verboten-42";

static PANICS: AtomicUsize = AtomicUsize::new(0);

/// Counts panics of any thread from now on, and says them as before. The crate pgwire reads beyond the end of a message that is shorter
/// than its kind (0.41, `Parse`, passwords and others): that ends the connection that sent it, and `is_well` says whether it ended more.
fn count_panics() {
    let say = panic::take_hook();
    panic::set_hook(Box::new(move |about| {
        let reads_messages = |file: &str| file.contains("/bytes-") || (file.contains("/pgwire-") && file.contains("/messages/"));
        if about.location().is_some_and(|place| reads_messages(place.file())) {
            return;
        }
        PANICS.fetch_add(1, Ordering::Relaxed);
        say(about);
    }));
}

struct Fuzzer {
    random: ChaCha8Rng,
    statements: Vec<Vec<String>>,
    until: Instant,
    cases: u64,
}

impl Fuzzer {
    fn start() -> Self {
        let seconds = env::var("FUZZ_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(SECONDS as f64);
        let seed = env::var("FUZZ_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or_else(|| rand::rng().random());
        eprintln!("FUZZ_SEED={seed}");
        let text = SOURCES.iter().flat_map(|source| source.lines()).filter(|line| !line.starts_with("--"));
        let text = text.collect::<Vec<_>>().join("\n");
        let statements = text.split(";\n").map(words).filter(|words| !words.is_empty()).collect();
        let until = Instant::now() + Duration::from_secs_f64(seconds);
        Self { random: ChaCha8Rng::seed_from_u64(seed), statements, until, cases: 0 }
    }

    fn goes_on(&mut self) -> bool {
        self.cases += 1;
        assert_eq!(PANICS.load(Ordering::Relaxed), 0, "see above");
        Instant::now() < self.until
    }

    fn statement(&mut self) -> String {
        let Self { random, statements, .. } = self;
        let mut words = statements.choose(random).cloned().unwrap_or_default();
        for _ in 0..random.random_range(0..5) {
            let place = random.random_range(0..=words.len());
            let word = WORDS.choose(random).copied().unwrap_or_default();
            let here = place.min(words.len().saturating_sub(1));
            match random.random_range(0..5) {
                _ if words.is_empty() => words.push(word.to_owned()),
                0 => drop(words.remove(here)),
                1 => words.insert(place, word.to_owned()),
                2 => word.clone_into(&mut words[here]),
                3 => {
                    let other = statements.choose(random).unwrap();
                    let from = random.random_range(0..other.len());
                    let to = random.random_range(from..other.len().min(from + 8));
                    words.splice(place..place, other[from..=to].iter().cloned());
                }
                _ => {
                    let other = random.random_range(0..words.len());
                    words.swap(other, here);
                }
            }
        }
        words.concat()
    }

    /// Bytes, some of which are others, missing or twice.
    fn broken(&mut self, mut bytes: Vec<u8>) -> Vec<u8> {
        for _ in 0..self.random.random_range(0..4) {
            if bytes.is_empty() {
                break;
            }
            let place = self.random.random_range(0..bytes.len());
            match self.random.random_range(0..5) {
                0 => bytes[place] = self.random.random(),
                1 => bytes.truncate(place),
                2 => bytes.insert(place, self.random.random()),
                3 => drop(bytes.remove(place)),
                _ => bytes[place] ^= 1 << self.random.random_range(0..8),
            }
        }
        bytes
    }
}

/// Words, signs and what is between them, so that together they are the text again.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for character in text.trim().chars() {
        let is_word = |character: char| character.is_alphanumeric() || character == '_';
        match words.last_mut() {
            Some(last) if is_word(character) && last.ends_with(is_word) => last.push(character),
            _ => words.push(character.to_string()),
        }
    }
    words
}

fn nothing_foreign(asked: &str, answered: &str) {
    // What an error repeats of the question is no secret.
    assert!(asked.contains(FOREIGN) || !answered.contains(FOREIGN), "{asked}\n{FOREIGN} in {answered}");
}

/// The corpus, with bounds that are soon reached, and a row that no answer may show.
async fn fixture() -> Option<Fixture> {
    let config = Config {
        time_ms_max: 2_000,
        rows_max: 5_000,
        rows_streamed_max: 5_000,
        memory_bytes_max: 256 << 20,
        ..Config::default()
    };
    let fixture = filled_with(config).await?;
    fixture
        .run(&format!(
            "INSERT INTO deals (generation, tenant, deal_id, product, rep_id, status, currency, opened_at, opened_on, version) \
             VALUES (1, 'other', '{FOREIGN}', '{FOREIGN}', '{FOREIGN}', 'won', 'EUR', '2026-01-05 10:00:00', '2026-01-05', 1)"
        ))
        .await;
    Some(fixture)
}

async fn is_well(fixture: &Fixture) {
    let (status, answer) = fixture.sql(ACME, "SELECT count(*) AS n FROM deals").await;
    assert_eq!(status, 200, "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sql() {
    let Some(fixture) = fixture().await else { return };
    count_panics();
    let mut fuzzer = Fuzzer::start();
    while fuzzer.goes_on() {
        let question = fuzzer.statement();
        let (status, answer) = fixture.sql(ACME, &question).await;
        nothing_foreign(&question, &answer.to_string());
        assert_ne!(status, 401, "{question}");
        if fuzzer.cases.is_multiple_of(100) {
            is_well(&fixture).await;
        }
    }
    is_well(&fixture).await;
    eprintln!("{} statements", fuzzer.cases);
}

fn message(kind: &[u8], body: &[u8]) -> Vec<u8> {
    [kind, &u32::try_from(body.len() + 4).unwrap().to_be_bytes(), body].concat()
}

/// What a client sends from its connection on: a start-up message, its key, and questions by both protocols.
fn conversation(fuzzer: &mut Fuzzer) -> Vec<u8> {
    let text = |text: &str| [text.as_bytes(), &[0]].concat();
    let protocol = *[196_608_u32, 196_610, 80_877_102, 80_877_103, 80_877_104, 131_072].choose(&mut fuzzer.random).unwrap();
    let protocol = if fuzzer.random.random_bool(0.7) { 196_608 } else { protocol };
    let pairs = ["user", "acme", "database", "tidemark", "options", "-c statement_timeout=100", "application_name", "fuzz"];
    let pairs = pairs.map(text).concat();
    let start = message(&[], &[&protocol.to_be_bytes()[..], &pairs, &[0]].concat());
    let mut sent = vec![start, message(b"p", &text(ACME))];
    for _ in 0..fuzzer.random.random_range(0..4) {
        let sql = text(&fuzzer.statement());
        if fuzzer.random.random_bool(0.5) {
            sent.push(message(b"Q", &sql));
        } else {
            let bind = [&b"p\0s\0"[..], &[0; 6]].concat();
            sent.push(message(b"P", &[b"s\0", &sql[..], &[0, 0]].concat()));
            sent.extend([message(b"B", &bind), message(b"D", b"Pp\0"), message(b"E", b"p\0\0\0\0\x05"), message(b"S", b"")]);
        }
    }
    sent.push(message(b"X", b""));
    sent.concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn wire() {
    let Some(fixture) = fixture().await else { return };
    count_panics();
    let mut fuzzer = Fuzzer::start();
    while fuzzer.goes_on() {
        let sent = conversation(&mut fuzzer);
        let sent = if fuzzer.random.random_bool(0.8) { fuzzer.broken(sent) } else { sent };
        let mut socket = TcpStream::connect(fixture.postgres).await.unwrap();
        let mut answered = Vec::new();
        // Whoever is refused is cut off while it still speaks; whoever waits for more than it will get is left waiting.
        let _cut_off = socket.write_all(&sent).await;
        let _left_waiting = timeout(Duration::from_millis(300), socket.read_to_end(&mut answered)).await;
        nothing_foreign(&String::from_utf8_lossy(&sent), &String::from_utf8_lossy(&answered));
        if fuzzer.cases.is_multiple_of(50) {
            is_well(&fixture).await;
        }
    }
    is_well(&fixture).await;
    eprintln!("{} conversations", fuzzer.cases);
}
