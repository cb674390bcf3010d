//! The same rows with federation on and off, over versions and deletions that nobody has merged.

use serde_json::Value;
use tidemark_query::Config;
use tidemark_schemas::kpi::Catalogue;

use crate::fixture::{ACME, Fixture};

const ROWS: &str = include_str!("corpus/rows.sql");
const QUESTIONS: &str = include_str!("corpus/questions.sql");
const POSTGRESQL: &str = include_str!("corpus/postgresql.sql");

/// A database with the corpus' rows.
pub async fn filled() -> Option<Fixture> {
    filled_with(Config::default()).await
}

/// The same with other bounds.
pub async fn filled_with(config: Config) -> Option<Fixture> {
    let fixture = Fixture::with(config, Catalogue::shipped().unwrap()).await?;
    for table in ["deals", "visits", "roster", "rates", "events", "dead_letters"] {
        fixture.run(&format!("SYSTEM STOP MERGES {table}")).await;
    }
    for insert in statements(ROWS) {
        fixture.run(&insert).await;
    }
    Some(fixture)
}

fn statements(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with("--")).collect();
    lines.join("\n").split(";\n").map(|statement| statement.trim().to_owned()).filter(|s| !s.is_empty()).collect()
}

#[tokio::test]
async fn federation_changes_no_answer() {
    let Some(with) = filled().await else { return };
    let without = with.beside(Config { federation: false, ..Config::default() }).await;
    let questions = statements(QUESTIONS);
    assert!(questions.len() >= 40, "{}", questions.len());
    let mut differences = Vec::new();
    for question in &questions {
        let (pushed, local) = (answer(&with, question).await, answer(&without, question).await);
        if pushed != local || pushed.is_err() {
            differences.push(format!("{question}\n  on:  {pushed:?}\n  off: {local:?}"));
        }
    }
    // Of these some cannot be asked over HTTP, where columns need names of their own.
    for question in statements(POSTGRESQL) {
        let (pushed, local) = (answer(&with, &question).await, answer(&without, &question).await);
        if pushed != local && (pushed.is_ok() || local.is_ok()) {
            differences.push(format!("{question}\n  on:  {pushed:?}\n  off: {local:?}"));
        }
    }
    assert!(differences.is_empty(), "{}:\n{}", differences.len(), differences.join("\n"));
}

#[tokio::test]
async fn answers_of_many_blocks_arrive_whole() {
    let Some(with) = Fixture::empty().await else { return };
    let without = with.beside(Config { federation: false, ..Config::default() }).await;
    let insert = "INSERT INTO visits (generation, tenant, visit_id, duration_min, occurred_at, occurred_on, recorded_at, recorded_on, version) \
                  SELECT 1, 'acme', toString(number), number, now64(3), today(), now64(3), today(), number FROM numbers(300000)";
    with.run(insert).await;
    for question in [
        "SELECT count(*), sum(duration_min), min(visit_id), count(distinct duration_min) FROM visits",
        "SELECT duration_min FROM visits WHERE duration_min < 90000",
    ] {
        assert_eq!(answer(&with, question).await.unwrap(), answer(&without, question).await.unwrap(), "{question}");
    }
}

/// The rows as JSON texts, sorted unless the question orders them; or why there are none.
pub async fn answer(fixture: &Fixture, question: &str) -> Result<Vec<String>, String> {
    let (status, answer) = fixture.sql(ACME, question).await;
    if status != 200 {
        return Err(answer["error"]["message"].to_string());
    }
    assert!(!answer["rows"].to_string().contains("SECRET"), "{question}: {answer}");
    let mut rows: Vec<String> = answer["rows"].as_array().unwrap().iter().map(Value::to_string).collect();
    let is_ordered = question.rsplit_once("ORDER BY").is_some_and(|(_, keys)| !keys.contains(')'));
    if !is_ordered {
        rows.sort();
    }
    Ok(rows)
}
