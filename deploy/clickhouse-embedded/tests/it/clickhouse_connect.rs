//! `clickhouse-connect`, ClickHouse's own Python client: column types, streams, compressions, sessions, parameters, errors.

use std::path::Path;

use crate::python;
use crate::server::Server;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/python/clickhouse_connect_client.py");
const STEPS: [&str; 7] =
    ["values_of_every_type", "streams", "parameters_and_settings", "commands", "errors", "compressions", "sessions"];

#[tokio::test]
async fn what_it_sends_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path()).await;
    let address = server.url.trim_start_matches("http://").to_owned();
    let said = tokio::task::spawn_blocking(move || python::run(Path::new(SCRIPT), &[&address])).await.unwrap();
    assert_eq!(said.lines().collect::<Vec<_>>(), STEPS.map(|step| format!("ok {step}")), "{said}");
}
