//! `tidemark doctor`: looks at everything that Tidemark needs, and says what to do about what is missing.

use std::net::TcpListener;
use std::path::Path;

use anyhow::{Result, bail};

use crate::cli::Place;
use crate::config::{self, Config};
use crate::embedded::{clickhouse, kafka};
use crate::java;
use crate::probe;
use crate::say::say;
use crate::services::{SERVICES, address};

const ANSWERS: &str = "answers";

/// What was looked at, and what was found or what to do.
struct Finding {
    what: String,
    result: Result<String, String>,
}

/// Prints a line per dependency.
///
/// # Errors
/// Something is missing or wrong.
pub async fn run(place: &Place) -> Result<()> {
    let config = Config::load(place.config.as_deref(), place.overrides())?;
    let mut findings = tools(&config);
    findings.push(tenants(&config));
    findings.extend(ports(&config).await);
    let mut wrong = 0;
    for Finding { what, result } in findings {
        match result {
            Ok(found) => say(format_args!("  ok  {what}: {found}")),
            Err(advice) => {
                wrong += 1;
                say(format_args!("  !!  {what}: {advice}"));
            }
        }
    }
    if wrong > 0 {
        bail!("{wrong} of these need your attention");
    }
    Ok(())
}

fn tools(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    if config.embedded.kafka {
        let java = java::major().map(|major| format!("version {major}"));
        findings.push(finding("java", java.map_err(|wrong| format!("{wrong}. Install it: {}", java::INSTALL))));
        findings.push(finding("Kafka's jars", jars(&config.embedded.kafka_jars())));
    }
    if config.embedded.clickhouse {
        let libchdb = config.embedded.libchdb();
        let found = clickhouse::require_library(&libchdb).map(|()| libchdb.display().to_string());
        findings.push(finding("ClickHouse's engine", found.map_err(|error| error.to_string())));
    }
    findings
}

fn jars(directory: &Path) -> Result<String, String> {
    let entries = std::fs::read_dir(directory).map(|entries| entries.flatten().count()).unwrap_or(0);
    match entries {
        0 => Err(format!("none in {}: `cargo xtask fetch` gets them", directory.display())),
        _ => Ok(directory.display().to_string()),
    }
}

fn tenants(config: &Config) -> Finding {
    let file = config.tenants_file();
    let result = match config.read_tenants() {
        Ok(tenants) if tenants.iter().next().is_none() => Err(format!(
            "none in {}: `tidemark tenant add NAME` or `tidemark up --tenant NAME --key KEY` adds one",
            file.display()
        )),
        Ok(tenants) => Ok(format!("{} in {}", tenants.iter().count(), file.display())),
        Err(error) => Err(format!("{error:#}")),
    };
    finding("tenants", result)
}

/// A server answers, or its port is free for `tidemark up`.
async fn ports(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    let brokers = &config.kafka.brokers;
    let kafka = if kafka::answers(brokers).await {
        Ok(ANSWERS)
    } else {
        absent(config.embedded.kafka, config::kafka_port(&config.kafka))
    };
    findings.push(finding(format!("Kafka at {brokers}"), kafka.map(str::to_owned)));
    let url = &config.clickhouse.url;
    let port = config::clickhouse_port(&config.clickhouse);
    let clickhouse = if clickhouse::answers(url).await { Ok(ANSWERS) } else { absent(config.embedded.clickhouse, port) };
    findings.push(finding(format!("ClickHouse at {url}"), clickhouse.map(str::to_owned)));
    for service in SERVICES {
        let url = format!("http://{}", address(config, service));
        let here = probe::answers(&format!("{url}/healthz")).await;
        let found = if here { Ok(ANSWERS) } else { absent(true, Ok(address(config, service).port())) };
        findings.push(finding(format!("{} at {url}", service.name()), found.map(str::to_owned)));
    }
    findings
}

fn absent(ours: bool, port: Result<u16>) -> Result<&'static str, String> {
    if !ours {
        return Err("does not answer; start it, or set the right address in tidemark.toml".to_owned());
    }
    let port = port.map_err(|error| format!("{error:#}"))?;
    is_free(port).map(|()| "not running; `tidemark up` starts it")
}

/// Says what to do where something else holds the port.
///
/// # Errors
/// Something else holds it.
fn is_free(port: u16) -> Result<(), String> {
    TcpListener::bind(("127.0.0.1", port)).map(drop).map_err(|error| {
        format!("port {port} cannot be used ({error}): stop what uses it, or choose another (`tidemark up --help`)")
    })
}

fn finding(what: impl Into<String>, result: Result<String, String>) -> Finding {
    Finding { what: what.into(), result }
}
