//! Data of INSERTs: in the URL, in the body, after the query in the body; in any format, with any bytes.

use crate::server::Server;

async fn with_table(columns: &str) -> (tempfile::TempDir, Server) {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path()).await;
    server.sql(&format!("CREATE TABLE t ({columns}) ENGINE = MergeTree ORDER BY tuple()")).await;
    (dir, server)
}

#[tokio::test]
async fn values_and_formats_may_stand_anywhere() {
    let (_dir, server) = with_table("a UInt64, s String").await;
    for (query, body) in [
        ("INSERT INTO t VALUES", "(1, 'x\n\ny; SELECT 1'), (2, concat('é', '\\''))"),
        ("INSERT INTO t VALUES (3, 'inline')", ""),
        ("INSERT INTO t VALUES (4, 'both'),", "(5, 'both')"),
        ("INSERT INTO t FORMAT CSV", "6,\"x\n\ny\"\n7,z"),
        ("INSERT INTO t", "FORMAT TSV\n8\tt\n"),
        ("INSERT INTO t (s, a)", "VALUES ('nine', 9)"),
        ("INSERT INTO t (a) SETTINGS max_threads = 1 FORMAT JSONEachRow {\"a\": 10}", "{\"a\": 11}"),
        ("", "INSERT INTO t VALUES (12, 'body')"),
        ("", "INSERT INTO t FORMAT JSONEachRow\n{\"a\": 13, \"s\": \"\\n\\n\"}\n\n{\"a\": 14}"),
        ("", "INSERT INTO FUNCTION null('a UInt8') VALUES (1)"),
    ] {
        server.post(&[("query", query)], body).await.good();
    }
    let format = [("query", "INSERT INTO t"), ("default_format", "CSV")];
    server.post(&format, "15,default\n").await.good();
    assert_eq!(
        server.sql("SELECT groupArray(a) FROM (SELECT a FROM t ORDER BY a)").await,
        "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15]\n"
    );
    assert_eq!(server.sql("SELECT s FROM t WHERE a IN (1, 6) ORDER BY a").await, "x\\n\\ny; SELECT 1\nx\\n\\ny\n");
}

#[tokio::test]
async fn every_byte_arrives() {
    let (_dir, server) = with_table("s String").await;
    let every: Vec<u8> = (0..=255).collect();
    let odd: [&[u8]; 5] = [&every, b"\n\n", b"\r\n;\0", b"", b"\n\nINSERT INTO t FORMAT CSV"];
    let mut rows = Vec::new();
    for bytes in odd {
        let length = u8::try_from(bytes.len() % 128).unwrap();
        rows.extend(if bytes.len() < 128 { vec![length] } else { vec![length | 0x80, u8::try_from(bytes.len() >> 7).unwrap()] });
        rows.extend(bytes);
    }
    server.post(&[("query", "INSERT INTO t FORMAT RowBinary")], rows.clone()).await.good();
    let body = [b"INSERT INTO t FORMAT RowBinary\n".to_vec(), rows].concat();
    server.post(&[], body).await.good();
    let counted = server.sql("SELECT hex(s), count() FROM t GROUP BY s ORDER BY s").await;
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02X}")).collect::<String>();
    let mut expected: Vec<&[u8]> = odd.to_vec();
    expected.sort_unstable();
    let expected: String = expected.iter().map(|bytes| format!("{}\t2\n", hex(bytes))).collect();
    assert_eq!(counted, expected);
}

#[tokio::test]
async fn a_native_body_after_its_query_goes_round() {
    let (_dir, server) = with_table("a UInt64, d DateTime64(3, 'UTC'), l LowCardinality(String)").await;
    let sql = "SELECT number AS a, toDateTime64(number, 3, 'UTC') AS d, toString(number % 3) AS l FROM numbers(100000)";
    let native = server.post(&[("default_format", "Native")], sql).await;
    let body = [b"INSERT INTO t (a, d, l) FORMAT Native\n".to_vec(), native.body].concat();
    server.post(&[], body).await.good();
    assert_eq!(server.sql("SELECT count(), sum(a), uniqExact(l) FROM t").await, "100000\t4999950000\t3\n");
}

#[tokio::test]
async fn broken_data_is_refused_with_its_place() {
    let (_dir, server) = with_table("a UInt64").await;
    let broken = server.post(&[("query", "INSERT INTO t FORMAT JSONEachRow")], "{\"a\": 1}\n{\"a\": \"x\"}").await;
    assert_eq!(broken.error(), (400, 27));
    assert!(broken.text().contains("at row 2"), "{}", broken.text());
    assert_eq!(server.post(&[("query", "INSERT INTO t VALUES")], "(1); SELECT 1").await.error(), (400, 62));
    assert_eq!(server.post(&[("query", "INSERT INTO t FORMAT Nope")], "1").await.error(), (404, 73));
    assert_eq!(server.post(&[("query", "INSERT INTO t (b) VALUES")], "(1)").await.error().1, 16);
    assert_eq!(server.sql("SELECT count() FROM t").await, "0\n");
}
