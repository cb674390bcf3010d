//! Asking the stack: a KPI's rows, or those of a statement, as answers by key and field.

use std::collections::BTreeMap;

use serde_json::Value;

use super::data_set::{DataSet, Question};
use crate::stack::Stack;

/// Key and field of an answer, and what it is: a number, a text, or nothing.
pub type Answers = BTreeMap<(String, String), Option<String>>;

/// What was found.
#[derive(Default)]
pub struct Found {
    pub answers: Answers,
    /// Fields of which nothing is 0: nothing counted has no row.
    pub additive: Vec<String>,
}

/// The tenant that a data set was imported into.
pub struct Company<'a> {
    stack: &'a Stack,
    data_set: &'a DataSet,
}

impl<'a> Company<'a> {
    /// Waits until everything up to the position is in the numbers.
    pub async fn counted(stack: &'a Stack, data_set: &'a DataSet, position: &str) -> Self {
        stack.get_as(&data_set.name, &format!("/v1/kpis/visits?grain=all&after={position}")).await;
        Self { stack, data_set }
    }

    pub async fn answers(&self, question: &Question) -> Found {
        let mut found = Found::default();
        match (&question.kpi, &question.ask, &question.sql) {
            (Some(kpi), None, None) => self.kpi("", kpi, &mut found).await,
            (None, Some(how), None) => {
                for (field, kpi) in &self.data_set.kpis {
                    self.kpi(field, &format!("{kpi}?{how}"), &mut found).await;
                }
            }
            (None, None, Some(sql)) => self.sql(sql, &mut found).await,
            _ => panic!("{}: one of kpi, ask and sql", question.about),
        }
        found
    }

    async fn kpi(&self, field: &str, path: &str, found: &mut Found) {
        let answer = self.stack.get_as(&self.data_set.name, &format!("/v1/kpis/{path}")).await;
        let grain = answer["grain"].as_str().unwrap();
        let by = path.split_once("by=").map(|(_, by)| by.split('&').next().unwrap_or_default());
        let axes: Vec<&str> = by.into_iter().flat_map(|by| by.split(',')).collect();
        for row in answer["rows"].as_array().unwrap() {
            let units = axes.iter().map(|axis| row[axis].as_str().unwrap_or_else(|| panic!("no {axis} in {row}")).to_owned());
            let key: Vec<String> = units.chain(period(row["period"].as_str().unwrap(), grain)).collect();
            self.note(&key, field, text(&row["value"]), found);
        }
        if ["count", "money", "minutes"].contains(&answer["unit"].as_str().unwrap()) {
            found.additive.push(field.to_owned());
        }
    }

    async fn sql(&self, sql: &str, found: &mut Found) {
        let answer = self.stack.sql_as(&self.data_set.name, sql).await;
        let names = answer["columns"].as_array().unwrap().iter().map(|column| column["name"].as_str().unwrap());
        let fields: Vec<&str> = names.filter(|name| *name != "key").collect();
        for row in answer["rows"].as_array().unwrap() {
            let key = text(&row["key"]).into_iter().collect::<Vec<_>>();
            for field in &fields {
                // The only field needs no name.
                let name = if fields.len() == 1 { "" } else { field };
                self.note(&key, name, text(&row[field]), found);
            }
        }
    }

    fn note(&self, key: &[String], field: &str, value: Option<String>, found: &mut Found) {
        let named = |part: &String| self.data_set.names.get(part).unwrap_or(part).clone();
        let key = key.iter().map(named).collect::<Vec<_>>().join("|");
        let before = found.answers.insert((key.clone(), field.to_owned()), value);
        assert!(before.is_none(), "{}: {key:?} twice", self.data_set.name);
    }
}

/// As the expected answers call a period that begins on this day; nothing for the only one.
fn period(first_day: &str, grain: &str) -> Option<String> {
    let (year, month) = (&first_day[..4], &first_day[..7]);
    match grain {
        "all" => None,
        "year" => Some(year.to_owned()),
        "quarter" => Some(format!("{year}-Q{}", first_day[5..7].parse::<u32>().unwrap().div_ceil(3))),
        "month" => Some(month.to_owned()),
        _ => Some(first_day.to_owned()),
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}
