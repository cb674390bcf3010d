//! What people read when they ask for help or make a mistake.

use std::process::{Output, Stdio};

use crate::stack::tidemark;

fn run(arguments: &[&str]) -> Output {
    let state = tempfile::tempdir().unwrap();
    tidemark().env("TIDEMARK_STATE", state.path()).args(arguments).output().unwrap()
}

fn refused(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert!(!output.status.success(), "{arguments:?} should be refused");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn help_teaches_with_examples() {
    for arguments in [&["--help"][..], &["up", "--help"], &["tenant", "add", "--help"]] {
        let output = run(arguments);
        let help = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && help.contains("Examples:") && help.contains("  tidemark "), "{arguments:?}: {help}");
    }
}

#[test]
fn every_setting_is_printed_and_can_be_read_back() {
    let manual = run(&["config"]).stdout;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("tidemark.toml");
    std::fs::write(&file, manual).unwrap();
    let added = run(&["--config", file.to_str().unwrap(), "tenant", "add", "acme"]);
    assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
}

#[test]
fn mistakes_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("wrong.toml");
    std::fs::write(&file, "[ingest]\nlisten_at = \"127.0.0.1:1\"\n").unwrap();
    let said = refused(&["--config", file.to_str().unwrap(), "up"]);
    assert!(said.contains("wrong.toml: unknown key `ingest.listen_at`; did you mean `ingest.listen`?"), "{said}");

    let said = refused(&["--config", "nowhere.toml", "up"]);
    assert!(said.contains("nowhere.toml: no such file"), "{said}");

    let said = refused(&["tenant", "add", "acme", "--time-zone", "Middle/Earth"]);
    assert!(said.contains("Middle/Earth"), "{said}");

    let said = refused(&["up", "--tenant", "acme"]);
    assert!(said.contains("--key"), "{said}");
}

#[test]
fn a_key_is_printed_once_and_stored_as_a_hash() {
    let state = tempfile::tempdir().unwrap();
    let added = tidemark().env("TIDEMARK_STATE", state.path()).args(["tenant", "add", "acme"]).output().unwrap();
    let printed = String::from_utf8(added.stdout).unwrap();
    let key = printed.lines().last().unwrap();
    let stored = std::fs::read_to_string(state.path().join("tenants.toml")).unwrap();
    assert!(key.starts_with("tm_") && key.len() > 30 && !stored.contains(key), "{printed}{stored}");
}

#[test]
fn doctor_says_what_to_do() {
    let state = tempfile::tempdir().unwrap();
    let output =
        tidemark().env("TIDEMARK_STATE", state.path()).env("TIDEMARK_CACHE", state.path()).arg("doctor").output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        !output.status.success() && said.contains("`cargo xtask fetch` gets them") && said.contains("tidemark tenant add"),
        "{said}"
    );
}

#[test]
fn verify_says_which_tenants_it_looked_for_and_how_to_say_where_they_are() {
    let state = tempfile::tempdir().unwrap();
    let output = tidemark().arg("--state").arg(state.path()).arg("verify").output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    let tenants = state.path().join("tenants.toml").display().to_string();
    assert!(said.contains(&tenants) && said.contains("--state DIR"), "{said}");
}

#[test]
fn whoever_reads_may_stop() {
    let directory = tempfile::tempdir().unwrap();
    let [file, mapping] = ["visits.csv", "visits.jq"].map(|name| directory.path().join(name).display().to_string());
    std::fs::write(&file, "id\nV1\n").unwrap();
    std::fs::write(
        &mapping,
        "{ type: \"visit.completed\", event_id: .id, occurred_at: \"2026-03-01\", data: { visit_id: .id } }",
    )
    .unwrap();
    let import = ["import", &file, "--mapping", &mapping, "--dry-run"];
    let simulate = ["simulate", "--events", "20000"];
    for arguments in [&import[..], &simulate, &["mapping"], &["mapping", "deal.won"], &["config"]] {
        let mut child = tidemark().args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let ended = child.wait_with_output().unwrap();
        let said = String::from_utf8(ended.stderr).unwrap();
        assert!(ended.status.success() && !said.contains("panicked") && !said.contains("error"), "{arguments:?}: {said}");
    }
}
