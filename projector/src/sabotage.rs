//! Sabotages: each switches one protection off, so that the simulator can show that it would notice if it were missing.
//! No configuration and no command of the product reaches them: only [`crate::settings::Settings::sabotaged`] does.

/// A protection that can be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sabotage {
    /// The state is committed before its rows are written.
    WriteBeforeCommit,
    /// A row's version is where its batch began rather than the last event that touched it.
    VersionOfLastTouch,
    /// What ceased to exist is not written.
    Tombstones,
    /// A cell that a batch leaves as it was is not written, though it was another in between.
    TouchedAfterEveryEvent,
    /// What is known already is taken for new.
    DuplicateCheck,
    /// The record that comes last wins, whatever its revision.
    RevisionRule,
    /// A correction that names another entity leaves the event with the old one too.
    EntityMove,
    /// It is not noticed that ClickHouse lost what the state takes for written.
    WatermarkChain,
    /// It is not noticed that the log is another.
    LogIdentity,
    /// The position is not stored with the state, except when it is opened.
    CheckpointPosition,
}

impl Sabotage {
    /// Every one.
    pub const ALL: &[Self] = &[
        Self::WriteBeforeCommit,
        Self::VersionOfLastTouch,
        Self::Tombstones,
        Self::TouchedAfterEveryEvent,
        Self::DuplicateCheck,
        Self::RevisionRule,
        Self::EntityMove,
        Self::WatermarkChain,
        Self::LogIdentity,
        Self::CheckpointPosition,
    ];

    /// As named on the simulator's command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::WriteBeforeCommit => "write-before-commit",
            Self::VersionOfLastTouch => "version-of-last-touch",
            Self::Tombstones => "tombstones",
            Self::TouchedAfterEveryEvent => "touched-after-every-event",
            Self::DuplicateCheck => "duplicate-check",
            Self::RevisionRule => "revision-rule",
            Self::EntityMove => "entity-move",
            Self::WatermarkChain => "watermark-chain",
            Self::LogIdentity => "log-identity",
            Self::CheckpointPosition => "checkpoint-position",
        }
    }
}
