//! A whole stack for one test: `tidemark up` as a child process on free ports with a temporary state directory.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use reqwest::{Client, Response};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// The tenant's key in every test.
pub const KEY: &str = "demo-key";
/// From a start to "tidemark is ready", on a machine that is busy with other tests.
const READY_WITHIN: Duration = Duration::from_secs(120);
/// From a kill to the next answer, session time-outs of Kafka included.
pub const RECOVERED_WITHIN: Duration = Duration::from_secs(90);
/// How often a process that should change is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The settings of a stack: everything that a start needs, so that it can be started again.
pub struct Stack {
    state: TempDir,
    ports: Ports,
    flags: Vec<&'static str>,
    settings: Vec<(&'static str, String)>,
    up: Option<Child>,
    client: Client,
}

/// One free port for each part.
struct Ports {
    ingest: u16,
    query: u16,
    postgres: u16,
    flight: u16,
    projector: u16,
    kafka: u16,
    clickhouse: u16,
}

impl Stack {
    /// Everything, with the tenant `demo` in Asia/Shanghai and CNY.
    pub fn start() -> Self {
        Self::start_with(&["--time-zone", "Asia/Shanghai", "--currency", "CNY"])
    }

    /// With these flags of `tidemark up`.
    pub fn start_with(flags: &[&'static str]) -> Self {
        Self::start_as(flags, &[])
    }

    /// With these flags of `tidemark up`, and these settings (`TIDEMARK_SECTION__KEY`) of every process.
    pub fn start_as(flags: &[&'static str], settings: &[(&'static str, String)]) -> Self {
        let mut stack = Self::prepare(flags);
        stack.settings = settings.to_vec();
        stack.start_again();
        stack
    }

    /// With these tenants beside the usual one: name, time zone and currency; each one's key is its name.
    pub fn of_tenants(tenants: &[[&str; 3]]) -> Self {
        let mut stack = Self::prepare(&[]);
        for [name, time_zone, currency] in tenants {
            let flags = ["tenant", "add", name, "--key", name, "--time-zone", time_zone, "--currency", currency];
            let added = stack.run(&flags.map(OsStr::new));
            assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
        }
        stack.start_again();
        stack
    }

