//! What is asked: the parameters of `/v1/kpis/{name}`, read strictly, so that a typing error never widens an answer.

use std::sync::Arc;

use chrono::{Datelike, NaiveDate};
use tidemark_schemas::{
    kpi::{Catalogue, KpiDefinition},
    log::Position,
};

use super::grain::Grain;
use crate::{Error, history::AsOf};

/// Whose numbers: one tenant's, of one generation.
#[derive(Debug, Clone)]
pub(crate) struct Scope {
    /// The tenant.
    pub(crate) tenant: Arc<str>,
    /// The currency it wants money in.
    pub(crate) currency: String,
    /// Where its events are.
    pub(crate) partition: i32,
    /// The set of numbers.
    pub(crate) generation: u32,
}

/// One question about one KPI.
#[derive(Debug, Clone)]
pub(crate) struct KpiRequest {
    /// The KPI.
    pub(crate) kpi: Arc<KpiDefinition>,
    /// First business day; everything before too where there is none.
    pub(crate) from: Option<NaiveDate>,
    /// Last business day.
    pub(crate) to: Option<NaiveDate>,
    /// The length of a period.
    pub(crate) grain: Grain,
    /// What else a row is for.
    pub(crate) by: Vec<Axis>,
    /// Only what has one of these values.
    pub(crate) filters: Vec<(Axis, Vec<String>)>,
    /// Wait until this is in the numbers.
    pub(crate) after: Option<Position>,
    /// As it was then.
    pub(crate) as_of: Option<AsOf>,
}

/// What numbers can be split by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Axis {
    /// The seller.
    Rep,
    /// The unit that the seller belonged to on that day: a column of the roster.
    Unit(&'static str),
    /// A dimension of the KPI, by its place.
    Dim(usize),
}

/// The units of the roster that numbers can be rolled up to.
const UNITS: [&str; 3] = ["team", "department", "region"];
/// Business dates lie in these years.
const YEARS: std::ops::RangeInclusive<i32> = 1970..=2149;

impl Axis {
    /// A dimension wins over a unit of the same name: it is the KPI's own.
    fn named(kpi: &KpiDefinition, name: &str) -> Option<Self> {
        if let Some(place) = kpi.dims.iter().position(|dim| dim == name) {
            return Some(Self::Dim(place));
        }
        let unit = UNITS.into_iter().find(|unit| *unit == name).map(Self::Unit);
        unit.or_else(|| (name == "rep").then_some(Self::Rep))
    }

    /// Its name in the request and in the answer.
    pub(crate) fn name(self, kpi: &KpiDefinition) -> &str {
        match self {
            Self::Rep => "rep",
            Self::Unit(unit) => unit,
            Self::Dim(place) => &kpi.dims[place],
        }
    }
}

impl KpiRequest {
    /// Reads the parameters of a request for the KPI `name`.
    ///
    /// # Errors
    /// An unknown KPI, parameter, grain or axis; a date or position that is none; a parameter given twice.
    pub(crate) fn parse(catalogue: &Catalogue, name: &str, parameters: &[(String, String)]) -> Result<Self, Error> {
        let kpi = catalogue.get(name).cloned().ok_or_else(|| unknown_kpi(catalogue, name))?;
        let (from, to, grain, by, filters, after, as_of) = (None, None, Grain::All, Vec::new(), Vec::new(), None, None);
        let mut request = Self { kpi, from, to, grain, by, filters, after, as_of };
        let mut seen: Vec<&str> = Vec::new();
        for (parameter, value) in parameters {
            let repeatable = Axis::named(&request.kpi, parameter).is_some();
            if !repeatable && seen.contains(&parameter.as_str()) {
                return Err(Error::parameter(parameter, "it is given twice"));
            }
            seen.push(parameter);
            request.set(parameter, value)?;
        }
        match (request.from, request.to) {
            (Some(from), Some(to)) if from > to => Err(Error::parameter("from", format!("{from} is after to={to}"))),
            _ => Ok(request),
        }
    }

    fn set(&mut self, parameter: &str, value: &str) -> Result<(), Error> {
        match parameter {
            "from" => self.from = Some(date("from", value)?),
            "to" => self.to = Some(date("to", value)?),
            "grain" => {
                let unknown = |()| Error::parameter("grain", format!("{:?} is none; there are {}", brief(value), Grain::NAMES));
                self.grain = value.parse().map_err(unknown)?;
            }
            "by" => {
                for name in value.split(',').filter(|name| !name.is_empty()) {
                    self.add_axis(name)?;
                }
            }
            "as_of" => self.as_of = Some(value.parse()?),
            "after" => self.after = Some(value.parse().map_err(|error| Error::parameter("after", format!("{error}")))?),
            _ => self.add_filter(parameter, value)?,
        }
        Ok(())
    }

    fn add_axis(&mut self, name: &str) -> Result<(), Error> {
        let Some(axis) = Axis::named(&self.kpi, name) else {
            let reason = format!("{} has no {:?}; there are {}", self.kpi.name, brief(name), axis_names(&self.kpi));
            return Err(Error::parameter("by", reason));
        };
        if self.by.contains(&axis) {
            return Err(Error::parameter("by", format!("{name} is given twice")));
        }
        self.by.push(axis);
        Ok(())
    }

    fn add_filter(&mut self, parameter: &str, value: &str) -> Result<(), Error> {
        let Some(axis) = Axis::named(&self.kpi, parameter) else {
            let axes = axis_names(&self.kpi);
            let reason = format!(
                "there is no such parameter; there are from, to, grain, by, as_of, after and, for {}, {axes}",
                self.kpi.name
            );
            return Err(Error::parameter(parameter, reason));
        };
        match self.filters.iter_mut().find(|(known, _)| *known == axis) {
            Some((_, values)) => values.push(value.to_owned()),
            None => self.filters.push((axis, vec![value.to_owned()])),
        }
        Ok(())
    }

    /// Whether the roster is needed: somebody splits or filters by a unit.
    pub(crate) fn needs_roster(&self) -> bool {
        let filtered = self.filters.iter().map(|(axis, _)| axis);
        self.by.iter().chain(filtered).any(|axis| matches!(axis, Axis::Unit(_)))
    }
}

fn unknown_kpi(catalogue: &Catalogue, name: &str) -> Error {
    let known: Vec<&str> = catalogue.iter().map(|kpi| kpi.name.as_str()).collect();
    Error::UnknownKpi { name: brief(name), known: known.join(", ") }
}

fn axis_names(kpi: &KpiDefinition) -> String {
    let dims = kpi.dims.iter().map(String::as_str).filter(|dim| !UNITS.contains(dim));
    ["rep"].into_iter().chain(UNITS).chain(dims).collect::<Vec<_>>().join(", ")
}

fn date(parameter: &str, value: &str) -> Result<NaiveDate, Error> {
    let exact = |date: &NaiveDate| YEARS.contains(&date.year()) && date.to_string() == value;
    value.parse::<NaiveDate>().ok().filter(exact).ok_or_else(|| {
        let reason = format!("{:?} is not a date like 2026-03-31 in {} to {}", brief(value), YEARS.start(), YEARS.end());
        Error::parameter(parameter, reason)
    })
}

/// As much of somebody's text as belongs into a message.
fn brief(text: &str) -> String {
    text.chars().take(60).collect()
}
