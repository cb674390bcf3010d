//! The same rows as CSV, NDJSON, Parquet and workbooks are the same events; what only one of them can say stays exact.
//! `tests/files` holds workbooks written by other programs (`.xls` by xlwt, `.ods` by odfpy).

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
};

use arrow::{
    array::{
        ArrayRef, BooleanArray, Date32Array, Decimal128Array, Int64Array, ListArray, RecordBatch, StringArray, StructArray,
        TimestampMicrosecondArray, TimestampNanosecondArray, UInt64Array,
    },
    datatypes::{Field, Int32Type},
};
use parquet::{arrow::ArrowWriter, basic::Compression, file::properties::WriterProperties};
use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};
use serde_json::{Value, json};
use tempfile::TempDir;
use tidemark_ingest::{Config, ImportOptions, import, map_rows, preview};
use tidemark_schemas::{events::wire, log::EVENTS_TOPIC};
use tokio_util::sync::CancellationToken;

use crate::{
    kafka,
    server::{Ingest, start},
};

/// Forms that fit every format: texts of CSV, numbers and truth values of the others.
const MAPPING: &str = r#"
{ type: "visit.completed", event_id: .visit, account_id: .account, occurred_at: .at,
  data: { visit_id: .visit, purpose: (.purpose | text), duration_min: (.minutes | number),
          met_decision_maker: (.met | tostring == "true"), next_step_on: .day } | filled },
{ type: "deal.opened", event_id: "\(.visit):deal", occurred_at: .day,
  data: { deal_id: .visit, amount: (.amount | money), stage: "proposal" } }
"#;

const CSV: &str = "visit,account,day,at,amount,minutes,met,purpose
V1,上海样品,2026-03-05,2026-03-05T16:20:00,\"22,700.10\",45,true,\"two\nlines, \"\"quoted\"\"\"
V2,Zoë,2026-03-06,2026-03-06T08:00:00,$0.3,0,false,
V3,A-3,2024-02-29,2024-02-29T23:59:59,(342.09055K),90,true,007
";

const DAYS: [i32; 3] = [20_517, 20_518, 19_782];
const INSTANTS_S: [i64; 3] = [1_772_727_600, 1_772_784_000, 1_709_251_199];

/// The rows of [`CSV`] in Parquet, in row groups of two rows.
fn parquet(path: &Path, compression: Compression) {
    let column = |name: &str, values: ArrayRef| (name.to_owned(), values);
    let batch = RecordBatch::try_from_iter([
        column("visit", Arc::new(StringArray::from(vec!["V1", "V2", "V3"]))),
        column("account", Arc::new(StringArray::from(vec!["上海样品", "Zoë", "A-3"]))),
        column("day", Arc::new(Date32Array::from(DAYS.to_vec()))),
        column("at", Arc::new(TimestampMicrosecondArray::from(INSTANTS_S.map(|seconds| seconds * 1_000_000).to_vec()))),
        column("amount", Arc::new(amounts(vec![2_270_010_000, 30_000, -34_209_055_000], 5))),
        column("minutes", Arc::new(Int64Array::from(vec![45, 0, 90]))),
        column("met", Arc::new(BooleanArray::from(vec![true, false, true]))),
        column("purpose", Arc::new(StringArray::from(vec![Some("two\nlines, \"quoted\""), None, Some("007")]))),
    ]);
    write_parquet(path, &batch.unwrap(), compression);
}

fn amounts(units: Vec<i128>, scale: i8) -> Decimal128Array {
    Decimal128Array::from(units).with_precision_and_scale(38, scale).unwrap()
}

fn write_parquet(path: &Path, batch: &RecordBatch, compression: Compression) {
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(2)).set_compression(compression).build();
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), Some(properties)).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
}

