//! Definitions: everything besides the log that numbers depend on. They are stored with the generation that was made with
//! them, and both projector and query run what is stored, so that new arithmetic never meets old cells.

use std::{collections::BTreeMap, sync::Arc};

use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    kpi::{Catalogue, KpiError},
    pipeline::StagePipeline,
    tenant::Tenants,
};

/// What a generation is made with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Definitions {
    /// What computes.
    pub engine: Engine,
    /// Text of each KPI file by name.
    pub kpis: BTreeMap<String, String>,
    /// The settings of each tenant by name.
    pub tenants: BTreeMap<Arc<str>, TenantDefinition>,
}

/// The code that numbers depend on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Engine {
    /// Version of the projector's folds.
    pub folds: u32,
    /// DataFusion, which evaluates the expressions of KPIs and decides what their slots are.
    pub datafusion: String,
}

/// The settings of a tenant that its numbers depend on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TenantDefinition {
    /// Time zone in which instants become business dates.
    pub time_zone: Tz,
    /// ISO 4217 code that KPI values are converted to.
    pub currency: String,
    /// The order of its stages.
    pub pipeline: Arc<StagePipeline>,
}

/// What wanted definitions have otherwise than those that numbers were made with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Difference {
    /// Names of KPIs that are added.
    pub new_kpis: Vec<String>,
    /// Names of tenants that are added.
    pub new_tenants: Vec<Arc<str>>,
    /// What cannot be taken up without making the numbers anew: the KPI's name or `tenant NAME`, and one sentence.
    pub redefined: BTreeMap<String, String>,
}

impl Engine {
    /// The one of this program.
    #[must_use]
    pub fn of_this_program(folds: u32) -> Self {
        Self { folds, datafusion: datafusion::DATAFUSION_VERSION.to_owned() }
    }
}

impl std::fmt::Display for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "folds {} and DataFusion {}", self.folds, self.datafusion)
    }
}

impl Definitions {
    /// What the files say.
    ///
    /// # Errors
    /// A tenant names a pipeline that does not exist.
    pub fn new(
        engine: Engine,
        catalogue: &Catalogue,
        tenants: &Tenants,
        pipelines: &BTreeMap<String, Arc<StagePipeline>>,
    ) -> Result<Self, String> {
        let tenants = tenants.iter().map(|(name, tenant)| {
            let unknown = || format!("tenant {name}: there is no pipeline {:?} in schemas/pipelines", tenant.pipeline);
            let pipeline = pipelines.get(&tenant.pipeline).ok_or_else(unknown)?.clone();
            Ok((name.clone(), TenantDefinition { time_zone: tenant.time_zone, currency: tenant.currency.clone(), pipeline }))
        });
        let kpis = catalogue.texts().map(|(name, text)| (name.to_owned(), text.to_owned()));
        Ok(Self { engine, kpis: kpis.collect(), tenants: tenants.collect::<Result<_, String>>()? })
    }

    /// Reads what [`Definitions::to_json`] wrote.
    ///
    /// # Errors
    /// Another program wrote it.
    pub fn parse(json: &str) -> Result<Self, String> {
        serde_json::from_str(json).map_err(|error| format!("stored definitions cannot be read: {error}"))
    }