    /// Everything that a start needs; nothing runs yet.
    pub fn prepare(flags: &[&'static str]) -> Self {
        let [ingest, query, postgres, flight, projector, kafka, clickhouse] = free_ports();
        let ports = Ports { ingest, query, postgres, flight, projector, kafka, clickhouse };
        let state = tempfile::tempdir().unwrap();
        // Servers come and go in these tests: a connection is not kept for the next question.
        let client = Client::builder().pool_max_idle_per_host(0).build().unwrap();
        Self { state, ports, flags: flags.to_vec(), settings: Vec::new(), up: None, client }
    }

    /// Other settings, from the next start on.
    pub fn set(&mut self, settings: &[(&'static str, String)]) {
        self.settings = settings.to_vec();
    }

    /// Starts on the same ports and the same state.
    pub fn start_again(&mut self) {
        let mut command = tidemark();
        self.place(&mut command).args(["up", "--tenant", "demo", "--key", KEY]).args(&self.flags);
        command.stdout(Stdio::piped()).stderr(self.log("up"));
        let mut up = command.spawn().unwrap();
        let stdout = up.stdout.take().unwrap();
        self.up = Some(up);
        if !says_ready(stdout) {
            let said = fs::read_to_string(self.state.path().join("up.log")).unwrap_or_default();
            panic!("tidemark up is not ready:\n{said}");
        }
    }

    /// Starts one service of this stack alone, as `tidemark project`.
    pub fn start_alone(&self, command_name: &str) -> Alone {
        let mut command = tidemark();
        self.place(&mut command).arg(command_name).stdout(Stdio::null()).stderr(self.log(command_name));
        Alone(command.spawn().unwrap())
    }

    /// `tidemark` with this stack's addresses and state.
    pub fn run(&self, arguments: &[&OsStr]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// The same, to be started by the test.
    pub fn command(&self, arguments: &[&OsStr]) -> Command {
        let mut command = tidemark();
        self.place(&mut command).env("TIDEMARK_KEY", KEY).args(arguments);
        command
    }

    /// The state directory.
    pub fn state(&self) -> &Path {
        self.state.path()
    }

    /// The base URL of ingest.
    pub fn ingest(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.ingest)
    }

    /// The base URL of query.
    pub fn query(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.query)
    }

    /// The port for PostgreSQL clients.
    pub fn postgres(&self) -> u16 {
        self.ports.postgres
    }

    /// The base URL of the projector.
    pub fn projector(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.projector)
    }

    /// What `tidemark up` has logged.
    pub fn said(&self) -> String {
        fs::read_to_string(self.state.path().join("up.log")).unwrap()
    }

    /// The process of `tidemark up`, which the services are in.
    pub fn up(&self) -> Pid {
        Pid::from_child(self.up.as_ref().unwrap())
    }

    /// Where Kafka is.
    pub fn brokers(&self) -> String {
        format!("127.0.0.1:{}", self.ports.kafka)
    }

    /// Sends events (a JSON text) and gives the position token of the answer.
    pub async fn post(&self, events: &Value) -> String {
        let request = self.client.post(format!("{}/v1/events", self.ingest())).bearer_auth(KEY).json(events);
        let answer = json(request.send().await.unwrap()).await;
        answer["position"].as_str().unwrap_or_else(|| panic!("no position in {answer}")).to_owned()
    }

    /// Asks query, as `/v1/kpis/visits?from=...`; patient with a stack that is recovering, asks again until it answers.
    pub async fn get(&self, path: &str) -> Value {
        self.get_as(KEY, path).await
    }

    /// The same with another tenant's key.
    pub async fn get_as(&self, key: &str, path: &str) -> Value {
        let deadline = Instant::now() + RECOVERED_WITHIN;
        loop {
            let request = self.client.get(format!("{}{path}", self.query())).bearer_auth(key);
            let answer = request.send().await.unwrap();
            if !answer.status().is_server_error() || Instant::now() > deadline {
                return json(answer).await;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Asks query by SQL, with a tenant's key.
    pub async fn sql_as(&self, key: &str, sql: &str) -> Value {
        let request = self.client.post(format!("{}/v1/sql", self.query())).bearer_auth(key);
        json(request.json(&serde_json::json!({ "sql": sql })).send().await.unwrap()).await
    }

    /// The same as of a moment.
    pub async fn sql_as_of(&self, key: &str, sql: &str, as_of: &str) -> Value {
        let request = self.client.post(format!("{}/v1/sql", self.query())).bearer_auth(key);
        json(request.json(&serde_json::json!({ "sql": sql, "as_of": as_of })).send().await.unwrap()).await
    }

    /// A metric of the projector, summed over its labels.
    pub async fn metric(&self, name: &str) -> f64 {
        let answer = self.client.get(format!("http://127.0.0.1:{}/metrics", self.ports.projector)).send().await.unwrap();
        let text = answer.text().await.unwrap();
        let values =
            text.lines().filter(|line| line.starts_with(name)).filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
        values.sum()
    }

    /// Runs a statement in ClickHouse behind the services' back.
    pub async fn clickhouse(&self, sql: &str) {
        let url = format!("http://127.0.0.1:{}/?database=tidemark", self.ports.clickhouse);
        let answer = self.client.post(url).body(sql.to_owned()).send().await.unwrap();
        let status = answer.status();
        assert!(status.is_success(), "{sql}: {}", answer.text().await.unwrap());
    }

    /// `kill -9` of the child process whose command line contains `mark`: `kafka.Kafka` or ` clickhouse `.
    pub fn kill_server(&self, mark: &str) {
        let server = self.server(mark);
        kill_process(server, Signal::KILL).unwrap();
    }

    /// The process of a server of this stack; waits for one that is being started again.
    pub fn server(&self, mark: &str) -> Pid {
        let up = self.up.as_ref().unwrap().id();
        let deadline = Instant::now() + RECOVERED_WITHIN;
        loop {
            let found = children_of(up).into_iter().find(|child| is_alive(*child) && command_line(*child).contains(mark));
            if let Some(server) = found.and_then(Pid::from_raw) {
                return server;
            }
            assert!(Instant::now() < deadline, "no child process {mark:?}");
            std::thread::sleep(LOOK_EVERY);
        }
    }

    /// `kill -9` of everything at once, as a power cut would do.
    pub fn kill(&mut self) {
        if let Some(mut up) = self.up.take() {
            up.kill().unwrap();
            up.wait().unwrap();
        }
    }

    /// Ctrl-C; the time until everything has ended.
    pub fn interrupt(&mut self) -> Duration {
        let mut up = self.up.take().unwrap();
        let children = children_of(up.id());
        let asked = Instant::now();
        kill_process(Pid::from_child(&up), Signal::INT).unwrap();
        let status = up.wait().unwrap();
        let took = asked.elapsed();
        assert!(status.success(), "{status}: {}", fs::read_to_string(self.state.path().join("up.log")).unwrap());
        for child in children {
            assert!(!is_alive(child), "process {child} outlives tidemark up");
        }
        took
    }

    fn place<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        let Ports { ingest, query, postgres, flight, projector, kafka, clickhouse } = self.ports;
        command
            .envs(self.settings.iter().map(|(name, value)| (name, value)))
            .env("TIDEMARK_STATE", self.state.path())
            .env("TIDEMARK_INGEST__LISTEN", format!("127.0.0.1:{ingest}"))
            .env("TIDEMARK_PROJECTOR__LISTEN", format!("127.0.0.1:{projector}"))
            .env("TIDEMARK_QUERY__LISTEN", format!("127.0.0.1:{query}"))
            .env("TIDEMARK_QUERY__POSTGRES_LISTEN", format!("127.0.0.1:{postgres}"))
            .env("TIDEMARK_QUERY__FLIGHT_LISTEN", format!("127.0.0.1:{flight}"))
            .env("TIDEMARK_KAFKA__BROKERS", format!("127.0.0.1:{kafka}"))
            .env("TIDEMARK_CLICKHOUSE__URL", format!("http://127.0.0.1:{clickhouse}"))
    }

    fn log(&self, name: &str) -> File {
        let path = self.state.path().join(format!("{name}.log"));
        File::options().create(true).append(true).open(path).unwrap()
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A service in a process of its own; dropping it is `kill -9`.
pub struct Alone(Child);

impl Alone {
    /// Its process.
    pub fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        // It may have ended by itself, which the test's assertions will tell.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The binary under test, without settings of whoever runs the tests.
pub fn tidemark() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidemark"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("TIDEMARK_") && name != "TIDEMARK_CACHE") {
        command.env_remove(name);
    }
    // Not the workspace: a tidemark.toml there is somebody's own.
    command.current_dir(std::env::temp_dir());
    command
}

pub fn free_ports<const N: usize>() -> [u16; N] {
    std::array::from_fn(|_| tidemark_ports::free(tidemark_ports::TRIALS).unwrap())
}

async fn json(answer: Response) -> Value {
    let status = answer.status();
    let text = answer.text().await.unwrap();
    assert!(status.is_success(), "{status}: {text}");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Reads what `up` prints until its last line, on a thread so that a silent one does not hang the test.
fn says_ready(stdout: impl std::io::Read + Send + 'static) -> bool {
    let (sender, ready) = mpsc::channel();
    std::thread::spawn(move || {
        let lines = BufReader::new(stdout).lines().map_while(Result::ok);
        for _ in lines.filter(|line| line == "tidemark is ready") {
            // Nobody waits any more after the first.
            let _ = sender.send(());
        }
    });
    ready.recv_timeout(READY_WITHIN).is_ok()
}

fn children_of(parent: u32) -> Vec<i32> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let ids = processes.filter_map(|process| process.file_name().to_string_lossy().parse::<i32>().ok());
    ids.filter(|id| status_field(*id, "PPid").is_some_and(|ppid| ppid == parent.to_string())).collect()
}

fn is_alive(id: i32) -> bool {
    // A zombie has ended; only nobody asked for its result.
    status_field(id, "State").is_some_and(|state| !state.starts_with('Z'))
}

pub fn status_field(id: i32, name: &str) -> Option<String> {
    let status = fs::read_to_string(proc(id, "status")).ok()?;
    status.lines().find_map(|line| Some(line.strip_prefix(name)?.strip_prefix(':')?.trim().to_owned()))
}

fn command_line(id: i32) -> String {
    fs::read_to_string(proc(id, "cmdline")).unwrap_or_default().replace('\0', " ")
}

fn proc(id: i32, file: &str) -> PathBuf {
    Path::new("/proc").join(id.to_string()).join(file)
}