/// The rows of [`CSV`] on the second sheet, under two empty rows, with a stray cell far away in the first.
fn xlsx(path: &Path) {
    let mut workbook = Workbook::new();
    workbook.add_worksheet().set_name("Notes").unwrap().write(1_000_000, 16_000, "far away").unwrap();
    let sheet = workbook.add_worksheet().set_name("Visits").unwrap();
    let (day, instant) = (Format::new().set_num_format("dd.mm.yyyy"), Format::new().set_num_format("yyyy-mm-dd hh:mm:ss"));
    for (column, name) in CSV.lines().next().unwrap().split(',').enumerate() {
        sheet.write(2, column as u16, name).unwrap();
    }
    let dates = ["2026-03-05", "2026-03-06", "2024-02-29"];
    let instants = ["2026-03-05T16:20:00", "2026-03-06T08:00:00", "2024-02-29T23:59:59"];
    let purposes = ["two\nlines, \"quoted\"", "", "007"];
    for row in 0..3 {
        let line = 3 + row as u32;
        sheet.write(line, 0, ["V1", "V2", "V3"][row]).unwrap();
        sheet.write(line, 1, ["上海样品", "Zoë", "A-3"][row]).unwrap();
        sheet.write_with_format(line, 2, ExcelDateTime::parse_from_str(dates[row]).unwrap(), &day).unwrap();
        sheet.write_with_format(line, 3, ExcelDateTime::parse_from_str(instants[row]).unwrap(), &instant).unwrap();
        sheet.write(line, 4, [22_700.1, 0.1 + 0.2, -342_090.55][row]).unwrap();
        sheet.write(line, 5, [45, 0, 90][row]).unwrap();
        sheet.write(line, 6, [true, false, true][row]).unwrap();
        if !purposes[row].is_empty() {
            sheet.write(line, 7, purposes[row]).unwrap();
        }
    }
    workbook.save(path).unwrap();
}

fn ndjson(path: &Path) {
    let line = |visit, account, day, at, amount: &str, minutes: u8, met: bool, purpose: Option<&str>| {
        let row = json!({ "visit": visit, "account": account, "day": day, "at": at, "minutes": minutes, "met": met, "purpose": purpose });
        format!("{},\"amount\":{amount}}}\n", row.to_string().strip_suffix('}').unwrap())
    };
    let lines = [
        line("V1", "上海样品", "2026-03-05", "2026-03-05T16:20:00", "22700.10", 45, true, Some("two\nlines, \"quoted\"")),
        line("V2", "Zoë", "2026-03-06", "2026-03-06T08:00:00", "3e-1", 0, false, None),
        line("V3", "A-3", "2024-02-29", "2024-02-29T23:59:59", "-342090.55", 90, true, Some("007")),
    ];
    fs::write(path, lines.concat()).unwrap();
}

fn gzip(from: &Path) -> PathBuf {
    let to = PathBuf::from(format!("{}.gz", from.display()));
    let mut packed = flate2::write::GzEncoder::new(File::create(&to).unwrap(), flate2::Compression::fast());
    packed.write_all(&fs::read(from).unwrap()).unwrap();
    packed.finish().unwrap();
    to
}

fn zip(from: &Path) -> PathBuf {
    let to = PathBuf::from(format!("{}.zip", from.display()));
    let mut packed = zip::ZipWriter::new(File::create(&to).unwrap());
    packed.start_file("inside", zip::write::SimpleFileOptions::default()).unwrap();
    packed.write_all(&fs::read(from).unwrap()).unwrap();
    packed.finish().unwrap();
    to
}

fn mapping(directory: &TempDir, code: &str) -> String {
    let path = directory.path().join("mapping.jq");
    fs::write(&path, code).unwrap();
    path.to_str().unwrap().to_owned()
}

fn options(file: &Path, mapping: &str) -> ImportOptions {
    let mut options = ImportOptions::new(file, mapping, "", "");
    if ["visits.xls", "visits.ods", "visits.xlsx"].iter().any(|name| file.display().to_string().contains(name)) {
        options.reading.sheet = Some("Visits".to_owned());
    }
    options
}

/// Each event with the line that it came from.
fn mapped(options: &ImportOptions) -> Vec<(u64, Value)> {
    let mut mapped = Vec::new();
    map_rows(options, |line, events| {
        let events = events.unwrap_or_else(|unmapped| panic!("line {line}: {}", unmapped.message));
        mapped.extend(events.iter().map(|event| (line, serde_json::from_str(event).unwrap())));
    })
    .unwrap_or_else(|error| panic!("{error}"));
    mapped
}

