//! `tidemark verify`: makes facts and cells anew by the naive model and holds what is in ClickHouse against them.

mod store;

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use tidemark_projector::generations::Ledger;
use tidemark_projector::settings::FOLDS_VERSION;
use tidemark_schemas::{
    definitions::{Definitions, Engine, TenantDefinition},
    fact::Fact,
    kpi::Catalogue,
    log::{Position, partition_of},
    table::FactTable,
    tenant::Tenant,
};
use tidemark_verify::{Comparison, Found, LogRecord, Measures, Model, Picked, Sample};

use crate::cli::Place;
use crate::config::Config;
use crate::say::{say, tell};
use store::{Cells, Store};

const EXAMPLES: &str = "\
Examples:
  tidemark verify
  tidemark verify --tenant acme --kpi won_amount --kpi win_rate
  tidemark verify --sample 5%

Everything is read as of one position per tenant, so it can run while events flow: cells with their watermark in one scan, then the
events, facts and their versions up to it. All events of a tenant are folded anew, in memory, one tenant after the other; --sample
bounds what is compared, not what is folded. A line per row that differs; exit code 0 when none does, 1 when some do, 2 when it
could not be found out.";

#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Only this tenant; may be given several times [default: every tenant]
    #[arg(long, value_name = "NAME")]
    tenant: Vec<String>,
    /// Only the cells of this KPI and the facts it is measured on; may be given several times [default: everything]
    #[arg(long, value_name = "NAME")]
    kpi: Vec<String>,
    /// Compare about so many rows of each table, or that share of them: 1000 or 5%; another run picks others
    #[arg(long, value_name = "N|PERCENT")]
    sample: Option<Sample>,
    /// Most differences that are printed; all are counted
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
}

/// A batch that is being written is whole within this time, or nobody writes it.
const BATCH_WITHIN: Duration = Duration::from_secs(10);

/// Everything that the tenants are verified with.
struct Verification {
    client: clickhouse::Client,
    generation: u32,
    partitions: i32,
    catalogue: Catalogue,
    measures: Measures,
    /// Named KPIs, and the fact tables of these.
    kpis: Vec<String>,
    tables: BTreeSet<FactTable>,
    sample: Sample,
    seed: u64,
    limit: usize,
}

/// Verifies and says so by the exit code.
pub async fn run(place: &Place, args: Args) -> ExitCode {
    match verify(place, args).await {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(1),
        Err(error) => {
            tell(format_args!("error: {error:#}"));
            ExitCode::from(2)
        }
    }
}

/// How many rows differ.
async fn verify(place: &Place, args: Args) -> Result<u64> {
    let config = Config::load(place.config.as_deref(), place.overrides())?;
    // Whoever has no tenants here means another place, and would look at the numbers of whatever answers at the default address.
    ensure!(
        config.read_tenants()?.iter().next().is_some(),
        "there are no tenants in {}: name the state directory of the `tidemark up` that is meant by --state DIR, or `tidemark tenant add` adds one",
        config.tenants_file().display()
    );
    let names = args.tenant.clone();
    let (mut verification, definitions) = Verification::prepare(&config, args).await?;
    let mut different = 0;
    for (name, definition) in chosen(&definitions, &names)? {
        let TenantDefinition { time_zone, currency, pipeline } = definition;
        let tenant = Tenant { time_zone: *time_zone, currency: currency.clone(), pipeline: String::new(), keys: Vec::new() };
        let folding = |log: &[LogRecord]| Model::fold(log, &tenant, pipeline, &verification.measures);
        let found = verification.tenant(name, folding).await.with_context(|| format!("tenant {name}"))?;
        verification.limit -= found.mismatches.len();
        different += found.different;
    }
    match different {
        0 => say("no difference"),
        _ => say(format_args!("{different} rows differ")),
    }
    Ok(different)
}

fn chosen<'a>(definitions: &'a Definitions, names: &[String]) -> Result<Vec<(&'a str, &'a TenantDefinition)>> {
    let all = definitions.tenants.iter().map(|(name, tenant)| (name.as_ref(), tenant));
    if let Some(unknown) = names.iter().find(|name| !definitions.tenants.contains_key(name.as_str())) {
        bail!("there is no tenant {unknown:?} in the live numbers");
    }
    let chosen: Vec<_> = all.filter(|(name, _)| names.is_empty() || names.iter().any(|wanted| wanted == name)).collect();
    ensure!(!chosen.is_empty(), "the live numbers are of no tenant: `tidemark tenant add` adds one");
    Ok(chosen)
}

