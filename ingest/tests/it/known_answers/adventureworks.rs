//! AdventureWorks: quotas by date, and who had which territory on a day.

use std::collections::BTreeMap;

use tidemark_schemas::{decimal::Decimal6, fact::Scalar, table::FactTable};

use super::{Company, Lines, data_set, date, text};

const FILES: [&str; 3] = ["SalesPerson.csv", "SalesTerritoryHistory.csv", "SalesPersonQuotaHistory.csv"];

#[test]
fn the_known_answers_of_adventureworks() {
    let Some(folder) = data_set("adventureworks-targets") else { return };
    let company = Company::of(&folder, "adventureworks-targets", "USD", &FILES);
    let mut lines = Lines::of("adventureworks-targets");
    for (file, imported) in &company.files {
        lines.exact(&format!("refused rows of {file}"), "{}", format!("{:?}", imported.refused));
    }
    let by_period = company.sums(FactTable::Targets, "value", |target| text(target, "period"));
    let by_person = company.sums(FactTable::Targets, "value", |target| text(target, "unit_id"));
    lines.exact("quotas", 163, by_period.values().map(|sum| sum.0).sum::<u64>());
    lines.exact("people with quotas", 17, by_person.len());
    lines.exact("quarters", 12, by_period.len());
    let total = by_period.values().fold(Decimal6::from_int(0), |total, sum| total + sum.1);
    lines.exact("all quotas", 95_714_000, total);
    for (quota_date, period, expected) in [
        ("2011-05-31", "2011-Q2", 3_886_000),
        ("2012-05-30", "2012-Q2", 10_537_000),
        ("2013-05-30", "2013-Q2", 13_733_000),
        ("2014-03-01", "2014-Q1", 10_359_000),
    ] {
        lines.exact(&format!("quotas of {quota_date}"), expected, by_period[period].1);
    }
    roster(&company, &mut lines);
    lines.finish();
}

/// The territories of the history file, as it stands there.
fn roster(company: &Company, lines: &mut Lines) {
    let everybody = on(company, "2014-12-31");
    lines.exact("people on the roster", 17, everybody.len());
    for (day, person, territory) in [
        ("2011-05-31", "275", Some("Northeast")),
        ("2012-11-29", "275", Some("Northeast")),
        ("2012-11-30", "275", Some("Central")),
        ("2012-11-29", "277", Some("Central")),
        ("2012-11-30", "277", Some("Northeast")),
        ("2012-05-29", "282", Some("Canada")),
        ("2012-05-30", "282", Some("United Kingdom")),
        ("2012-09-29", "280", Some("Northwest")),
        ("2012-09-30", "280", Some("")),
        ("2012-09-29", "284", None),
        ("2012-09-30", "284", Some("Northwest")),
        ("2014-12-31", "286", Some("Australia")),
        ("2014-12-31", "274", Some("")),
    ] {
        let found = on(company, day).remove(person);
        lines.exact(&format!("territory of {person} on {day}"), format!("{territory:?}"), format!("{:?}", found.as_deref()));
    }
}

/// Everybody's region on a day.
fn on(company: &Company, day: &str) -> BTreeMap<String, String> {
    let is_on = |bound: &Scalar| matches!(bound, Scalar::Date(bound) if date(*bound).to_string().as_str() <= day);
    let valid = company.facts(FactTable::Roster).filter(|row| is_on(row.get("valid_from")) && !is_on(row.get("valid_to")));
    valid.map(|row| (text(row, "rep_id"), text(row, "region"))).collect()
}
