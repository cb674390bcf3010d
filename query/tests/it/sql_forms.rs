//! `POST /v1/sql`: every form of an answer has the same rows.

use std::{io::Cursor, sync::Arc};

use arrow::{
    array::{Array, RecordBatch},
    csv::ReaderBuilder,
    datatypes::{DataType, Field, Schema, SchemaRef},
    ipc::reader::StreamReader,
    util::display::{ArrayFormatter, FormatOptions},
};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;

use crate::{
    federation::filled,
    fixture::{ACME, Fixture},
};

/// Every form but JSON.
pub const STREAMED: [&str; 4] = [NDJSON, CSV, ARROW, PARQUET];
pub const NDJSON: &str = "application/x-ndjson";
pub const CSV: &str = "text/csv";
pub const ARROW: &str = "application/vnd.apache.arrow.stream";
pub const PARQUET: &str = "application/vnd.apache.parquet";

/// Values as texts; NULL is none.
type Rows = Vec<Vec<Option<String>>>;

/// The rows of a body, in the order of `names`.
pub fn read(form: &str, body: &[u8], names: &[&str]) -> Rows {
    let bytes = body.to_vec();
    match form {
        NDJSON => {
            let lines = body.split_inclusive(|byte| *byte == b'\n');
            lines.map(|line| object(&serde_json::from_slice(line).unwrap(), names)).collect()
        }
        CSV => {
            let fields: Vec<Field> = names.iter().map(|name| Field::new(*name, DataType::Utf8, true)).collect();
            let reader = ReaderBuilder::new(Arc::new(Schema::new(fields))).with_header(true).build(Cursor::new(bytes));
            texts(reader.unwrap().map(Result::unwrap), names)
        }
        ARROW => texts(StreamReader::try_new(Cursor::new(bytes), None).unwrap().map(Result::unwrap), names),
        PARQUET => texts(parquet(bytes).build().unwrap().map(Result::unwrap), names),
        _ => panic!("{form}"),
    }
}

fn parquet(bytes: Vec<u8>) -> ParquetRecordBatchReaderBuilder<bytes::Bytes> {
    ParquetRecordBatchReaderBuilder::try_new(bytes.into()).unwrap()
}

