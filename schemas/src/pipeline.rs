//! Stage pipelines: the order of a deal's stages. Reads `pipelines/*.toml`.

use std::{collections::BTreeMap, sync::Arc};

use include_dir::{Dir, include_dir};
use serde::{Deserialize, Serialize};

static PIPELINES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/pipelines");

/// The stages of one pipeline.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StagePipeline {
    /// In their order, lower case.
    stages: Vec<String>,
    /// Stages that mean won; they come after all others.
    won: Vec<String>,
    /// Stages that mean lost; they have no order.
    lost: Vec<String>,
}

impl StagePipeline {
    /// Reads the text of a pipeline file.
    ///
    /// # Errors
    /// What TOML says; a stage that is listed twice.
    pub fn parse(text: &str) -> Result<Self, String> {
        let pipeline: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        let mut seen = BTreeMap::new();
        for stage in pipeline.stages.iter().chain(&pipeline.won).chain(&pipeline.lost) {
            if seen.insert(stage.to_lowercase(), ()).is_some() {
                return Err(format!("stage {stage:?} is listed twice"));
            }
        }
        let lower = |stages: Vec<String>| stages.into_iter().map(|stage| stage.to_lowercase()).collect();
        Ok(Self { stages: lower(pipeline.stages), won: lower(pipeline.won), lost: lower(pipeline.lost) })
    }

    /// Whether leaving `from` for `to` is an advance.
    #[must_use]
    pub fn advances(&self, from: &str, to: &str) -> bool {
        matches!((self.order(from), self.order(to)), (Some(from), Some(to)) if from < to)
    }

    fn order(&self, stage: &str) -> Option<usize> {
        let stage = stage.to_lowercase();
        if self.won.contains(&stage) {
            return Some(self.stages.len());
        }
        self.stages.iter().position(|known| *known == stage)
    }
}

/// The pipelines that ship with the program, by file name.
///
/// # Errors
/// The file that cannot be read, and why.
pub fn shipped_pipelines() -> Result<BTreeMap<String, Arc<StagePipeline>>, String> {
    let mut pipelines = BTreeMap::new();
    for file in PIPELINES.files() {
        let name = file.path().file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
        let pipeline = StagePipeline::parse(file.contents_utf8().unwrap_or_default())
            .map_err(|error| format!("pipelines/{name}.toml: {error}"))?;
        pipelines.insert(name, Arc::new(pipeline));
    }
    Ok(pipelines)
}
