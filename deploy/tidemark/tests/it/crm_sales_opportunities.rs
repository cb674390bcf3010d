//! A real CRM export through the shipped mapping: every number of its `answers.json`, asked over HTTP, to the last digit.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::Value;

use crate::stack::Stack;

const FOLDER: &str = "../../../shared/data/crm-sales-opportunities";
const FILES: [&str; 3] = ["sales_teams.csv", "accounts.csv", "sales_pipeline.csv"];
const PERIOD: &str = "from=2016-10-01&to=2017-12-31";

const PIPELINE: &str = "
    SELECT count(*) AS engaged,
           count(*) FILTER (WHERE closed_on IS NULL OR closed_on > DATE '{day}') AS open,
           count(*) FILTER (WHERE status = 'won' AND closed_on <= DATE '{day}') AS won,
           count(*) FILTER (WHERE status = 'lost' AND closed_on <= DATE '{day}') AS lost,
           coalesce(sum(amount) FILTER (WHERE status = 'won' AND closed_on <= DATE '{day}'), 0) AS won_amount
      FROM deals
     WHERE opened_on <= DATE '{day}'";

/// The name in `answers.json`, our KPI, and the decimal places that the answers were rounded to.
const MEASURES: [(&str, &str, u32); 6] = [
    ("won", "deals_won", 0),
    ("lost", "deals_lost", 0),
    ("won_amount", "won_amount", 0),
    ("win_rate", "win_rate", 10),
    ("median_days_won", "sales_cycle", 1),
    ("average_deal_size", "average_deal_size", 6),
];

/// The group in `answers.json`, how it is asked for, and what its keys are made of.
const GROUPS: [(&str, &str, &[&str]); 7] = [
    ("by_quarter", "grain=quarter", &["quarter"]),
    ("by_month", "grain=month", &["month"]),
    ("by_agent", "grain=all&by=rep", &["rep"]),
    ("by_agent_quarter", "grain=quarter&by=rep", &["rep", "quarter"]),
    ("by_manager_quarter", "grain=quarter&by=team", &["team", "quarter"]),
    ("by_region", "grain=all&by=region", &["region"]),
    ("by_product", "grain=all&by=product", &["product"]),
];

#[tokio::test]
async fn every_published_answer_is_ours_to_the_last_digit() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(FOLDER);
    let Ok(answers) = std::fs::read_to_string(folder.join("answers.json")) else {
        eprintln!("skipped: {} is not there, so no real export was imported", folder.display());
        return;
    };
    let answers: Value = serde_json::from_str(&answers).unwrap();
    let stack = Stack::start_with(&["--time-zone", "UTC", "--currency", "USD"]);
    let position = import(&stack, &folder);
    let mut compared = 0;
    for (measure, kpi, places) in MEASURES {
        let all = ask(&stack, kpi, "grain=all", &position).await;
        let [row] = all.as_slice() else { panic!("{kpi}: {all:?}") };
        assert_eq!(value(row, places), expected(&answers["all"], measure), "{kpi} of all");
        for (group, how, keys) in GROUPS {
            let rows = ask(&stack, kpi, how, &position).await;
            let ours: BTreeMap<String, Option<Decimal>> = rows.iter().map(|row| (key(row, keys), value(row, places))).collect();
            assert_eq!(ours.len(), rows.len(), "{kpi} {group}: a key twice");
            let theirs = answers[group].as_object().unwrap().iter();
            // The answers have the deals' spelling, the mapping has the product list's.
            let theirs: BTreeMap<String, &Value> =
                theirs.map(|(key, answer)| (key.replace("GTXPro", "GTX Pro"), answer)).collect();
            for (key, answer) in &theirs {
                // Nothing counted has no row.
                let ours = ours.get(key).copied().unwrap_or((places == 0).then_some(Decimal::ZERO));
                assert_eq!(ours, expected(answer, measure), "{kpi} {group} {key}");
                compared += 1;
            }
            assert!(ours.keys().all(|key| theirs.contains_key(key)), "{kpi} {group}: {:?}", ours.keys());
        }
    }
    the_pipeline_as_of_five_days(&stack, &answers["as_of"]).await;
    assert_eq!(compared, 6 * (4 + 10 + 30 + 120 + 24 + 3 + 7), "answers.json has another size than it had");
}

/// Stocks are read from the facts, in business time: what was open, won and lost at the end of a day.
async fn the_pipeline_as_of_five_days(stack: &Stack, answers: &Value) {
    let days = answers.as_array().unwrap();
    assert_eq!(days.len(), 5);
    for answer in days {
        let day = answer["day"].as_str().unwrap();
        let answered = stack.sql(&PIPELINE.replace("{day}", day)).await;
        let [row] = answered["rows"].as_array().unwrap().as_slice() else { panic!("{answered}") };
        for measure in ["engaged", "open", "won", "lost", "won_amount"] {
            assert_eq!(number(&row[measure]), number(&answer[measure]), "{measure} as of {day}");
        }
    }
}

/// Imports the three files; 500 of the deals have no date, and the import says so.
fn import(stack: &Stack, folder: &Path) -> String {
    let files: Vec<PathBuf> = FILES.iter().map(|file| folder.join(file)).collect();
    let mut arguments: Vec<&OsStr> = vec!["import".as_ref()];
    arguments.extend(files.iter().map(|file| file.as_os_str()));
    arguments.extend(["--mapping", "crm-sales-opportunities", "--report-dir"].map(OsStr::new));
    arguments.push(stack.state().as_os_str());
    let imported = stack.run(&arguments);
    let said = String::from_utf8(imported.stdout).unwrap();
    assert!(imported.status.success(), "{said}{}", String::from_utf8_lossy(&imported.stderr));
    assert!(said.contains("8300 of 8800 rows accepted"), "{said}");
    said.lines().find_map(|line| line.strip_prefix("position ")).unwrap().to_owned()
}

async fn ask(stack: &Stack, kpi: &str, how: &str, position: &str) -> Vec<Value> {
    let answer = stack.get(&format!("/v1/kpis/{kpi}?{PERIOD}&{how}&after={position}")).await;
    answer["rows"].as_array().unwrap().clone()
}

/// The key that `answers.json` gives a row: `Cara Losch|2017-Q1`.
fn key(row: &Value, parts: &[&str]) -> String {
    let period = row["period"].as_str().unwrap();
    let part = |part: &&str| match *part {
        "month" => period[..7].to_owned(),
        "quarter" => {
            let month: u32 = period[5..7].parse().unwrap();
            format!("{}-Q{}", &period[..4], month.div_ceil(3))
        }
        dimension => row[dimension].as_str().unwrap_or_else(|| panic!("no {dimension} in {row}")).to_owned(),
    };
    parts.iter().map(part).collect::<Vec<_>>().join("|")
}

fn value(row: &Value, places: u32) -> Option<Decimal> {
    let value: Decimal = row["value"].as_str()?.parse().unwrap();
    Some(value.round_dp_with_strategy(places, RoundingStrategy::MidpointAwayFromZero).normalize())
}

fn expected(answer: &Value, measure: &str) -> Option<Decimal> {
    (!answer[measure].is_null()).then(|| number(&answer[measure]))
}

/// A number of JSON, or one in a text as decimals are.
fn number(value: &Value) -> Decimal {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    text.parse::<Decimal>().unwrap_or_else(|error| panic!("{value}: {error}")).normalize()
}
