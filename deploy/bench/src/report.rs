//! The table and the file: every figure beside its goal and its pair, misses included.

use std::{collections::BTreeMap, fmt};

use anyhow::Result;
use serde::Serialize;
use serde_json::{Value, json};

use crate::{args::Args, machine::Machine};

/// What a figure should be.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    AtLeast(f64),
    AtMost(f64),
}

/// One line.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    pub measure: &'static str,
    pub what: String,
    pub figure: f64,
    pub unit: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub goal: Option<Goal>,
    /// What a user would pick instead, under the same conditions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pair: Option<f64>,
    /// Why the figure says nothing, or what it stands on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Row {
    pub fn new(measure: &'static str, what: impl Into<String>, figure: f64, unit: &'static str) -> Self {
        Self { measure, what: what.into(), figure, unit, goal: None, pair: None, note: None }
    }

    pub fn goal(self, goal: Goal) -> Self {
        Self { goal: Some(goal), ..self }
    }

    pub fn pair(self, pair: f64) -> Self {
        Self { pair: Some(pair), ..self }
    }

    pub fn note(self, note: impl Into<String>) -> Self {
        Self { note: Some(note.into()), ..self }
    }

    fn verdict(&self) -> &'static str {
        match self.goal {
            None => "",
            Some(Goal::AtLeast(least)) if self.figure >= least => "met",
            Some(Goal::AtMost(most)) if self.figure <= most => "met",
            Some(_) => "missed",
        }
    }
}

/// Everything that was seen.
pub struct Report {
    machine: Machine,
    sizes: Value,
    rows: Vec<Row>,
    details: BTreeMap<String, Value>,
}

impl Report {
    pub fn new(args: &Args, machine: Machine) -> Self {
        let sizes = json!({
            "events": args.events,
            "tenants": args.tenants,
            "reps": args.reps,
            "days": args.days,
            "partitions": args.partitions,
            "connections": args.connections,
            "single_connections": args.single_connections,
            "pair_consumers": args.pair_consumers,
            "query_seconds": args.query_seconds,
            "fresh_rate": args.fresh_rate,
            "fresh_seconds": args.fresh_seconds,
        });
        Self { machine, sizes, rows: Vec::new(), details: BTreeMap::new() }
    }

    pub fn row(&mut self, row: Row) {
        self.rows.push(row);
    }

    /// Figures that the table has no place for.
    pub fn detail(&mut self, name: &str, figures: impl Serialize) -> Result<()> {
        self.details.insert(name.to_owned(), serde_json::to_value(figures)?);
        Ok(())
    }

    pub fn json(&self) -> Result<String> {
        let with_verdict = |row: &Row| {
            let mut value = serde_json::to_value(row)?;
            if row.goal.is_some() {
                value["is_met"] = (row.verdict() == "met").into();
            }
            Ok::<_, serde_json::Error>(value)
        };
        let rows = self.rows.iter().map(with_verdict).collect::<Result<Vec<_>, _>>()?;
        let all = json!({ "machine": self.machine, "sizes": self.sizes, "rows": rows, "details": self.details });
        Ok(serde_json::to_string_pretty(&all)? + "\n")
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Machine { cores, memory_mib, cpu, commit, load_before, .. } = &self.machine;
        writeln!(f, "{cores} cores ({cpu}), {} GiB, commit {commit}, load before {load_before}", memory_mib.div_ceil(1_024))?;
        writeln!(f, "| measure | what | figure | goal | pair | |\n|---|---|---:|---:|---:|---|")?;
        for row in &self.rows {
            let goal = match row.goal {
                None => String::new(),
                Some(Goal::AtLeast(least)) => format!("≥ {}", number(least)),
                Some(Goal::AtMost(most)) => format!("≤ {}", number(most)),
            };
            let pair = row.pair.map(number).unwrap_or_default();
            let remark = [Some(row.verdict().to_owned()), row.note.clone()];
            let remark: Vec<String> = remark.into_iter().flatten().filter(|text| !text.is_empty()).collect();
            let figure = format!("{} {}", number(row.figure), row.unit);
            writeln!(f, "| {} | {} | {} | {goal} | {pair} | {} |", row.measure, row.what, figure.trim_end(), remark.join("; "))?;
        }
        Ok(())
    }
}

/// Three figures that count, thousands apart.
fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 1_000.0 => {
            let digits = format!("{value:.0}");
            let (sign, digits) = digits.strip_prefix('-').map_or(("", digits.as_str()), |digits| ("-", digits));
            let groups: Vec<&str> = digits.as_bytes().rchunks(3).rev().filter_map(|group| str::from_utf8(group).ok()).collect();
            format!("{sign}{}", groups.join(","))
        }
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// The value that a part of all lies at or below; sorts.
pub fn quantile(values: &mut [f64], part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let place = (part * values.len() as f64).ceil() as usize;
    values.get(place.saturating_sub(1)).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_miss_is_a_miss() {
        let row = |figure, goal| Row::new("m", "w", figure, "").goal(goal).verdict();
        assert_eq!(row(99.9, Goal::AtLeast(100.0)), "missed");
        assert_eq!(row(100.0, Goal::AtLeast(100.0)), "met");
        assert_eq!(row(10.1, Goal::AtMost(10.0)), "missed");
        assert_eq!(row(f64::NAN, Goal::AtMost(10.0)), "missed");
    }

    #[test]
    fn numbers_are_readable() {
        assert_eq!([1_234_567.0, 999.6, 45.67, 1.234].map(number), ["1,234,567", "1000", "45.7", "1.23"]);
    }

    #[test]
    fn quantiles_are_values_that_were_seen() {
        let mut values: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert_eq!([0.5, 0.99, 1.0].map(|part| quantile(&mut values, part)), [50.0, 99.0, 100.0]);
        assert!(quantile(&mut [], 0.5).is_nan());
    }
}
