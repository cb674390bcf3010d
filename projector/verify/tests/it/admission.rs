//! Identity, revisions, conflicts and retractions.

use tidemark_schemas::{events::Data, table::FactTable};
use tidemark_verify::Verdict;

use crate::{data, script::Script};

const NOON: &str = "2026-03-05T04:00:00Z";

fn visit(id: &str) -> Data {
    data!(VisitCompleted, VisitCompleted { visit_id: id })
}

#[test]
fn verdicts_by_revision_and_content() {
    let mut script = Script::default();
    script
        .revise("a", 0, NOON, "", "R-1", visit("V-1"))
        .revise("a", 0, NOON, "", "R-1", visit("V-1"))
        .revise("a", 2, NOON, "", "R-2", visit("V-1"))
        .revise("a", 1, NOON, "", "R-9", visit("V-9"))
        .retract("a", 3)
        .retract("a", 3)
        .revise("a", 2, NOON, "", "R-2", visit("V-1"))
        .revise("a", 4, NOON, "", "R-4", visit("V-4"))
        .retract("b", 5)
        .revise("b", 4, NOON, "", "R-1", visit("V-5"));
    use Verdict::{Admitted, Correction, Duplicate, Retraction};
    let expected =
        [Admitted, Duplicate, Correction, Duplicate, Retraction, Duplicate, Duplicate, Correction, Retraction, Duplicate];
    assert_eq!(script.model().verdicts, expected);
    assert_eq!(script.table(FactTable::Visits, "visit_id rep_id"), ["V-4 R-4"]);
}

#[test]
fn a_conflict_ends_the_same_in_both_orders() {
    let mut script = Script::default();
    script.revise("a", 1, NOON, "", "R-1", visit("V-1")).revise("a", 1, NOON, "", "R-2", visit("V-2"));
    let model = script.model();
    assert_eq!(model.verdicts, [Verdict::Admitted, Verdict::Conflict]);
    let mut greatest = script.0.iter().max_by_key(|event| event.payload_hash()).unwrap().clone();
    greatest.envelope.recorded_at = Some(greatest.envelope.received_at);
    assert_eq!(model.live, std::slice::from_ref(&greatest));
    script.0.reverse();
    assert_eq!(script.model().live, [greatest]);
}

#[test]
fn a_retraction_beats_an_equal_revision_in_both_orders() {
    for revision in 0..20 {
        let mut script = Script::default();
        script.revise("a", revision, NOON, "", "R-1", visit("V-1")).retract("a", revision);
        assert_eq!(script.model().verdicts, [Verdict::Admitted, Verdict::Retraction]);
        assert!(script.model().live.is_empty());
        script.0.reverse();
        assert_eq!(script.model().verdicts, [Verdict::Retraction, Verdict::Duplicate]);
        assert!(script.model().live.is_empty());
    }
}

#[test]
fn an_event_counts_as_entered_when_its_first_record_was_received() {
    let mut script = Script::default();
    script.revise("a", 0, NOON, "", "R-1", visit("V-1")).revise("a", 1, NOON, "", "R-2", visit("V-1"));
    script.0[1].envelope.received_at += 100 * 3_600_000;
    let columns = "rep_id recorded_at entry_delay_hours";
    assert_eq!(script.table(FactTable::Visits, columns), ["R-2 2026-03-05T05:00Z 1"]);
    script.0.reverse();
    assert_eq!(script.table(FactTable::Visits, columns), ["R-2 2026-03-05T05:00Z 1"]);
    script.0[0].envelope.recorded_at = Some(script.0[0].envelope.occurred_at);
    assert_eq!(script.table(FactTable::Visits, columns), ["R-2 2026-03-05T04:00Z 0"]);
}

#[test]
fn a_correction_moves_an_event_to_another_entity_and_type() {
    let mut script = Script::default();
    script.revise("a", 0, NOON, "A-1", "R-1", visit("V-1")).revise(
        "a",
        1,
        NOON,
        "A-1",
        "R-1",
        data!(CallCompleted, CallCompleted { call_id: "C-1" }),
    );
    assert!(script.table(FactTable::Visits, "visit_id").is_empty());
    assert_eq!(script.table(FactTable::Calls, "call_id"), ["C-1"]);
    assert_eq!(script.table(FactTable::Touches, "kind touch_id"), ["call C-1"]);
}

#[test]
fn the_later_of_deletion_and_restoration_decides() {
    let named = |id: &str| tidemark_schemas::events::payload::EntityNamed { kind: "visit".to_owned(), id: id.to_owned() };
    let mut script = Script::default();
    script
        .say(NOON, "A-1", "R-1", visit("V-1"))
        .say(NOON, "A-1", "R-1", visit("V-2"))
        .say("2026-03-07T00:00:00Z", "", "", Data::EntityRestored(named("V-1")))
        .say("2026-03-06T00:00:00Z", "", "", Data::EntityDeleted(named("V-1")))
        .say("2026-03-06T00:00:00Z", "", "", Data::EntityRestored(named("V-2")))
        .say("2026-03-07T00:00:00Z", "", "", Data::EntityDeleted(named("V-2")))
        .say("2026-03-08T00:00:00Z", "A-1", "R-1", visit("V-2"));
    assert_eq!(script.table(FactTable::Visits, "visit_id"), ["V-1"]);
}
