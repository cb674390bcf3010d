//! A file of questions: which files make a data set, and what is known about it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// Where the real data lies, where it lies at all.
const DATA: &str = "../../../shared/data";

/// A data set.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataSet {
    /// What it is called in a line; also its tenant and its key.
    #[serde(skip)]
    pub name: String,
    folder: PathBuf,
    /// A shipped mapping.
    pub mapping: String,
    /// The tenant's.
    pub currency: String,
    /// In the order of the import, each with its accepted rows: `8300 of 8800`.
    pub files: Vec<(String, String)>,
    /// How parts of our answers' keys are called in the expected ones.
    #[serde(default)]
    pub names: BTreeMap<String, String>,
    names_from: Option<NamesFrom>,
    /// For questions about several KPIs: the field of an expected answer, and its KPI.
    #[serde(default)]
    pub kpis: BTreeMap<String, String>,
    /// The decimal places that a field of the expected answers was rounded to; exact where nothing is said.
    #[serde(default)]
    pub places: BTreeMap<String, u32>,
    #[serde(rename = "question")]
    pub questions: Vec<Question>,
}

/// Names that only a file of the data set knows.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NamesFrom {
    file: String,
    id: String,
    name: String,
}

/// One question, which may have many answers.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// The beginning of its lines.
    pub about: String,
    /// A KPI and how it is asked for: `deals_won?grain=all&by=rep`.
    pub kpi: Option<String>,
    /// How all KPIs of the data set are asked for.
    pub ask: Option<String>,
    /// A statement whose column `key`, if any, tells its rows apart; every other column is a field.
    pub sql: Option<String>,
    /// The group in `answers.json`.
    pub answers: Option<String>,
    /// The one field of that group's answers that is asked about.
    pub field: Option<String>,
    /// Keys of that group whose answers are added up, because ours are.
    #[serde(default)]
    pub together: BTreeMap<String, Vec<String>>,
    /// The answers themselves where they are in no `answers.json`: by key, then by field.
    pub expected: Option<toml::Value>,
}

impl DataSet {
    pub fn read(name: &str, text: &str) -> Self {
        let mut data_set: Self = toml::from_str(text).unwrap_or_else(|error| panic!("{name}.toml: {error}"));
        data_set.name = name.to_owned();
        if let Some(names) = data_set.names_from.take().filter(|_| data_set.folder().is_dir()) {
            data_set.names.extend(names.read(&data_set.folder()));
        }
        data_set
    }

    /// Where its files are, or would be.
    pub fn folder(&self) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join(DATA).join(&self.folder)
    }

    /// Whether it can be imported; says so where it cannot.
    pub fn is_there(&self) -> bool {
        let is_there = self.folder().is_dir();
        if !is_there {
            eprintln!("SKIPPED: the known answers of {} need {}", self.name, self.folder().display());
        }
        is_there
    }
}

impl NamesFrom {
    /// A small file without quotes.
    fn read(&self, folder: &Path) -> BTreeMap<String, String> {
        let text = fs::read_to_string(folder.join(&self.file)).unwrap();
        let mut rows = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
        let header = rows.next().unwrap();
        let column = |name: &str| header.iter().position(|column| *column == name).unwrap();
        let (id, name) = (column(&self.id), column(&self.name));
        rows.map(|row| (row[id].to_owned(), row[name].to_owned())).collect()
    }
}
