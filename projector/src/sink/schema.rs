//! Applies the numbered DDL steps, in order, each once, and records them.

use clickhouse::{Client, Row};
use serde::Deserialize;
use sha2::Digest;
use tidemark_schemas::{
    connect::ClickHouseConfig,
    table::{SchemaStep, schema_steps},
};

use super::clickhouse::client;
use crate::Error;

#[derive(Row, Deserialize)]
struct AppliedStep {
    step: u32,
    name: String,
    sha256: String,
}

/// Creates the database and brings it to the newest step. Safe to run again, and by several processes.
///
/// # Errors
/// ClickHouse does not answer; a step that was applied has another text now.
pub async fn apply_schema(config: &ClickHouseConfig) -> Result<(), Error> {
    let server = client(&ClickHouseConfig { database: "default".to_owned(), ..config.clone() });
    server.query("CREATE DATABASE IF NOT EXISTS {name:Identifier}").param("name", &config.database).execute().await?;
    let client = client(config);
    for step in schema_steps() {
        // The first step makes the table that steps are recorded in, so it is applied without looking.
        if step.number > 1
            && let Some(applied) = applied(&client, step.number).await?
        {
            check(step, &applied)?;
            continue;
        }
        client.query(step.sql).execute().await?;
        record(&client, step).await?;
    }
    Ok(())
}

/// Makes a generation the live one when the database is new, and otherwise holds the definitions against those it was made with.
///
/// # Errors
/// ClickHouse does not answer; [`Error::Redefined`].
pub async fn claim_generation(config: &ClickHouseConfig, generation: u32, definitions_hash: &str) -> Result<(), Error> {
    let client = client(config);
    let sql = "SELECT definitions_hash FROM generations FINAL WHERE generation = {generation:UInt32}";
    match client.query(sql).param("generation", generation).fetch_optional::<String>().await? {
        Some(known) if known == definitions_hash => Ok(()),
        Some(_) => Err(Error::Redefined {
            what: "the KPI files, the folds or DataFusion changed since the numbers were made".to_owned(),
        }),
        None => {
            let sql = "INSERT INTO generations SELECT {generation:UInt32}, {hash:String}, 'live', now64(3, 'UTC')";
            Ok(client.query(sql).param("generation", generation).param("hash", definitions_hash).execute().await?)
        }
    }
}

async fn applied(client: &Client, number: u32) -> Result<Option<AppliedStep>, Error> {
    let sql = "SELECT step, name, sha256 FROM schema_steps FINAL WHERE step = {step:UInt32}";
    Ok(client.query(sql).param("step", number).fetch_optional().await?)
}

fn check(step: &SchemaStep, applied: &AppliedStep) -> Result<(), Error> {
    if applied.sha256 == fingerprint(step) {
        return Ok(());
    }
    Err(Error::Invalid(format!(
        "schema step {} was applied to this database as {} with another text; steps are only ever added: \
         put {} back as it was, or use another database",
        applied.step, applied.name, step.name
    )))
}

async fn record(client: &Client, step: &SchemaStep) -> Result<(), Error> {
    let sql = "INSERT INTO schema_steps SELECT {step:UInt32}, {name:String}, {sha256:String}, now64(3, 'UTC')";
    let query = client.query(sql).param("step", step.number).param("name", step.name).param("sha256", fingerprint(step));
    Ok(query.execute().await?)
}

fn fingerprint(step: &SchemaStep) -> String {
    hex::encode(sha2::Sha256::digest(step.sql))
}
