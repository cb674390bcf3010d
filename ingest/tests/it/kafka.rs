//! A real broker for the tests: Kafka's jars from the cache, free ports, a temporary directory.
//! Tests that need it name themselves as skipped when the jars are not there.

use std::{
    env, fs,
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, Weak},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;
use tidemark_schemas::connect::KafkaConfig;

/// A broker that ends with the value, and with the test process however that ends.
pub struct Kafka {
    pub brokers: String,
    port: u16,
    shell: Child,
    jars: PathBuf,
    directory: TempDir,
}

/// The broker that the tests of this binary share, or nothing when the jars are not in the cache.
pub fn shared() -> Option<Arc<Kafka>> {
    static SHARED: Mutex<Weak<Kafka>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock().unwrap();
    if let Some(kafka) = shared.upgrade() {
        return Some(kafka);
    }
    let kafka = Arc::new(start()?);
    *shared = Arc::downgrade(&kafka);
    Some(kafka)
}

/// A broker of one's own.
pub fn start() -> Option<Kafka> {
    let jars = jars()?;
    let directory = tempfile::tempdir().unwrap();
    let [port, controller_port] = [free_port(), free_port()];
    let template = fs::read_to_string(workspace().join("deploy/kafka-embedded/server.properties")).unwrap();
    let properties = template
        .replace("{port}", &port.to_string())
        .replace("{controller_port}", &controller_port.to_string())
        .replace("{dir}", &directory.path().join("data").display().to_string());
    fs::write(directory.path().join("server.properties"), properties).unwrap();
    let shell = launch(&jars, directory.path());
    wait_for(port, directory.path());
    Some(Kafka { brokers: format!("127.0.0.1:{port}"), port, shell, jars, directory })
}

/// The shell ends the broker when its standard input closes, which the system does when this process dies.
fn launch(jars: &Path, directory: &Path) -> Child {
    let config = directory.join("server.properties");
    let java =
        |class: &str| format!("java -Xmx384m -Djava.io.tmpdir='{}' -cp '{}/*' {class}", directory.display(), jars.display());
    let script = format!(
        "{format} format --ignore-formatted -t AAAAAAAAAAAAAAAAAAAAAQ -c '{config}' \
         && {{ {run} '{config}' & }}; broker=$!; read -r _; kill -9 $broker; wait",
        format = java("kafka.tools.StorageTool"),
        run = java("kafka.Kafka"),
        config = config.display(),
    );
    let log = fs::File::create(directory.join("kafka.log")).unwrap();
    let mut shell = Command::new("sh");
    shell.args(["-c", &script]).stdin(Stdio::piped()).stdout(log.try_clone().unwrap()).stderr(log);
    shell.spawn().unwrap()
}

impl Kafka {
    pub fn config(&self) -> KafkaConfig {
        KafkaConfig { brokers: self.brokers.clone(), partitions: 4, replication: 1 }
    }

    /// As `kill -9` would.
    pub fn kill(&mut self) {
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }

    /// At the same address, with what it had written.
    pub fn start_again(&mut self) {
        self.shell = launch(&self.jars, self.directory.path());
        wait_for(self.port, self.directory.path());
    }
}

impl Drop for Kafka {
    fn drop(&mut self) {
        self.kill();
    }
}

fn jars() -> Option<PathBuf> {
    let cache = env::var_os("TIDEMARK_CACHE").map(PathBuf::from);
    let cache = cache.unwrap_or_else(|| Path::new(&env::var_os("HOME").unwrap_or_default()).join(".cache/tidemark"));
    let jars = cache.join("kafka-4.1.0/lib");
    if jars.is_dir() {
        return Some(jars);
    }
    eprintln!("SKIPPED: needs Kafka's jars in {}; `cargo xtask fetch` puts them there", jars.display());
    None
}

pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

pub fn free_port() -> u16 {
    tidemark_ports::free(tidemark_ports::TRIALS).unwrap()
}

fn wait_for(port: u16, directory: &Path) {
    let started = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        let log = || fs::read_to_string(directory.join("kafka.log")).unwrap_or_default();
        assert!(started.elapsed() < Duration::from_secs(60), "Kafka did not start:\n{}", log());
        thread::sleep(Duration::from_millis(50));
    }
}
