//! The points where a run can be hurt, and how often each was hit.

use std::{collections::BTreeMap, fmt};

/// Something that happens to a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the name says it")]
pub enum Point {
    CrashWhileStarting,
    CrashWhileReading,
    CrashBeforeInserts,
    CrashBetweenInserts,
    CrashBeforeCommit,
    StateLost,
    StateOlder,
    InsertNotApplied,
    InsertApplied,
    InsertAppliedInPart,
    InsertAppliedLater,
    InsertRefused,
    SinkUnreachable,
    SinkRestored,
    SinkPartlyRestored,
    PartsLost,
    PartsMerged,
    PublishFailed,
    Rebalance,
    RebalanceInBatch,
    OwnerPaused,
    OldOwnerWrites,
    Redelivered,
    LogConnectionLost,
    LogUnreachable,
    LogTruncated,
    LogRecreated,
    LogBeginningDeleted,
    Undecodable,
    UnknownSchema,
    Upgraded,
    SnapshotDamaged,
    SnapshotGivenUp,
    Duplicate,
    Conflict,
    Correction,
    Retraction,
    Deletion,
    Restoration,
    SinkLossNoticed,
    LogReplacementNoticed,
    KpisAdded,
    AddedKpisRead,
    SnapshotTaken,
    SnapshotRestored,
    ReadDuringRun,
    ReadAtTheEnd,
}

impl Point {
    /// Every one.
    pub const ALL: &[Self] = &[
        Self::CrashWhileStarting,
        Self::CrashWhileReading,
        Self::CrashBeforeInserts,
        Self::CrashBetweenInserts,
        Self::CrashBeforeCommit,
        Self::StateLost,
        Self::StateOlder,
        Self::InsertNotApplied,
        Self::InsertApplied,
        Self::InsertAppliedInPart,
        Self::InsertAppliedLater,
        Self::InsertRefused,
        Self::SinkUnreachable,
        Self::SinkRestored,
        Self::SinkPartlyRestored,
        Self::PartsLost,
        Self::PartsMerged,
        Self::PublishFailed,
        Self::Rebalance,
        Self::RebalanceInBatch,
        Self::OwnerPaused,
        Self::OldOwnerWrites,
        Self::Redelivered,
        Self::LogConnectionLost,
        Self::LogUnreachable,
        Self::LogTruncated,
        Self::LogRecreated,
        Self::LogBeginningDeleted,
        Self::Undecodable,
        Self::UnknownSchema,
        Self::Upgraded,
        Self::SnapshotDamaged,
        Self::SnapshotGivenUp,
        Self::Duplicate,
        Self::Conflict,
        Self::Correction,
        Self::Retraction,
        Self::Deletion,
        Self::Restoration,
        Self::SinkLossNoticed,
        Self::LogReplacementNoticed,
        Self::KpisAdded,
        Self::AddedKpisRead,
        Self::SnapshotTaken,
        Self::SnapshotRestored,
        Self::ReadDuringRun,
        Self::ReadAtTheEnd,
    ];

    /// Whether it hurts, rather than being part of what is sent, read or noticed.
    fn is_fault(self) -> bool {
        self < Self::Duplicate && self != Self::PartsMerged
    }
}

/// How often each point was hit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hits(BTreeMap<Point, u64>);

impl Hits {
    /// Of one point.
    #[must_use]
    pub fn of(&self, point: Point) -> u64 {
        self.0.get(&point).copied().unwrap_or(0)
    }

    /// Faults of all kinds.
    #[must_use]
    pub fn faults(&self) -> u64 {
        self.0.iter().filter(|(point, _)| point.is_fault()).map(|(_, hits)| hits).sum()
    }

    /// Adds those of another run.
    pub fn add(&mut self, other: &Self) {
        for (point, hits) in &other.0 {
            *self.0.entry(*point).or_default() += hits;
        }
    }

    pub(crate) fn hit(&mut self, point: Point) {
        *self.0.entry(point).or_default() += 1;
    }
}

impl fmt::Display for Hits {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hit: Vec<String> = self.0.iter().map(|(point, hits)| format!("{point:?} {hits}")).collect();
        formatter.write_str(&hit.join(", "))
    }
}
