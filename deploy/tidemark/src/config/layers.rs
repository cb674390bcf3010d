//! Where settings come from and which wins. A key that the defaults do not have is refused, with the layer that named it.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result, bail};
use config::{Environment, File, FileFormat, Map, Source, Value, ValueKind};

use tidemark_query::Tls;

use super::Config;

const DEFAULTS: &str = include_str!("../../tidemark.toml");
/// Read where no --config is given, if it is there.
const FILE: &str = "tidemark.toml";
const PREFIX: &str = "TIDEMARK";
const SEPARATOR: &str = "__";

/// Settings from command line flags: key (`kafka.brokers`) and value.
pub type Overrides = Vec<(&'static str, String)>;

/// Reads all layers, later ones over earlier ones.
pub fn load(file: Option<&Path>, flags: Overrides) -> Result<Config> {
    let defaults = File::from_str(DEFAULTS, FileFormat::Toml);
    let known = keys_of(&defaults)?;
    let mut layers = config::Config::builder().add_source(defaults);
    if let Some(file) = file.or_else(|| Path::new(FILE).exists().then_some(Path::new(FILE))) {
        if !file.is_file() {
            bail!("--config {}: no such file", file.display());
        }
        let source = File::from(file).format(FileFormat::Toml);
        refuse_unknown(&source, &known, &file.display().to_string())?;
        layers = layers.add_source(source);
    }
    let environment = environment();
    refuse_unknown(&environment, &known, "the environment (TIDEMARK_SECTION__KEY)")?;
    layers = layers.add_source(environment);
    for (key, value) in flags {
        layers = layers.set_override(key, value)?;
    }
    let mut config: Config = layers.build()?.try_deserialize().context("settings")?;
    // TOML has no word for nothing.
    config.clickhouse.user = config.clickhouse.user.filter(|user| !user.is_empty());
    config.clickhouse.password = config.clickhouse.password.filter(|password| !password.is_empty());
    config.registry.user = config.registry.user.filter(|user| !user.is_empty());
    config.registry.password = config.registry.password.filter(|password| !password.is_empty());
    config.query.tls = config.query.tls.filter(|tls| tls != &Tls::default());
    Ok(config)
}

/// Variables with a section only: TIDEMARK_CACHE and the like are no settings.
fn environment() -> Environment {
    let ours = std::env::vars().filter(|(name, _)| name.starts_with(PREFIX) && name.contains(SEPARATOR));
    Environment::with_prefix(PREFIX).prefix_separator("_").separator(SEPARATOR).try_parsing(true).source(Some(ours.collect()))
}

fn refuse_unknown(source: &dyn Source, known: &BTreeSet<String>, layer: &str) -> Result<()> {
    for key in keys_of(source).with_context(|| layer.to_owned())? {
        if !known.contains(&key) {
            let nearest = known.iter().min_by_key(|candidate| distance(candidate, &key)).map_or("", String::as_str);
            bail!("{layer}: unknown key `{key}`; did you mean `{nearest}`? `tidemark config` prints every key with its meaning");
        }
    }
    Ok(())
}

/// The dotted names of all values of one layer.
fn keys_of(source: &dyn Source) -> Result<BTreeSet<String>> {
    let mut keys = BTreeSet::new();
    collect("", source.collect()?, &mut keys);
    Ok(keys)
}

fn collect(prefix: &str, table: Map<String, Value>, keys: &mut BTreeSet<String>) {
    for (name, value) in table {
        let key = if prefix.is_empty() { name } else { format!("{prefix}.{name}") };
        match value.kind {
            ValueKind::Table(inner) => collect(&key, inner, keys),
            _ => {
                keys.insert(key);
            }
        }
    }
}

/// Levenshtein's distance, for the suggestion.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

/// The commented defaults, as `tidemark config` prints them.
pub fn manual() -> &'static str {
    DEFAULTS
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that fails says where")]
mod tests {
    use super::*;

    fn config_of(text: &str) -> Result<Config> {
        let dir = tempfile::tempdir()?;
        let file = dir.path().join("tidemark.toml");
        std::fs::write(&file, text)?;
        load(Some(&file), Vec::new())
    }

    #[test]
    fn the_defaults_are_complete_and_a_file_and_flags_win_over_them() {
        let config = config_of("[embedded]\nkafka_heap_mb = 512").unwrap();
        assert_eq!((config.embedded.kafka_heap_mb, config.kafka.brokers.as_str()), (512, "127.0.0.1:19092"));
        let flags = vec![("kafka.brokers", "127.0.0.1:1".to_owned())];
        assert_eq!(config.clickhouse.user, None);
        assert_eq!(load(None, flags).unwrap().kafka.brokers, "127.0.0.1:1");
    }

    /// A key that is not in the file could not be set; a value that differs would be a default that nobody meant.
    #[test]
    fn the_file_says_what_the_services_say() {
        let config = load(None, Vec::new()).unwrap();
        let ours = [serde_json::to_value(&config.ingest).unwrap(), serde_json::to_value(&config.projector).unwrap()];
        let theirs = [
            serde_json::to_value(tidemark_ingest::Config::default()).unwrap(),
            serde_json::to_value(tidemark_projector::Config::default()).unwrap(),
        ];
        let known = keys_of(&File::from_str(DEFAULTS, FileFormat::Toml)).unwrap();
        // A stop has 10 seconds for everything, and the state has a place in the state directory.
        let meant = ["drain_timeout_ms", "state_dir"];
        for ((section, ours), theirs) in ["ingest", "projector"].into_iter().zip(ours).zip(theirs) {
            for (key, value) in theirs.as_object().unwrap() {
                assert!(known.contains(&format!("{section}.{key}")), "{section}.{key} is not in tidemark.toml");
                assert!(meant.contains(&key.as_str()) || ours[key] == *value, "{section}.{key}: {} and {value}", ours[key]);
            }
        }
    }

    #[test]
    fn an_unknown_key_is_refused_with_a_suggestion() {
        let error = format!("{:#}", config_of("[embedded]\nkafka_heap_mbs = 512").unwrap_err());
        assert!(
            error.contains("tidemark.toml: unknown key `embedded.kafka_heap_mbs`; did you mean `embedded.kafka_heap_mb`?"),
            "{error}"
        );
    }

    #[test]
    fn a_wrong_type_names_the_key() {
        let error = format!("{:#}", config_of("[embedded]\nkafka_heap_mb = \"much\"").unwrap_err());
        assert!(error.contains("embedded.kafka_heap_mb"), "{error}");
    }

    #[test]
    fn secrets_are_masked() {
        let config = config_of("[clickhouse]\npassword = \"sesame\"\n[registry]\npassword = \"sesame\"").unwrap();
        assert!(!format!("{config:?}").contains("sesame"));
        assert_eq!(config.clickhouse.password.as_deref(), Some("sesame"));
    }
}