fn events(options: &ImportOptions) -> Vec<Value> {
    mapped(options).into_iter().map(|(_, event)| event).collect()
}

/// [`CSV`] in every format; in the ones that are packed anyway, packed again.
fn every_format(directory: &TempDir) -> Vec<PathBuf> {
    let at = |name: &str| directory.path().join(name);
    let fixture = |name: &str| Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files").join(name);
    let files = ["visits.csv", "visits.ndjson", "visits.parquet", "zstd.parquet", "visits.xlsx"].map(at);
    fs::write(&files[0], CSV).unwrap();
    ndjson(&files[1]);
    parquet(&files[2], Compression::SNAPPY);
    parquet(&files[3], Compression::ZSTD(Default::default()));
    xlsx(&files[4]);
    let packed = [gzip(&files[0]), zip(&files[1]), gzip(&files[2]), zip(&files[4])];
    files.into_iter().chain(packed).chain([fixture("visits.xls"), fixture("visits.ods")]).collect()
}

#[test]
fn the_same_rows_in_any_format_are_the_same_events() {
    let directory = tempfile::tempdir().unwrap();
    let mapping = mapping(&directory, MAPPING);
    let files = every_format(&directory);
    let expected = events(&options(&files[0], &mapping));
    assert_eq!(expected.len(), 6);
    assert_eq!(expected[5]["data"]["amount"], "-342090.55");
    for file in &files[1..] {
        assert_eq!(events(&options(file, &mapping)), expected, "{}", file.display());
    }
    let lines: Vec<u64> = mapped(&options(&files[4], &mapping)).into_iter().map(|(line, _)| line).collect();
    assert_eq!(lines, [4, 4, 5, 5, 6, 6], "a workbook's lines are its rows");
}

#[test]
fn parquet_stays_exact_and_nested() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("exact.parquet");
    let lists = ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(1), None]), None]);
    let structs = StructArray::from(vec![(
        Arc::new(Field::new("id", arrow::datatypes::DataType::UInt64, false)),
        Arc::new(UInt64Array::from(vec![u64::MAX, 1])) as ArrayRef,
    )]);
    let nanoseconds = TimestampNanosecondArray::from(vec![1_772_727_600_123_456_789, 0]);
    let batch = RecordBatch::try_from_iter_with_nullable([
        ("decimal", Arc::new(amounts(vec![i128::from(i64::MAX) * 1_000_000_007, -1], 6)) as ArrayRef, true),
        ("integer", Arc::new(Int64Array::from(vec![i64::MIN, 9_007_199_254_740_993])), true),
        ("at", Arc::new(nanoseconds.clone()), true),
        ("utc", Arc::new(nanoseconds.with_timezone("UTC")), true),
        ("list", Arc::new(lists), true),
        ("struct", Arc::new(structs), true),
    ]);
    write_parquet(&path, &batch.unwrap(), Compression::UNCOMPRESSED);
    let mut texts = Vec::new();
    map_rows(&ImportOptions::new(&path, mapping(&directory, "."), "", ""), |_, events| texts.extend(events.unwrap())).unwrap();
    assert_eq!(
        texts,
        [
            "{\"decimal\":9223372101418380064983.430649,\"integer\":-9223372036854775808,\"at\":\"2026-03-05T16:20:00.123456789\",\
             \"utc\":\"2026-03-05T16:20:00.123456789Z\",\"list\":[1,null],\"struct\":{\"id\":18446744073709551615}}",
            "{\"decimal\":-0.000001,\"integer\":9007199254740993,\"at\":\"1970-01-01T00:00:00\",\"utc\":\"1970-01-01T00:00:00Z\",\
             \"list\":null,\"struct\":{\"id\":1}}",
        ]
    );
}

