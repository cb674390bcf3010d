//! What is right: a company's log folded by the naive model, from scratch, up to any position.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context, Result};
use tidemark_schemas::{
    kpi::Catalogue,
    pipeline::{StagePipeline, shipped_pipelines},
};
use tidemark_verify::{Measures, Model};

use tidemark_stage::Company;

use crate::log::Log;

/// Models kept for the next read of a company that has sent nothing since.
const MODELS_MAX: usize = 32;

/// The definitions, and models made with them.
pub struct Truth {
    pub catalogue: Catalogue,
    measures: Measures,
    stages: Arc<StagePipeline>,
    models: Mutex<HashMap<String, (usize, Arc<Model>)>>,
}

impl Truth {
    pub fn new() -> Result<Self> {
        let catalogue = Catalogue::shipped()?;
        let measures = Measures::plan(&catalogue)?;
        let pipelines = shipped_pipelines().map_err(anyhow::Error::msg)?;
        let stages = pipelines.get("default").context("no default pipeline")?.clone();
        Ok(Self { catalogue, measures, stages, models: Mutex::default() })
    }

    /// What a company's first `count` records lead to.
    pub fn model(&self, log: &Log, company: &Company, count: usize) -> Result<Arc<Model>> {
        let known = self.models.lock().unwrap_or_else(PoisonError::into_inner).get(&company.name).cloned();
        if let Some((_, model)) = known.filter(|(records, _)| *records == count) {
            return Ok(model);
        }
        let records = log.records(&company.name, count)?;
        let model = Arc::new(Model::fold(&records, &company.access.settings, &self.stages, &self.measures)?);
        let mut models = self.models.lock().unwrap_or_else(PoisonError::into_inner);
        if models.len() >= MODELS_MAX {
            models.clear();
        }
        models.insert(company.name.clone(), (count, model.clone()));
        Ok(model)
    }
}
