//! How long a partition that is behind will take until it is at the end of its log, at the pace that it has.

use std::collections::BTreeMap;

/// How much of the estimate each look renews.
const RENEWED: f64 = 0.1;
/// Events behind from which on it is said in the log, and how often, milliseconds.
const SAY_FROM: i64 = 10_000;
const SAY_EVERY_MS: i64 = 10_000;

/// The paces of the partitions of a process.
#[derive(Debug, Default)]
pub struct CatchUp {
    paces: BTreeMap<i32, Pace>,
}

#[derive(Debug)]
struct Pace {
    position: i64,
    looked_ms: i64,
    said_ms: i64,
    /// Events a second; none before there were two looks.
    rate: Option<f64>,
}

impl CatchUp {
    /// Notes how far a partition is; the seconds that it has left, 0 where nothing is, none where that is not known.
    pub fn note(&mut self, partition: i32, position: i64, behind: i64, now_ms: i64) -> Option<f64> {
        let first = Pace { position, looked_ms: now_ms, said_ms: now_ms, rate: None };
        let pace = self.paces.entry(partition).or_insert(first);
        if now_ms > pace.looked_ms {
            let now = (position - pace.position).max(0) as f64 * 1_000.0 / (now_ms - pace.looked_ms) as f64;
            pace.rate = Some(pace.rate.map_or(now, |rate| rate + (now - rate) * RENEWED));
            (pace.position, pace.looked_ms) = (position, now_ms);
        }
        if behind <= 0 {
            return Some(0.0);
        }
        let seconds = pace.rate.filter(|rate| *rate > 0.0).map(|rate| behind as f64 / rate);
        if let Some(seconds) = seconds.filter(|_| behind >= SAY_FROM && now_ms - pace.said_ms >= SAY_EVERY_MS) {
            tracing::info!(partition, position, behind, "catching up, about {seconds:.0} seconds left");
            pace.said_ms = now_ms;
        }
        seconds
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_follows_the_pace() {
        let mut catch_up = CatchUp::default();
        assert_eq!(catch_up.note(0, 100, 1_000, 0), None);
        assert_eq!(catch_up.note(0, 200, 900, 1_000), Some(9.0));
        // Another partition has a pace of its own.
        assert_eq!(catch_up.note(1, 200, 900, 1_000), None);
        let mut slower = None;
        for second in 2..60 {
            slower = catch_up.note(0, 200 + second * 10, 700, second * 1_000);
        }
        assert!((65.0..71.0).contains(&slower.unwrap()), "{slower:?}");
        assert_eq!(catch_up.note(0, 900, 0, 61_000), Some(0.0));
        // What was dropped is read again: it does not go backwards.
        assert!(catch_up.note(0, 0, 900, 62_000).unwrap() > 0.0);
    }
}
