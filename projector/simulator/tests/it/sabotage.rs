//! Without any one of its protections the projector is wrong within few seeds, so each of them is watched.

use tidemark_projector::sabotage::Sabotage;
use tidemark_simulator::{Company, simulate};

/// Within how many seeds.
const SEEDS_MAX: u64 = 500;

#[test]
fn every_sabotage_is_found() {
    for sabotage in Sabotage::ALL {
        let company = Company::new(Some(*sabotage)).unwrap();
        let found = (1..=SEEDS_MAX).find_map(|seed| Some((seed, simulate(&company, seed).err()?)));
        let (seed, wrong) = found.unwrap_or_else(|| panic!("{} was not found in {SEEDS_MAX} seeds", sabotage.name()));
        eprintln!("{}: seed {seed}: {}", sabotage.name(), wrong.lines().next().unwrap_or_default());
    }
}
