//! A random payload of every event type; the common types come more often.

use tidemark_schemas::events::{Data, EventType, payload::*};

use super::dice::Dice;

/// Types that make chains with others, named as often as they should be preferred to one of all types.
const FREQUENT: &[EventType] = &[
    EventType::VisitCompleted,
    EventType::CallCompleted,
    EventType::DealOpened,
    EventType::DealOpened,
    EventType::DealStageChanged,
    EventType::DealStageChanged,
    EventType::DealWon,
    EventType::DealLost,
    EventType::DealReopened,
    EventType::PaymentDue,
    EventType::PaymentReceived,
    EventType::PaymentReceived,
    EventType::PaymentRefunded,
    EventType::RosterAssigned,
    EventType::EntityDeleted,
    EventType::EntityRestored,
];

const STAGES: &[&str] = &["prospecting", "Engaging", "proposal", "contract", "won", "lost", "somewhere"];

impl Dice {
    /// The payload of a random event.
    pub(super) fn data(&mut self) -> Data {
        let choices: &[EventType] = if self.chance(60) { FREQUENT } else { EventType::ALL };
        let event_type = self.one_of(choices);
        self.data_of(event_type)
    }

    /// A random payload of that type; a visit for a retraction, which has none.
    pub(super) fn data_of(&mut self, event_type: EventType) -> Data {
        use EventType as Type;
        match event_type {
            Type::VisitCompleted | Type::EventRetracted => Data::VisitCompleted(self.visit()),
            Type::CallCompleted => Data::CallCompleted(self.call()),
            Type::DealOpened
            | Type::DealStageChanged
            | Type::DealAmended
            | Type::DealReassigned
            | Type::DealWon
            | Type::DealLost
            | Type::DealReopened => self.deal(event_type),
            Type::PaymentDue | Type::PaymentReceived | Type::PaymentRefunded | Type::PaymentWaived => self.payment(event_type),
            Type::LeadCreated | Type::LeadResponded | Type::LeadQualified | Type::LeadConverted | Type::LeadLost => {
                self.lead(event_type)
            }
            Type::AccountCreated => Data::AccountCreated(self.details()),
            Type::AccountAmended => Data::AccountAmended(self.details()),
            Type::AccountMerged => Data::AccountMerged(AccountMerged { into: self.account_id() }),
            Type::SurveyAnswered => Data::SurveyAnswered(self.survey()),
            Type::ActivityCompleted => Data::ActivityCompleted(self.activity()),
            Type::IncidentRecorded => Data::IncidentRecorded(self.incident()),
            Type::RatingGiven => Data::RatingGiven(self.rating()),
            Type::RosterAssigned | Type::RosterLeft | Type::RosterAway => self.roster(event_type),
            Type::TargetSet => Data::TargetSet(self.target()),
            Type::RateSet => Data::RateSet(self.rate()),
            Type::AppealFiled | Type::AppealUpheld | Type::AppealRejected => self.appeal(event_type),
            Type::AlertAcknowledged => Data::AlertAcknowledged(self.alert()),
            Type::AlertSnoozed => Data::AlertSnoozed(self.alert()),
            Type::AlertMuted => Data::AlertMuted(self.alert()),
            Type::EntityDeleted => Data::EntityDeleted(self.named()),
            Type::EntityRestored => Data::EntityRestored(self.named()),
        }
    }

    fn visit_id(&mut self) -> String {
        self.id("V", 12)
    }

    fn deal_id(&mut self) -> String {
        self.id("D", 7)
    }

    fn visit(&mut self) -> VisitCompleted {
        VisitCompleted {
            visit_id: self.visit_id(),
            purpose: self.maybe_text(&["demo", "签约"]),
            mode: self.maybe_text(&["onsite", "online"]),
            duration_min: self.maybe(|dice| dice.below(120) as i64),
            met_decision_maker: self.maybe(|dice| dice.chance(50)),
            next_step_on: self.maybe(Self::day),
        }
    }

    fn call(&mut self) -> CallCompleted {
        CallCompleted {
            call_id: self.id("C", 12),
            direction: self.maybe_text(&["inbound", "outbound"]),
            duration_s: self.maybe(|dice| dice.below(600) as i64),
            connected: self.maybe(|dice| dice.chance(50)),
            agent: self.maybe_text(&["human", "ai"]),
            outcome: self.maybe_text(&["later"]),
        }
    }

