//! Cells and values: sums, distinct counts, percentiles, money, failures.

use tidemark_schemas::{events::Data, kpi::Catalogue};

use crate::{
    data,
    script::{Script, day, decimal},
};

fn visit(id: &str) -> Data {
    data!(VisitCompleted, VisitCompleted { visit_id: id })
}

/// The value of a KPI over everything.
fn value(script: &Script, kpi: &str) -> Option<String> {
    let catalogue = Catalogue::shipped().unwrap();
    let values = script.model().values(catalogue.get(kpi).unwrap(), |_| ());
    assert!(values.len() <= 1);
    values.into_values().next().expect("a cell")
}

fn won(script: &mut Script, id: &str, days: i64, amount: &str, currency: &str) {
    let opened = data!(DealOpened, DealOpened { deal_id: id, amount: decimal(amount), currency: currency.to_owned() });
    script.say("2026-03-01T00:00:00Z", "A-1", "R-1", opened);
    let at = chrono::DateTime::parse_from_rfc3339("2026-03-01T00:00:00Z").unwrap() + chrono::TimeDelta::days(days);
    script.say(&at.to_rfc3339(), "", "", data!(DealWon, DealWon { deal_id: id }));
}

#[test]
fn cells_hold_counts_by_rep_and_day() {
    let mut script = Script::default();
    script
        .say("2026-03-05T00:00:00Z", "A-1", "R-1", visit("V-1"))
        .say("2026-03-05T01:00:00Z", "A-1", "R-1", visit("V-2"))
        .say("2026-03-05T16:00:00Z", "A-2", "R-1", visit("V-3"))
        .say("2026-03-05T02:00:00Z", "", "", visit("V-4"));
    let model = script.model();
    let cells = |kpi: &str| -> Vec<String> {
        let of_kpi = model.cells.iter().filter(|(key, _)| key.kpi == kpi);
        of_kpi
            .map(|(key, cell)| format!("{} {:?} {} {:?} {}", key.day, key.rep, cell.facts, cell.sums, cell.values.len()))
            .collect()
    };
    let (fifth, sixth) = (day("2026-03-05"), day("2026-03-06"));
    let expected = [
        format!("{fifth} \"\" 1 [Decimal6(1000000)] 0"),
        format!("{fifth} \"R-1\" 2 [Decimal6(2000000)] 0"),
        format!("{sixth} \"R-1\" 1 [Decimal6(1000000)] 0"),
    ];
    assert_eq!(cells("visits"), expected);
    let distinct = [format!("{fifth} \"\" 1 [] 0"), format!("{fifth} \"R-1\" 1 [] 1"), format!("{sixth} \"R-1\" 1 [] 1")];
    let facts: Vec<String> = cells("accounts_visited");
    assert_eq!(facts[0], distinct[0]);
    assert_eq!(facts[1], distinct[1].replace("\"R-1\" 1", "\"R-1\" 2"));
    assert_eq!(facts[2], distinct[2]);
    assert_eq!(value(&script, "accounts_visited").as_deref(), Some("2"));
    assert_eq!(value(&script, "decision_maker_rate").as_deref(), Some("0"));
}

#[test]
fn medians_and_percentiles_interpolate() {
    let mut script = Script::default();
    for (id, days) in [("D-1", 1), ("D-2", 4), ("D-3", 10), ("D-4", 20)] {
        won(&mut script, id, days, "10", "CNY");
    }
    assert_eq!(value(&script, "sales_cycle").as_deref(), Some("7"));
    // 0.9 × 3 = 2.7: seven tenths of the way from 10 to 20.
    assert_eq!(value(&script, "sales_cycle_p90").as_deref(), Some("17"));
    assert_eq!(value(&script, "win_rate").as_deref(), Some("1"));
}

#[test]
fn money_is_converted_by_the_rate_of_its_day_or_is_null() {
    let mut script = Script::default();
    won(&mut script, "D-1", 1, "10", "CNY");
    won(&mut script, "D-2", 2, "2.5", "USD");
    assert_eq!(value(&script, "won_amount"), None);
    let rate = |on: &str, rate: &str| data!(RateSet, RateSet { from: "USD", to: "CNY", on: day(on), rate: decimal(rate) });
    script
        .say("2026-01-01T00:00:00Z", "", "", rate("2026-03-01", "7.1"))
        .say("2026-01-01T00:00:00Z", "", "", rate("2026-03-03", "7.2"))
        .say("2026-01-01T00:00:00Z", "", "", rate("2026-03-04", "9"));
    assert_eq!(value(&script, "won_amount").as_deref(), Some("28"));
    assert_eq!(value(&script, "average_deal_size").as_deref(), Some("14"));
}

#[test]
fn quotients_round_half_away_from_zero_and_are_null_by_zero() {
    let survey = |id: &str, score: &str, max: &str| {
        data!(SurveyAnswered, SurveyAnswered { survey_id: id, kind: "csat", score: decimal(score), max_score: decimal(max) })
    };
    let mut script = Script::default();
    script.say("2026-03-05T00:00:00Z", "", "", survey("S-1", "1", "0"));
    assert_eq!(value(&script, "csat"), None);
    script.say("2026-03-05T00:00:00Z", "", "", survey("S-2", "1", "3"));
    assert_eq!(value(&script, "csat").as_deref(), Some("66.6666666667"));
}

#[test]
fn a_fact_whose_expression_fails_is_in_no_cell_of_that_kpi() {
    let mut script = Script::default();
    for (account, years) in [("A-1", "2"), ("A-2", "999999999999999")] {
        let details = data!(
            AccountCreated,
            AccountDetails {
                acquisition_cost: decimal("1"),
                gross_margin: decimal(if years == "2" { "0.5" } else { years }),
                expected_years: decimal(years),
            }
        );
        script.say("2026-03-01T00:00:00Z", account, "", details);
        let opened = data!(DealOpened, DealOpened { deal_id: account, amount: decimal("100") });
        script.say("2026-03-01T00:00:00Z", account, "", opened);
        script.say("2026-03-02T00:00:00Z", "", "", data!(DealWon, DealWon { deal_id: account }));
    }
    assert_eq!(value(&script, "new_customers").as_deref(), Some("2"));
    assert_eq!(value(&script, "customer_lifetime_value").as_deref(), Some("99"));
}

#[test]
fn a_fact_that_adds_more_than_a_sum_can_hold_is_in_no_cell_of_that_kpi() {
    let mut script = Script::default();
    // 100 × 10^7 × 10^9 is 10^18, less the cost of 1; the next is beyond it.
    for (account, years, cost) in [("A-1", "1000000000", "1"), ("A-2", "1000000001", "1")] {
        let details = data!(
            AccountCreated,
            AccountDetails { acquisition_cost: decimal(cost), gross_margin: decimal("10000000"), expected_years: decimal(years) }
        );
        script.say("2026-03-01T00:00:00Z", account, "", details);
        let opened = data!(DealOpened, DealOpened { deal_id: account, amount: decimal("100") });
        script.say("2026-03-01T00:00:00Z", account, "", opened);
        script.say("2026-03-02T00:00:00Z", "", "", data!(DealWon, DealWon { deal_id: account }));
    }
    assert_eq!(value(&script, "new_customers").as_deref(), Some("2"));
    assert_eq!(value(&script, "customer_lifetime_value").as_deref(), Some("999999999999999999"));
}
