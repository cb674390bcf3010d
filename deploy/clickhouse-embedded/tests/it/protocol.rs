//! ClickHouse's HTTP protocol as curl speaks it: methods, parameters, headers, formats.

use crate::server::{Server, answer};

#[tokio::test]
async fn queries_come_by_get_and_post_in_url_and_body() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path()).await;
    assert_eq!(server.get(&[]).await.good(), "Ok.\n");
    assert_eq!(server.get(&[("query", "SELECT 1")]).await.good(), "1\n");
    assert_eq!(server.post(&[("query", "SELECT 1,")], "2").await.good(), "1\t2\n");
    assert_eq!(server.sql("SELECT 'a' -- the end").await, "a\n");
    assert_eq!(server.sql("SELECT 1 ; ").await, "1\n");
    assert_eq!(server.sql("SHOW DATABASES LIKE 'def%'").await, "default\n");
    assert_eq!(server.sql("WITH 2 AS z SELECT z UNION ALL SELECT z + 1 SETTINGS max_threads = 1").await.len(), 4);
    assert_eq!(server.sql("FROM numbers(2) SELECT number FORMAT CSV").await, "0\n1\n");
    let long = format!("SELECT length('{}')", "x".repeat(200_000));
    assert_eq!(server.sql(&long).await, "200000\n");
    let put = server.http.put(&server.url).send().await.unwrap();
    assert_eq!(put.status(), 405);
    let nowhere = server.http.get(format!("{}/nowhere", server.url)).send().await.unwrap();
    assert_eq!(nowhere.status(), 404);
}

#[tokio::test]
async fn get_reads_only() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path()).await;
    server.sql("CREATE TABLE t (a UInt8) ENGINE = MergeTree ORDER BY a").await;
    for sql in ["DROP TABLE t", "INSERT INTO t VALUES (1)", "INSERT INTO t SELECT 1", "CREATE TABLE u (a UInt8) ENGINE = Memory"]
    {
        assert_eq!(server.get(&[("query", sql)]).await.error(), (500, 164), "{sql}");
        let raised = [("query", sql), ("readonly", "0")];
        assert_eq!(server.get(&raised).await.error(), (500, 164), "{sql}");
    }
    let reading = [("query", "SELECT count() FROM t SETTINGS max_threads = 1"), ("max_block_size", "10")];
    assert_eq!(server.get(&reading).await.good(), "0\n");
}

#[tokio::test]
async fn formats_are_chosen_by_query_parameter_and_header() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path()).await;
    let csv = server.post(&[("default_format", "CSVWithNames")], "SELECT 1 AS a").await;
    assert_eq!((csv.header("x-clickhouse-format"), csv.text().as_str()), ("CSVWithNames", "\"a\"\n1\n"));
    assert_eq!(csv.header("content-type"), "text/csv; charset=UTF-8; header=present");
    let named = server.post(&[("default_format", "CSV")], "SELECT 1 AS a FORMAT JSONEachRow SETTINGS max_threads = 1").await;
    assert_eq!((named.header("x-clickhouse-format"), named.text().as_str()), ("JSONEachRow", "{\"a\":1}\n"));
    let header = server.request(&[], "SELECT 1 AS a").header("X-ClickHouse-Format", "TSKV").send().await.unwrap();
    assert_eq!(answer(header).await.good(), "a=1\n");
    let whole = server.post(&[("default_format", "JSONCompact")], "SELECT number FROM numbers(300000)").await.good();
    assert_eq!(whole.matches("\"meta\"").count(), 1);
    assert!(whole.contains("\"rows\": 300000"));
    assert_eq!(server.post(&[("default_format", "Nope")], "SELECT 1").await.error(), (404, 73));
    assert_eq!(server.post(&[("default_format", "CSV SETTINGS x")], "SELECT 1").await.error(), (400, 36));
}

#[tokio::test]
async fn parameters_bind_any_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path()).await;
    let sql = "SELECT hex({s:String}), {n:Int32}, {a:Array(String)}, {i:Identifier} FROM numbers(1)";
    let url = format!("{}/?param_s=%00%ff%5Ct%27&param_n=-5&param_a=%5B%27x%2Cy%27%5D&param_i=number", server.url);
    let bound = answer(server.http.post(url).body(sql).send().await.unwrap()).await.good();
    assert_eq!(bound, "00FF0927\t-5\t['x,y']\t0\n");
    assert_eq!(server.post(&[("param_n", "x")], "SELECT {n:Int32}").await.error().1, 457);
    assert_eq!(server.sql("CREATE TABLE t (a String) ENGINE = MergeTree ORDER BY a").await, "");
    server.post(&[("param_t", "t"), ("query", "INSERT INTO {t:Identifier} FORMAT CSV")], "x\n").await.good();
    assert_eq!(server.post(&[("param_t", "t")], "SELECT * FROM {t:Identifier}").await.good(), "x\n");
}

#[tokio::test]
async fn headers_tell_id_time_zone_and_counts() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path()).await;
    server.sql("CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a").await;
    let insert = server.post(&[("query_id", "mine-1")], "INSERT INTO t SELECT number FROM numbers(10)").await;
    assert_eq!(insert.header("x-clickhouse-query-id"), "mine-1");
    assert!(insert.header("x-clickhouse-summary").contains("\"written_rows\":\"10\""), "{insert:?}");
    let select = server.post(&[("log_comment", "of the client's")], "SELECT sum(a) FROM t").await;
    assert_eq!(select.header("x-clickhouse-query-id").len(), 36);
    assert_eq!(select.header("x-clickhouse-timezone"), "Etc/UTC");
    assert!(select.header("x-clickhouse-summary").contains("\"read_rows\":\"10\""), "{select:?}");
    assert_eq!(select.text(), "45\n");
}

#[tokio::test]
async fn users_and_passwords_are_nobodys_business() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path()).await;
    let request = server.request(&[("user", "u"), ("password", "p"), ("quota_key", "q"), ("role", "r")], "SELECT 1");
    let request = request.header("X-ClickHouse-User", "x").header("Authorization", "Basic eDp5");
    assert_eq!(answer(request.send().await.unwrap()).await.good(), "1\n");
}
