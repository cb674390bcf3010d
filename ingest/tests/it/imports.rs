//! `tidemark import`: real and made-up files through the real path, interrupted and broken in every way we know.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use serde_json::Value;
use tempfile::TempDir;
use tidemark_ingest::{Config, Error, ImportOptions, Reading, import};
use tidemark_schemas::{
    events::{Data, Event, EventType, wire},
    log::EVENTS_TOPIC,
};
use tokio_util::sync::CancellationToken;

use crate::{
    kafka,
    server::{Ingest, start},
};

fn options(ingest: &Ingest, file: &Path, mapping: &str, directory: &TempDir) -> ImportOptions {
    let mut options = ImportOptions::new(file, mapping, &ingest.url, &ingest.key);
    options.report_dir = Some(directory.path().to_owned());
    options.progress_bar = false;
    options
}

fn write(directory: &TempDir, name: &str, text: &str) -> PathBuf {
    let path = directory.path().join(name);
    fs::write(&path, text).unwrap();
    path
}

fn refused(directory: &TempDir, file: &str) -> Vec<Value> {
    let text = fs::read_to_string(directory.path().join(format!("{file}.refused.ndjson"))).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

const MAPPING: &str = r#"
if .visit == "" then refuse("no visit") else
{ type: "visit.completed", event_id: .visit, occurred_at: .day, data: { visit_id: .visit } } end
"#;

#[tokio::test(flavor = "multi_thread")]
async fn the_real_crm_sales_opportunities() {
    let data = kafka::workspace().join("../shared/data/crm-sales-opportunities");
    if !data.is_dir() {
        eprintln!("SKIPPED: needs {}", data.display());
        return;
    }
    let Some(kafka) = kafka::shared() else { return };
    let ingest = start(kafka.config(), "opportunities", Config::default()).await;
    let directory = tempfile::tempdir().unwrap();
    for (file, rows, accepted) in [("sales_teams.csv", 35, 35), ("accounts.csv", 85, 85)] {
        let options = options(&ingest, &data.join(file), "crm-sales-opportunities", &directory);
        let summary = import(&options, CancellationToken::new()).await.unwrap();
        assert_eq!((summary.rows, summary.rows_accepted()), (rows, accepted), "{summary}");
    }
    let options = options(&ingest, &data.join("sales_pipeline.csv"), "crm-sales-opportunities", &directory);
    let summary = import(&options, CancellationToken::new()).await.unwrap();
    assert_eq!((summary.rows, summary.rows_accepted(), summary.rows_refused), (8800, 8300, 500), "{summary}");
    assert_eq!((summary.events_sent, summary.events_accepted), (8300 + 4238 + 2473, 8300 + 4238 + 2473), "{summary}");
    assert_eq!(summary.reasons.into_values().collect::<Vec<_>>(), [500]);
    assert_eq!(refused(&directory, "sales_pipeline.csv").len(), 500);
    assert!(!directory.path().join("sales_pipeline.csv.progress.json").exists());

    let records = ingest.records(EVENTS_TOPIC).await;
    let types: Vec<EventType> = records.iter().map(|record| wire::decode(record).unwrap().data.event_type()).collect();
    let count = |wanted| types.iter().filter(|found| **found == wanted).count();
    assert_eq!(count(EventType::DealOpened), 8300);
    assert_eq!(count(EventType::DealWon), 4238);
    assert_eq!(count(EventType::DealLost), 2473);
    assert_eq!((count(EventType::RosterAssigned), count(EventType::AccountCreated)), (35, 85));
    ingest.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_broken_or_refused_is_kept_with_its_reason_and_the_rest_goes_in() {
    let Some(kafka) = kafka::shared() else { return };
    let ingest = start(kafka.config(), "broken-rows", Config::default()).await;
    let directory = tempfile::tempdir().unwrap();
    let mapping = write(&directory, "visits.jq", MAPPING);
    let file = write(
        &directory,
        "visits.csv",
        "visit,day\nV1,2026-03-01\nV2\n,2026-03-02\nV3,03/02/2026\nV4,\"2026-03-04\nV5,2026-03-05\n",
    );
    let summary =
        import(&options(&ingest, &file, mapping.to_str().unwrap(), &directory), CancellationToken::new()).await.unwrap();
    assert_eq!((summary.rows, summary.rows_refused, summary.events_sent, summary.events_accepted), (6, 4, 3, 2), "{summary}");
    let reasons: Vec<(&str, u64)> = summary.reasons.iter().map(|(reason, count)| (reason.as_str(), *count)).collect();
    assert_eq!(reasons, [("bad_format occurred_at", 1), ("broken row", 2), ("no visit", 1)]);

    let refused = refused(&directory, "visits.csv");
    let told: Vec<String> = refused
        .iter()
        .map(|line| format!("{} {} {} {}", line["row"], line["line"], line["refused_by"], line["reasons"][0]["message"]))
        .collect();
    assert_eq!(told[0], r#"2 3 "file" "the row has 1 columns, the header has 2: \"day\" is missing""#);
    assert_eq!(told[1], r#"3 4 "mapping" "no visit""#);
    assert!(told[2].starts_with(r#"4 5 "ingest" "occurred_at is \"03/02/2026\", expected an instant"#), "{}", told[2]);
    assert_eq!(refused[2]["content"]["row"]["visit"], "V3");
    assert_eq!(told[3], r#"5 6 "file" "a quote opens and does not close""#);
    assert_eq!(ingest.records(EVENTS_TOPIC).await.len(), 2);
    ingest.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_import_goes_on_where_it_stopped() {
    let Some(kafka) = kafka::shared() else { return };
    let ingest = start(kafka.config(), "resumed", Config::default()).await;
    let directory = tempfile::tempdir().unwrap();
    let mapping = write(&directory, "visits.jq", MAPPING);
    let rows: String =
        (0..1000).map(|row| if row % 10 == 0 { ",2026-03-01\n".to_owned() } else { format!("V{row},2026-03-01\n") }).collect();
    let file = write(&directory, "visits.csv", &format!("visit,day\n{rows}"));
    let mut options = options(&ingest, &file, mapping.to_str().unwrap(), &directory);
    options.batch_events_max = 20;
    options.concurrency = 2;

    // Interrupted by the first progress that is on disk.
    let shutdown = CancellationToken::new();
    let (running, stop) = (options.clone(), shutdown.clone());
    let interrupted = tokio::spawn(async move { import(&running, stop).await });
    let progress = directory.path().join("visits.csv.progress.json");
    let row = || fs::read(&progress).ok().and_then(|text| serde_json::from_slice::<Value>(&text).ok()?["place"]["row"].as_u64());
    while row().unwrap_or(0) == 0 && !interrupted.is_finished() {
        tokio::task::yield_now().await;
    }
    shutdown.cancel();
    let error = interrupted.await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Interrupted { row } if row > 0), "{error}");

    let summary = import(&options, CancellationToken::new()).await.unwrap();
    assert!(summary.resumed_at_row > 0, "{summary}");
    assert_eq!((summary.rows, summary.rows_refused, summary.events_accepted), (1000, 100, 900), "{summary}");
    let refused_rows: Vec<u64> = refused(&directory, "visits.csv").iter().map(|line| line["row"].as_u64().unwrap()).collect();
    assert_eq!(refused_rows, (0..100).map(|row| row * 10 + 1).collect::<Vec<_>>(), "each once and in order");

    let mut ids: Vec<String> =
        ingest.records(EVENTS_TOPIC).await.iter().map(|record| wire::decode(record).unwrap().envelope.event_id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 900, "nothing is missing; a batch that was under way may be there twice");
    ingest.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stops_an_import_says_what_to_do() {
    let directory = tempfile::tempdir().unwrap();
    let mapping = write(&directory, "visits.jq", MAPPING);
    let broken = write(&directory, "broken.jq", "{ type: .x,\n  data: frobnicate }");
    let file = write(&directory, "visits.csv", "visit,day\nV1,2026-03-01\n");
    let twice = write(&directory, "twice.csv", "visit,visit\n1,2\n");
    let attempt = async |file: &Path, mapping: &str, url: &str| {
        let mut options = ImportOptions::new(file, mapping, url, "key-of-nobody");
        options.progress_bar = false;
        options.retry_ms_max = 300;
        import(&options, CancellationToken::new()).await.unwrap_err().to_string()
    };
    let nowhere = format!("http://127.0.0.1:{}", kafka::free_port());
    let mapping = mapping.to_str().unwrap();
    let error = attempt(&file, broken.to_str().unwrap(), &nowhere).await;
    assert!(error.ends_with("broken.jq, line 2: filter frobnicate is not defined"), "{error}");
    let error = attempt(&file, "no-such-mapping", &nowhere).await;
    assert!(error.contains("no-such-mapping") && error.contains("crm-sales-opportunities"), "{error}");
    let error = attempt(&twice, mapping, &nowhere).await;
    assert!(error.contains("twice.csv, line 1") && error.contains("\"visit\" occurs twice"), "{error}");
    let error = attempt(&file, mapping, &nowhere).await;
    assert!(error.contains("took nothing for 300 ms") && error.contains("goes on where it stopped"), "{error}");
    let Some(kafka) = kafka::shared() else { return };
    let ingest = start(kafka.config(), "import-key", Config::default()).await;
    let error = attempt(&file, mapping, &ingest.url).await;
    assert!(error.contains("refused the API key"), "{error}");
    ingest.stop().await;
}

/// Packed, in Chinese, without a header, with a lookup: and again, and corrected.
#[tokio::test(flavor = "multi_thread")]
async fn a_corrected_file_corrects() {
    let Some(kafka) = kafka::shared() else { return };
    let ingest = start(kafka.config(), "corrected", Config::default()).await;
    let directory = tempfile::tempdir().unwrap();
    let mapping = write(
        &directory,
        "visits.jq",
        r#"{ type: "visit.completed", event_id: .visit, account_id: lookup("accounts"; "名称"; .account).id,
             occurred_at: (.day | date_in("%d.%m.%Y")), data: { visit_id: .visit, purpose: (.purpose | text) } | filled }"#,
    );
    let encode = |text: &str| encoding_rs::GB18030.encode(text).0.into_owned();
    let accounts = directory.path().join("accounts.csv");
    fs::write(&accounts, encode("id;名称\nA-1;上海样品\n")).unwrap();
    let file = directory.path().join("visits.csv.gz");
    let pack = |purpose: &str| {
        let mut packed = flate2::write::GzEncoder::new(fs::File::create(&file).unwrap(), flate2::Compression::fast());
        packed.write_all(&encode(&format!("V1\t上海样品\t05.03.2026\t{purpose}\nV2\t上海样品\t06.03.2026\t\n"))).unwrap();
        packed.finish().unwrap();
    };
    let mut options = options(&ingest, &file, mapping.to_str().unwrap(), &directory);
    options.with.insert("accounts".to_owned(), accounts);
    options.reading.encoding = Reading::encoding_of("gb18030");
    options.reading.columns = Some(["visit", "account", "day", "purpose"].map(str::to_owned).to_vec());
    let run = async |options: &ImportOptions| {
        let summary = import(options, CancellationToken::new()).await.unwrap();
        assert_eq!((summary.rows, summary.events_accepted), (2, 2), "{summary}");
    };
    pack("演示");
    run(&options).await;
    run(&options).await;
    pack("培训");
    options.revision = Some(1);
    run(&options).await;
    let told: Vec<String> =
        ingest.records(EVENTS_TOPIC).await.iter().map(|record| visit(&wire::decode(record).unwrap())).collect();
    let (first, again, corrected) = (&told[..2], &told[2..4], &told[4..]);
    assert_eq!(first, ["V1 0 A-1 演示", "V2 0 A-1 -"]);
    assert_eq!(again, first, "the same events: duplicates");
    assert_eq!(corrected, ["V1 1 A-1 培训", "V2 1 A-1 -"], "higher revisions of the same events");
    ingest.stop().await;
}

fn visit(event: &Event) -> String {
    let Data::VisitCompleted(visit) = &event.data else { panic!("{event:?}") };
    let of = |text: &Option<String>| text.clone().unwrap_or("-".to_owned());
    let envelope = &event.envelope;
    format!("{} {} {} {}", envelope.event_id, envelope.revision, of(&envelope.account_id), of(&visit.purpose))
}
