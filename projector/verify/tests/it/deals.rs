//! deals and deal_stages.

use tidemark_schemas::{events::Data, table::FactTable};

use crate::{
    data,
    script::{Script, day, decimal},
};

const COURSE: &str = "rep_id status stage stage_entered_at closed_at";
const STAYS: &str = "stay stage entered_at left_at duration_ms days advanced";

fn opened(stage: &str) -> Data {
    data!(DealOpened, DealOpened { deal_id: "D-1", stage: (!stage.is_empty()).then(|| stage.to_owned()) })
}

fn stage(stage: &str) -> Data {
    data!(DealStageChanged, DealStageChanged { deal_id: "D-1", stage: stage })
}

fn won() -> Data {
    data!(DealWon, DealWon { deal_id: "D-1" })
}

fn lost() -> Data {
    data!(DealLost, DealLost { deal_id: "D-1" })
}

fn reopened(stage: Option<String>) -> Data {
    data!(DealReopened, DealReopened { deal_id: "D-1", stage: stage })
}

fn reassigned(rep: &str) -> Data {
    data!(DealReassigned, DealReassigned { deal_id: "D-1", rep_id: rep })
}

#[test]
fn terms_are_the_last_that_was_said() {
    let mut script = Script::default();
    let opened = data!(
        DealOpened,
        DealOpened {
            deal_id: "D-1",
            product: "GTX".to_owned(),
            amount: decimal("100"),
            expected_close_on: day("2026-04-01"),
            expires_on: day("2027-04-01"),
        }
    );
    let amended = data!(
        DealAmended,
        DealAmended { deal_id: "D-1", kind: "renewal".to_owned(), amount: decimal("70"), expires_on: day("2027-05-01") }
    );
    let won = data!(DealWon, DealWon { deal_id: "D-1", amount: decimal("90.5"), currency: "USD".to_owned() });
    // A deal that was only won does not exist.
    script.say("2026-03-05T16:00:00Z", "A-9", "R-9", won);
    assert!(script.table(FactTable::Deals, "deal_id").is_empty());
    script.say("2026-03-01T00:00:00Z", "A-1", "R-1", opened);
    script.say("2026-03-06T00:00:00Z", "A-2", "", amended);
    let columns = "deal_id account_id rep_id kind product amount currency status stage opened_on closed_at closed_on \
                   expected_close_on expires_on cycle_ms cycle_days";
    let expected = "D-1 A-2 R-1 renewal GTX 70 USD won - 2026-03-01 2026-03-05T16:00Z 2026-03-06 2026-04-01 2027-05-01 \
                    403200000 4.666667";
    assert_eq!(script.table(FactTable::Deals, columns), [expected]);
    script.retract("e1", 1);
    let open = "D-1 A-2 R-1 renewal GTX 70 CNY open - 2026-03-01 - - 2026-04-01 2027-05-01 - -";
    assert_eq!(script.table(FactTable::Deals, columns), [open]);
}

#[test]
fn stays_advance_and_end_with_the_deal() {
    let mut script = Script::default();
    script
        .say("2026-03-01T00:00:00Z", "A-1", "R-1", opened("prospecting"))
        .say("2026-03-02T00:00:00Z", "", "", stage("prospecting"))
        .say("2026-03-03T00:00:00Z", "", "", stage("Proposal"))
        .say("2026-03-04T12:00:00Z", "", "", stage("engaging"))
        .say("2026-03-05T00:00:00Z", "", "", won())
        .say("2026-03-06T00:00:00Z", "", "", stage("contract"));
    let stays = [
        "1 prospecting 2026-03-01T00:00Z 2026-03-03T00:00Z 172800000 2 true",
        "2 Proposal 2026-03-03T00:00Z 2026-03-04T12:00Z 129600000 1.5 false",
        "3 engaging 2026-03-04T12:00Z 2026-03-05T00:00Z 43200000 0.5 true",
    ];
    assert_eq!(script.table(FactTable::DealStages, STAYS), stays);
    let deal = "R-1 won engaging 2026-03-04T12:00Z 2026-03-05T00:00Z";
    assert_eq!(script.table(FactTable::Deals, COURSE), [deal]);
}

