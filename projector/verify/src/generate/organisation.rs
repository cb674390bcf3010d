//! Random payloads about the organisation: reps, targets, rates, appeals, alerts, deletions.

use tidemark_schemas::{
    decimal::Decimal6,
    events::{Data, EntityKind, Envelope, Event, EventType, payload::*},
};

use super::dice::Dice;

const KPIS: &[&str] = &["visits", "won_amount"];
const PERIODS: &[&str] = &["2025", "2026-Q1", "2026-Q4", "2026-02", "2025-12", "2026-W01", "2026-W53"];
const TEAMS: &[&str] = &["T-1", "T-2"];

impl Dice {
    pub(super) fn rating(&mut self) -> RatingGiven {
        RatingGiven {
            cycle: self.text(&["2025", "2026/H1"]),
            subject_rep_id: self.rep_id(),
            rater_id: self.rep_id(),
            relation: self.text(&["self", "manager"]),
            dimension: self.text(&["performance", "ability"]),
            score: self.score(),
            max_score: self.score(),
        }
    }

    pub(super) fn roster(&mut self, event_type: EventType) -> Data {
        let rep_id = self.rep_id();
        match event_type {
            EventType::RosterLeft => Data::RosterLeft(RosterLeft { rep_id, left_on: self.roster_day() }),
            EventType::RosterAway => {
                let from = self.day();
                Data::RosterAway(RosterAway { rep_id, from, to: from + self.below(9) as i32 })
            }
            _ => Data::RosterAssigned(RosterAssigned {
                rep_id,
                name: self.maybe_text(&["Lee"]),
                team: self.maybe_text(TEAMS),
                department: self.maybe_text(&["Dp-1"]),
                region: self.maybe_text(&["north", "south"]),
                role: self.maybe_text(&["seller"]),
                segment: self.maybe_text(&["key"]),
                manager_id: self.rep(),
                valid_from: self.roster_day(),
            }),
        }
    }

    /// Few days, so that assignments begin and end on the same ones.
    fn roster_day(&mut self) -> i32 {
        20_430 + self.below(10) as i32 * 10
    }

    pub(super) fn target(&mut self) -> TargetSet {
        let unit = self.text(&["company", "team", "rep"]);
        let id = match unit.as_str() {
            "company" => None,
            "team" => Some(self.text(TEAMS)),
            _ => Some(self.rep_id()),
        };
        TargetSet { unit, id, period: self.text(PERIODS), kpi: self.text(KPIS), value: self.amount() }
    }

    pub(super) fn rate(&mut self) -> RateSet {
        RateSet {
            from: self.text(&["USD", "EUR"]),
            to: "CNY".to_owned(),
            on: self.roster_day(),
            rate: Decimal6(self.below(9_000_000) as i128 + 1),
        }
    }

    pub(super) fn appeal(&mut self, event_type: EventType) -> Data {
        let appeal_id = self.id("O", 3);
        match event_type {
            EventType::AppealUpheld => Data::AppealUpheld(AppealDecided { appeal_id, text: None }),
            EventType::AppealRejected => Data::AppealRejected(AppealDecided { appeal_id, text: None }),
            _ => Data::AppealFiled(AppealFiled {
                appeal_id,
                kpi: self.text(KPIS),
                rep_id: self.rep_id(),
                period: self.text(PERIODS),
                text: self.maybe_text(&["不对"]),
            }),
        }
    }

    pub(super) fn alert(&mut self) -> AlertHandled {
        AlertHandled {
            alert_id: self.maybe_text(&["al-1", "al-2"]),
            rule: self.maybe_text(&["second_follow_up"]),
            rep_id: self.rep(),
            until: self.maybe(Self::instant),
        }
    }

    /// Any entity of the pools, by the id that its kind has there.
    pub(super) fn named(&mut self) -> EntityNamed {
        let kind = self.one_of(EntityKind::ALL);
        let id = match kind {
            EntityKind::Payment => self.id("M", 4),
            EntityKind::Rate => self.text(&["USD/CNY", "EUR/CNY"]),
            EntityKind::Rep => self.rep_id(),
            EntityKind::Account => self.account_id(),
            EntityKind::Alert => "al-1//".to_owned(),
            other => {
                let event_type = match other {
                    EntityKind::Visit => EventType::VisitCompleted,
                    EntityKind::Call => EventType::CallCompleted,
                    EntityKind::Deal => EventType::DealOpened,
                    EntityKind::Receivable => EventType::PaymentDue,
                    EntityKind::Survey => EventType::SurveyAnswered,
                    EntityKind::Lead => EventType::LeadCreated,
                    EntityKind::Activity => EventType::ActivityCompleted,
                    EntityKind::Incident => EventType::IncidentRecorded,
                    EntityKind::Rating => EventType::RatingGiven,
                    EntityKind::Target => EventType::TargetSet,
                    _ => EventType::AppealFiled,
                };
                self.natural_id(event_type)
            }
        };
        EntityNamed { kind: kind.name().to_owned(), id }
    }

    /// The entity id of a random payload of that type.
    fn natural_id(&mut self, event_type: EventType) -> String {
        let event = Event { envelope: Envelope::default(), data: self.data_of(event_type) };
        event.entity().map(|entity| entity.id).unwrap_or_default()
    }
}
