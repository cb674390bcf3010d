//! The closed list of event types: name in JSON and Avro, payload, and the rank that orders a fold.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::payload::*;

/// Declares [`EventType`] and [`Data`] from one table, so that neither can miss a type.
/// A macro because the arms differ in their payload's type, which a function cannot abstract over.
macro_rules! event_types {
    ($($variant:ident, $name:literal, $payload:ty, $rank:literal;)*) => {
        /// The type of an event, as it is named everywhere.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[allow(missing_docs)]
        pub enum EventType { $($variant,)* }

        /// The payload of an event by type.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[allow(missing_docs)]
        pub enum Data { $($variant($payload),)* }

        impl EventType {
            /// Every type.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Its name: `visit.completed`, …
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Where it sorts among events of the same instant: defining 0, changes 1, reopened 2, closing 3, deleted 4, restored 5.
            #[must_use]
            pub fn rank(self) -> u8 {
                match self { $(Self::$variant => $rank,)* }
            }

            /// Reads the payload of this type with whatever `read` reads payloads with.
            ///
            /// # Errors
            /// What `read` returns.
            pub(crate) fn read<R: ReadPayload>(self, read: R) -> Result<R::Output, R::Error> {
                match self { $(Self::$variant => read.read::<$payload>(Data::$variant),)* }
            }
        }

        impl Data {
            /// Its type.
            #[must_use]
            pub fn event_type(&self) -> EventType {
                match self { $(Self::$variant(_) => EventType::$variant,)* }
            }

            /// Hands the typed payload to `write`.
            ///
            /// # Errors
            /// What `write` returns.
            pub(crate) fn write<W: WritePayload>(&self, write: W) -> Result<W::Output, W::Error> {
                match self { $(Self::$variant(payload) => write.write(payload),)* }
            }
        }
    };
}

/// A way to read a payload whose type is known only at run time.
pub(crate) trait ReadPayload {
    type Output;
    type Error;
    fn read<P: DeserializeOwned>(self, wrap: fn(P) -> Data) -> Result<Self::Output, Self::Error>;
}

/// A way to write a payload whose type is known only at run time.
pub(crate) trait WritePayload {
    type Output;
    type Error;
    fn write<P: Serialize>(self, payload: &P) -> Result<Self::Output, Self::Error>;
}

event_types! {
    VisitCompleted,    "visit.completed",    VisitCompleted,    0;
    CallCompleted,     "call.completed",     CallCompleted,     0;
    DealOpened,        "deal.opened",        DealOpened,        0;
    DealStageChanged,  "deal.stage_changed", DealStageChanged,  1;
    DealAmended,       "deal.amended",       DealAmended,       1;
    DealReassigned,    "deal.reassigned",    DealReassigned,    1;
    DealWon,           "deal.won",           DealWon,           3;
    DealLost,          "deal.lost",          DealLost,          3;
    DealReopened,      "deal.reopened",      DealReopened,      2;
    PaymentDue,        "payment.due",        PaymentDue,        0;
    PaymentReceived,   "payment.received",   PaymentMoved,      1;
    PaymentRefunded,   "payment.refunded",   PaymentMoved,      1;
    PaymentWaived,     "payment.waived",     PaymentWaived,     3;
    SurveyAnswered,    "survey.answered",    SurveyAnswered,    0;
    LeadCreated,       "lead.created",       LeadCreated,       0;
    LeadResponded,     "lead.responded",     LeadMoved,         1;
    LeadQualified,     "lead.qualified",     LeadMoved,         1;
    LeadConverted,     "lead.converted",     LeadConverted,     3;
    LeadLost,          "lead.lost",          LeadLost,          3;
    AccountCreated,    "account.created",    AccountDetails,    0;
    AccountAmended,    "account.amended",    AccountDetails,    1;
    AccountMerged,     "account.merged",     AccountMerged,     3;
    ActivityCompleted, "activity.completed", ActivityCompleted, 0;
    IncidentRecorded,  "incident.recorded",  IncidentRecorded,  0;
    RatingGiven,       "rating.given",       RatingGiven,       0;
    RosterAssigned,    "roster.assigned",    RosterAssigned,    0;
    RosterLeft,        "roster.left",        RosterLeft,        1;
    RosterAway,        "roster.away",        RosterAway,        1;
    TargetSet,         "target.set",         TargetSet,         0;
    RateSet,           "rate.set",           RateSet,           0;
    AppealFiled,       "appeal.filed",       AppealFiled,       0;
    AppealUpheld,      "appeal.upheld",      AppealDecided,     3;
    AppealRejected,    "appeal.rejected",    AppealDecided,     3;
    AlertAcknowledged, "alert.acknowledged", AlertHandled,      0;
    AlertSnoozed,      "alert.snoozed",      AlertHandled,      0;
    AlertMuted,        "alert.muted",        AlertHandled,      0;
    EntityDeleted,     "entity.deleted",     EntityNamed,       4;
    EntityRestored,    "entity.restored",    EntityNamed,       5;
    EventRetracted,    "event.retracted",    Retracted,         0;
}

impl EventType {
    /// The type of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|event_type| event_type.name() == name)
    }

    /// Whether it brings its entity into being, so that the fields KPIs need are required in it.
    #[must_use]
    pub fn is_defining(self) -> bool {
        self.rank() == 0 && self != Self::EventRetracted
    }
}
