//! Whole plans: what is pushed into ClickHouse for a question, and what stays local.

use clickhouse::Client;
use datafusion::{error::Result, physical_plan::displayable};
use tidemark_schemas::kpi::Catalogue;

use crate::{
    access::Restriction,
    session::{self, Opening},
    sql,
    trust::Trust,
};

async fn planned(question: &str) -> Result<String> {
    let session = session::open(Opening {
        clickhouse: &Client::default(),
        restriction: Restriction { tenant: "acme".into(), generation: 1 },
        catalogue: &Catalogue::default(),
        stamp: std::sync::Arc::new(Trust::default()),
        runtime: &session::runtime(1 << 24)?,
        federation: true,
    })?;
    let plan = sql::plan(&session, question).await?;
    let physical = session.create_physical_plan(&plan).await?;
    Ok(displayable(physical.as_ref()).indent(false).to_string())
}

#[tokio::test]
async fn what_is_pushed() {
    let questions = [
        (
            "aggregate",
            "SELECT status, count(*) AS n, sum(amount) AS total, median(cycle_days) FROM deals GROUP BY status HAVING count(*) > 1",
        ),
        (
            "best_of_a_join",
            "SELECT r.team, sum(d.amount) AS total FROM deals d JOIN roster r ON d.rep_id = r.rep_id AND d.closed_on >= r.valid_from WHERE d.status = 'won' GROUP BY r.team ORDER BY total DESC LIMIT 3",
        ),
        (
            "months_and_filters",
            "SELECT date_trunc('month', closed_at) AS month, count(*) FILTER (WHERE status = 'won') AS won FROM deals WHERE closed_on > DATE '2026-01-01' - INTERVAL '1 month' GROUP BY 1",
        ),
        ("ratio_above_an_aggregate", "SELECT sum(amount) / count(*) FROM deals"),
        (
            "percentile_stays_local",
            "SELECT percentile_cont(0.9) WITHIN GROUP (ORDER BY cycle_ms) FROM deals WHERE status = 'won'",
        ),
        ("not_in_stays_local", "SELECT deal_id FROM deals WHERE account_id NOT IN (SELECT account_id FROM visits)"),
    ];
    for (name, question) in questions {
        insta::assert_snapshot!(name, planned(question).await.unwrap());
    }
}

#[tokio::test]
async fn what_is_no_question_or_not_ours_is_not_planned() {
    for (text, said) in [
        ("DROP TABLE deals", "only a question"),
        ("INSERT INTO deals SELECT * FROM deals", "only a question"),
        ("CREATE VIEW v AS SELECT 1", "only a question"),
        ("CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'", "only a question"),
        ("COPY deals TO '/tmp/x.csv'", "only a question"),
        ("SET datafusion.catalog.information_schema = false", "only a question"),
        ("EXPLAIN ANALYZE SELECT 1", "only a question"),
        ("SELECT 1; SELECT 2", "single SQL statement"),
        ("SELECT * INTO t FROM deals", ""),
        ("SELECT * FROM '/etc/passwd'", "not found"),
        ("SELECT tenant FROM deals", "tenant"),
        ("SELECT generation FROM deals", "generation"),
        ("SELECT * FROM kpi_cells", "not found"),
        ("SELEC 1", "SELEC"),
    ] {
        let error = planned(text).await.expect_err(text).strip_backtrace();
        assert!(error.to_lowercase().contains(&said.to_lowercase()), "{text}: {error}");
    }
}
