//! A sample: some of many keys, chosen by a hash of each, so that nothing has to be known of the others.

use std::str::FromStr;

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// How much is compared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Sample {
    /// Everything.
    All,
    /// About so many rows of each table.
    Rows(u64),
    /// About that share of the rows of each table, in 0 … 1.
    Share(f64),
}

/// The keys of a sample.
#[derive(Debug, Clone, Copy)]
pub struct Picked {
    /// Hashes up to this are in it.
    up_to: u64,
    seed: u64,
}

impl Sample {
    /// The sample of a table with so many rows. Another seed picks others.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of 0 … 1, saturating")]
    pub fn of(self, rows: usize, seed: u64) -> Picked {
        let share = match self {
            Self::All => 1.0,
            Self::Rows(wanted) => wanted as f64 / (rows.max(1) as f64),
            Self::Share(share) => share,
        };
        Picked { up_to: if share >= 1.0 { u64::MAX } else { (share * u64::MAX as f64) as u64 }, seed }
    }
}

impl Picked {
    /// Whether a key is in the sample.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        xxh3_64_with_seed(key.as_bytes(), self.seed) <= self.up_to
    }
}

impl FromStr for Sample {
    type Err = String;

    /// `1000` or `5%`.
    fn from_str(text: &str) -> Result<Self, String> {
        let refused = || format!("{text:?} is no sample: write a number of rows like 1000, or a share like 5%");
        match text.strip_suffix('%') {
            Some(percent) => {
                let percent: f64 = percent.parse().map_err(|_| refused())?;
                if (0.0..=100.0).contains(&percent) { Ok(Self::Share(percent / 100.0)) } else { Err(refused()) }
            }
            None => text.parse().map(Self::Rows).map_err(|_| refused()),
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that fails says where")]
mod tests {
    use super::*;

    #[test]
    fn about_as_much_as_was_asked_for_and_another_seed_other_keys() {
        let keys: Vec<String> = (0..10_000).map(|key| format!("D-{key}")).collect();
        let count = |sample: Sample, seed| keys.iter().filter(|key| sample.of(keys.len(), seed).has(key)).count();
        assert_eq!(count(Sample::All, 1), 10_000);
        assert!((400..600).contains(&count("5%".parse().unwrap(), 1)));
        assert!((900..1_100).contains(&count("1000".parse().unwrap(), 1)));
        assert_eq!(count("20000".parse().unwrap(), 1), 10_000);
        let both = |key: &&String| Sample::Share(0.5).of(0, 1).has(key) && Sample::Share(0.5).of(0, 2).has(key);
        assert!((2_300..2_700).contains(&keys.iter().filter(both).count()));
        for wrong in ["", "x", "-1", "101%", "5 %"] {
            assert!(wrong.parse::<Sample>().is_err(), "{wrong}");
        }
    }
}
