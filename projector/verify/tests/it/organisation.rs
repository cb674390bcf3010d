//! roster, targets and rates.

use tidemark_schemas::{events::Data, table::FactTable};

use crate::{
    data,
    script::{Script, day, decimal},
};

fn assigned(team: &str, valid_from: &str) -> Data {
    data!(RosterAssigned, RosterAssigned { rep_id: "R-1", team: team.to_owned(), valid_from: day(valid_from) })
}

fn left(left_on: &str) -> Data {
    data!(RosterLeft, RosterLeft { rep_id: "R-1", left_on: day(left_on) })
}

#[test]
fn assignments_end_with_the_next_or_with_leaving() {
    let mut script = Script::default();
    script
        .say("2026-01-01T00:00:00Z", "", "", assigned("T-2", "2026-03-01"))
        .say("2026-01-01T00:00:00Z", "", "", assigned("T-1", "2026-01-01"))
        .say("2026-02-01T00:00:00Z", "", "", assigned("T-3", "2026-03-01"))
        .say("2026-02-01T00:00:00Z", "", "", left("2026-04-01"))
        .say("2026-02-01T00:00:00Z", "", "", left("2026-05-01"))
        .say("2026-02-01T00:00:00Z", "", "", assigned("T-4", "2026-05-01"));
    let columns = "rep_id valid_from valid_to team department manager_id";
    let expected = ["R-1 2026-01-01 2026-03-01 T-1 - -", "R-1 2026-03-01 2026-04-01 T-3 - -", "R-1 2026-05-01 - T-4 - -"];
    assert_eq!(script.table(FactTable::Roster, columns), expected);
    script.say("2026-02-01T00:00:00Z", "", "", data!(EntityDeleted, EntityNamed { kind: "rep", id: "R-1" }));
    assert!(script.table(FactTable::Roster, columns).is_empty());
}

#[test]
fn targets_hold_for_their_period() {
    let mut script = Script::default();
    let target = |unit: &str, id: Option<&str>, period: &str, value: &str| {
        data!(
            TargetSet,
            TargetSet { unit: unit, id: id.map(str::to_owned), period: period, kpi: "visits", value: decimal(value) }
        )
    };
    script
        .say("2026-01-02T00:00:00Z", "", "", target("company", None, "2026", "100"))
        .say("2026-01-01T00:00:00Z", "", "", target("company", None, "2026", "90"))
        .say("2026-01-01T00:00:00Z", "", "", target("department", Some("Dp"), "2026-Q4", "25"))
        .say("2026-01-01T00:00:00Z", "", "", target("team", Some("T/1"), "2026-02", "8.5"))
        .say("2026-01-01T00:00:00Z", "", "", target("rep", Some("R-1"), "2026-W53", "2"))
        .say("2026-01-01T00:00:00Z", "", "", target("rep", Some("R-1"), "2025-W53", "2"));
    let columns = "target_id unit unit_id period kpi value valid_from valid_to";
    let expected = [
        "company//2026/visits company - 2026 visits 100 2026-01-01 2027-01-01",
        "department/Dp/2026-Q4/visits department Dp 2026-Q4 visits 25 2026-10-01 2027-01-01",
        "rep/R-1/2026-W53/visits rep R-1 2026-W53 visits 2 2026-12-28 2027-01-04",
        "team/T%2F1/2026-02/visits team T/1 2026-02 visits 8.5 2026-02-01 2026-03-01",
    ];
    assert_eq!(script.table(FactTable::Targets, columns), expected);
}

#[test]
fn a_rate_holds_until_the_next() {
    let mut script = Script::default();
    let rate =
        |from: &str, on: &str, rate: &str| data!(RateSet, RateSet { from: from, to: "CNY", on: day(on), rate: decimal(rate) });
    script
        .say("2026-01-01T00:00:00Z", "", "", rate("USD", "2026-02-01", "7.2"))
        .say("2026-01-02T00:00:00Z", "", "", rate("USD", "2026-02-01", "7.3"))
        .say("2026-01-01T00:00:00Z", "", "", rate("USD", "2026-01-01", "7.1"))
        .say("2026-01-01T00:00:00Z", "", "", rate("EUR", "2026-01-01", "8"));
    let columns = "from_currency to_currency valid_from valid_to rate";
    let expected = ["EUR CNY 2026-01-01 - 8", "USD CNY 2026-01-01 2026-02-01 7.1", "USD CNY 2026-02-01 - 7.3"];
    assert_eq!(script.table(FactTable::Rates, columns), expected);
    script.say("2026-01-03T00:00:00Z", "", "", data!(EntityDeleted, EntityNamed { kind: "rate", id: "USD/CNY" }));
    assert_eq!(script.table(FactTable::Rates, columns), ["EUR CNY 2026-01-01 - 8"]);
}
