//! `tidemark tenant add`: writes a company and its hashed key into tenants.toml. Text is only ever appended, so what people wrote stays.

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};
use tidemark_query::scram_of;
use tidemark_schemas::tenant::Tenants;

use crate::cli::Place;
use crate::config::Config;
use crate::say::say;

const EXAMPLES: &str = "\
Examples:
  tidemark tenant add acme --time-zone Asia/Shanghai --currency CNY
  tidemark tenant add acme --time-zone Asia/Shanghai --currency CNY --source crm-eu     (another key of the same company)";

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Add a tenant, or another key to a tenant; prints the key, which is stored only as a hash
    #[command(after_help = EXAMPLES)]
    Add(NewKey),
}

/// A key and the company it speaks for.
#[derive(clap::Args)]
pub struct NewKey {
    /// The tenant's name: a-z, 0-9, - and _
    #[arg(value_name = "NAME")]
    pub tenant: String,
    /// Where its business days are, like Asia/Shanghai
    #[arg(long, value_name = "TZ", default_value = "UTC")]
    pub time_zone: String,
    /// What its money is converted to, like CNY
    #[arg(long, value_name = "CUR", default_value = "USD")]
    pub currency: String,
    /// The source that events sent with this key belong to
    #[arg(long, value_name = "SOURCE", default_value = "crm")]
    pub source: String,
    /// The API key [default: a new random one]
    #[arg(long, value_name = "KEY", env = "TIDEMARK_KEY", hide_env_values = true)]
    pub key: Option<String>,
}

/// Runs it.
///
/// # Errors
/// What [`add`] refuses.
pub fn run(place: &Place, args: Args) -> Result<()> {
    let Action::Add(mut new) = args.action;
    let config = Config::load(place.config.as_deref(), place.overrides())?;
    let file = config.tenants_file();
    let key = new.key.take().unwrap_or_else(|| format!("tm_{}", uuid::Uuid::new_v4().simple()));
    add(&file, &new, &key)?;
    say(format_args!("tenant {} in {}; its key, shown only now:\n{key}", new.tenant, file.display()));
    Ok(())
}

/// Makes sure that the key speaks for the tenant; does nothing where it already does.
///
/// # Errors
/// The tenant has other settings, the key is another tenant's, a name, time zone or currency that is none.
pub fn add(file: &Path, new: &NewKey, key: &str) -> Result<()> {
    let text = if file.exists() {
        fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?
    } else {
        String::new()
    };
    let tenants = Tenants::parse(&text).with_context(|| file.display().to_string())?;
    let sha256 = hex::encode(Sha256::digest(key));
    if let Some(access) = tenants.by_key_hash(&sha256)
        && *access.tenant != *new.tenant
    {
        bail!("this key already speaks for tenant {:?}: give {:?} its own", access.tenant, new.tenant);
    }
    let known = tenants.get(&new.tenant);
    if let Some(known) = known {
        let settings = (known.time_zone.name(), known.currency.as_str());
        if settings != (new.time_zone.as_str(), new.currency.as_str()) {
            bail!(
                "tenant {:?} already exists with --time-zone {} --currency {}; numbers depend on them, so they are not changed here ({})",
                new.tenant,
                settings.0,
                settings.1,
                file.display(),
            );
        }
        if tenants.by_key_hash(&sha256).is_some() {
            return Ok(());
        }
    }
    // In quotes where it is no TOML name, so that it is the tenant's name that is refused and not the file.
    let is_bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let name = if new.tenant.chars().all(is_bare) { new.tenant.clone() } else { format!("{:?}", new.tenant) };
    let mut appended = text;
    if known.is_none() {
        appended += &format!("\n[tenant.{name}]\ntime_zone = {:?}\ncurrency = {:?}\n", new.time_zone, new.currency);
    }
    appended +=
        &format!("\n[[tenant.{name}.keys]]\nsha256 = {sha256:?}\nscram = {:?}\nsource = {:?}\n", scram_of(key), new.source);
    Tenants::parse(&appended).context("this tenant cannot be added")?;
    replace(file, &appended)
}

/// Readers see the old file or the new one, never half of it; and only we may read it.
fn replace(file: &Path, text: &str) -> Result<()> {
    let directory = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(directory).with_context(|| format!("cannot create {}", directory.display()))?;
    let mut written = tempfile::NamedTempFile::new_in(directory)?;
    written.write_all(text.trim_start().as_bytes())?;
    written.persist(file).with_context(|| format!("cannot write {}", file.display()))?;
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that fails says where")]
mod tests {
    use super::*;

    fn new(tenant: &str) -> NewKey {
        NewKey {
            tenant: tenant.into(),
            time_zone: "Asia/Shanghai".into(),
            currency: "CNY".into(),
            source: "crm".into(),
            key: None,
        }
    }

    #[test]
    fn keys_are_added_once_and_only_as_hashes() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("tenants.toml");
        add(&file, &new("acme"), "one").unwrap();
        add(&file, &new("globex"), "two").unwrap();
        add(&file, &new("acme"), "three").unwrap();
        let before = fs::read_to_string(&file).unwrap();
        add(&file, &new("acme"), "one").unwrap();
        assert_eq!(before, fs::read_to_string(&file).unwrap());
        assert!(!before.contains("three"));
        let tenants = Tenants::parse(&before).unwrap();
        assert_eq!(tenants.get("acme").unwrap().keys.len(), 2);
    }

    #[test]
    fn other_settings_and_foreign_keys_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("tenants.toml");
        add(&file, &new("acme"), "one").unwrap();
        let other = NewKey { currency: "USD".into(), ..new("acme") };
        assert!(add(&file, &other, "two").unwrap_err().to_string().contains("already exists with"));
        assert!(add(&file, &new("globex"), "one").unwrap_err().to_string().contains("already speaks for"));
        let error = add(&file, &new("Not A Name"), "three").unwrap_err();
        assert!(format!("{error:#}").contains("names are"), "{error:#}");
    }
}