#[test]
fn reopening_begins_a_stay_in_the_stage_it_had() {
    let mut script = Script::default();
    script
        .say("2026-03-01T00:00:00Z", "", "R-1", opened("engaging"))
        .say("2026-03-02T00:00:00Z", "", "", lost())
        .say("2026-03-03T00:00:00Z", "", "", reassigned("R-2"))
        .say("2026-03-04T00:00:00Z", "", "", reopened(None))
        .say("2026-03-05T00:00:00Z", "", "", reassigned("R-3"))
        .say("2026-03-06T00:00:00Z", "", "", reopened(Some("contract".to_owned())));
    let stays = [
        "1 engaging 2026-03-01T00:00Z 2026-03-02T00:00Z 86400000 1 false",
        "2 engaging 2026-03-04T00:00Z 2026-03-06T00:00Z 172800000 2 true",
        "3 contract 2026-03-06T00:00Z - - - false",
    ];
    assert_eq!(script.table(FactTable::DealStages, STAYS), stays);
    assert_eq!(script.table(FactTable::Deals, COURSE), ["R-3 open contract 2026-03-06T00:00Z -"]);
}

#[test]
fn the_last_closing_counts_and_the_owner_then_keeps_the_credit() {
    let mut script = Script::default();
    script
        .say("2026-03-01T00:00:00Z", "", "", opened(""))
        .say("2026-03-01T12:00:00Z", "", "R-2", opened("engaging"))
        .say("2026-03-02T00:00:00Z", "", "", lost())
        .say("2026-03-03T00:00:00Z", "", "", won())
        .say("2026-03-04T00:00:00Z", "", "", reassigned("R-4"));
    assert_eq!(script.table(FactTable::Deals, COURSE), ["R-2 won engaging 2026-03-01T12:00Z 2026-03-03T00:00Z"]);
    let stay = "1 engaging 2026-03-01T12:00Z 2026-03-03T00:00Z 129600000 1.5 true";
    assert_eq!(script.table(FactTable::DealStages, STAYS), [stay]);
}

#[test]
fn what_happened_before_the_opening_still_happened() {
    let mut script = Script::default();
    script
        .say("2026-03-03T00:00:00Z", "", "R-1", opened("prospecting"))
        .say("2026-03-01T00:00:00Z", "", "", stage("proposal"))
        .say("2026-03-02T00:00:00Z", "", "", won());
    assert_eq!(script.table(FactTable::Deals, COURSE), ["R-1 won proposal 2026-03-01T00:00Z 2026-03-02T00:00Z"]);
    assert_eq!(script.table(FactTable::Deals, "cycle_days"), ["-1"]);
    let stay = "1 proposal 2026-03-01T00:00Z 2026-03-02T00:00Z 86400000 1 true";
    assert_eq!(script.table(FactTable::DealStages, STAYS), [stay]);
}

#[test]
fn the_first_opening_with_a_stage_is_a_stage_change() {
    let mut script = Script::default();
    script
        .say("2026-03-01T00:00:00Z", "", "", stage("proposal"))
        .say("2026-03-02T00:00:00Z", "", "R-1", opened(""))
        .say("2026-03-03T00:00:00Z", "", "R-1", opened("prospecting"))
        .say("2026-03-04T00:00:00Z", "", "R-1", opened("engaging"));
    let stays =
        ["1 proposal 2026-03-01T00:00Z 2026-03-03T00:00Z 172800000 2 false", "2 prospecting 2026-03-03T00:00Z - - - false"];
    assert_eq!(script.table(FactTable::DealStages, STAYS), stays);
}

#[test]
fn the_account_is_the_openings_or_amendments_and_else_whatever_names_one() {
    let account = |script: &Script| script.table(FactTable::Deals, "account_id");
    let mut script = Script::default();
    script.say("2026-03-01T00:00:00Z", "", "", opened("proposal")).say("2026-03-03T00:00:00Z", "A-3", "", won()).say(
        "2026-03-02T00:00:00Z",
        "A-2",
        "",
        stage("engaging"),
    );
    assert_eq!(account(&script), ["A-3"]);
    assert_eq!(script.table(FactTable::DealStages, "account_id"), ["A-3", "A-3"]);
    script.say("2026-02-01T00:00:00Z", "A-1", "", data!(DealAmended, DealAmended { deal_id: "D-1" }));
    assert_eq!(account(&script), ["A-1"]);
    script.say("2026-03-01T00:00:00Z", "A-4", "", opened(""));
    assert_eq!(account(&script), ["A-4"]);
    script.say("2026-03-09T00:00:00Z", "A-5", "", lost());
    assert_eq!(account(&script), ["A-4"]);
}
