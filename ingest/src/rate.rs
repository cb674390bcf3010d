//! How many events a key may send: so many a second, with a second's credit. A body is never cut: a large one is taken
//! whole and paid off before the next, so that any limit lets every body through and holds over time.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// What an idle key may send at once.
const CREDIT: Duration = Duration::from_secs(1);

/// The rate of every key. Keys are those of tenants.toml, so that there are never many.
pub(crate) struct RateLimit {
    /// 0: no limit.
    events_per_second_max: u64,
    /// Until when what a key has sent would have taken it at its rate.
    paid_until: Mutex<HashMap<String, Duration>>,
}

impl RateLimit {
    pub(crate) fn new(events_per_second_max: u64) -> Self {
        Self { events_per_second_max, paid_until: Mutex::default() }
    }

    pub(crate) fn events_per_second_max(&self) -> u64 {
        self.events_per_second_max
    }

    /// Whether the key may send a body at `now`.
    ///
    /// # Errors
    /// How long it has to wait.
    pub(crate) fn admit(&self, key: &str, now: Duration) -> Result<(), Duration> {
        let paid_until = self.paid_until.lock().unwrap_or_else(PoisonError::into_inner);
        match paid_until.get(key).map(|paid_until| paid_until.saturating_sub(now)) {
            Some(ahead) if ahead >= CREDIT => Err(ahead.saturating_sub(CREDIT)),
            _ => Ok(()),
        }
    }

    /// Counts what an admitted body had in it.
    pub(crate) fn charge(&self, key: &str, events: usize, now: Duration) {
        if self.events_per_second_max == 0 {
            return;
        }
        let nanos =
            u128::try_from(events).unwrap_or(u128::MAX).saturating_mul(1_000_000_000) / u128::from(self.events_per_second_max);
        let costs = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        let mut all = self.paid_until.lock().unwrap_or_else(PoisonError::into_inner);
        let paid_until = all.entry(key.to_owned()).or_default();
        *paid_until = (*paid_until).max(now).saturating_add(costs);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Duration = Duration::from_secs(1_000);

    fn at(ms: u64) -> Duration {
        START + Duration::from_millis(ms)
    }

    #[test]
    fn a_second_of_credit_then_the_rate() {
        let rate = RateLimit::new(10);
        for sent in 0..10 {
            assert_eq!(rate.admit("a", at(0)), Ok(()), "{sent}");
            rate.charge("a", 1, at(0));
        }
        assert_eq!(rate.admit("a", at(0)), Err(Duration::ZERO), "the credit is used up");
        assert_eq!(rate.admit("b", at(0)), Ok(()), "every key has its own");
        let mut sent = 0;
        for ms in 1..=10_000 {
            if rate.admit("a", at(ms)).is_ok() {
                rate.charge("a", 1, at(ms));
                sent += 1;
            }
        }
        assert_eq!(sent, 100, "ten a second for ten seconds");
        assert_eq!(rate.admit("a", at(3_600_000)), Ok(()));
    }

    #[test]
    fn a_large_body_is_taken_and_paid_off() {
        let rate = RateLimit::new(100);
        rate.charge("a", 1_000, at(0));
        assert_eq!(rate.admit("a", at(0)), Err(Duration::from_secs(9)));
        assert_eq!(rate.admit("a", at(8_000)), Err(Duration::from_secs(1)));
        assert_eq!(rate.admit("a", at(9_001)), Ok(()));
        rate.charge("a", usize::MAX, at(9_001));
        assert!(rate.admit("a", at(10_000)).is_err());
    }

    #[test]
    fn no_limit() {
        let rate = RateLimit::new(0);
        rate.charge("a", usize::MAX, at(0));
        assert_eq!(rate.admit("a", at(0)), Ok(()));
    }
}