fn object(row: &Value, names: &[&str]) -> Vec<Option<String>> {
    let text = |name: &&str| match &row[*name] {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    names.iter().map(text).collect()
}

fn texts(batches: impl Iterator<Item = RecordBatch>, names: &[&str]) -> Rows {
    let mut rows = Vec::new();
    let options = FormatOptions::default();
    for batch in batches {
        let found: Vec<String> = batch.schema().fields().iter().map(|field| field.name().clone()).collect();
        assert_eq!(found, names);
        let columns: Vec<_> =
            batch.columns().iter().map(|c| (c, ArrayFormatter::try_new(c.as_ref(), &options).unwrap())).collect();
        let text =
            |row: usize| columns.iter().map(move |(c, text)| c.is_valid(row).then(|| text.value(row).to_string())).collect();
        rows.extend((0..batch.num_rows()).map(text));
    }
    rows
}

async fn asked(fixture: &Fixture, question: &str, form: &str) -> Vec<u8> {
    let answer = fixture.ask(ACME, question, form).await;
    assert_eq!(answer.status(), 200, "{form}: {answer:?}");
    assert!(answer.headers()["content-type"].to_str().unwrap().starts_with(form));
    let trust: Value = serde_json::from_str(answer.headers()["tidemark-trust"].to_str().unwrap()).unwrap();
    assert_eq!(trust["position"], 23, "{form}: {trust}");
    answer.bytes().await.unwrap().to_vec()
}

#[tokio::test]
async fn every_form_has_the_same_rows() {
    let Some(fixture) = filled().await else { return };
    fixture.watermark(23).await;
    let names = ["deal_id", "amount", "closed_on", "opened_at", "product", "won", "cycle_ms", "cycle_days", "share"];
    let question = "SELECT deal_id, amount, closed_on, opened_at, product, status = 'won' AS won, cycle_ms, cycle_days, \
                    CAST(amount AS DOUBLE) / 7 AS share FROM deals ORDER BY deal_id";
    let (_, answer) = fixture.sql(ACME, question).await;
    let as_json: Rows = answer["rows"].as_array().unwrap().iter().map(|row| object(row, &names)).collect();
    assert!(as_json.len() > 5 && as_json.iter().flatten().any(Option::is_none), "{answer}");
    for form in STREAMED {
        let rows = read(form, &asked(&fixture, question, form).await, &names);
        if form == CSV {
            // The one form in which an empty text and none are the same.
            let none = |value: &Option<String>| value.clone().filter(|text| !text.is_empty());
            let expected: Rows = as_json.iter().map(|row| row.iter().map(none).collect()).collect();
            assert_eq!(rows, expected, "{form}");
        } else {
            assert_eq!(rows, as_json, "{form}");
        }
    }
}

#[tokio::test]
async fn an_answer_without_rows_is_whole_in_every_form() {
    let Some(fixture) = filled().await else { return };
    fixture.watermark(23).await;
    let question = "SELECT deal_id, amount FROM deals WHERE deal_id = 'none'";
    assert_eq!(asked(&fixture, question, NDJSON).await, b"");
    assert_eq!(asked(&fixture, question, CSV).await, b"deal_id,amount\n");
    let arrow = StreamReader::try_new(Cursor::new(asked(&fixture, question, ARROW).await), None).unwrap();
    let parquet = parquet(asked(&fixture, question, PARQUET).await);
    let types = |schema: &SchemaRef| schema.fields().iter().map(|field| field.data_type().clone()).collect::<Vec<_>>();
    assert_eq!(types(&arrow.schema()), [DataType::Utf8, DataType::Decimal128(38, 6)]);
    assert_eq!(types(parquet.schema()), types(&arrow.schema()));
    assert_eq!((arrow.count(), parquet.build().unwrap().count()), (0, 0));
}

#[tokio::test]
async fn a_form_is_chosen_by_accept() {
    let Some(fixture) = filled().await else { return };
    for (accept, form) in [
        ("*/*", "application/json"),
        ("text/html, Application/X-NDJSON;q=0.9, */*", NDJSON),
        ("text/*", CSV),
        ("image/png, application/vnd.apache.parquet", PARQUET),
    ] {
        let answer = fixture.ask(ACME, "SELECT 1 AS one", accept).await;
        assert_eq!(
            (answer.status().as_u16(), answer.headers()["content-type"].to_str().unwrap().split(';').next()),
            (200, Some(form))
        );
    }
    let unknown = fixture.ask(ACME, "SELECT 1", "image/png").await;
    assert_eq!(unknown.status(), 406);
    let problem = unknown.text().await.unwrap();
    for form in STREAMED {
        assert!(problem.contains(form), "{problem}");
    }
}

#[tokio::test]
async fn what_a_form_cannot_hold_is_refused_before_its_first_byte() {
    let Some(fixture) = filled().await else { return };
    for (question, form, said) in [
        ("SELECT deal_id, deal_id AS deal_id FROM deals", NDJSON, ""),
        ("SELECT a.deal_id, b.deal_id FROM deals a JOIN deals b ON a.deal_id = b.deal_id", NDJSON, "AS"),
        ("SELECT [1, 2] AS list", CSV, "CSV"),
        ("SELECT INTERVAL '1 month 1 day' AS span", PARQUET, "Parquet"),
        ("SELECT 1 / 0", CSV, "Divide by zero"),
        ("SELECT amout FROM deals", ARROW, "amout"),
    ] {
        let answer = fixture.ask(ACME, question, form).await;
        assert_eq!(answer.status(), 400, "{question} as {form}");
        let problem = answer.text().await.unwrap();
        assert!(problem.contains(said), "{problem}");
    }
}
