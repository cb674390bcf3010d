//! The rows that reach the sink do not depend on where batches are cut, nor on crashes at every commit.

use tidemark_projector::{
    sink::MemorySink,
    state::{Lsm, Memory},
};
use tidemark_verify::generate;

use crate::organisation::{Crash, Organisation, log, project};

#[test]
fn rows_do_not_depend_on_batches_or_crashes() {
    let organisation = Organisation::new();
    for seed in 0..12 {
        let history = log(&generate::history(seed, 200));
        let mut seen = Vec::new();
        for size in [1, 7, 1000] {
            let sink = MemorySink::default();
            let mut partition = organisation.open(Memory::default());
            // Every batch is written once and lost before its commit, then made again.
            project(&mut partition, &sink, &history, &[size], |batch| (batch % 2 == 0).then_some(Crash::BeforeCommit));
            seen.push(sink.tables().without_watermarks());
        }
        assert_eq!(seen[0], seen[1], "seed {seed}: 1 and 7");
        assert_eq!(seen[0], seen[2], "seed {seed}: 1 and 1000");
    }
}

#[test]
fn the_state_on_disk_gives_what_the_twin_gives() {
    let organisation = Organisation::new();
    let directory = tempfile::tempdir().unwrap();
    let history = log(&generate::history(4, 300));
    let twin = MemorySink::default();
    project(&mut organisation.open(Memory::default()), &twin, &history, &[50], |_| None);

    let sink = MemorySink::default();
    // The process ends after each batch and the next opens the same directory.
    for end in (50..=300).step_by(50) {
        let lsm = Lsm::open(directory.path(), 1 << 20).unwrap();
        let mut partition = organisation.open(lsm.partition(0).unwrap());
        project(&mut partition, &sink, &history[..end], &[17], |_| None);
    }
    assert_eq!(sink.tables().facts(), twin.tables().facts());
    assert_eq!(sink.tables().cells(), twin.tables().cells());
    assert_eq!(sink.tables().values(), twin.tables().values());
}
