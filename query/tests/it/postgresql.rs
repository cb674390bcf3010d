//! The same rows in PostgreSQL itself: what an analyst asks has the same answer there, or the corpus says how it has not.

use std::fs;

use crate::{clients::node, federation::filled, fixture::ACME, random_questions::questions};

const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/corpus");
const SEED: u64 = 20_261_123;
const QUESTIONS: usize = 300;

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_those_of_postgresql() {
    let Some(fixture) = filled().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let random = folder.path().join("random.sql");
    let file = format!("-- == answered: or refused\n{}\n", questions(SEED, QUESTIONS).join("\n"));
    fs::write(&random, file).unwrap();
    let mut program = node("same_as_postgresql");
    program.args(["127.0.0.1", &fixture.postgres.port().to_string(), "acme", ACME]);
    program.args([format!("{CORPUS}/questions.sql"), format!("{CORPUS}/postgresql.sql")]).arg(&random);
    let ran = tokio::task::spawn_blocking(move || program.output()).await.unwrap().unwrap();
    let [said, complained] = [&ran.stdout, &ran.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    eprintln!("{}", said.lines().last().unwrap_or_default());
    assert!(ran.status.success(), "{said}\n{complained}");
}
