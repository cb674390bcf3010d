//! Tenants: who may speak for a company, and the settings that its numbers depend on.
//! Reads `tenants.toml`; the company always comes from the API key, never from a body.

use std::{collections::BTreeMap, fmt, sync::Arc};

use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

/// One company.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tenant {
    /// Time zone in which instants become business dates, an IANA name.
    pub time_zone: Tz,
    /// ISO 4217 code that KPI values are converted to.
    pub currency: String,
    /// Stage pipeline, the name of a file in `schemas/pipelines/`.
    #[serde(default = "default_pipeline")]
    pub pipeline: String,
    /// Who may write and read in this company's name.
    #[serde(default)]
    pub keys: Vec<ApiKey>,
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

fn is_scram(text: &str) -> bool {
    text.split_once(':').is_some_and(|(salt, salted)| is_hex(salt, 32) && is_hex(salted, 64))
}

fn default_pipeline() -> String {
    "default".to_owned()
}

/// An API key, kept as a hash. Several keys may share a source, so that a key can be rotated.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiKey {
    /// Lower-case hex of the key's SHA-256.
    pub sha256: String,
    /// The source that events sent with this key belong to unless they name one.
    pub source: String,
    /// What a login by SCRAM-SHA-256 is held against: salt and salted key (RFC 5802, 4096 iterations), lower-case hex, a colon between.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scram: Option<String>,
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKey {{ source: {:?}, .. }}", self.source)
    }
}

/// What `tenants.toml` cannot be.
#[derive(Debug, thiserror::Error)]
pub enum TenantError {
    /// Not valid TOML, or a field that does not belong.
    #[error("tenants.toml: {0}")]
    Malformed(#[from] toml::de::Error),
    /// A value with a wrong form.
    #[error("tenants.toml: tenant {tenant:?}: {problem}")]
    Invalid {
        /// Whose entry.
        tenant: String,
        /// What is wrong and what is expected.
        problem: String,
    },
}

/// Every tenant by name, and every key's way to its tenant.
#[derive(Debug, Clone, Default)]
pub struct Tenants {
    by_name: BTreeMap<Arc<str>, Arc<Tenant>>,
    by_key: BTreeMap<String, Access>,
}

/// What a key stands for.
#[derive(Debug, Clone)]
pub struct Access {
    /// The tenant's name, which is the key of its events in Kafka.
    pub tenant: Arc<str>,
    /// Its settings.
    pub settings: Arc<Tenant>,
    /// The default source of its events.
    pub source: Arc<str>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TenantsFile {
    #[serde(default)]
    tenant: BTreeMap<String, Tenant>,
}

impl Tenants {
    /// Reads the text of a `tenants.toml`: `[tenant.NAME]` tables.
    ///
    /// # Errors
    /// Malformed TOML, unknown fields, bad names, currencies or hashes, a key used by two tenants.
    pub fn parse(text: &str) -> Result<Self, TenantError> {
        let file: TenantsFile = toml::from_str(text)?;
        let mut tenants = Self::default();
        for (name, tenant) in file.tenant {
            tenants.add(&name, tenant)?;
        }
        Ok(tenants)
    }

    /// Adds one tenant.
    ///
    /// # Errors
    /// As [`Tenants::parse`].
    pub fn add(&mut self, name: &str, tenant: Tenant) -> Result<(), TenantError> {
        let invalid = |problem: String| TenantError::Invalid { tenant: name.to_owned(), problem };
        if !is_name(name) {
            return Err(invalid("names are 1 to 64 of a-z, 0-9, - and _".to_owned()));
        }
        if !is_currency(&tenant.currency) {
            return Err(invalid(format!("currency {:?} is not an ISO 4217 code like \"CNY\"", tenant.currency)));
        }
        let name: Arc<str> = name.into();
        let settings = Arc::new(tenant);
        for key in &settings.keys {
            if !is_hex(&key.sha256, 64) {
                return Err(invalid("a key's sha256 is 64 lower-case hex digits; `tidemark tenant add` writes it".to_owned()));
            }
            if key.scram.as_deref().is_some_and(|scram| !is_scram(scram)) {
                return Err(invalid(
                    "a key's scram is 32 and 64 lower-case hex digits; `tidemark tenant add` writes it".to_owned(),
                ));
            }
            let access = Access { tenant: name.clone(), settings: settings.clone(), source: key.source.as_str().into() };
            if self.by_key.insert(key.sha256.clone(), access).is_some() {
                return Err(invalid(format!("the key of source {:?} is used twice", key.source)));
            }
        }
        self.by_name.insert(name, settings);
        Ok(())
    }

    /// The tenant that a key (as its SHA-256 in lower-case hex) speaks for.
    #[must_use]
    pub fn by_key_hash(&self, sha256: &str) -> Option<&Access> {
        self.by_key.get(sha256)
    }

    /// The newest key of a tenant that can log in by SCRAM, of one source where that matters: what is known of it, and what it stands for.
    #[must_use]
    pub fn scram(&self, tenant: &str, source: Option<&str>) -> Option<(&str, &Access)> {
        let keys = self.by_name.get(tenant)?.keys.iter().rev();
        let mut keys = keys.filter(|key| source.is_none_or(|source| key.source == source));
        keys.find_map(|key| Some((key.scram.as_deref()?, self.by_key.get(&key.sha256)?)))
    }

    /// A tenant's settings.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<Tenant>> {
        self.by_name.get(name)
    }

    /// All tenants in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &Arc<Tenant>)> {
        self.by_name.iter()
    }
}

/// Tenant names are short and plain: they are the key of every Kafka record and every row.
fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
}

/// Three capital letters.
#[must_use]
pub fn is_currency(code: &str) -> bool {
    code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase())
}
