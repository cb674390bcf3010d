//! surveys, activities, incidents, ratings and appeals.

use tidemark_schemas::{events::Data, table::FactTable};

use crate::{
    data,
    script::{Script, decimal},
};

/// A deal and a visit that others refer to.
fn with_deal_and_visit() -> Script {
    let deal = data!(DealOpened, DealOpened { deal_id: "D-1", product: "GTX".to_owned() });
    let visit = data!(VisitCompleted, VisitCompleted { visit_id: "V-1" });
    let mut script = Script::default();
    script.say("2026-03-01T00:00:00Z", "A-1", "R-1", deal).say("2026-03-01T00:00:00Z", "A-2", "R-2", visit);
    script
}

fn delete(kind: &str, id: &str) -> Data {
    data!(EntityDeleted, EntityNamed { kind: kind, id: id })
}

#[test]
fn surveys_find_their_account_through_deal_or_visit() {
    let mut script = with_deal_and_visit();
    let answer = |id: &str, kind: &str, deal: bool| {
        data!(
            SurveyAnswered,
            SurveyAnswered {
                survey_id: id,
                kind: kind,
                score: decimal("8.5"),
                deal_id: deal.then(|| "D-1".to_owned()),
                visit_id: "V-1".to_owned(),
            }
        )
    };
    script
        .say("2026-03-05T16:00:00Z", "A-9", "R-1", answer("S-1", "nps", true))
        .say("2026-03-05T16:00:00Z", "", "", answer("S-2", "ces", true))
        .say("2026-03-05T16:00:00Z", "", "", answer("S-3", "nps", false));
    let columns = "survey_id kind account_id rep_id deal_id visit_id product score max_score responded_at responded_on";
    let expected = [
        "S-1 nps A-9 R-1 D-1 V-1 GTX 8.5 10 2026-03-05T16:00Z 2026-03-06",
        "S-2 ces A-1 - D-1 V-1 GTX 8.5 - 2026-03-05T16:00Z 2026-03-06",
        "S-3 nps A-2 - - V-1 - 8.5 10 2026-03-05T16:00Z 2026-03-06",
    ];
    assert_eq!(script.table(FactTable::Surveys, columns), expected);
    script.say("2026-03-06T00:00:00Z", "", "", delete("deal", "D-1"));
    assert_eq!(script.table(FactTable::Surveys, "survey_id deal_id account_id product")[1], "S-2 D-1 A-2 -");
}

#[test]
fn activities_find_their_account_through_the_deal() {
    let mut script = with_deal_and_visit();
    let review = data!(
        ActivityCompleted,
        ActivityCompleted {
            activity_id: "X-1",
            kind: "contract_review",
            deal_id: "D-1".to_owned(),
            outcome: "passed".to_owned(),
            score: decimal("3"),
            max_score: decimal("5"),
        }
    );
    script.say("2026-03-05T00:00:00Z", "", "R-3", review);
    let columns = "activity_id kind account_id rep_id deal_id product outcome score max_score occurred_on";
    let expected = "X-1 contract_review A-1 R-3 D-1 GTX passed 3 5 2026-03-05";
    assert_eq!(script.table(FactTable::Activities, columns), [expected]);
}

#[test]
fn incidents_and_ratings_are_their_last_event() {
    let incident = |severity: &str| {
        data!(IncidentRecorded, IncidentRecorded { incident_id: "I-1", kind: "data_security", severity: severity.to_owned() })
    };
    let rating = |score: &str| {
        data!(
            RatingGiven,
            RatingGiven {
                cycle: "2026/H1",
                subject_rep_id: "R-1",
                rater_id: "R-2",
                relation: "peer",
                dimension: "ability",
                score: decimal(score),
                max_score: decimal("5"),
            }
        )
    };
    let mut script = Script::default();
    script
        .say("2026-03-06T00:00:00Z", "A-1", "R-1", incident("high"))
        .say("2026-03-05T00:00:00Z", "A-2", "R-2", incident("low"))
        .say("2026-03-05T00:00:00Z", "", "", rating("4.5"))
        .say("2026-03-04T00:00:00Z", "", "", rating("1"));
    let columns = "incident_id kind account_id rep_id severity occurred_on";
    assert_eq!(script.table(FactTable::Incidents, columns), ["I-1 data_security A-1 R-1 high 2026-03-06"]);
    let columns = "rating_id cycle rep_id rater_id relation dimension score max_score occurred_on";
    let expected = "2026%2FH1/R-1/R-2/peer/ability 2026/H1 R-1 R-2 peer ability 4.5 5 2026-03-05";
    assert_eq!(script.table(FactTable::Ratings, columns), [expected]);
    script.say("2026-03-07T00:00:00Z", "", "", delete("rating", "2026%2FH1/R-1/R-2/peer/ability"));
    assert!(script.table(FactTable::Ratings, columns).is_empty());
}

#[test]
fn appeals_carry_the_last_decision() {
    let filed = data!(AppealFiled, AppealFiled { appeal_id: "O-1", kpi: "visits", rep_id: "R-1", period: "2026-03" });
    let mut script = Script::default();
    script.say("2026-03-09T00:00:00Z", "", "", data!(AppealRejected, AppealDecided { appeal_id: "O-1" }));
    assert!(script.table(FactTable::Appeals, "appeal_id").is_empty());
    script.say("2026-03-05T00:00:00Z", "", "", filed);
    let columns = "appeal_id kpi rep_id period status filed_on decided_at decided_on";
    let rejected = "O-1 visits R-1 2026-03 rejected 2026-03-05 2026-03-09T00:00Z 2026-03-09";
    assert_eq!(script.table(FactTable::Appeals, columns), [rejected]);
    script.retract("e1", 1);
    assert_eq!(script.table(FactTable::Appeals, columns), ["O-1 visits R-1 2026-03 filed 2026-03-05 - -"]);
    script.say("2026-03-08T00:00:00Z", "", "", data!(AppealUpheld, AppealDecided { appeal_id: "O-1" }));
    assert_eq!(script.table(FactTable::Appeals, "status decided_on"), ["upheld 2026-03-08"]);
}
