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
