//! CRM Sales Opportunities: all, by month, quarter, agent, manager, region and product, and the pipeline as of five days.

use std::collections::BTreeMap;

use serde_json::Value;
use tidemark_schemas::{fact::Scalar, table::FactTable};
use tidemark_verify::CellKey;

use super::{Company, Lines, answers, data_set, date, month, quarter, text};

/// What `answers.json` calls our KPIs.
const KPIS: [(&str, &str); 6] = [
    ("won", "deals_won"),
    ("lost", "deals_lost"),
    ("won_amount", "won_amount"),
    ("win_rate", "win_rate"),
    ("average_deal_size", "average_deal_size"),
    ("median_days_won", "sales_cycle"),
];

#[test]
fn the_known_answers_of_the_sales_opportunities() {
    let Some(folder) = data_set("crm-sales-opportunities") else { return };
    let files = ["sales_teams.csv", "accounts.csv", "sales_pipeline.csv"];
    let company = Company::of(&folder, "crm-sales-opportunities", "USD", &files);
    let answers = answers(&folder);
    let mut lines = Lines::of("crm-sales-opportunities");
    let pipeline = &company.files["sales_pipeline.csv"];
    lines.exact("rows", 8800, pipeline.rows);
    lines.exact("refused rows", "[500]", format!("{:?}", pipeline.refused.values().collect::<Vec<_>>()));
    let (managers, regions) = (roster(&company, "manager_id"), roster(&company, "region"));
    type Group<'a> = &'a dyn Fn(&CellKey) -> String;
    let groups: [(&str, Group<'_>); 8] = [
        ("all", &|_| String::new()),
        ("by_month", &|cell| month(cell.day)),
        ("by_quarter", &|cell| quarter(cell.day)),
        ("by_agent", &|cell| cell.rep.clone()),
        ("by_agent_quarter", &|cell| format!("{}|{}", cell.rep, quarter(cell.day))),
        ("by_manager_quarter", &|cell| format!("{}|{}", managers[&cell.rep], quarter(cell.day))),
        ("by_region", &|cell| regions[&cell.rep].clone()),
        ("by_product", &|cell| cell.dims.first().cloned().unwrap_or_default()),
    ];
    for (name, group) in groups {
        for (answer, kpi) in KPIS {
            let found = company.kpi(kpi, group);
            let all = BTreeMap::from([(String::new(), answers[name].clone())]);
            let expected = match name {
                "all" => all,
                _ => answers[name].as_object().unwrap().iter().map(|(key, value)| (key.clone(), value.clone())).collect(),
            };
            for (key, values) in expected {
                // Who won nothing has no median; published files leave that out.
                if let Some(value) = values.get(answer).and_then(Value::as_f64) {
                    // The product file's spelling, which the mapping brings in.
                    let key = if key == "GTXPro" { "GTX Pro" } else { &key };
                    lines.number(&format!("{name} {key} {answer}"), value, found.get(key));
                }
            }
        }
    }
    as_of(&company, &answers, &mut lines);
    lines.finish();
}

fn roster(company: &Company, column: &str) -> BTreeMap<String, String> {
    company.facts(FactTable::Roster).map(|fact| (text(fact, "rep_id"), text(fact, column))).collect()
}

/// The pipeline at the end of a day, from the facts: business time.
fn as_of(company: &Company, answers: &Value, lines: &mut Lines) {
    for answer in answers["as_of"].as_array().unwrap() {
        let day = answer["day"].as_str().unwrap();
        let mut counts: BTreeMap<&str, i64> = BTreeMap::new();
        for deal in company.facts(FactTable::Deals) {
            let is_until = |column: &str| matches!(deal.get(column), Scalar::Date(on) if date(*on).to_string().as_str() <= day);
            if !is_until("opened_on") {
                continue;
            }
            let status = if is_until("closed_on") { text(deal, "status") } else { "open".to_owned() };
            *counts.entry("engaged").or_default() += 1;
            *counts.entry(["won", "lost", "open"].into_iter().find(|known| *known == status).unwrap()).or_default() += 1;
            if let (Scalar::Decimal(amount), "won") = (deal.get("amount"), status.as_str()) {
                *counts.entry("won_amount").or_default() += amount.to_string().parse::<i64>().unwrap();
            }
        }
        for name in ["engaged", "open", "won", "lost", "won_amount"] {
            lines.exact(&format!("as of {day} {name}"), &answer[name], counts.get(name).copied().unwrap_or_default());
        }
    }
}
