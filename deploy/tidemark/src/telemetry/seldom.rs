//! What Kafka's client says while a broker is away: every client of ours for every try. The same words once in a while are
//! enough, and leave room for what others have to say.

use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tracing::field::{Field, Visit};
use tracing::{Event, Metadata};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::{Context, Filter};

/// Whose lines these are.
const TARGET: &str = "librdkafka";
/// Between two lines with the same words.
const EVERY: Duration = Duration::from_secs(30);
/// Different words that are remembered.
const WORDS_MAX: usize = 256;
/// What differs from try to try comes after it.
const TIMES: &str = " (after ";

/// Lets a line of Kafka's client through where it says something new; all other lines always.
#[derive(Default)]
pub struct Seldom(Mutex<HashMap<String, Instant>>);

impl Seldom {
    fn is_due(&self, line: &str, now: Instant) -> bool {
        let words = line.split_once(TIMES).map_or(line, |(words, _)| words);
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if said.get(words).is_some_and(|last| now.duration_since(*last) < EVERY) {
            return false;
        }
        if said.len() >= WORDS_MAX {
            said.clear();
        }
        said.insert(words.to_owned(), now);
        true
    }
}

impl<S> Filter<S> for Seldom {
    fn enabled(&self, _: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        true
    }

    /// The other filters say what is wanted. With no word here everything would be: `log` would ask for the lines of every level, and
    /// DataFusion takes that for the wish to see its rows printed.
    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::TRACE)
    }

    fn event_enabled(&self, event: &Event<'_>, _: &Context<'_, S>) -> bool {
        let mut line = Line::default();
        // Lines that come by the crate `log` have it for a target, and their own in a field.
        if event.metadata().target() == "log" {
            event.record(&mut line);
        }
        !line.is_of_kafkas_client || self.is_due(&line.message, Instant::now())
    }
}

#[derive(Default)]
struct Line {
    is_of_kafkas_client: bool,
    message: String,
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.is_of_kafkas_client |= field.name() == "log.target" && value == TARGET;
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            self.message = format!("{value:?}");
        }
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::filter::FilterExt;
    use tracing_subscriber::{EnvFilter, Registry};

    use super::*;

    #[test]
    fn no_line_is_asked_for_that_would_not_be_written() {
        let hint = |filter: &str| {
            Filter::<Registry>::max_level_hint(&FilterExt::<Registry>::and(EnvFilter::new(filter), Seldom::default()))
        };
        assert_eq!(hint("info"), Some(LevelFilter::INFO));
        assert_eq!(hint("warn,tidemark_query=debug"), Some(LevelFilter::DEBUG));
    }

    #[test]
    fn the_same_words_are_said_once_in_a_while() {
        let (seldom, began) = (Seldom::default(), Instant::now());
        let at = |seconds: u64| began + Duration::from_secs(seconds);
        let refused = |broker: &str, ms: u64| {
            format!(
                "librdkafka: FAIL [thrd:{broker}]: {broker}: Connect failed: Connection refused (after {ms}ms in state CONNECT)"
            )
        };
        assert!(seldom.is_due(&refused("a:1", 0), at(0)));
        assert!(!seldom.is_due(&refused("a:1", 3), at(1)), "another client, another try");
        assert!(seldom.is_due(&refused("b:1", 0), at(2)), "another broker");
        assert!(seldom.is_due("librdkafka: FAIL [thrd:a:1]: a:1: Failed to resolve 'a:1'", at(3)), "another reason");
        assert!(!seldom.is_due(&refused("a:1", 0), at(29)));
        assert!(seldom.is_due(&refused("a:1", 0), at(30)), "it is still so");
    }
}
