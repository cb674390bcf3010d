//! One real engine for the whole test binary, in a process of its own that ends with it.

use std::{
    env,
    net::{SocketAddr, TcpStream},
    path::PathBuf,
    process::{Command, Stdio},
    sync::OnceLock,
    thread,
    time::{Duration, Instant},
};

use tokio_util::sync::CancellationToken;

/// Set in the child: `ADDRESS DIRECTORY`.
const CHILD: &str = "TIDEMARK_QUERY_TEST_ENGINE";
/// How long the engine may take to start on a busy machine.
const START_MAX: Duration = Duration::from_secs(60);

/// Where the engine listens; starts it at the first call. `None` where it is not installed.
pub fn url() -> Option<String> {
    static ENGINE: OnceLock<Option<SocketAddr>> = OnceLock::new();
    ENGINE.get_or_init(start).map(|address| format!("http://{address}"))
}

fn library() -> PathBuf {
    let cache = env::var_os("TIDEMARK_CACHE").map(PathBuf::from);
    let cache = cache.unwrap_or_else(|| PathBuf::from(env::var_os("HOME").unwrap_or_default()).join(".cache/tidemark"));
    cache.join("libchdb-26.7.3/libchdb.so")
}

fn start() -> Option<SocketAddr> {
    let library = library();
    if !library.exists() {
        eprintln!("skipped: no engine at {}; `cargo xtask fetch` puts it there", library.display());
        return None;
    }
    let address = SocketAddr::from(([127, 0, 0, 1], tidemark_ports::free(tidemark_ports::TRIALS).unwrap()));
    // The child ends with the thread that starts it, hence one that never ends.
    thread::spawn(move || {
        let directory = tempfile::tempdir().unwrap();
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["engine::in_a_process_of_its_own", "--exact", "--nocapture"])
            .env(CHILD, format!("{address} {}", directory.path().display()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        child.wait().unwrap();
        panic!("the engine ended before the tests did");
    });
    let deadline = Instant::now() + START_MAX;
    while TcpStream::connect(address).is_err() {
        assert!(Instant::now() < deadline, "the engine does not answer at {address}");
        thread::sleep(Duration::from_millis(50));
    }
    Some(address)
}

/// Does nothing in the tests' own process; in the child it is the engine.
#[test]
fn in_a_process_of_its_own() {
    let Ok(place) = env::var(CHILD) else { return };
    let (address, directory) = place.split_once(' ').unwrap();
    clickhouse_embedded::die_with_parent().unwrap();
    let config = clickhouse_embedded::Config {
        libchdb: library(),
        path: PathBuf::from(directory),
        listen: address.parse().unwrap(),
        ..clickhouse_embedded::Config::default()
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let ended = runtime.block_on(clickhouse_embedded::run(config, CancellationToken::new()));
    clickhouse_embedded::exit(i32::from(ended.is_err()));
}
