//! What the fields of one event must be to each other. Anything that needs a second event is the projector's.

use tidemark_schemas::{
    decimal::Decimal6,
    events::{Data, Event, payload::AlertHandled},
};

use super::{
    dialect::Dialect,
    problem::{Code, Problem, Problems},
};

/// Notes what contradicts itself or is missing because of what else is there.
pub(super) fn check(event: &Event, dialect: Dialect, problems: &mut Problems) {
    match &event.data {
        Data::AccountCreated(_) | Data::AccountAmended(_) => account_is_named(event, dialect, problems),
        Data::AccountMerged(data) => {
            account_is_named(event, dialect, problems);
            if event.envelope.account_id.as_ref() == Some(&data.into) {
                contradiction(problems, "data.into", "is the account itself: name the surviving account");
            }
        }
        Data::SurveyAnswered(data) => {
            if matches!(data.kind.as_str(), "csat" | "handover") && data.max_score.is_none() {
                missing(problems, "data.max_score", &format!("a {} score means nothing without it", data.kind));
            }
            if data.kind == "nps" && data.score > Decimal6::from_int(10) {
                contradiction(problems, "data.score", "is above 10, the best answer to an nps question");
            }
            score_within(data.score, data.max_score, problems);
        }
        Data::ActivityCompleted(data) => data.score.into_iter().for_each(|score| score_within(score, data.max_score, problems)),
        Data::RatingGiven(data) => score_within(data.score, Some(data.max_score), problems),
        Data::AlertAcknowledged(data) | Data::AlertSnoozed(data) | Data::AlertMuted(data) => alert_is_named(data, problems),
        Data::RosterAway(data) if data.from > data.to => {
            contradiction(problems, "data.to", "is before data.from; both days are inclusive");
        }
        Data::RateSet(data) if data.from == data.to => {
            contradiction(problems, "data.to", "is the same currency as data.from");
        }
        Data::TargetSet(data) => match (data.unit.as_str(), &data.id) {
            ("company", Some(_)) => contradiction(problems, "data.id", "names a unit, but the company has none: leave it out"),
            ("company", None) | (_, Some(_)) => {}
            (unit, None) => missing(problems, "data.id", &format!("which {unit}")),
        },
        _ => {}
    }
}

fn account_is_named(event: &Event, dialect: Dialect, problems: &mut Problems) {
    if event.envelope.account_id.is_none() {
        missing(problems, dialect.name("account_id"), &format!("{} is about an account", event.data.event_type().name()));
    }
}

fn alert_is_named(data: &AlertHandled, problems: &mut Problems) {
    if data.alert_id.is_none() && (data.rule.is_none() || data.rep_id.is_none()) {
        missing(problems, "data.alert_id", "name one alert by it, or all of a rule for a rep by data.rule and data.rep_id");
    }
}

fn score_within(score: Decimal6, max_score: Option<Decimal6>, problems: &mut Problems) {
    if let Some(max_score) = max_score.filter(|max_score| score > *max_score) {
        contradiction(problems, "data.score", &format!("is {score}, above data.max_score {max_score}"));
    }
}

fn missing(problems: &mut Problems, field: &str, why: &str) {
    problems.push(Problem::of_field(Code::MissingField, field, format!("{field} is missing: {why}")));
}

fn contradiction(problems: &mut Problems, field: &str, what: &str) {
    problems.push(Problem::of_field(Code::Contradiction, field, format!("{field} {what}")));
}
