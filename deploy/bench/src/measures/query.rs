//! Questions over HTTP on what the pipeline wrote, each by 1, 8 and 64 clients.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tidemark_stage::Target;
use tokio::{task::JoinSet, time::Instant};

use crate::{
    report::{Goal, Report, Row, quantile},
    stand::Stand,
};

const CLIENTS: [usize; 3] = [1, 8, 64];
/// Milliseconds, one client.
const P50_GOAL: f64 = 10.0;
const P99_GOAL: f64 = 50.0;

/// What is asked of one company, behind `/v1/kpis/`, and for some what somebody who knew the tables would ask ClickHouse: the
/// number alone, without position, trust, rates or definitions.
const QUESTIONS: [(&str, &str, Option<&str>); 5] = [
    (
        "one KPI by month for a year",
        "visits?from=2025-01-01&to=2025-12-31&grain=month",
        Some(
            "SELECT toStartOfMonth(day) AS month, sum(s0) FROM tidemark.kpi_cells FINAL WHERE generation = 1 AND tenant = {tenant:String} \
             AND kpi = 'visits' AND row_kind = 'cell' AND day BETWEEN '2025-01-01' AND '2025-12-31' GROUP BY month ORDER BY month",
        ),
    ),
    (
        "leaderboard of a month",
        "won_amount?from=2025-01-01&to=2025-01-31&by=rep",
        Some(
            "SELECT rep_id, sum(s0) FROM tidemark.kpi_cells FINAL WHERE generation = 1 AND tenant = {tenant:String} \
             AND kpi = 'won_amount' AND row_kind = 'cell' AND day BETWEEN '2025-01-01' AND '2025-01-31' GROUP BY rep_id",
        ),
    ),
    ("company year by team", "won_amount?from=2025-01-01&to=2025-12-31&by=team", None),
    (
        "distinct count over a quarter",
        "accounts_visited?from=2025-01-01&to=2025-03-31",
        Some(
            "SELECT uniqExact(text) FROM tidemark.kpi_cells FINAL WHERE generation = 1 AND tenant = {tenant:String} \
             AND kpi = 'accounts_visited' AND row_kind = 'value' AND facts > 0 AND day BETWEEN '2025-01-01' AND '2025-03-31'",
        ),
    ),
    ("90th percentile over a quarter", "sales_cycle_p90?from=2025-01-01&to=2025-03-31", None),
];
/// Of every KPI in turn, as no single request has all.
const REP_MONTH: &str = "from=2025-01-01&to=2025-01-31&rep=R-2";

/// Asks everything.
pub async fn measure(stand: &mut Stand, report: &mut Report) -> Result<()> {
    stand.caught_up(report).await?;
    stand.start(Target::Query).await?;
    let (base, seconds) = (format!("{}/v1/kpis", stand.stage.query()), stand.args.query_seconds);
    let company = stand.companies.first().context("no company")?;
    let (key, tenant) = (company.key.clone(), company.name.clone());
    let names = kpis(&stand.client, &base, &key).await?;
    let mut questions: Vec<(&str, Vec<String>, Option<&str>)> =
        QUESTIONS.iter().map(|(what, path, sql)| (*what, vec![format!("{base}/{path}")], *sql)).collect();
    let all = names.iter().map(|name| format!("{base}/{name}?{REP_MONTH}")).collect();
    questions.push(("one rep's month, every KPI, a request each", all, None));
    let progress = stand.progress("questions", ((questions.len() - 1) * CLIENTS.len() + 1) as u64);
    let mut details = Vec::new();
    for (what, urls, sql) in questions {
        let straight = match sql {
            Some(sql) => Some(straight(stand, &tenant, sql, seconds).await?),
            None => None,
        };
        // What takes many requests would take 64 clients minutes and say the same.
        for clients in CLIENTS.into_iter().filter(|clients| urls.len() == 1 || *clients == 1) {
            let mut took = ask(Arc::from(urls.clone()), &key, clients, seconds).await?;
            let (p50, p99) = (quantile(&mut took, 0.5), quantile(&mut took, 0.99));
            details.push(json!({ "question": what, "requests_each": urls.len(), "clients": clients, "answers": took.len(), "p50_ms": p50, "p99_ms": p99 }));
            let what = format!("{what}, {clients} client{}", if clients == 1 { "" } else { "s" });
            let (middle, slow) =
                (Row::new("query", format!("{what}, p50"), p50, "ms"), Row::new("query", format!("{what}, p99"), p99, "ms"));
            let is_one = clients == 1;
            let (middle, slow) = match straight {
                Some((middle_straight, slow_straight)) if is_one => (middle.pair(middle_straight), slow.pair(slow_straight)),
                _ => (middle, slow),
            };
            report.row(if is_one { middle.goal(Goal::AtMost(P50_GOAL)) } else { middle });
            report.row(if is_one { slow.goal(Goal::AtMost(P99_GOAL)) } else { slow });
            progress.inc(1);
        }
    }
    progress.finish_and_clear();
    report.detail("query", json!({ "answers": details }))
}

/// p50 and p99 of the same question asked of ClickHouse itself by one client, milliseconds.
async fn straight(stand: &Stand, tenant: &str, sql: &str, seconds: u64) -> Result<(f64, f64)> {
    let engine = stand.engine();
    // Names of companies are letters, digits and dashes.
    let statement = sql.replace("{tenant:String}", &format!("'{tenant}'"));
    let (until, mut took) = (Instant::now() + Duration::from_secs(seconds), Vec::new());
    while took.is_empty() || Instant::now() < until {
        let asked = Instant::now();
        engine.run(&statement).await?;
        took.push(asked.elapsed().as_secs_f64() * 1_000.0);
    }
    Ok((quantile(&mut took, 0.5), quantile(&mut took, 0.99)))
}

async fn kpis(client: &reqwest::Client, base: &str, key: &str) -> Result<Vec<String>> {
    let list: serde_json::Value = client.get(base).bearer_auth(key).send().await?.error_for_status()?.json().await?;
    let kpis = list["kpis"].as_array().context("query lists no KPIs")?;
    Ok(kpis.iter().filter_map(|kpi| kpi["name"].as_str().map(str::to_owned)).collect())
}

/// Milliseconds of each answer; where a question is several requests, of all of them one after the other.
async fn ask(urls: Arc<[String]>, key: &str, clients: usize, seconds: u64) -> Result<Vec<f64>> {
    let until = Instant::now() + Duration::from_secs(seconds);
    let mut asking = JoinSet::new();
    for _ in 0..clients {
        let (urls, key) = (urls.clone(), key.to_owned());
        asking.spawn(async move {
            let (client, mut took) = (reqwest::Client::builder().tcp_nodelay(true).build()?, Vec::new());
            while took.is_empty() || Instant::now() < until {
                let asked = Instant::now();
                for url in urls.iter() {
                    answered(&client, url, &key).await?;
                }
                took.push(asked.elapsed().as_secs_f64() * 1_000.0);
            }
            Ok::<_, anyhow::Error>(took)
        });
    }
    let mut all = Vec::new();
    while let Some(took) = asking.join_next().await {
        all.extend(took??);
    }
    Ok(all)
}

/// Asks again where query says that it is full, as its clients do.
async fn answered(client: &reqwest::Client, url: &str, key: &str) -> Result<()> {
    loop {
        let answer = client.get(url).bearer_auth(key).send().await?;
        let status = answer.status();
        let body = answer.bytes().await?;
        if status.is_success() {
            return Ok(());
        }
        ensure!(status == 429 || status == 503, "query answered {status} to {url}: {}", String::from_utf8_lossy(&body));
    }
}
