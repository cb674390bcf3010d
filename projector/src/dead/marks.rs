//! How far the topic was read, and until when a count of letters is complete. A count is only said with the second.

use std::collections::BTreeMap;

/// Of one partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Mark {
    /// Every record before it is in the table.
    pub next_offset: i64,
    /// Everything that was there at this instant is in the table, milliseconds UTC; none until the end was reached once.
    pub complete_at: Option<i64>,
}

/// The marks, and the ends that are being read towards.
#[derive(Default)]
pub struct Marks {
    by_partition: BTreeMap<i32, Mark>,
    /// The end of a partition when it was looked at, and when that was.
    towards: BTreeMap<i32, (i64, i64)>,
}

impl Marks {
    pub fn new(known: BTreeMap<i32, Mark>) -> Self {
        Self { by_partition: known, towards: BTreeMap::new() }
    }

    /// The next offsets of all partitions.
    pub fn next_offsets(&self, partitions: i32) -> Vec<i64> {
        (0..partitions).map(|partition| self.by_partition.get(&partition).map_or(0, |mark| mark.next_offset)).collect()
    }

    /// The table holds everything before `next_offset`.
    pub fn written(&mut self, partition: i32, next_offset: i64) {
        let mark = self.by_partition.entry(partition).or_default();
        mark.next_offset = mark.next_offset.max(next_offset);
        self.arrive(partition);
    }

    /// The partition holds the records of `low..high` at `now`.
    pub fn looked(&mut self, partition: i32, (low, high): (i64, i64), now: i64) {
        let mark = self.by_partition.entry(partition).or_default();
        // What the broker has deleted will never come.
        mark.next_offset = mark.next_offset.max(low);
        if mark.next_offset > high {
            tracing::warn!(
                partition,
                next_offset = mark.next_offset,
                high,
                "crm.dead is shorter than it was; its letters are not counted"
            );
            self.towards.remove(&partition);
            return;
        }
        self.towards.entry(partition).or_insert((high, now));
        self.arrive(partition);
    }

    fn arrive(&mut self, partition: i32) {
        let mark = self.by_partition.entry(partition).or_default();
        if let Some((_, at)) = self.towards.get(&partition).copied().filter(|(end, _)| mark.next_offset >= *end) {
            mark.complete_at = Some(at);
            self.towards.remove(&partition);
        }
    }

    /// Those of these partitions.
    pub fn of(&self, partitions: &[i32]) -> BTreeMap<i32, Mark> {
        self.by_partition.iter().filter(|(partition, _)| partitions.contains(partition)).map(|(p, mark)| (*p, *mark)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(marks: &Marks) -> (i64, Option<i64>) {
        marks.by_partition.get(&0).map(|mark| (mark.next_offset, mark.complete_at)).unwrap()
    }

    #[test]
    fn complete_is_what_was_there_when_looked() {
        let mut marks = Marks::default();
        marks.looked(0, (0, 3), 100);
        assert_eq!(mark(&marks), (0, None));
        marks.written(0, 2);
        marks.looked(0, (0, 9), 200);
        assert_eq!(mark(&marks), (2, None), "the first end is still ahead");
        marks.written(0, 5);
        assert_eq!(mark(&marks), (5, Some(100)));
        marks.looked(0, (0, 5), 300);
        assert_eq!(mark(&marks), (5, Some(300)));
        marks.looked(0, (0, 2), 400);
        assert_eq!(mark(&marks), (5, Some(300)), "another topic of the same name is not counted");
    }

    #[test]
    fn an_empty_or_emptied_partition_is_complete() {
        let mut marks = Marks::default();
        marks.looked(0, (0, 0), 100);
        assert_eq!(mark(&marks), (0, Some(100)));
        marks.looked(0, (7, 7), 200);
        assert_eq!(mark(&marks), (7, Some(200)));
        assert_eq!(marks.next_offsets(2), [7, 0]);
    }
}
