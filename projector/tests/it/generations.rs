//! What a projector takes up at its start: on the real engine, with files that are as they were, add, or change something.

use std::{collections::BTreeMap, sync::Arc};

use clickhouse::Client;
use tidemark_projector::{
    Config, Error,
    generations::{Change, Claim, Ledger, Status, claim},
    pipeline::Partition,
    settings::Settings,
    sink::{ClickHouse, Heartbeat, Sink, apply_schema, write},
    state::Memory,
};
use tidemark_schemas::{connect::ClickHouseConfig, definitions::Definitions};
use tidemark_verify::generate;

use crate::{
    engine,
    organisation::{Organisation, log},
};

const PARTITIONS: i32 = 3;

struct Database {
    client: Client,
    ledger: Ledger,
    sink: ClickHouse,
}

impl Database {
    async fn new(name: &str) -> Option<Self> {
        let url = engine::url()?;
        let config = ClickHouseConfig { url: url.clone(), database: name.to_owned(), ..ClickHouseConfig::default() };
        apply_schema(&config).await.unwrap();
        let client = Client::default().with_url(&url).with_database(name);
        Some(Self { client, ledger: Ledger::new(&config), sink: ClickHouse::new(&config) })
    }

    async fn claim(&self, files: &Definitions) -> Result<Claim, Error> {
        claim(&self.ledger, &self.sink, files, PARTITIONS).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_held_against_the_live_definitions() {
    let Some(database) = Database::new("claims").await else { return };
    let files = Organisation::with(|kpi| kpi != "win_rate").definitions;
    let first = database.claim(&files).await.unwrap();
    assert_eq!((first.id.generation, &first.definitions, first.redefined.as_ref()), (1, &files, ""));
    assert_eq!(database.claim(&files).await.unwrap().id, first.id);

    // What is added is taken up, and cannot be read before it is measured.
    let more = Organisation::new().definitions;
    let second = database.claim(&more).await.unwrap();
    assert_eq!((second.id.generation, &second.definitions), (1, &more));
    assert_ne!(second.id, first.id);
    assert!(database.sink.stands(&second.id).await.unwrap());
    assert!(!database.sink.stands(&first.id).await.unwrap(), "with fewer definitions it would be written without them");
    for partition in 0..PARTITIONS {
        assert_eq!(database.sink.added(1, partition).await.unwrap(), [("win_rate".to_owned(), 0)]);
    }
    database.sink.announce(1, 0, &["win_rate".to_owned()], 100).await.unwrap();
    database.sink.announce(1, 0, &["win_rate".to_owned()], 0).await.unwrap();
    assert_eq!(database.sink.added(1, 0).await.unwrap(), [("win_rate".to_owned(), 100)], "it never goes back");

    // What is changed or gone is noticed, and the numbers go on as they were made.
    let mut changed = files.clone();
    changed.kpis.get_mut("visits").unwrap().push_str("# otherwise\n");
    let third = database.claim(&changed).await.unwrap();
    assert_eq!((third.id, third.definitions, third.redefined.as_ref()), (second.id, more, "visits,win_rate"));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_program_does_not_continue_numbers() {
    let Some(database) = Database::new("engines").await else { return };
    let files = Organisation::with(|kpi| kpi == "visits").definitions;
    database.claim(&files).await.unwrap();
    let mut newer = files.clone();
    newer.engine.folds += 1;
    let refused = database.claim(&newer).await.unwrap_err();
    let said = refused.to_string();
    assert!(matches!(refused, Error::Redefined { .. }) && said.contains("this program has folds"), "{said}");
    assert!(said.contains("tidemark rebuild"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_swap_is_one_moment_and_a_number_is_never_given_twice() {
    let Some(database) = Database::new("swaps").await else { return };
    let files = Organisation::with(|kpi| kpi == "visits").definitions;
    database.claim(&files).await.unwrap();
    database.ledger.put(2, Status::Building, &files, None).await.unwrap();
    assert_eq!(database.ledger.live().await.unwrap().unwrap().number, 1);
    database.ledger.set_status(2, Status::Live).await.unwrap();
    let statuses: Vec<_> = database.ledger.all().await.unwrap().iter().map(|row| (row.number, row.status)).collect();
    assert_eq!(statuses, [(1, Status::Retired), (2, Status::Live)]);
    let parts =
        "SELECT toString(groupArray((name, rows, active))) FROM system.parts WHERE database = 'swaps' AND table = 'generations'";
    let parts: String = database.client.query(parts).fetch_one().await.unwrap();
    assert!(parts.contains(",2,"), "both rows in one part: {parts}");
    database.ledger.set_status(2, Status::Dropped).await.unwrap();
    assert_eq!(database.claim(&files).await.unwrap().id.generation, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn generations_are_compared_cell_by_cell_and_dropped_from_every_table() {
    let Some(database) = Database::new("drops").await else { return };
    let (all, fewer) = (Organisation::new(), Organisation::with(|kpi| kpi != "visits"));
    database.claim(&all.definitions).await.unwrap();
    database.ledger.put(2, Status::Building, &fewer.definitions, None).await.unwrap();
    let history = log(&generate::history(5, 120));
    for (organisation, generation) in [(&all, 1), (&fewer, 2)] {
        let settings = Arc::new(Settings::new(&organisation.definitions, generation).unwrap());
        let partition = Partition::open(0, Memory::default(), settings, organisation.measures.clone()).unwrap();
        let batch = partition.project(&history, "log").unwrap();
        write(&database.sink, &batch.rows).await.unwrap();
        database.sink.announce(generation, 0, &["visits".to_owned()], 5).await.unwrap();
        let (stalled, redefined) = (String::new(), "".into());
        let beat = Heartbeat { partition: 0, position: 119, end_position: 119, copies: 1, written_at: 1, stalled, redefined };
        database.sink.heartbeat(generation, &[beat]).await.unwrap();
    }
    let generations = database.ledger.all().await.unwrap();
    let difference = database.ledger.difference(&generations[0], &generations[1]).await.unwrap();
    assert!(difference.is_exact && difference.positions_new == [(0, 119)].into(), "{difference:?}");
    let differing: Vec<_> = difference.kpis.iter().filter(|kpi| kpi.differ > 0).collect();
    assert_eq!((differing.len(), differing[0].kpi.as_str(), differing[0].definition), (1, "visits", Change::Removed));
    assert_eq!((differing[0].cells.1, differing[0].facts.1, differing[0].totals.1.len()), (0, 0, 0), "{differing:?}");
    assert_eq!(differing[0].totals.0, [differing[0].facts.0.to_string()]);

    let state = tempfile::tempdir().unwrap();
    let config = Config { state_dir: state.path().to_owned(), ..Config::default() };
    std::fs::create_dir_all(state.path().join("generation-2")).unwrap();
    let refused = database.ledger.drop_generation(&config, 1, 0).await.unwrap_err().to_string();
    assert!(refused.contains("is live"), "{refused}");
    let before = database.rows_by_generation().await;
    assert!(before.contains_key(&2));
    database.ledger.drop_generation(&config, 2, 0).await.unwrap();
    let after = database.rows_by_generation().await;
    assert_eq!((after.get(&1), after.get(&2)), (before.get(&1), None));
    assert!(!state.path().join("generation-2").exists());
    // Again, as after a crash in the middle.
    database.ledger.drop_generation(&config, 2, 0).await.unwrap();
}

impl Database {
    /// Rows of each generation in every table that has any.
    async fn rows_by_generation(&self) -> BTreeMap<u32, u64> {
        let tables = "SELECT table FROM system.columns WHERE database = currentDatabase() AND name = 'generation' AND table != 'generations'";
        let mut rows = BTreeMap::new();
        for table in self.client.query(tables).fetch_all::<String>().await.unwrap() {
            let sql = format!("SELECT generation, count() FROM {table} FINAL GROUP BY generation");
            for (generation, count) in self.client.query(&sql).fetch_all::<(u32, u64)>().await.unwrap() {
                *rows.entry(generation).or_default() += count;
            }
        }
        rows
    }
}
