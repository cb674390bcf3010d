//! Money is never mixed: every slot is converted by the rate of its day before any arithmetic.

use crate::fixture::Fixture;

async fn fixture() -> Option<Fixture> {
    let fixture = Fixture::empty().await?;
    fixture
        .cells(
            "('average_deal_size', '2026-01-05', 'R-1', 'P', 'CNY', 2, 100.5, 2, 1, 0), ('average_deal_size', '2026-01-05', 'R-1', 'P', 'EUR', 1, 10, 1, 1, 0), \
             ('average_deal_size', '2026-01-10', 'R-1', 'P', 'EUR', 1, 10, 1, 1, 0), ('average_deal_size', '2026-02-10', 'R-2', 'P', 'EUR', 1, 10, 1, 1, 0)",
        )
        .await;
    fixture
        .rates(
            1,
            &[
                ["acme", "EUR", "CNY", "2026-01-01", "2026-01-10", "7.5"],
                ["acme", "EUR", "CNY", "2026-01-10", "2026-02-01", "8.123457"],
                ["acme", "EUR", "USD", "2026-01-01", "", "1.1"],
                ["other", "EUR", "CNY", "2026-01-01", "", "99"],
            ],
        )
        .await;
    fixture.watermark(1).await;
    Some(fixture)
}

#[tokio::test]
async fn each_day_has_its_rate_and_counts_have_none() {
    let Some(fixture) = fixture().await else { return };
    // (100.5 + 75) / 3, and 81.23457 / 1.
    assert_eq!(fixture.rows("average_deal_size?grain=day&to=2026-01-31").await, ["2026-01-05 58.5", "2026-01-10 81.23457"]);
    // (100.5 + 75 + 81.23457) / 4
    assert_eq!(fixture.rows("average_deal_size?grain=month&to=2026-01-31").await, ["2026-01-01 64.1836425"]);
}

#[tokio::test]
async fn a_missing_rate_makes_the_value_null_and_says_so() {
    let Some(fixture) = fixture().await else { return };
    let (_, answer) = fixture.get("/v1/kpis/average_deal_size?grain=month").await;
    assert_eq!(answer["rows"][0]["value"], "64.1836425");
    assert_eq!(answer["rows"][1]["value"], serde_json::Value::Null);
    assert_eq!(
        answer["missing_rates"],
        serde_json::json!([{ "from_currency": "EUR", "to_currency": "CNY", "day": "2026-02-10" }])
    );
}

#[tokio::test]
async fn a_median_of_money_sorts_what_was_converted() {
    let mut catalogue = tidemark_schemas::kpi::Catalogue::shipped().unwrap();
    let file = include_str!("../../../schemas/kpis/won_amount.toml").replace("sum(amount)", "median(amount)");
    catalogue.add("median_deal", &file).unwrap();
    let Some(fixture) = Fixture::with(tidemark_query::Config::default(), catalogue).await else { return };
    fixture.rates(1, &[["acme", "EUR", "CNY", "2026-01-01", "", "7.5"]]).await;
    fixture.watermark(1).await;
    fixture.cells("('median_deal', '2026-01-05', 'R-1', 'P', 'CNY', 2, 0, 0, 1, 0), ('median_deal', '2026-01-05', 'R-1', 'P', 'EUR', 1, 0, 0, 1, 0)").await;
    fixture
        .values(
            "('median_deal', '2026-01-05', 'R-1', 'P', 'CNY', 0, '', 20, 1, 1, 0), ('median_deal', '2026-01-05', 'R-1', 'P', 'CNY', 0, '', 100, 1, 1, 0), \
             ('median_deal', '2026-01-05', 'R-1', 'P', 'EUR', 0, '', 10, 1, 1, 0)",
        )
        .await;
    assert_eq!(fixture.rows("median_deal").await, ["2026-01-05 75"]);
}
