//! The `data` of every event type. Field names, optionality and closed sets are those of `schemas/events/*.avsc`
//! (a test compares them); ids are tenant-wide. Dates are days since 1970-01-01, instants milliseconds, UTC.

use serde::{Deserialize, Serialize};

use crate::decimal::Decimal6;

/// Days since 1970-01-01.
pub type Date = i32;
/// Milliseconds since 1970-01-01 UTC.
pub type Instant = i64;

/// `visit.completed`: a meeting with a customer took place.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct VisitCompleted {
    pub visit_id: String,
    pub purpose: Option<String>,
    pub mode: Option<String>,
    pub duration_min: Option<i64>,
    pub met_decision_maker: Option<bool>,
    pub next_step_on: Option<Date>,
}

/// `call.completed`: a phone call, connected or not.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct CallCompleted {
    pub call_id: String,
    pub direction: Option<String>,
    pub duration_s: Option<i64>,
    pub connected: Option<bool>,
    pub agent: Option<String>,
    pub outcome: Option<String>,
}

/// `deal.opened` (defining).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct DealOpened {
    pub deal_id: String,
    pub name: Option<String>,
    pub kind: Option<String>,
    pub product: Option<String>,
    pub amount: Option<Decimal6>,
    pub currency: Option<String>,
    pub stage: Option<String>,
    pub expected_close_on: Option<Date>,
    pub expires_on: Option<Date>,
}

/// `deal.stage_changed`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct DealStageChanged {
    pub deal_id: String,
    pub stage: String,
}

/// `deal.amended`: any changed field, at any time, also after closing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct DealAmended {
    pub deal_id: String,
    pub name: Option<String>,
    pub kind: Option<String>,
    pub product: Option<String>,
    pub amount: Option<Decimal6>,
    pub currency: Option<String>,
    pub expected_close_on: Option<Date>,
    pub expires_on: Option<Date>,
}

/// `deal.reassigned`: `rep_id` is the new owner.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct DealReassigned {
    pub deal_id: String,
    pub rep_id: String,
}

/// `deal.won`: an amount given here counts from then on.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct DealWon {
    pub deal_id: String,
    pub amount: Option<Decimal6>,
    pub currency: Option<String>,
}

/// `deal.lost`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct DealLost {
    pub deal_id: String,
    pub reason: Option<String>,
}

/// `deal.reopened`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct DealReopened {
    pub deal_id: String,
    pub stage: Option<String>,
}

/// `payment.due` (defining): a receivable.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct PaymentDue {
    pub receivable_id: String,
    pub amount: Decimal6,
    pub currency: Option<String>,
    pub due_on: Date,
    pub deal_id: Option<String>,
}

/// `payment.received` and `payment.refunded`: money moved; the amount is positive in both.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct PaymentMoved {
    pub receivable_id: String,
    pub payment_id: String,
    pub amount: Decimal6,
    pub currency: Option<String>,
    pub method: Option<String>,
}

/// `payment.waived`: the receivable is no longer asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct PaymentWaived {
    pub receivable_id: String,
}

/// `survey.answered`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct SurveyAnswered {
    pub survey_id: String,
    pub kind: String,
    pub score: Decimal6,
    pub max_score: Option<Decimal6>,
    pub deal_id: Option<String>,
    pub visit_id: Option<String>,
}

/// `lead.created` (defining).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct LeadCreated {
    pub lead_id: String,
    pub channel: Option<String>,
    pub referrer_account_id: Option<String>,
}

/// `lead.responded` and `lead.qualified`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct LeadMoved {
    pub lead_id: String,
}

/// `lead.converted`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct LeadConverted {
    pub lead_id: String,
    pub account_id: Option<String>,
    pub deal_id: Option<String>,
}

/// `lead.lost`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct LeadLost {
    pub lead_id: String,
    pub reason: Option<String>,
}

/// `account.created` and `account.amended`; the account is the envelope's.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct AccountDetails {
    pub name: Option<String>,
    pub industry: Option<String>,
    pub segment: Option<String>,
    pub region: Option<String>,
    pub acquisition_cost: Option<Decimal6>,
    pub gross_margin: Option<Decimal6>,
    pub expected_years: Option<Decimal6>,
}

/// `account.merged`: the envelope's account lives on in `into`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct AccountMerged {
    pub into: String,
}

/// `activity.completed`: a training, a contract review, a success case, …
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ActivityCompleted {
    pub activity_id: String,
    pub kind: String,
    pub deal_id: Option<String>,
    pub outcome: Option<String>,
    pub score: Option<Decimal6>,
    pub max_score: Option<Decimal6>,
}

/// `incident.recorded`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct IncidentRecorded {
    pub incident_id: String,
    pub kind: String,
    pub severity: Option<String>,
}

/// `rating.given`: one rater's score of one person in one dimension of one cycle.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct RatingGiven {
    pub cycle: String,
    pub subject_rep_id: String,
    pub rater_id: String,
    pub relation: String,
    pub dimension: String,
    pub score: Decimal6,
    pub max_score: Decimal6,
}

/// `roster.assigned`: from `valid_from` on, the rep belongs to these units.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct RosterAssigned {
    pub rep_id: String,
    pub name: Option<String>,
    pub team: Option<String>,
    pub department: Option<String>,
    pub region: Option<String>,
    pub role: Option<String>,
    pub segment: Option<String>,
    pub manager_id: Option<String>,
    pub valid_from: Date,
}

/// `roster.left`: `left_on` is the first day without an assignment.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct RosterLeft {
    pub rep_id: String,
    pub left_on: Date,
}

/// `roster.away`: not working from `from` to `to`, both inclusive.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct RosterAway {
    pub rep_id: String,
    pub from: Date,
    pub to: Date,
}

/// `target.set`: what a unit is to reach in a period (2026, 2026-Q1, 2026-03, 2026-W10). A company has no id.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct TargetSet {
    pub unit: String,
    pub id: Option<String>,
    pub period: String,
    pub kpi: String,
    pub value: Decimal6,
}

/// `rate.set`: one unit of `from` is worth `rate` units of `to`, from the day `on` until the next rate.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct RateSet {
    pub from: String,
    pub to: String,
    pub on: Date,
    pub rate: Decimal6,
}

/// `appeal.filed` (defining).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct AppealFiled {
    pub appeal_id: String,
    pub kpi: String,
    pub rep_id: String,
    pub period: String,
    pub text: Option<String>,
}

/// `appeal.upheld` and `appeal.rejected`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct AppealDecided {
    pub appeal_id: String,
    pub text: Option<String>,
}

/// `alert.acknowledged`, `alert.snoozed`, `alert.muted`: one alert, or a rule for one rep.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct AlertHandled {
    pub alert_id: Option<String>,
    pub rule: Option<String>,
    pub rep_id: Option<String>,
    pub until: Option<Instant>,
}

/// `entity.deleted` and `entity.restored`: CRMs delete records, not events.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct EntityNamed {
    pub kind: String,
    pub id: String,
}

/// `event.retracted`: the event of this identity never happened. Nothing but identity and revision.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Retracted {}
