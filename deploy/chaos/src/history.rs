//! What a company's CRM sends: of two companies in three a simulated sales organisation, of the third an arbitrary history
//! with few ids that meet; each with duplicates, lateness, corrections and retractions, the same under the same seed.

use std::fs;

use anyhow::{Context, Result, ensure};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tidemark_ingest::read_event;
use tidemark_verify::generate;

use tidemark_stage::{Company, Stage, company::CURRENCY};

use crate::ndjson::write_line;

/// Events of one company: a from-scratch fold of them takes a fraction of a second.
const SIMULATED_EVENTS: usize = 3_000;
const ARBITRARY_EVENTS: usize = 600;
const BODY_EVENTS_MAX: usize = 200;
/// Of the events, on average over the companies.
pub const EVENTS_PER_COMPANY: usize = (2 * SIMULATED_EVENTS + ARBITRARY_EVENTS) / 3;
/// Days of a simulated organisation, and its sellers.
const DAYS: &str = "60";
const REPS: &str = "9";
/// After everything that happens in a history.
const NOW_MS: i64 = 1_780_000_000_000;

/// One request: lines of JSON, and the hash of each event as it must then stand in the log.
pub struct Body {
    pub lines: String,
    pub hashes: Vec<u128>,
}

/// Everything that one company sends, in order.
pub async fn bodies(stage: &Stage, company: &Company, seed: u64, number: usize) -> Result<Vec<Body>> {
    let seed = seed.wrapping_mul(1_000_003).wrapping_add(number as u64);
    let lines = if number % 3 == 2 { arbitrary(company, seed)? } else { simulated(stage, company, seed).await? };
    let mut chance = ChaCha8Rng::seed_from_u64(seed);
    // What ingest would refuse is left out: only what can be acknowledged can be lost.
    let valid = lines.lines().filter_map(|line| {
        let event = read_event(line, &company.access, NOW_MS).ok()?;
        Some((line, event.payload_hash()))
    });
    let mut valid = valid.peekable();
    let mut bodies = Vec::new();
    while valid.peek().is_some() {
        let (lines, hashes): (Vec<&str>, Vec<u128>) = valid.by_ref().take(chance.random_range(1..=BODY_EVENTS_MAX)).unzip();
        bodies.push(Body { lines: lines.join("\n"), hashes });
    }
    Ok(bodies)
}

fn arbitrary(company: &Company, seed: u64) -> Result<String> {
    let mut lines = String::new();
    for event in generate::history(seed, ARBITRARY_EVENTS) {
        write_line(&event, company.access.settings.time_zone, &mut lines)?;
    }
    Ok(lines)
}

/// By the product's own command.
async fn simulated(stage: &Stage, company: &Company, seed: u64) -> Result<String> {
    let output = stage.file(&format!("{}.ndjson", company.name));
    let (events, seed) = (SIMULATED_EVENTS.to_string(), seed.to_string());
    let mut simulate = stage.tidemark(&["simulate", "--events", &events, "--seed", &seed, "--days", DAYS, "--reps", REPS]);
    simulate.args(["--time-zone", company.time_zone, "--currency", CURRENCY, "--output"]).arg(&output).kill_on_drop(true);
    let done = simulate.output().await.context("cannot start `tidemark simulate`")?;
    ensure!(done.status.success(), "`tidemark simulate`: {}", String::from_utf8_lossy(&done.stderr));
    let lines = fs::read_to_string(&output)?;
    fs::remove_file(&output)?;
    Ok(lines)
}
