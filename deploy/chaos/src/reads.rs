//! Reads while everything goes on: a random KPI of a random company, held against the model of its log up to exactly the
//! position that the answer claims.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use anyhow::{Context, Result, ensure};
use chrono::NaiveDate;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use tidemark_schemas::{
    fact::{Fact, Scalar},
    kpi::KpiDefinition,
    table::FactTable,
};
use tidemark_verify::CellKey;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use tidemark_stage::Company;

use crate::{campaign::Campaign, load::SENDERS};

/// Between two reads: checking must not take the machine from what is checked.
const PAUSE: Duration = Duration::from_millis(150);

/// Units of the roster.
const UNITS: [&str; 3] = ["team", "department", "region"];

/// What is asked: a KPI, by day or over everything, split by nothing, by rep, by rep and every dimension, or by a unit of the
/// roster.
struct Question {
    kpi: Arc<KpiDefinition>,
    by_day: bool,
    by: Vec<String>,
}

/// The day (none over everything) and what it is split by.
type Group = (Option<i32>, Vec<String>);
type Values = BTreeMap<Group, Option<String>>;

/// Asks until `stop`.
pub async fn read(campaign: Arc<Campaign>, reader: u64, stop: CancellationToken) -> Result<()> {
    let mut chance = ChaCha8Rng::seed_from_u64(campaign.args.seed ^ (reader << 32));
    while !stop.is_cancelled() {
        sleep(PAUSE).await;
        let Some(company) = choose(&campaign, &mut chance) else { continue };
        let question = Question::random(&campaign, &mut chance);
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            asked = ask(&campaign, company, &question) => asked.with_context(|| question.path())?,
        }
    }
    Ok(())
}

/// Half of the time one of those that send at this moment.
fn choose<'a>(campaign: &'a Campaign, chance: &mut ChaCha8Rng) -> Option<&'a Company> {
    let known = campaign.companies.iter().take_while(|company| campaign.log.count(&company.name, i64::MAX) > 0).count();
    let from = if chance.random_bool(0.5) { known.saturating_sub(SENDERS) } else { 0 };
    (known > 0).then(|| &campaign.companies[chance.random_range(from..known)])
}

async fn ask(campaign: &Arc<Campaign>, company: &Company, question: &Question) -> Result<()> {
    let asked_from = campaign.watch.position(company.partition);
    let url = format!("{}{}", campaign.stage.query(), question.path());
    let answered = match campaign.client.get(url).bearer_auth(&company.key).send().await {
        Ok(answer) if answer.status().is_success() => answer.json::<Value>().await.ok(),
        Ok(answer) => {
            ensure!(!answer.status().is_client_error(), "{}: {}", answer.status(), answer.text().await.unwrap_or_default());
            None
        }
        Err(_) => None,
    };
    let Some(answer) = answered else {
        campaign.tally.unanswered();
        return Ok(());
    };
    let position = answer["trust"]["position"].as_i64().unwrap_or(-1);
    campaign.watch.answered(campaign, company.partition, asked_from, position);
    campaign.log.reached(company.partition, position).await;
    let count = campaign.log.count(&company.name, position);
    let (expected, found) = (expected(campaign, company, question, count).await?, question.values(&answer)?);
    let is_wrong = expected != found;
    campaign.tally.read_checked(is_wrong);
    if is_wrong {
        let (path, difference) = (question.path(), difference(&expected, &found));
        campaign.problem(format!("wrong read of {} at {}-{position}: {path}: {difference}", company.name, company.partition));
    }
    Ok(())
}

async fn expected(campaign: &Arc<Campaign>, company: &Company, question: &Question, count: usize) -> Result<Values> {
    let (folding, name) = (campaign.clone(), company.name.clone());
    let fold = move || {
        let company = folding.companies.iter().find(|company| company.name == name).context("an unknown company")?;
        folding.truth.model(&folding.log, company, count)
    };
    let model = tokio::task::spawn_blocking(fold).await??;
    let roster: Vec<&Fact> = model.facts.iter().filter(|fact| fact.table == FactTable::Roster).collect();
    Ok(model.values(&question.kpi, |key| question.group(&roster, key)))
}

impl Question {
    fn random(campaign: &Campaign, chance: &mut ChaCha8Rng) -> Self {
        let kpis: Vec<&Arc<KpiDefinition>> = campaign.truth.catalogue.iter().collect();
        let kpi = kpis[chance.random_range(0..kpis.len())].clone();
        let by = match chance.random_range(0..4) {
            0 => Vec::new(),
            1 => vec!["rep".to_owned()],
            2 => vec![UNITS[chance.random_range(0..UNITS.len())].to_owned()],
            _ => ["rep".to_owned()].into_iter().chain(kpi.dims.iter().cloned()).collect(),
        };
        Self { kpi, by_day: chance.random_bool(0.5), by }
    }

    fn path(&self) -> String {
        let grain = if self.by_day { "day" } else { "all" };
        format!("/v1/kpis/{}?grain={grain}&by={}", self.kpi.name, self.by.join(","))
    }

    fn group(&self, roster: &[&Fact], key: &CellKey) -> Group {
        let part = |name: &String| match self.kpi.dims.iter().position(|dim| dim == name) {
            Some(place) => key.dims.get(place).cloned().unwrap_or_default(),
            None if name == "rep" => key.rep.clone(),
            None => unit_of(roster, key, name),
        };
        (self.by_day.then_some(key.day), self.by.iter().map(part).collect())
    }

    fn values(&self, answer: &Value) -> Result<Values> {
        let rows = answer["rows"].as_array().context("an answer without rows")?;
        let value = |row: &Value| {
            let period: NaiveDate = row["period"].as_str().context("a row without a period")?.parse()?;
            let day = i32::try_from(period.signed_duration_since(NaiveDate::default()).num_days())?;
            let by = self.by.iter().map(|name| row[name].as_str().unwrap_or_default().to_owned()).collect();
            Ok(((self.by_day.then_some(day), by), row["value"].as_str().map(str::to_owned)))
        };
        rows.iter().map(value).collect()
    }
}

/// Which unit the cell's rep belonged to on its day.
fn unit_of(roster: &[&Fact], key: &CellKey, unit: &str) -> String {
    let holds = |fact: &&&Fact| {
        let started = matches!(fact.get("valid_from"), Scalar::Date(from) if *from <= key.day);
        let ended = matches!(fact.get("valid_to"), Scalar::Date(to) if *to <= key.day);
        fact.get("rep_id").as_text() == Some(key.rep.as_str()) && started && !ended
    };
    let assignment = roster.iter().find(holds);
    assignment.and_then(|fact| fact.get(unit).as_text()).unwrap_or("(none)").to_owned()
}

/// The first group that differs, and how many do.
fn difference(expected: &Values, found: &Values) -> String {
    let mut groups: Vec<&Group> = expected.keys().chain(found.keys()).collect();
    groups.sort();
    groups.dedup();
    groups.retain(|group| expected.get(*group) != found.get(*group));
    let first = groups.first().map(|group| format!("{group:?} is {:?}, not {:?}", found.get(*group), expected.get(*group)));
    format!("{} groups differ: {}", groups.len(), first.unwrap_or_default())
}
