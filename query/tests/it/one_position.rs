//! Cells, roster and rates of an answer belong to one position, also between any two inserts of a batch, which writes facts
//! first, then their versions, then cells and watermark.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use crate::fixture::Fixture;

const BY_TEAM: &str = "win_rate?by=team";
const MONEY: &str = "average_deal_size?grain=all";

/// What batch `number` leaves: R-1 is in a team of that number, and each of so many deals was won.
async fn facts(fixture: &Fixture, number: i64) {
    let team = number.to_string();
    fixture.roster(number, &[["acme", "R-1", "2026-01-01", "", &team, ""]]).await;
    fixture.rates(number, &[["acme", "EUR", "CNY", "2026-01-01", "", &team]]).await;
}

async fn cells(fixture: &Fixture, number: i64) {
    let partition = fixture.partition;
    fixture
        .run(&format!(
            "INSERT INTO kpi_cells (generation, tenant, row_kind, kpi, day, rep_id, currency, facts, s0, s1, partition, position_to, version) VALUES \
             (1, 'acme', 'cell', 'win_rate', '2026-01-05', 'R-1', '', 1, {number}, 1, 0, 0, {number}), \
             (1, 'acme', 'cell', 'average_deal_size', '2026-01-05', 'R-1', 'EUR', 1, {number}, 1, 0, 0, {number}), \
             (1, '', 'watermark', '', '1970-01-01', '', '', 0, 0, 0, {partition}, {number}, {number})"
        ))
        .await;
}

/// The answers that belong to a position.
fn expected(number: i64) -> [Vec<String>; 2] {
    [vec![format!("2026-01-05 team={number} {number}")], vec![format!("2026-01-05 {}", number * number)]]
}

async fn answers(fixture: &Fixture) -> [Vec<String>; 2] {
    [fixture.rows(BY_TEAM).await, fixture.rows(MONEY).await]
}

#[tokio::test]
async fn between_any_two_inserts() {
    let Some(fixture) = Fixture::empty().await else { return };
    facts(&fixture, 1).await;
    assert_eq!(answers(&fixture).await, [Vec::<String>::new(), Vec::new()], "nothing before the first watermark");
    cells(&fixture, 1).await;
    for number in 2..6 {
        assert_eq!(answers(&fixture).await, expected(number - 1));
        facts(&fixture, number).await;
        assert_eq!(answers(&fixture).await, expected(number - 1), "facts of {number} are there, its cells are not");
        fixture.run("OPTIMIZE TABLE roster FINAL").await;
        fixture.run("OPTIMIZE TABLE fact_versions FINAL").await;
        assert_eq!(answers(&fixture).await, expected(number - 1), "and parts were merged");
        cells(&fixture, number).await;
    }
    assert_eq!(answers(&fixture).await, expected(5));
    // The assignment ends to exist at 6, which is not reached yet.
    let gone = "INSERT INTO fact_versions SELECT generation, tenant, fact_table, fact_key, 6, known_at, 0, fact \
                FROM fact_versions WHERE fact_table = 'roster' AND position = 5";
    fixture.run(gone).await;
    assert_eq!(answers(&fixture).await[0], expected(5)[0]);
    cells(&fixture, 6).await;
    assert_eq!(answers(&fixture).await[0], ["2026-01-05 team=(none) 6"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_a_projector_writes() {
    let Some(fixture) = Fixture::empty().await else { return };
    facts(&fixture, 1).await;
    cells(&fixture, 1).await;
    let (fixture, done) = (Arc::new(fixture), Arc::new(AtomicBool::new(false)));
    let writing = {
        let (fixture, done) = (fixture.clone(), done.clone());
        tokio::spawn(async move {
            let mut number = 1;
            while !done.load(Ordering::Relaxed) {
                number += 1;
                facts(&fixture, number).await;
                cells(&fixture, number).await;
            }
            number
        })
    };
    let mut seen = Vec::new();
    for _ in 0..60 {
        let [by_team, _] = answers(&fixture).await;
        let number: i64 = by_team[0].rsplit(' ').next().unwrap().parse().unwrap();
        assert_eq!(by_team, expected(number)[0]);
        let money: f64 = answers(&fixture).await[1][0].rsplit(' ').next().unwrap().parse().unwrap();
        assert_eq!(money.sqrt().fract(), 0.0, "{money} is no square: amount and rate are of two positions");
        seen.push(number);
    }
    done.store(true, Ordering::Relaxed);
    assert!(writing.await.unwrap() > 5);
    seen.dedup();
    assert!(seen.len() > 3, "the reads were meant to see several positions, not {seen:?}");
}
