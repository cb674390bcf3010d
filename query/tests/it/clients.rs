//! Real clients at the doors for BI tools: each program of `clients/` does what its users do, and says which steps went well.

use std::{
    env, fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
};

use tidemark_query::{Config, Login, Tls};
use tidemark_schemas::kpi::Catalogue;

use crate::fixture::{ACME, Fixture};

const PROGRAMS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/clients");

/// Rows that the programs count: three deals of acme, and one of another tenant that none of them may see.
async fn fixture(config: Config) -> Option<Fixture> {
    let fixture = Fixture::with(config, Catalogue::shipped().unwrap()).await?;
    for (tenant, id, status, amount) in [
        ("acme", "D-1", "won", "100.5"),
        ("acme", "D-2", "open", "7"),
        ("acme", "D-3", "lost", "1"),
        ("other", "X-1", "won", "9"),
    ] {
        fixture
            .run(&format!(
                "INSERT INTO deals (generation, tenant, deal_id, status, amount, currency, opened_at, opened_on, version) \
                 VALUES (1, '{tenant}', '{id}', '{status}', {amount}, 'CNY', '2026-01-05 10:00:00', '2026-01-05', 1)"
            ))
            .await;
    }
    fixture.watermark(7).await;
    fixture.heartbeat(7, 7).await;
    Some(fixture)
}

/// What `cargo xtask fetch` keeps. Absent clients are a failure: a test that passes has asked them.
fn fetched(path: &str) -> PathBuf {
    let cache = env::var_os("TIDEMARK_CACHE").map(PathBuf::from);
    let cache = cache.unwrap_or_else(|| Path::new(&env::var_os("HOME").unwrap()).join(".cache/tidemark"));
    let path = cache.join(path);
    assert!(path.exists(), "{} is absent: run `cargo xtask fetch`, which puts the clients there", path.display());
    path
}

/// Runs a program against the PostgreSQL wire; it must do every step.
async fn drives(program: Command) {
    drives_at("PostgreSQL", |fixture| fixture.postgres, Config::default(), program).await;
}

/// The same against another door.
async fn drives_at(door: &str, address: impl Fn(&Fixture) -> SocketAddr, config: Config, mut program: Command) {
    let is_plain = config.postgres_login == Login::Password;
    let Some(fixture) = fixture(config).await else { return };
    let port = address(&fixture).port().to_string();
    program.args(["127.0.0.1", &port, "acme", ACME, r#"{"deals": 3}"#]);
    let shown = format!("{program:?}");
    let ran =
        tokio::task::spawn_blocking(move || program.output()).await.unwrap().unwrap_or_else(|error| panic!("{shown}: {error}"));
    let [said, complained] = [&ran.stdout, &ran.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    let steps: Vec<_> = said.lines().filter_map(|line| line.strip_prefix("ok ")).collect();
    assert!(
        ran.status.success() && !steps.is_empty() && !said.contains("failed "),
        "{shown}: {}\n{said}\n{complained}",
        ran.status
    );
    let client = said.lines().find_map(|line| line.strip_prefix("client ")).expect("the client says its name");
    // Once is enough for a reader.
    let steps = if is_plain { steps.join(", ").replace('_', " ") } else { "the same".to_owned() };
    in_the_readme(&format!("| {client} | {door} | {steps} |"));
}

/// Shows the row of a client; the table of clients in README must have it word for word.
fn in_the_readme(row: &str) {
    eprintln!("{row}");
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md")).unwrap();
    assert!(readme.lines().any(|line| line == row), "the clients in README.md lack this row:\n{row}");
}

pub fn python(script: &str) -> Command {
    let mut python = Command::new(fetched("python/bin/python"));
    // No compiled files beside the scripts, which are the project's.
    python.arg("-B").arg(format!("{PROGRAMS}/python/{script}.py"));
    python
}

pub fn node(script: &str) -> Command {
    let mut node = Command::new("node");
    node.arg("--no-deprecation").arg(format!("{PROGRAMS}/node/{script}.mjs")).current_dir(fetched("node"));
    node
}

#[tokio::test(flavor = "multi_thread")]
async fn psql() {
    drives(python("psql_client")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn psycopg() {
    drives(python("psycopg_client")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn asyncpg() {
    drives(python("asyncpg_client")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlalchemy() {
    drives(python("sqlalchemy_client")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pandas() {
    drives(python("pandas_client")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn node_postgres() {
    drives(node("pg_client")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn jdbc() {
    let mut java = Command::new("java");
    java.arg("-cp").arg(fetched("jdbc").join("*")).arg(format!("{PROGRAMS}/java/JdbcClient.java"));
    drives(java).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn adbc_flight_sql() {
    drives_at("Arrow Flight SQL", |fixture| fixture.flight, Config::default(), python("adbc_flight_sql")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn flight_sql_jdbc() {
    let mut java = Command::new("java");
    // Arrow's memory is outside of the heap.
    java.arg("--add-opens=java.base/java.nio=ALL-UNNAMED").arg("-cp").arg(fetched("flight-jdbc").join("*"));
    java.arg(format!("{PROGRAMS}/java/FlightJdbcClient.java"));
    drives_at("Arrow Flight SQL", |fixture| fixture.flight, Config::default(), java).await;
}

/// psqlODBC comes with the system, in no package that could be fetched: where it is not installed, it is not tested.
#[tokio::test(flavor = "multi_thread")]
async fn psqlodbc() {
    let installed = Command::new("odbcinst").args(["-q", "-d", "-n", "PostgreSQL Unicode"]).output();
    if !installed.is_ok_and(|answer| answer.status.success()) {
        eprintln!("SKIPPED: psqlODBC is not installed here (odbc-postgresql)");
        return;
    }
    drives(python("pyodbc_client")).await;
}

/// A certificate of 127.0.0.1, and the doors' settings with it.
fn encrypted(folder: &Path) -> (PathBuf, Config) {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let [certificate, key] = ["certificate.pem", "key.pem"].map(|name| folder.join(name));
    fs::write(&certificate, made.cert.pem()).unwrap();
    fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let tls = Some(Tls { certificate: certificate.clone(), key });
    (certificate, Config { tls, postgres_login: Login::Scram, ..Config::default() })
}

#[tokio::test(flavor = "multi_thread")]
async fn encrypted_connections() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, config) = encrypted(folder.path());
    // The psql that is fetched knows no TLS.
    let in_the_clear = Config { tls: None, ..config.clone() };
    drives_at("PostgreSQL, SCRAM", |fixture| fixture.postgres, in_the_clear, python("psql_client")).await;
    for script in ["psycopg_client", "asyncpg_client"] {
        let mut program = python(script);
        program.env("PGSSLMODE", "verify-full").env("PGSSLROOTCERT", &certificate);
        drives_at("PostgreSQL, TLS and SCRAM", |fixture| fixture.postgres, config.clone(), program).await;
    }
    let mut program = python("adbc_flight_sql");
    program.env("TLS_ROOT", &certificate);
    drives_at("Arrow Flight SQL, TLS", |fixture| fixture.flight, config, program).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bi_tools() {
    drives(python("recorded")).await;
}
