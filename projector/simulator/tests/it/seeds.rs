//! Seeds without a wrong read, with every fault in them; the same seed is the same run.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    thread,
};

use tidemark_simulator::{Company, Hits, Point, simulate};

/// Some seconds of seeds, or as many as `SIM_SEEDS` says.
fn seeds() -> u64 {
    std::env::var("SIM_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(1_000)
}

#[test]
fn no_read_is_wrong_and_every_fault_happens() {
    let company = Company::new(None).unwrap();
    let next = AtomicU64::new(1);
    let work = || {
        let mut hits = Hits::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed > seeds() {
                return hits;
            }
            let of_seed = simulate(&company, seed).unwrap_or_else(|wrong| panic!("seed {seed}: {wrong}"));
            assert!(of_seed.faults() >= 20, "seed {seed}");
            hits.add(&of_seed);
        }
    };
    let threads = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let all = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let mut all = Hits::default();
        workers.into_iter().for_each(|worker| all.add(&worker.join().unwrap()));
        all
    });
    let missed: Vec<_> = Point::ALL.iter().filter(|point| all.of(**point) == 0).collect();
    assert!(missed.is_empty(), "never hit: {missed:?}");
}

#[test]
fn a_seed_is_one_run() {
    let (one, another) = (Company::new(None).unwrap(), Company::new(None).unwrap());
    for seed in 1..4 {
        assert_eq!(simulate(&one, seed).unwrap(), simulate(&another, seed).unwrap(), "seed {seed}");
    }
}
