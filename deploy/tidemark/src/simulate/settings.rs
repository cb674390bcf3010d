//! What an organisation is simulated from: the same settings give the same events.

use chrono::NaiveDate;
use chrono_tz::Tz;

/// One tenant's simulation.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How many events in all, imperfections included.
    pub events: u64,
    /// How many sellers.
    pub reps: usize,
    /// First day.
    pub from: NaiveDate,
    /// How many days, weekends included.
    pub days: u32,
    /// What decides everything that is left to chance.
    pub seed: u64,
    /// Which of the tenants that share a seed.
    pub tenant: u64,
    /// The tenant's time zone.
    pub time_zone: Tz,
    /// The tenant's currency.
    pub currency: String,
}
