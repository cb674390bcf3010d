//! All KPIs: the files that ship with the program, with those of a directory added or put in their place.

use std::{collections::BTreeMap, sync::Arc};

use include_dir::{Dir, include_dir};

use super::{KpiDefinition, KpiError};

static KPIS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/kpis");

/// Every KPI by name.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    by_name: BTreeMap<String, Arc<KpiDefinition>>,
    texts: BTreeMap<String, String>,
}

impl Catalogue {
    /// The KPIs that ship with the program.
    ///
    /// # Errors
    /// The first invalid file.
    pub fn shipped() -> Result<Self, KpiError> {
        let mut catalogue = Self::default();
        for file in KPIS.files() {
            let name = file.path().file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
            catalogue.add(name, file.contents_utf8().unwrap_or_default())?;
        }
        Ok(catalogue)
    }

    /// Adds the text of `<name>.toml`, in place of one of that name.
    ///
    /// # Errors
    /// The file is invalid.
    pub fn add(&mut self, name: &str, text: &str) -> Result<(), KpiError> {
        self.by_name.insert(name.to_owned(), Arc::new(KpiDefinition::parse(name, text)?));
        self.texts.insert(name.to_owned(), text.to_owned());
        Ok(())
    }

    /// Every file's name and text, in the order of names: what numbers were made with.
    pub fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.texts.iter().map(|(name, text)| (name.as_str(), text.as_str()))
    }

    /// Every name, in order.
    pub fn names(&self) -> impl Iterator<Item = String> {
        self.by_name.keys().cloned()
    }

    /// A KPI by name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<KpiDefinition>> {
        self.by_name.get(name)
    }

    /// All KPIs in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<KpiDefinition>> {
        self.by_name.values()
    }
}
