//! The state on disk holds what its twin in memory holds, however big the commits are and whenever the process ends.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tempfile::TempDir;
use tidemark_projector::state::{Lsm, LsmPartition, Memory, State, Writes};

/// Keys that commits are about, so that they write over and remove what others wrote.
const KEYS: u32 = 60_000;
/// Changes of a commit; those of more than 10,000 do not go through the journal.
const SIZES: [u32; 6] = [1, 20, 12_000, 300, 30_000, 9_999];

/// Partitions of one database, which share its journal.
const PARTITIONS: usize = 3;

fn open(directory: &TempDir) -> Vec<LsmPartition> {
    let database = Lsm::open(directory.path(), 1 << 20).unwrap();
    (0..PARTITIONS).map(|partition| database.partition(partition as i32).unwrap()).collect()
}

/// Some changes, each key once.
fn writes(random: &mut ChaCha8Rng, size: u32) -> Writes {
    let (first, step) = (random.random_range(0..KEYS), 7);
    let mut change = |number: u32| {
        let key = format!("key-{:06}", (first + number * step) % KEYS).into_bytes();
        let value = random.random_bool(0.8).then(|| format!("{}", random.random_range(0..u64::MAX)).into_bytes());
        (key, value)
    };
    (0..size).map(&mut change).collect()
}

#[test]
fn commits_of_all_sizes_give_what_the_twin_gives() {
    let directory = tempfile::tempdir().unwrap();
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let mut disks = open(&directory);
    let mut twins: Vec<Memory> = (0..PARTITIONS).map(|_| Memory::default()).collect();
    let all = |state: &dyn State| state.view().collect::<Result<Vec<_>, _>>().unwrap();
    for round in 0..96 {
        let at = random.random_range(0..PARTITIONS);
        let (disk, twin) = (&mut disks[at], &mut twins[at]);
        if random.random_bool(0.15) {
            disk.clear().unwrap();
            twin.clear().unwrap();
        }
        let size = SIZES[random.random_range(0..SIZES.len())];
        let writes = writes(&mut random, size);
        disk.commit(writes.clone()).unwrap();
        twin.commit(writes).unwrap();
        let key = format!("key-{:06}", random.random_range(0..KEYS)).into_bytes();
        assert_eq!(disk.get(&key).unwrap(), twin.get(&key).unwrap(), "round {round}");
        assert!(all(disk) == all(twin), "round {round}, a commit of {size}");
        if random.random_bool(0.3) {
            // The process ends and the next one reads tables and journal again.
            drop(disks);
            disks = open(&directory);
            for (disk, twin) in disks.iter().zip(&twins) {
                assert!(all(disk) == all(twin), "after round {round}, read again");
            }
        }
    }
}