impl Verification {
    /// With the definitions that the live numbers were made with, whatever the files say now.
    async fn prepare(config: &Config, args: Args) -> Result<(Self, Definitions)> {
        let client = store::connect(&config.clickhouse);
        let live =
            Ledger::new(&config.clickhouse).live().await.with_context(|| format!("ClickHouse at {}", config.clickhouse.url))?;
        let live = live.context("there are no numbers yet: a projector makes them from the log")?;
        let definitions = live.definitions.map_err(anyhow::Error::msg)?;
        let engine = Engine::of_this_program(FOLDS_VERSION);
        ensure!(
            definitions.engine == engine,
            "the numbers were made with {}, this program has {engine}: verify with the version that made them",
            definitions.engine
        );
        let catalogue = definitions.catalogue()?;
        let catalogue = narrowed(catalogue, &args.kpi)?;
        let of_kpis = || catalogue.iter().map(|kpi| kpi.from).collect();
        let tables = if args.kpi.is_empty() { FactTable::ALL.iter().copied().collect() } else { of_kpis() };
        let verification = Self {
            client,
            generation: live.number,
            partitions: config.kafka.partitions,
            measures: Measures::plan(&catalogue)?,
            catalogue,
            kpis: args.kpi,
            tables,
            sample: args.sample.unwrap_or(Sample::All),
            seed: rand::random(),
            limit: args.limit,
        };
        Ok((verification, definitions))
    }

    /// Verifies one tenant and prints what differs.
    async fn tenant<E>(&self, name: &str, fold: impl Fn(&[LogRecord]) -> Result<Model, E>) -> Result<Comparison>
    where
        anyhow::Error: From<E>,
    {
        let store = Store::new(&self.client, self.generation, name);
        let partition = partition_of(name, self.partitions);
        let Cells { position, cells } = store.cells(partition, &self.kpis, &self.catalogue).await?;
        let Some(offset) = position else {
            say(format_args!("{name}: no numbers yet"));
            return Ok(Comparison::at(-1, 0));
        };
        let progress = progress(store.events_count(offset).await?, name);
        let mut comparison = Comparison::at(offset, self.limit);
        let (log, verdicts) = self.read_log(&store, offset, &progress).await?;
        progress.set_message(format!("{name}: folding"));
        let model = tokio::task::block_in_place(|| fold(&log))?;
        self.compare_verdicts(&log, &verdicts, &model, &mut comparison);
        let expected = model.cells.iter().map(|(key, cell)| (key.clone(), cell)).collect();
        let picked = self.pick(model.cells.len());
        comparison.rows("kpi_cells", &cells.0, &expected, (&picked, &BTreeSet::new()), ToString::to_string);
        self.compare_versions(&store, &model, &mut comparison).await?;
        progress.set_message(format!("{name}: comparing facts"));
        self.compare_facts(&store, &model, &mut comparison).await?;
        progress.finish_and_clear();
        report(name, Position { partition, offset }, log.len(), &comparison);
        Ok(comparison)
    }

    async fn read_log(&self, store: &Store, position: i64, progress: &ProgressBar) -> Result<(Vec<LogRecord>, Vec<String>)> {
        let (mut log, mut verdicts) = (Vec::new(), Vec::new());
        let each = |event: tidemark_verify::StoredEvent, verdict| {
            log.push(event.record()?);
            verdicts.push(verdict);
            progress.inc(1);
            Ok(())
        };
        store.events(position, each).await?;
        Ok((log, verdicts))
    }

    fn compare_verdicts(&self, log: &[LogRecord], verdicts: &[String], model: &Model, comparison: &mut Comparison) {
        let positions = || log.iter().map(|record| record.position);
        let found = |(position, verdict): (i64, &String)| (position, Found { value: verdict.clone(), version: position });
        let found = positions().zip(verdicts).map(found).collect();
        let verdicts: Vec<String> = model.verdicts.iter().map(|verdict| verdict.name().to_owned()).collect();
        let expected = positions().zip(&verdicts).collect();
        let picked = self.pick(log.len());
        comparison.rows("events", &found, &expected, (&picked, &BTreeSet::new()), |verdict| format!("verdict {verdict}"));
    }