    /// As they are stored; equal definitions are equal texts.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Tells definitions from others.
    #[must_use]
    pub fn hash(&self) -> String {
        Sha256::digest(self.to_json()).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The KPIs, read and planned.
    ///
    /// # Errors
    /// A text that this program cannot plan.
    pub fn catalogue(&self) -> Result<Catalogue, KpiError> {
        let mut catalogue = Catalogue::default();
        for (name, text) in &self.kpis {
            catalogue.add(name, text)?;
        }
        Ok(catalogue)
    }

    /// What `wanted` has otherwise. A tenant that is no longer there changes nothing: its numbers remain, its keys do not.
    #[must_use]
    pub fn difference(&self, wanted: &Self) -> Difference {
        let mut difference = Difference::default();
        for (name, text) in &wanted.kpis {
            match self.kpis.get(name) {
                None => difference.new_kpis.push(name.clone()),
                Some(known) if known == text => {}
                Some(_) => drop(difference.redefined.insert(name.clone(), format!("the KPI {name} is defined otherwise"))),
            }
        }
        for name in self.kpis.keys().filter(|name| !wanted.kpis.contains_key(*name)) {
            difference.redefined.insert(name.clone(), format!("the KPI {name} has no file any more"));
        }
        for (name, tenant) in &wanted.tenants {
            match self.tenants.get(name) {
                None => difference.new_tenants.push(name.clone()),
                Some(known) => {
                    let sentence = known.difference(tenant).map(|what| format!("tenant {name}: {what}"));
                    difference.redefined.extend(sentence.map(|sentence| (format!("tenant {name}"), sentence)));
                }
            }
        }
        difference
    }

    /// These with what `wanted` adds to them.
    #[must_use]
    pub fn extended(&self, wanted: &Self) -> Self {
        let mut extended = wanted.clone();
        extended.engine = self.engine.clone();
        extended.kpis.extend(self.kpis.clone());
        extended.tenants.extend(self.tenants.clone());
        extended
    }
}

impl TenantDefinition {
    fn difference(&self, wanted: &Self) -> Option<String> {
        if self.time_zone != wanted.time_zone {
            return Some(format!("its time zone was {} and is {} now", self.time_zone, wanted.time_zone));
        }
        if self.currency != wanted.currency {
            return Some(format!("its currency was {} and is {} now", self.currency, wanted.currency));
        }
        (self.pipeline != wanted.pipeline).then(|| "its stage pipeline was another".to_owned())
    }
}

impl Difference {
    /// Whether something is added.
    #[must_use]
    pub fn has_additions(&self) -> bool {
        !(self.new_kpis.is_empty() && self.new_tenants.is_empty())
    }

    /// All sentences about what is otherwise.
    #[must_use]
    pub fn sentences(&self) -> String {
        self.redefined.values().map(String::as_str).collect::<Vec<_>>().join("; ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::shipped_pipelines;

    fn files(tenants: &str, kpis: &[(&str, &str)]) -> Definitions {
        let mut catalogue = Catalogue::default();
        for (name, from) in kpis {
            let text = format!(
                "title = {{ en = \"A\", zh = \"B\" }}\nabout = \"\"\nunit = \"count\"\nbetter = \"higher\"\nfrom = {from:?}\n\
                 day = \"occurred_on\"\nrep = \"rep_id\"\nvalue = \"count(*)\"\n"
            );
            catalogue.add(name, &text).unwrap();
        }
        let engine = Engine::of_this_program(1);
        Definitions::new(engine, &catalogue, &Tenants::parse(tenants).unwrap(), &shipped_pipelines().unwrap()).unwrap()
    }

    const ACME: &str = "[tenant.acme]\ntime_zone = \"Asia/Shanghai\"\ncurrency = \"CNY\"\n";

    #[test]
    fn what_is_stored_is_what_was_given() {
        let given = files(ACME, &[("a", "visits"), ("b", "calls")]);
        let read = Definitions::parse(&given.to_json()).unwrap();
        assert_eq!((read.hash(), &read), (given.hash(), &given));
        assert_eq!(read.catalogue().unwrap().iter().count(), 2);
        assert!(Definitions::parse("").is_err());
    }

    #[test]
    fn additions_are_told_from_changes() {
        let then = files(ACME, &[("a", "visits"), ("b", "calls"), ("c", "visits")]);
        let tenants = format!("{}[tenant.globex]\ntime_zone = \"UTC\"\ncurrency = \"EUR\"", ACME.replace("CNY", "USD"));
        let now = files(&tenants, &[("a", "visits"), ("b", "visits"), ("d", "calls")]);
        let difference = then.difference(&now);
        assert_eq!(difference.new_kpis, ["d"]);
        assert_eq!(difference.new_tenants, ["globex".into()]);
        let names: Vec<&str> = difference.redefined.keys().map(String::as_str).collect();
        assert_eq!(names, ["b", "c", "tenant acme"]);
        assert!(difference.sentences().contains("its currency was CNY and is USD now"), "{}", difference.sentences());

        let extended = then.extended(&now);
        assert_eq!(extended.kpis["b"], then.kpis["b"]);
        let left = extended.difference(&now);
        assert!(!left.has_additions());
        assert_eq!(left.redefined, difference.redefined);
        assert_eq!(then.difference(&then.clone()), Difference::default());
    }
}
