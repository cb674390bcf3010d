//! What is expected: the answers that a file of questions gives itself, or those of the data set's `answers.json`, of which none may
//! be left unasked.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use rust_decimal::Decimal;
use serde_json::{Map, Value};

use super::ask::Answers;
use super::data_set::{DataSet, Question};

/// `answers.json` of a data set, and what of it was asked.
pub struct Published {
    groups: Map<String, Value>,
    asked: BTreeSet<[String; 3]>,
}

impl Published {
    pub fn of(data_set: &DataSet) -> Self {
        let text = fs::read_to_string(data_set.folder().join("answers.json"));
        let groups = text.map_or_else(|_| Map::new(), |text| serde_json::from_str(&text).unwrap());
        Self { groups, asked: BTreeSet::new() }
    }

    /// The answers that this question expects.
    pub fn expected(&mut self, question: &Question) -> Answers {
        match (&question.expected, &question.answers) {
            (Some(expected), None) => inline(expected),
            (None, Some(group)) => {
                let answers = self.group(group, question.field.as_deref());
                together(answers, &question.together)
            }
            _ => panic!("{}: one of expected and answers", question.about),
        }
    }

    /// What `answers.json` has and no question asked about: group, key and field.
    pub fn unasked(&self) -> Vec<String> {
        let all = self
            .groups
            .iter()
            .flat_map(|(group, answers)| answers_of(answers).into_keys().map(move |(key, field)| [group.clone(), key, field]));
        all.filter(|answer| !self.asked.contains(answer)).map(|answer| answer.join(" ")).collect()
    }

    fn group(&mut self, group: &str, only: Option<&str>) -> Answers {
        let answers = answers_of(self.groups.get(group).unwrap_or_else(|| panic!("answers.json has no {group}")));
        let asked = answers.into_iter().filter(|((_, field), _)| only.is_none_or(|only| field == only));
        let asked: Vec<_> = asked.collect();
        self.asked.extend(asked.iter().map(|((key, field), _)| [group.to_owned(), key.clone(), field.clone()]));
        // The only field needs no name.
        asked
            .into_iter()
            .map(|((key, field), value)| ((key, if only.is_some() { String::new() } else { field }), value))
            .collect()
    }
}

/// A group of `answers.json`: `{key: {field: value}}`, `{key: value}`, `{field: value}` or a list of days.
fn answers_of(group: &Value) -> Answers {
    let mut answers = Answers::new();
    let mut note = |key: &str, fields: &Map<String, Value>| {
        for (field, value) in fields.iter().filter(|(field, _)| *field != "day") {
            answers.insert((key.to_owned(), field.clone()), text(value));
        }
    };
    match group {
        Value::Array(days) => days.iter().for_each(|day| note(day["day"].as_str().unwrap(), day.as_object().unwrap())),
        Value::Object(keys) if keys.values().all(Value::is_object) => {
            keys.iter().for_each(|(key, fields)| note(key, fields.as_object().unwrap()));
        }
        // Of a person or a quarter, or of all.
        Value::Object(values) if values.keys().any(|key| key == "won") => note("", values),
        Value::Object(values) => {
            answers.extend(values.iter().map(|(key, value)| ((key.clone(), String::new()), text(value))));
        }
        other => panic!("answers.json: {other}"),
    }
    answers
}

fn text(value: &Value) -> Option<String> {
    (!value.is_null()).then(|| value.to_string())
}

/// Adds up the answers of several keys.
fn together(mut answers: Answers, groups: &BTreeMap<String, Vec<String>>) -> Answers {
    for (name, keys) in groups {
        let (parts, others): (Answers, Answers) = answers.into_iter().partition(|((key, _), _)| keys.contains(key));
        answers = others;
        let mut sums: BTreeMap<String, Decimal> = BTreeMap::new();
        for ((_, field), value) in parts {
            *sums.entry(field).or_default() += value.unwrap().parse::<Decimal>().unwrap();
        }
        answers.extend(sums.into_iter().map(|(field, sum)| ((name.clone(), field), Some(sum.to_string()))));
    }
    answers
}

/// `12`, `{ key = 12 }` or `{ key = { field = 12 } }`.
fn inline(expected: &toml::Value) -> Answers {
    let scalar = |value: &toml::Value| Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    let mut answers = Answers::new();
    match expected {
        toml::Value::Table(keys) => {
            for (key, value) in keys {
                match value {
                    toml::Value::Table(fields) => {
                        answers.extend(fields.iter().map(|(field, value)| ((key.clone(), field.clone()), scalar(value))));
                    }
                    value => drop(answers.insert((key.clone(), String::new()), scalar(value))),
                }
            }
        }
        value => drop(answers.insert((String::new(), String::new()), scalar(value))),
    }
    answers
}
