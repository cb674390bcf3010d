//! The companies whose events are sent: many, each in a known partition, so that every partition always has load.

use anyhow::{Context, Result, ensure};
use sha2::{Digest, Sha256};
use tidemark_schemas::{
    log::partition_of,
    tenant::{Access, Tenants},
};

/// Of all; what the histories' exchange rates lead to.
pub const CURRENCY: &str = "CNY";

/// One company.
pub struct Company {
    /// As in `tenants.toml`.
    pub name: String,
    /// The API key.
    pub key: String,
    /// Where it works.
    pub time_zone: &'static str,
    /// Where its events lie in the log.
    pub partition: i32,
    /// What the key gives.
    pub access: Access,
}

/// As many companies as asked for, the nth in partition n modulo the partitions and in time zone n modulo the time zones, and
/// the `tenants.toml` that knows them.
///
/// # Errors
/// No partition or no time zone is given, or one of them is none.
pub fn found(count: usize, partitions: i32, time_zones: &[&'static str]) -> Result<(Vec<Company>, String)> {
    ensure!(partitions > 0 && !time_zones.is_empty(), "companies need a partition and a time zone");
    let names: Vec<String> =
        (0..count).zip((0..partitions).cycle()).map(|(number, partition)| name(number, partition, partitions)).collect();
    let zone = |number: usize| time_zones[number % time_zones.len()];
    let entries = names.iter().enumerate().map(|(number, name)| {
        let sha256 = hash(&key(name));
        format!(
            "[tenant.{name}]\ntime_zone = \"{}\"\ncurrency = \"{CURRENCY}\"\nkeys = [{{ sha256 = \"{sha256}\", source = \"crm\" }}]\n",
            zone(number)
        )
    });
    let text: String = entries.collect();
    let tenants = Tenants::parse(&text)?;
    let company = |(number, name): (usize, String)| {
        let key = key(&name);
        let access = tenants.by_key_hash(&hash(&key)).context("a company without its key")?.clone();
        let partition = partition_of(&name, partitions);
        Ok(Company { name, key, time_zone: zone(number), partition, access })
    };
    let companies = names.into_iter().enumerate().map(company).collect::<Result<_>>()?;
    Ok((companies, text))
}

/// The first name of that number that lies in the partition.
fn name(number: usize, partition: i32, partitions: i32) -> String {
    let names = (0..).map(|attempt| format!("company-{number}-{attempt}"));
    let mut there = names.filter(|name| partition_of(name, partitions) == partition);
    there.next().unwrap_or_default()
}

fn key(name: &str) -> String {
    format!("key-of-{name}")
}

fn hash(key: &str) -> String {
    hex::encode(Sha256::digest(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn companies_take_turns_over_the_partitions() {
        let (companies, text) = found(14, 6, &["UTC"]).unwrap();
        let partitions: Vec<i32> = companies.iter().map(|company| company.partition).collect();
        assert_eq!(partitions, [0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5, 0, 1]);
        assert_eq!(Tenants::parse(&text).unwrap().iter().count(), 14);
    }
}
