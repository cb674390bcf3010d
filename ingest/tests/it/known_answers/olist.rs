//! Olist: payments by month and method, review scores; and the full payments file, which is packed and has no times.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use tidemark_ingest::{ImportOptions, map_rows};
use tidemark_schemas::{decimal::Decimal6, table::FactTable};

use super::{Company, Lines, data_set, month, text};

const PAYMENTS: &str = "olist_order_payments_dataset.csv";
const REVIEWS: &str = "olist_order_reviews_dataset.csv";

#[test]
fn the_known_answers_of_olist() {
    let Some(folder) = data_set("olist-payments-reviews") else { return };
    let folder = folder.join("sample-3000");
    let company = Company::of(&folder, "olist-payments-reviews", "BRL", &[PAYMENTS, REVIEWS]);
    let mut lines = Lines::of("olist-payments-reviews");
    payments(&company, &folder, &mut lines);
    reviews(&company, &mut lines);
    lines.finish();
}

fn payments(company: &Company, folder: &Path, lines: &mut Lines) {
    let all = company.kpi("received_amount", |_| String::new());
    lines.number("received amount", 466_467.77, all.get(""));
    let by_month = company.kpi("received_amount", |cell| month(cell.day));
    for (month, expected) in
        [("2017-01", 4_420.89), ("2017-11", 27_198.86), ("2018-01", 34_419.01), ("2018-04", 38_304.90), ("2018-08", 35_018.20)]
    {
        lines.number(&format!("received in {month}"), expected, by_month.get(month));
    }
    // The published totals by method include what was never approved, which has no time and is refused.
    let mut never = never_approved(folder);
    let refused: u64 = never.values().map(|sum| sum.0).sum();
    let imported = &company.files[PAYMENTS];
    lines.exact("payment rows", 3170, imported.rows);
    lines.exact("refused payment rows", refused, imported.refused.values().sum::<u64>());
    let never_total = never.values().fold(Decimal6::from_int(0), |total, sum| total + sum.1);
    lines.exact("never approved", "1619.6", never_total);
    for (method, sum) in company.sums(FactTable::Payments, "amount", |payment| text(payment, "method")) {
        let with = never.entry(method).or_default();
        *with = (with.0 + sum.0, with.1 + sum.1);
    }
    for (method, n, total) in [
        ("boleto", 599, "87531.66"),
        ("credit_card", 2295, "361483.65"),
        ("debit_card", 52, "6494.35"),
        ("not_defined", 1, "0"),
        ("voucher", 223, "12577.71"),
    ] {
        let found = never.remove(method).unwrap_or_default();
        lines.exact(&format!("payments by {method}"), n, found.0);
        lines.exact(&format!("paid by {method}"), total, found.1);
    }
    lines.exact("other methods", 0, never.len());
}

/// By method, how many payments are of orders that were never approved, and their sum: read without the mapping.
fn never_approved(folder: &Path) -> BTreeMap<String, (u64, Decimal6)> {
    let rows = |file: &str| -> Vec<Vec<String>> {
        let text = fs::read_to_string(folder.join(file)).unwrap();
        text.lines().skip(1).map(|line| line.replace('"', "").split(',').map(str::to_owned).collect()).collect()
    };
    let orders = rows("olist_orders_dataset.csv");
    let approved: BTreeSet<&str> = orders.iter().filter(|order| !order[4].is_empty()).map(|order| order[0].as_str()).collect();
    let mut sums: BTreeMap<String, (u64, Decimal6)> = BTreeMap::new();
    for payment in rows(PAYMENTS).into_iter().filter(|payment| !approved.contains(payment[0].as_str())) {
        let sum = sums.entry(payment[2].clone()).or_default();
        *sum = (sum.0 + 1, sum.1 + payment[4].parse().unwrap());
    }
    sums
}

fn reviews(company: &Company, lines: &mut Lines) {
    let imported = &company.files[REVIEWS];
    lines.exact("reviews", 2993, imported.rows);
    lines.exact("refused reviews", "{}", format!("{:?}", imported.refused));
    lines.number("survey responses", 2993.0, company.kpi("survey_responses", |_| String::new()).get(""));
    let scores = company.sums(FactTable::Surveys, "score", |survey| format!("{:?}", survey.get("score")));
    let total = scores.values().fold(Decimal6::from_int(0), |total, sum| total + sum.1);
    lines.exact("sum of the scores", 12_181, total);
    let counts: Vec<u64> = scores.values().map(|sum| sum.0).collect();
    lines.exact("reviews by score", "[355, 98, 247, 576, 1717]", format!("{counts:?}"));
}

#[test]
fn the_full_payments_file_is_read_from_its_zip() {
    let Some(folder) = data_set("olist-payments-reviews") else { return };
    let directory = tempfile::tempdir().unwrap();
    let mapping = directory.path().join("payments.jq");
    fs::write(&mapping, "{ order: .order_id, value: .payment_value }").unwrap();
    let options = ImportOptions::new(folder.join("olist_order_payments_dataset.csv.zip"), mapping.to_str().unwrap(), "", "");
    let (mut rows, mut total, mut orders) = (0, Decimal6::from_int(0), BTreeSet::new());
    map_rows(&options, |_, events| {
        let made: serde_json::Value = serde_json::from_str(&events.unwrap()[0]).unwrap();
        rows += 1;
        total += made["value"].as_str().unwrap().parse().unwrap();
        orders.insert(made["order"].as_str().unwrap().to_owned());
    })
    .unwrap();
    assert_eq!((rows, total.to_string().as_str(), orders.len()), (103_886, "16008872.12", 99_440));
}
