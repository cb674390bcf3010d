//! Starting, stopping, killing: what is promised about processes.

use std::time::Duration;

use crate::stack::{Stack, tidemark};

/// The promise of the design, section 8.
const STOP_WITHIN: Duration = Duration::from_secs(10);

#[test]
fn ctrl_c_ends_everything_and_a_second_up_is_refused() {
    let mut stack = Stack::start();
    let second = tidemark().arg("--state").arg(stack.state()).args(["up"]).output().unwrap();
    let said = String::from_utf8(second.stderr).unwrap();
    assert!(!second.status.success() && said.contains("is in use by another `tidemark up` (process"), "{said}");
    let took = stack.interrupt();
    assert!(took < STOP_WITHIN, "took {took:?}");
    stack.start_again();
    let took = stack.interrupt();
    assert!(took < STOP_WITHIN, "took {took:?} the second time");
}

#[test]
fn children_die_with_a_killed_up() {
    let mut stack = Stack::start();
    let children = ["kafka.Kafka", " clickhouse "].map(|mark| stack.server(mark));
    stack.kill();
    // The same ports and files: a child that lived on would be in the way.
    stack.start_again();
    assert_ne!(children, ["kafka.Kafka", " clickhouse "].map(|mark| stack.server(mark)));
}

#[test]
fn taken_ports_are_named_together_before_anything_starts() {
    let taken: [_; 2] = std::array::from_fn(|_| std::net::TcpListener::bind("127.0.0.1:0").unwrap());
    let [kafka, projector] = taken.each_ref().map(|taken| taken.local_addr().unwrap().port().to_string());
    let state = tempfile::tempdir().unwrap();
    let ports = ["up", "--kafka-port", &kafka, "--projector-port", &projector, "--tenant", "demo", "--key", "k"];
    let output = tidemark().arg("--state").arg(state.path()).args(ports).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && said.contains(&format!("Kafka: port {kafka} cannot be used")), "{said}");
    assert!(said.contains(&format!("projector: port {projector} cannot be used")), "{said}");
    assert!(!state.path().join("kafka").exists() && !state.path().join("tenants.toml").exists());
}
