//! Typed request in, whole statement out; and every parameter that cannot be used.

use tidemark_schemas::kpi::Catalogue;

use super::{request::KpiRequest, sql::statement};

/// Name and value.
type Parameters<'a> = &'a [(&'a str, &'a str)];

fn parse(kpi: &str, parameters: Parameters<'_>) -> Result<KpiRequest, String> {
    let parameters: Vec<(String, String)> = parameters.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    KpiRequest::parse(&Catalogue::shipped().unwrap(), kpi, &parameters).map_err(|error| error.to_string())
}

#[test]
fn statements() {
    let requests: [(&str, &str, Parameters<'_>); 5] = [
        ("everything", "visits", &[]),
        (
            "ratio_by_team_and_dim",
            "win_rate",
            &[
                ("from", "2026-01-01"),
                ("to", "2026-03-31"),
                ("grain", "month"),
                ("by", "team,product"),
                ("rep", "R-7"),
                ("product", "P"),
            ],
        ),
        ("median_by_week", "sales_cycle", &[("grain", "week"), ("by", "rep")]),
        ("distinct_of_a_team", "accounts_visited", &[("grain", "quarter"), ("team", "Blue"), ("team", "Red")]),
        ("money", "average_deal_size", &[("grain", "year"), ("by", "region")]),
    ];
    for (name, kpi, parameters) in requests {
        insta::assert_snapshot!(name, statement(&parse(kpi, parameters).unwrap()));
    }
}

#[test]
fn what_cannot_be_used_is_named_with_what_there_is() {
    let cases: [(&str, Parameters<'_>, &str); 12] = [
        ("vists", &[], "there is no KPI \"vists\"; there are accounts_visited"),
        (
            "visits",
            &[("form", "2026-01-01")],
            "form: there is no such parameter; there are from, to, grain, by, as_of, after and, for visits, rep, team",
        ),
        ("visits", &[("product", "P")], "product: there is no such parameter"),
        ("visits", &[("by", "product")], "by: visits has no \"product\"; there are rep, team, department, region"),
        ("win_rate", &[("by", "produkt")], "rep, team, department, region, product"),
        ("visits", &[("by", "rep,rep")], "by: rep is given twice"),
        ("visits", &[("from", "2026-1-1")], "from: \"2026-1-1\" is not a date like 2026-03-31"),
        ("visits", &[("to", "2150-01-01")], "to: \"2150-01-01\" is not a date"),
        ("visits", &[("from", "2026-02-01"), ("to", "2026-01-31")], "from: 2026-02-01 is after to=2026-01-31"),
        ("visits", &[("grain", "hour")], "grain: \"hour\" is none; there are day, week"),
        ("visits", &[("grain", "day"), ("grain", "week")], "grain: it is given twice"),
        ("visits", &[("after", "x")], "after: \"x\" is not a position token"),
    ];
    for (kpi, parameters, message) in cases {
        let error = parse(kpi, parameters).expect_err(message);
        assert!(error.contains(message), "{error}");
    }
}
