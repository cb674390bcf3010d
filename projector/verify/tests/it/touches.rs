//! visits, calls and touches.

use tidemark_schemas::table::FactTable;

use crate::{
    data,
    script::{Script, day},
};

#[test]
fn a_visit_is_what_its_last_event_says() {
    let mut script = Script::default();
    let visit = data!(
        VisitCompleted,
        VisitCompleted {
            visit_id: "V-1",
            purpose: "demo".to_owned(),
            mode: "onsite".to_owned(),
            duration_min: 45,
            met_decision_maker: true,
            next_step_on: day("2026-03-09"),
        }
    );
    // 16:30Z is half past midnight of the next day in Shanghai.
    script.say("2026-03-05T16:30:00Z", "A-1", "R-1", visit);
    script.0[0].envelope.recorded_at = Some(script.0[0].envelope.occurred_at - 5_400_000);
    script.say("2026-03-04T00:00:00Z", "A-9", "R-9", data!(VisitCompleted, VisitCompleted { visit_id: "V-1" }));
    let columns = "visit_id account_id rep_id purpose mode duration_min met_decision_maker next_step_on occurred_at occurred_on \
                   recorded_at recorded_on entry_delay_ms entry_delay_hours";
    let expected =
        "V-1 A-1 R-1 demo onsite 45 true 2026-03-09 2026-03-05T16:30Z 2026-03-06 2026-03-05T15:00Z 2026-03-05 -5400000 -1.5";
    assert_eq!(script.table(FactTable::Visits, columns), [expected]);
}

#[test]
fn a_call_without_a_recording_time_was_recorded_when_received() {
    let call = data!(
        CallCompleted,
        CallCompleted {
            call_id: "C-1",
            direction: "outbound".to_owned(),
            duration_s: 90,
            connected: true,
            agent: "ai".to_owned(),
            outcome: "later".to_owned(),
        }
    );
    let mut script = Script::default();
    script.say("2026-03-05T01:00:00Z", "", "", call);
    let columns =
        "call_id account_id rep_id direction duration_s connected agent outcome occurred_on recorded_at entry_delay_hours";
    assert_eq!(script.table(FactTable::Calls, columns), ["C-1 - - outbound 90 true ai later 2026-03-05 2026-03-05T02:00Z 1"]);
}

#[test]
fn touches_of_merged_accounts_are_the_survivors() {
    let visit = |id: &str| data!(VisitCompleted, VisitCompleted { visit_id: id });
    let call = |id: &str| data!(CallCompleted, CallCompleted { call_id: id });
    let mut script = Script::default();
    script
        .say("2026-03-05T00:00:00Z", "A-2", "R-1", visit("V-1"))
        .say("2026-03-03T00:00:00Z", "A-1", "R-2", call("C-1"))
        .say("2026-03-05T12:00:00Z", "A-1", "", visit("V-2"))
        .say("2026-03-05T12:00:00Z", "", "R-1", visit("V-3"));
    let columns = "account_id kind touch_id rep_id occurred_on first_of_account gap_ms gap_days";
    let apart = [
        "A-1 call C-1 R-2 2026-03-03 true - -",
        "A-2 visit V-1 R-1 2026-03-05 true - -",
        "A-1 visit V-2 - 2026-03-05 false 216000000 2.5",
    ];
    assert_eq!(script.table(FactTable::Touches, columns), apart);
    script.say("2026-03-01T00:00:00Z", "A-2", "", data!(AccountMerged, AccountMerged { into: "A-1" }));
    let merged = [
        "A-1 call C-1 R-2 2026-03-03 true - -",
        "A-1 visit V-1 R-1 2026-03-05 false 172800000 2",
        "A-1 visit V-2 - 2026-03-05 false 43200000 0.5",
    ];
    assert_eq!(script.table(FactTable::Touches, columns), merged);
}