    fn deal(&mut self, event_type: EventType) -> Data {
        let deal_id = self.deal_id();
        match event_type {
            EventType::DealStageChanged => Data::DealStageChanged(DealStageChanged { deal_id, stage: self.text(STAGES) }),
            EventType::DealAmended => Data::DealAmended(DealAmended {
                deal_id,
                name: self.maybe_text(&["renamed"]),
                kind: self.maybe_text(&["new", "renewal", "expansion"]),
                product: self.maybe_text(&["GTX", "MG"]),
                amount: self.maybe(Self::amount),
                currency: self.currency(),
                expected_close_on: self.maybe(Self::day),
                expires_on: self.maybe(Self::day),
            }),
            EventType::DealReassigned => Data::DealReassigned(DealReassigned { deal_id, rep_id: self.rep_id() }),
            EventType::DealWon => Data::DealWon(DealWon { deal_id, amount: self.maybe(Self::amount), currency: self.currency() }),
            EventType::DealLost => Data::DealLost(DealLost { deal_id, reason: self.maybe_text(&["price"]) }),
            EventType::DealReopened => Data::DealReopened(DealReopened { deal_id, stage: self.maybe_text(STAGES) }),
            _ => Data::DealOpened(DealOpened {
                deal_id,
                name: self.maybe_text(&["named"]),
                kind: self.maybe_text(&["new", "renewal", "expansion"]),
                product: self.maybe_text(&["GTX", "MG"]),
                amount: self.maybe(Self::amount),
                currency: self.currency(),
                stage: self.maybe_text(STAGES),
                expected_close_on: self.maybe(Self::day),
                expires_on: self.maybe(Self::day),
            }),
        }
    }

    fn payment(&mut self, event_type: EventType) -> Data {
        let receivable_id = self.id("P", 5);
        match event_type {
            EventType::PaymentReceived => Data::PaymentReceived(self.moved(receivable_id)),
            EventType::PaymentRefunded => Data::PaymentRefunded(self.moved(receivable_id)),
            EventType::PaymentWaived => Data::PaymentWaived(PaymentWaived { receivable_id }),
            _ => Data::PaymentDue(PaymentDue {
                receivable_id,
                amount: self.amount(),
                currency: self.currency(),
                due_on: self.day(),
                deal_id: self.maybe(Self::deal_id),
            }),
        }
    }

    fn moved(&mut self, receivable_id: String) -> PaymentMoved {
        PaymentMoved {
            receivable_id,
            payment_id: self.id("M", 4),
            amount: self.amount(),
            currency: self.currency(),
            method: self.maybe_text(&["transfer", "card"]),
        }
    }

    fn survey(&mut self) -> SurveyAnswered {
        SurveyAnswered {
            survey_id: self.id("S", 6),
            kind: self.text(&["nps", "csat", "ces", "handover", "custom"]),
            score: self.score(),
            max_score: self.maybe(Self::score),
            deal_id: self.maybe(Self::deal_id),
            visit_id: self.maybe(Self::visit_id),
        }
    }

    fn lead(&mut self, event_type: EventType) -> Data {
        let lead_id = self.id("L", 5);
        match event_type {
            EventType::LeadResponded => Data::LeadResponded(LeadMoved { lead_id }),
            EventType::LeadQualified => Data::LeadQualified(LeadMoved { lead_id }),
            EventType::LeadConverted => {
                Data::LeadConverted(LeadConverted { lead_id, account_id: self.account(), deal_id: self.maybe(Self::deal_id) })
            }
            EventType::LeadLost => Data::LeadLost(LeadLost { lead_id, reason: None }),
            _ => Data::LeadCreated(LeadCreated {
                lead_id,
                channel: self.maybe_text(&["online", "offline", "referral"]),
                referrer_account_id: self.account(),
            }),
        }
    }

    fn details(&mut self) -> AccountDetails {
        AccountDetails {
            name: self.maybe_text(&["Acme"]),
            industry: self.maybe_text(&["steel", "retail"]),
            segment: self.maybe_text(&["key", "small"]),
            region: self.maybe_text(&["north", "south"]),
            acquisition_cost: self.maybe(Self::amount),
            gross_margin: self.maybe(Self::amount),
            expected_years: self.maybe(Self::amount),
        }
    }

    fn activity(&mut self) -> ActivityCompleted {
        let kinds = ["training", "product_feedback", "success_case", "contract_review", "requirement_doc", "proposal_review"];
        ActivityCompleted {
            activity_id: self.id("X", 8),
            kind: self.text(&kinds),
            deal_id: self.maybe(Self::deal_id),
            outcome: self.maybe_text(&["passed", "failed", "adopted"]),
            score: self.maybe(Self::score),
            max_score: self.maybe(Self::score),
        }
    }

    fn incident(&mut self) -> IncidentRecorded {
        IncidentRecorded {
            incident_id: self.id("I", 4),
            kind: self.text(&["data_security", "other"]),
            severity: self.maybe_text(&["high"]),
        }
    }
}
