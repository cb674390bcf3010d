//! Which entity an event is about: the unit that is folded into facts.

use serde::{Deserialize, Serialize};

use super::{Data, Event};

/// Kinds of entities. Also the `kind` of `entity.deleted`, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum EntityKind {
    Visit,
    Call,
    Deal,
    /// A receivable with the payments that belong to it.
    Receivable,
    /// One payment; only deletions are about it alone, its movements belong to the receivable.
    Payment,
    Survey,
    Lead,
    Account,
    Activity,
    Incident,
    Rating,
    /// A rep's roster.
    Rep,
    Target,
    /// A currency pair.
    Rate,
    Appeal,
    /// An alert, or a rule for one rep.
    Alert,
}

impl EntityKind {
    /// Every kind.
    pub const ALL: &[Self] = &[
        Self::Visit,
        Self::Call,
        Self::Deal,
        Self::Receivable,
        Self::Payment,
        Self::Survey,
        Self::Lead,
        Self::Account,
        Self::Activity,
        Self::Incident,
        Self::Rating,
        Self::Rep,
        Self::Target,
        Self::Rate,
        Self::Appeal,
        Self::Alert,
    ];

    /// Its name, as in `entity.deleted {kind}`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Visit => "visit",
            Self::Call => "call",
            Self::Deal => "deal",
            Self::Receivable => "receivable",
            Self::Payment => "payment",
            Self::Survey => "survey",
            Self::Lead => "lead",
            Self::Account => "account",
            Self::Activity => "activity",
            Self::Incident => "incident",
            Self::Rating => "rating",
            Self::Rep => "rep",
            Self::Target => "target",
            Self::Rate => "rate",
            Self::Appeal => "appeal",
            Self::Alert => "alert",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }
}

/// One thing that events are about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Entity {
    /// What it is.
    pub kind: EntityKind,
    /// Its id, tenant-wide; the natural key (joined by `/`) where the data has no id.
    pub id: String,
}

impl Entity {
    /// The entity of that kind and id.
    #[must_use]
    pub fn new(kind: EntityKind, id: impl Into<String>) -> Self {
        Self { kind, id: id.into() }
    }
}

impl Event {
    /// The entity that this event is about; none for a retraction (which says only which event)
    /// and for an account event without an account.
    #[must_use]
    pub fn entity(&self) -> Option<Entity> {
        use EntityKind as Kind;
        let entity = |kind, id: &str| Some(Entity::new(kind, id));
        match &self.data {
            Data::VisitCompleted(data) => entity(Kind::Visit, &data.visit_id),
            Data::CallCompleted(data) => entity(Kind::Call, &data.call_id),
            Data::DealOpened(data) => entity(Kind::Deal, &data.deal_id),
            Data::DealStageChanged(data) => entity(Kind::Deal, &data.deal_id),
            Data::DealAmended(data) => entity(Kind::Deal, &data.deal_id),
            Data::DealReassigned(data) => entity(Kind::Deal, &data.deal_id),
            Data::DealWon(data) => entity(Kind::Deal, &data.deal_id),
            Data::DealLost(data) => entity(Kind::Deal, &data.deal_id),
            Data::DealReopened(data) => entity(Kind::Deal, &data.deal_id),
            Data::PaymentDue(data) => entity(Kind::Receivable, &data.receivable_id),
            Data::PaymentReceived(data) | Data::PaymentRefunded(data) => entity(Kind::Receivable, &data.receivable_id),
            Data::PaymentWaived(data) => entity(Kind::Receivable, &data.receivable_id),
            Data::SurveyAnswered(data) => entity(Kind::Survey, &data.survey_id),
            Data::LeadCreated(data) => entity(Kind::Lead, &data.lead_id),
            Data::LeadResponded(data) | Data::LeadQualified(data) => entity(Kind::Lead, &data.lead_id),
            Data::LeadConverted(data) => entity(Kind::Lead, &data.lead_id),
            Data::LeadLost(data) => entity(Kind::Lead, &data.lead_id),
            Data::AccountCreated(_) | Data::AccountAmended(_) | Data::AccountMerged(_) => {
                self.envelope.account_id.as_deref().and_then(|id| entity(Kind::Account, id))
            }
            Data::ActivityCompleted(data) => entity(Kind::Activity, &data.activity_id),
            Data::IncidentRecorded(data) => entity(Kind::Incident, &data.incident_id),
            Data::RatingGiven(data) => {
                let key = [&data.cycle, &data.subject_rep_id, &data.rater_id, &data.relation, &data.dimension];
                entity(Kind::Rating, &natural_key(key.map(String::as_str)))
            }
            Data::RosterAssigned(data) => entity(Kind::Rep, &data.rep_id),
            Data::RosterLeft(data) => entity(Kind::Rep, &data.rep_id),
            Data::RosterAway(data) => entity(Kind::Rep, &data.rep_id),
            Data::TargetSet(data) => {
                entity(Kind::Target, &natural_key([&data.unit, data.id.as_deref().unwrap_or(""), &data.period, &data.kpi]))
            }
            Data::RateSet(data) => entity(Kind::Rate, &natural_key([&data.from, &data.to])),
            Data::AppealFiled(data) => entity(Kind::Appeal, &data.appeal_id),
            Data::AppealUpheld(data) | Data::AppealRejected(data) => entity(Kind::Appeal, &data.appeal_id),
            Data::AlertAcknowledged(data) | Data::AlertSnoozed(data) | Data::AlertMuted(data) => {
                let key = [data.alert_id.as_deref(), data.rule.as_deref(), data.rep_id.as_deref()];
                entity(Kind::Alert, &natural_key(key.map(Option::unwrap_or_default)))
            }
            Data::EntityDeleted(data) | Data::EntityRestored(data) => {
                EntityKind::from_name(&data.kind).and_then(|kind| entity(kind, &data.id))
            }
            Data::EventRetracted(_) => None,
        }
    }
}

/// The parts joined by `/`; a `/` inside a part is escaped, so that different keys stay different.
fn natural_key<const N: usize>(parts: [&str; N]) -> String {
    parts.map(|part| part.replace('%', "%25").replace('/', "%2F")).join("/")
}
