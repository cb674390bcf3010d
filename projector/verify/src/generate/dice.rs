//! Random ids, instants, days and amounts from small pools.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tidemark_schemas::decimal::Decimal6;

/// First day of most histories: 2025-12-08; the pool spans new year, leap weeks and both zones' clock changes.
const FIRST_DAY: i32 = 20_430;
const DAYS: usize = 130;
const DAY_MS: i64 = 86_400_000;
const HALF_HOUR_MS: i64 = 1_800_000;

/// A seeded source of choices.
pub(super) struct Dice(ChaCha8Rng);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// 0 … `bound` − 1.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.0.random_range(0..bound.max(1))
    }

    pub(super) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub(super) fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    pub(super) fn text(&mut self, choices: &[&str]) -> String {
        self.one_of(choices).to_owned()
    }

    /// Something in seven of ten cases.
    pub(super) fn maybe<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.chance(70).then(|| make(self))
    }

    pub(super) fn maybe_text(&mut self, choices: &[&str]) -> Option<String> {
        self.maybe(|dice| dice.text(choices))
    }

    /// `PREFIX-1` … `PREFIX-count`; the last has the characters that keys are joined and escaped with.
    pub(super) fn id(&mut self, prefix: &str, count: usize) -> String {
        match self.below(count) + 1 {
            last if last == count => format!("{prefix}/{last}%"),
            number => format!("{prefix}-{number}"),
        }
    }

    pub(super) fn account_id(&mut self) -> String {
        self.id("A", 6)
    }

    pub(super) fn rep_id(&mut self) -> String {
        self.id("R", 4)
    }

    pub(super) fn account(&mut self) -> Option<String> {
        self.chance(85).then(|| self.account_id())
    }

    pub(super) fn rep(&mut self) -> Option<String> {
        self.chance(85).then(|| self.rep_id())
    }

    /// Often one of few instants, so that the order within an instant matters; often near a midnight.
    pub(super) fn instant(&mut self) -> i64 {
        let day = i64::from(self.day()) * DAY_MS;
        match self.below(10) {
            0..3 => i64::from(FIRST_DAY) * DAY_MS + self.below(8) as i64 * 7 * DAY_MS,
            3 => day - 1,
            _ => day + self.below(48) as i64 * HALF_HOUR_MS,
        }
    }

    pub(super) fn day(&mut self) -> i32 {
        match self.below(100) {
            // 1990-01-02, 2034-12-31 and a leap day.
            0 => self.one_of(&[7_306, 23_740, 19_782]),
            _ => FIRST_DAY + self.below(DAYS) as i32,
        }
    }

    /// How long after it happened something is entered: also before, and exactly a day.
    pub(super) fn entry_delay_ms(&mut self) -> i64 {
        self.one_of(&[-3_600_000, 0, 1, 60_000, 7_199_999, 86_400_000, 86_400_001, 1_000_000_000])
    }

    pub(super) fn amount(&mut self) -> Decimal6 {
        match self.below(200) {
            // The largest that ingest admits: products of these overflow, which takes one fact out of one KPI.
            0 => Decimal6(Decimal6::EVENT_LIMIT.0 - 1),
            1..20 => Decimal6::ZERO,
            20..40 => Decimal6(self.below(3_000_000) as i128),
            _ => Decimal6::from_int(self.below(12) as i64 * 100),
        }
    }

    pub(super) fn score(&mut self) -> Decimal6 {
        Decimal6(self.below(22) as i128 * 500_000)
    }

    pub(super) fn currency(&mut self) -> Option<String> {
        self.chance(40).then(|| self.text(&["CNY", "CNY", "USD", "EUR"]))
    }
}