    /// The history of facts, which is complete at any position however far the numbers have moved on.
    async fn compare_versions(&self, store: &Store, model: &Model, comparison: &mut Comparison) -> Result<()> {
        let tables: Vec<String> = self.tables.iter().map(|table| table.name().to_owned()).collect();
        let found = store.fact_versions(comparison.position, &tables).await?;
        let facts = model.facts.iter().filter(|fact| self.tables.contains(&fact.table));
        let named = |fact: &Fact| (format!("{}/{}", fact.table.name(), fact.key()), fact.to_json());
        let facts: BTreeMap<String, String> = facts.map(named).collect();
        let expected = facts.iter().map(|(key, json)| (key.clone(), json)).collect();
        comparison.rows("fact_versions", &found, &expected, (&self.pick(facts.len()), &BTreeSet::new()), Clone::clone);
        Ok(())
    }

    /// The fact tables, but for what events after the position touched since.
    async fn compare_facts(&self, store: &Store, model: &Model, comparison: &mut Comparison) -> Result<()> {
        let mut read = Vec::new();
        for table in &self.tables {
            let found = store.facts(*table).await?;
            // After the facts themselves, so that nothing that moved before they were read is missed.
            read.push((*table, found, store.facts_newer(*table, comparison.position).await?));
        }
        let newer = read.iter().flat_map(|(_, _, newer)| newer.values().copied()).collect();
        let events = events_soon(store, &newer).await?;
        for (table, found, newer) in read {
            let moved: BTreeSet<String> =
                newer.into_iter().filter(|(_, version)| events.contains(version)).map(|(key, _)| key).collect();
            let facts = model.facts.iter().filter(|fact| fact.table == table);
            let expected: BTreeMap<String, &Fact> = facts.map(|fact| (fact.key(), fact)).collect();
            let picked = self.pick(expected.len());
            comparison.rows(table.name(), &found, &expected, (&picked, &moved), |fact| fact.to_json());
        }
        Ok(())
    }

    fn pick(&self, rows: usize) -> Picked {
        self.sample.of(rows, self.seed)
    }
}

/// The positions of these that are events'. The tables of a batch are written side by side, so that a fact can be there
/// before its event: what is missing is waited for a while.
async fn events_soon(store: &Store, positions: &BTreeSet<i64>) -> Result<BTreeSet<i64>> {
    let deadline = Instant::now() + BATCH_WITHIN;
    loop {
        let events = store.events_at(positions).await?;
        if events.len() == positions.len() || Instant::now() >= deadline {
            return Ok(events);
        }
        tokio::time::sleep(BATCH_WITHIN / 20).await;
    }
}

/// The KPIs of these names; all where none is named.
fn narrowed(catalogue: Catalogue, names: &[String]) -> Result<Catalogue> {
    if names.is_empty() {
        return Ok(catalogue);
    }
    let texts: BTreeMap<&str, &str> = catalogue.texts().collect();
    let mut narrowed = Catalogue::default();
    for name in names {
        let text = texts.get(name.as_str()).with_context(|| format!("there is no KPI {name:?}"))?;
        narrowed.add(name, text)?;
    }
    Ok(narrowed)
}

fn report(tenant: &str, at: Position, events: usize, comparison: &Comparison) {
    for mismatch in &comparison.mismatches {
        say(format_args!("{tenant} at {at}: {mismatch}"));
    }
    let Comparison { compared, moved, different, .. } = comparison;
    let kept = comparison.mismatches.len() as u64;
    if *different > kept {
        say(format_args!("{tenant} at {at}: {} more differ", different - kept));
    }
    say(format_args!(
        "{tenant} at {at}: {events} events folded, {compared} rows compared, {moved} moved on since, {different} differ"
    ));
}

fn progress(events: u64, tenant: &str) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg} {bar:40} {human_pos}/{human_len} events, {elapsed}");
    let progress = ProgressBar::new(events).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    progress.set_message(format!("{tenant}: reading"));
    progress.enable_steady_tick(std::time::Duration::from_millis(200));
    progress
}
