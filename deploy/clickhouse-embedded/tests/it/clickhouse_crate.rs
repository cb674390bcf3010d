//! The `clickhouse` crate as Tidemark's services use it: typed rows, Arrow streams, parameters, errors.

use std::io::Cursor;
use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch, StringArray, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use clickhouse::{Client, Compression, Row};
use serde::{Deserialize, Serialize};

use crate::server::Server;

#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize)]
struct Visit {
    id: u64,
    rep: String,
    minutes: Option<f64>,
    tags: Vec<String>,
}

const VISITS: &str =
    "CREATE TABLE visits (id UInt64, rep String, minutes Nullable(Float64), tags Array(String)) ENGINE = MergeTree ORDER BY id";

fn visit(id: u64) -> Visit {
    let minutes = (!id.is_multiple_of(3)).then_some(id as f64 / 7.0);
    Visit { id, rep: format!("rep \n\n {id} \u{1F600}\0"), minutes, tags: vec!["a'b".into(); (id % 4) as usize] }
}

async fn insert_and_select(client: Client) {
    client.query(VISITS).execute().await.unwrap();
    let mut insert = client.insert::<Visit>("visits").await.unwrap();
    for id in 0..50_000 {
        insert.write(&visit(id)).await.unwrap();
    }
    insert.end().await.unwrap();
    let rows = client.query("SELECT ?fields FROM visits ORDER BY id").fetch_all::<Visit>().await.unwrap();
    assert_eq!(rows.len(), 50_000);
    assert!(rows.iter().zip(0..).all(|(row, id)| *row == visit(id)));
    let none = client.query("SELECT ?fields FROM visits WHERE id > 1e9").fetch_all::<Visit>().await.unwrap();
    assert!(none.is_empty());
}

#[tokio::test]
async fn typed_rows_with_lz4() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path()).await;
    insert_and_select(server.client()).await;
}

#[tokio::test]
async fn typed_rows_without_compression() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path()).await;
    insert_and_select(server.client().with_compression(Compression::None)).await;
}

#[tokio::test]
async fn arrow_in_and_arrow_of_many_blocks_out() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path()).await;
    let client = server.client();
    client.query("CREATE TABLE t (a Int64, s String) ENGINE = MergeTree ORDER BY a").execute().await.unwrap();
    let fields = vec![Field::new("a", DataType::Int64, false), Field::new("s", DataType::Utf8, false)];
    let schema = Arc::new(Schema::new(fields));
    let mut stream = StreamWriter::try_new(Vec::new(), &schema).unwrap();
    for start in (0..100_000).step_by(1000) {
        let numbers: Vec<i64> = (start..start + 1000).collect();
        let texts: Vec<String> = numbers.iter().map(|number| format!("\n\n{number}")).collect();
        let columns = (Arc::new(Int64Array::from(numbers)), Arc::new(StringArray::from(texts)));
        stream.write(&RecordBatch::try_new(schema.clone(), vec![columns.0, columns.1]).unwrap()).unwrap();
    }
    let bytes = stream.into_inner().unwrap();
    let mut insert = client.insert_formatted_with("INSERT INTO t (a, s) FORMAT ArrowStream");
    for piece in bytes.chunks(70_000) {
        insert.send(piece.to_vec().into()).await.unwrap();
    }
    insert.end().await.unwrap();

    let query = client.query_raw("SELECT a, s, count() OVER () AS all FROM t ORDER BY a").with_setting("max_block_size", "777");
    let answer = query.fetch_bytes("ArrowStream").unwrap().collect().await.unwrap();
    let batches: Vec<RecordBatch> = StreamReader::try_new(Cursor::new(answer), None).unwrap().map(Result::unwrap).collect();
    assert!(batches.len() > 10, "{} blocks", batches.len());
    let numbers = batches.iter().flat_map(|batch| {
        let column = batch.column(0).as_any().downcast_ref::<Int64Array>().unwrap();
        column.values().to_vec()
    });
    assert!(numbers.eq(0..100_000));
    let all = batches[0].column(2).as_any().downcast_ref::<UInt64Array>().unwrap();
    assert_eq!(all.value(0), 100_000);
}

#[tokio::test]
async fn parameters_travel_as_a_form() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path()).await;
    let client = server.client();
    let odd = "tab\t line\n quote' slash\\ {x:String} ;é";
    let query = client.query("SELECT {s:String}, {n:UInt64} + ?, ?").param("s", odd).param("n", 40_u64).bind(2).bind(odd);
    let row: (String, u64, String) = query.fetch_one().await.unwrap();
    assert_eq!(row, (odd.to_owned(), 42, odd.to_owned()));
}

#[tokio::test]
async fn errors_carry_clickhouse_codes() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path()).await;
    let client = server.client();
    let early = client.query("SELECT a FROM nowhere").fetch_all::<u8>().await.unwrap_err().to_string();
    assert!(early.contains("Code: 60."), "{early}");
    let mut cursor = client.query("SELECT throwIf(number = 3000000, 'too far') FROM numbers(10000000)").fetch::<u8>().unwrap();
    let mut rows = 0;
    let late = loop {
        match cursor.next().await {
            Ok(Some(_)) => rows += 1,
            Ok(None) => panic!("the answer ended without its error after {rows} rows"),
            Err(error) => break error.to_string(),
        }
    };
    assert!(rows > 0 && late.contains("Code: 395.") && late.contains("too far"), "{rows}: {late}");
    let insert = client.query("INSERT INTO nowhere VALUES (1)").execute().await.unwrap_err().to_string();
    assert!(insert.contains("Code: 60."), "{insert}");
}

#[tokio::test]
async fn replacing_merge_tree_answers_final_while_merges_are_stopped() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path()).await;
    let client = server.client();
    let table = "CREATE TABLE cells (k UInt64, v Int64, version UInt64, is_deleted UInt8)
        ENGINE = ReplacingMergeTree(version, is_deleted) ORDER BY k";
    client.query(table).execute().await.unwrap();
    client.query("SYSTEM STOP MERGES cells").execute().await.unwrap();
    for (version, deleted) in [(1, "0"), (3, "k % 2 = 0"), (2, "0")] {
        let sql = format!("INSERT INTO cells SELECT number AS k, number * {version}, {version}, {deleted} FROM numbers(1000)");
        client.query(&sql).execute().await.unwrap();
    }
    let sum = "SELECT count(), sum(v) FROM cells";
    let row: (u64, i64) = client.query(&format!("{sum} FINAL")).fetch_one().await.unwrap();
    assert_eq!(row, (500, 3 * 500 * 500));
    let setting: (u64, i64) = client.query(sum).with_setting("final", "1").fetch_one().await.unwrap();
    assert_eq!(setting, row);
    let raw: (u64, i64) = client.query(sum).fetch_one().await.unwrap();
    assert_eq!(raw.0, 3000);
    let parts = "SELECT count() FROM system.parts WHERE table = 'cells' AND active";
    assert_eq!(client.query(parts).fetch_one::<u64>().await.unwrap(), 3);
}
