//! Everything that is left to chance, from one seed.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A seeded source of choices.
pub(super) struct Chance(ChaCha8Rng);

impl Chance {
    /// Tenants that share a seed have streams of their own.
    pub(super) fn new(seed: u64, stream: u64) -> Self {
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        generator.set_stream(stream);
        Self(generator)
    }

    /// 0 … 1, without 1.
    pub(super) fn share(&mut self) -> f64 {
        self.0.random()
    }

    /// True in so many of a hundred cases.
    pub(super) fn percent(&mut self, percent: u32) -> bool {
        self.per_mille(percent * 10)
    }

    /// True in so many of a thousand cases.
    pub(super) fn per_mille(&mut self, per_mille: u32) -> bool {
        self.0.random_range(0..1000) < per_mille
    }

    /// `low` … `high`, both included.
    pub(super) fn between(&mut self, low: i64, high: i64) -> i64 {
        self.0.random_range(low..=high.max(low))
    }

    /// 0 … `count` − 1.
    pub(super) fn below(&mut self, count: usize) -> usize {
        self.0.random_range(0..count.max(1))
    }

    pub(super) fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    /// One of the choices, by their weights.
    pub(super) fn weighted<T: Copy>(&mut self, choices: &[(u32, T)]) -> T {
        let total = choices.iter().map(|(weight, _)| weight).sum();
        let mut left = self.0.random_range(0..total);
        for (weight, choice) in choices {
            if left < *weight {
                return *choice;
            }
            left -= weight;
        }
        choices[0].1
    }

    /// Waiting times: many short, few long.
    pub(super) fn exponential(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.share()).ln()
    }

    /// How often something happens that happens `mean` times on average.
    pub(super) fn poisson(&mut self, mean: f64) -> u64 {
        let (mut count, mut left) = (0, mean);
        // The product of Knuth's method would underflow for a large mean; sums of waiting times do not.
        loop {
            left -= self.exponential(1.0);
            if left < 0.0 {
                return count;
            }
            count += 1;
        }
    }

    /// 0 … `count` − 1, where rank r has a weight of about 1/(r + 1): few are seen often, most seldom (Zipf, exponent 1).
    pub(super) fn zipf(&mut self, count: usize) -> usize {
        let rank = ((count + 1) as f64).powf(self.share());
        (rank as usize).saturating_sub(1).min(count.saturating_sub(1))
    }
}