#[test]
fn a_lookup_may_be_a_workbook_or_parquet() {
    let directory = tempfile::tempdir().unwrap();
    let code = r#"{ visit: .visit, minutes: lookup("visits"; "visit"; .visit).minutes | number }"#;
    let mapping = mapping(&directory, code);
    for file in every_format(&directory) {
        let mut options = ImportOptions::new(directory.path().join("visits.csv"), &mapping, "", "");
        options.with.insert("visits".to_owned(), file.clone());
        options.with_sheet.insert("visits".to_owned(), "Visits".to_owned());
        let minutes: Vec<Value> = events(&options).into_iter().map(|event| event["minutes"].clone()).collect();
        assert_eq!(minutes, [45, 0, 90], "{}", file.display());
    }
}

#[test]
fn titles_above_the_header_of_a_sheet_are_skipped() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("titled.xlsx");
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    for (row, column, cell) in [(0, 0, "Visits of March"), (3, 0, "visit"), (3, 1, "day"), (4, 0, "V1"), (4, 1, "2026-03-01")] {
        sheet.write(row, column, cell).unwrap();
    }
    workbook.save(&path).unwrap();
    let mut options = ImportOptions::new(&path, mapping(&directory, "."), "", "");
    options.reading.skip_lines = 2;
    let mut rows = Vec::new();
    map_rows(&options, |line, events| rows.push((line, events.unwrap()))).unwrap();
    assert_eq!(rows, [(5, vec![r#"{"day":"2026-03-01","visit":"V1"}"#.to_owned()])]);
}

#[test]
fn what_is_wrong_with_a_workbook_is_said() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("odd.xlsx");
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet().set_name("Odd").unwrap();
    for (row, cells) in
        [vec!["visit", "", "day"], vec!["V1", "dropped", "2026-03-01"], vec!["V2", "", "", "beyond"]].iter().enumerate()
    {
        for (column, cell) in cells.iter().enumerate() {
            sheet.write(row as u32, column as u16, *cell).unwrap();
        }
    }
    let twice = workbook.add_worksheet().set_name("Twice").unwrap();
    for column in 0..2 {
        twice.write(4, column, "visit").unwrap();
    }
    workbook.add_worksheet().set_name("Empty").unwrap();
    workbook.save(&path).unwrap();
    let mut options = ImportOptions::new(&path, mapping(&directory, "."), "", "");
    let mut rows = Vec::new();
    map_rows(&options, |line, events| rows.push((line, events.map_err(|unmapped| unmapped.message)))).unwrap();
    assert_eq!(rows[0], (2, Ok(vec![r#"{"day":"2026-03-01","visit":"V1"}"#.to_owned()])));
    assert_eq!(rows[1], (3, Err("the row has 4 columns, the header has 3".to_owned())));
    for (sheet, expected) in [
        ("Twice", "odd.xlsx, line 5: the header cannot be used: column \"visit\" occurs twice"),
        ("Empty", "it names no columns"),
        ("Elsewhere", "there is no sheet \"Elsewhere\" in it; it has Odd, Twice, Empty"),
    ] {
        options.reading.sheet = Some(sheet.to_owned());
        let error = map_rows(&options, |_, _| {}).unwrap_err().to_string();
        assert!(error.contains(expected), "{sheet}: {error}");
    }
}

/// A zip may claim any size: what it claims is held against the bound before anything is unpacked.
#[test]
fn a_workbook_over_the_bound_is_refused_by_name() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("large.xlsx");
    let mut archive = zip::ZipWriter::new(File::create(&path).unwrap());
    for name in ["[Content_Types].xml", "xl/workbook.xml"] {
        archive.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(&vec![b' '; 150 << 20]).unwrap();
    }
    archive.finish().unwrap();
    let error = preview(&ImportOptions::new(&path, mapping(&directory, "."), "", "")).unwrap_err().to_string();
    assert!(error.contains("large.xlsx") && error.contains("300 MiB unpacked, and at most 256 MiB"), "{error}");
    assert!(error.contains("save the sheet as CSV"), "{error}");
}

/// Through the real path, with a dry run before: whichever file comes second brings nothing new.
#[tokio::test(flavor = "multi_thread")]
async fn one_file_after_the_other_brings_nothing_new() {
    let Some(kafka) = kafka::shared() else { return };
    let ingest = start(kafka.config(), "formats", Config::default()).await;
    let directory = tempfile::tempdir().unwrap();
    let mapping = mapping(&directory, MAPPING);
    let files = every_format(&directory);
    for file in [&files[0], &files[2], &files[4]] {
        let options = sent_to(&ingest, options(file, &mapping), &directory);
        let seen = preview(&options).unwrap();
        assert_eq!((seen.rows, seen.rows_refused, seen.events.values().sum::<u64>()), (3, 1, 5), "{seen}");
        let summary = import(&options, CancellationToken::new()).await.unwrap();
        assert_eq!((summary.rows, summary.rows_refused, summary.events_accepted), (3, 1, 5), "{summary}");
        assert_eq!(summary.reasons["out_of_range data.amount"], 1, "{summary}");
    }
    let records = ingest.records(EVENTS_TOPIC).await;
    let mut events: Vec<_> = records.iter().map(|record| wire::decode(record).unwrap()).collect();
    assert_eq!(events.len(), 15);
    events.sort_by_key(|event| event.envelope.event_id.clone());
    events.dedup();
    assert_eq!(events.len(), 5, "every format made the same five events");
    ingest.stop().await;
}

/// What a binary format has no bytes or lines for: its place is a row.
#[tokio::test(flavor = "multi_thread")]
async fn interrupted_parquet_and_workbooks_go_on_where_they_stopped() {
    let Some(kafka) = kafka::shared() else { return };
    let ingest = start(kafka.config(), "formats-resumed", Config::default()).await;
    let directory = tempfile::tempdir().unwrap();
    let code = "{ type: \"visit.completed\", event_id: .visit, occurred_at: \"2026-03-01\", data: { visit_id: .visit } }";
    let mapping = mapping(&directory, code);
    let ids: Vec<String> = (0..1_000).map(|row| format!("V{row:03}")).collect();
    let files = ["many.parquet", "many.xlsx"].map(|name| directory.path().join(name));
    let batch = RecordBatch::try_from_iter([("visit", Arc::new(StringArray::from(ids.clone())) as ArrayRef)]);
    write_parquet(&files[0], &batch.unwrap(), Compression::SNAPPY);
    let mut workbook = Workbook::new();
    workbook.add_worksheet().write_column(0, 0, std::iter::once("visit".to_owned()).chain(ids.clone())).unwrap();
    workbook.save(&files[1]).unwrap();
    for (file, imports) in files.iter().zip(1..) {
        let mut options = sent_to(&ingest, options(file, &mapping), &directory);
        (options.batch_events_max, options.concurrency) = (20, 2);
        let shutdown = CancellationToken::new();
        let (running, stop) = (options.clone(), shutdown.clone());
        let interrupted = tokio::spawn(async move { import(&running, stop).await });
        let progress = directory.path().join(format!("{}.progress.json", file.file_name().unwrap().to_string_lossy()));
        let row = || serde_json::from_slice::<Value>(&fs::read(&progress).ok()?).ok()?["place"]["row"].as_u64();
        while row().unwrap_or(0) == 0 && !interrupted.is_finished() {
            tokio::task::yield_now().await;
        }
        shutdown.cancel();
        interrupted.await.unwrap().unwrap_err();
        let summary = import(&options, CancellationToken::new()).await.unwrap();
        assert!(summary.resumed_at_row > 0, "{summary}");
        assert_eq!((summary.rows, summary.events_accepted), (1_000, 1_000), "{summary}");
        let records = ingest.records(EVENTS_TOPIC).await;
        let mut sent: Vec<String> = records.iter().map(|record| wire::decode(record).unwrap().envelope.event_id).collect();
        assert!(sent.len() < 1_000 * imports + 100, "{}: it began again", sent.len());
        sent.sort();
        sent.dedup();
        assert_eq!(sent, ids, "nothing is missing; a batch that was under way may be there twice");
    }
    ingest.stop().await;
}

fn sent_to(ingest: &Ingest, options: ImportOptions, directory: &TempDir) -> ImportOptions {
    let (url, key, report_dir) = (ingest.url.clone(), ingest.key.clone(), Some(directory.path().to_owned()));
    ImportOptions { url, key, report_dir, progress_bar: false, ..options }
}
