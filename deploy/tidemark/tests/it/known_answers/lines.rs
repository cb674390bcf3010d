//! One line for each known answer; all that differ are told at the end.

use rust_decimal::{Decimal, RoundingStrategy};

use super::ask::{Answers, Found};
use super::data_set::{DataSet, Question};
use super::expected::Published;

/// The lines so far.
#[derive(Default)]
pub struct Lines {
    compared: usize,
    different: Vec<String>,
}

impl Lines {
    /// What an import said: a line for each file, with the rows accepted.
    pub fn imported(&mut self, data_set: &DataSet, said: &str) {
        for (file, expected) in &data_set.files {
            let mut lines = said.lines().filter_map(|line| line.split_once(&format!("/{file}: ")));
            let found = lines.next().and_then(|(_, summary)| summary.split_once(" rows accepted"));
            let found = found.map(|(rows, _)| rows.to_owned());
            let is_same = found.as_ref() == Some(expected);
            self.note(is_same, data_set, &format!("rows of {file}"), Some(expected.clone()), found);
        }
    }

    /// Every expected answer has its line; an answer that nobody expects is one that differs.
    pub fn compare(&mut self, data_set: &DataSet, question: &Question, expected: Answers, mut found: Found) {
        for ((key, field), expected) in expected {
            let places = data_set.places.get(&field).copied();
            let ours = found.answers.remove(&(key.clone(), field.clone())).flatten();
            let nothing = found.additive.contains(&field).then(|| "0".to_owned());
            let ours = ours.or(nothing).map(|value| rounded(&value, places));
            let expected = expected.map(|value| rounded(&value, None));
            let line = line(question, &key, &field);
            self.note(ours == expected, data_set, &line, expected, ours);
        }
        for ((key, field), ours) in found.answers.into_iter().filter(|(_, ours)| ours.is_some()) {
            self.note(false, data_set, &line(question, &key, &field), None, ours);
        }
    }

    /// None of the published answers may be left unasked.
    pub fn all_were_asked(&mut self, data_set: &DataSet, published: &Published) {
        let never =
            published.unasked().into_iter().map(|answer| format!("{}: answers.json: {answer}: never asked", data_set.name));
        self.different.extend(never);
    }

    /// Fails where anything differs.
    pub fn finish(self) {
        eprintln!("{} known answers compared", self.compared);
        assert!(self.different.is_empty(), "{} differ:\n{}", self.different.len(), self.different.join("\n"));
    }

    fn note(&mut self, is_same: bool, data_set: &DataSet, line: &str, expected: Option<String>, found: Option<String>) {
        let shown = |value: Option<String>| value.unwrap_or_else(|| "nothing".to_owned());
        let (name, found) = (&data_set.name, shown(found));
        self.compared += 1;
        if is_same {
            eprintln!("ok       {name}  {line} = {found}");
            return;
        }
        let different = format!("{name}  {line}: expected {}, found {found}", shown(expected));
        eprintln!("DIFFERS  {different}");
        self.different.push(different);
    }
}

fn line(question: &Question, key: &str, field: &str) -> String {
    [question.about.as_str(), key, field].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// A number without zeros at its end, so that 12 is 12.000000; a text stays as it is.
fn rounded(value: &str, places: Option<u32>) -> String {
    let Ok(number) = value.parse::<Decimal>() else { return value.to_owned() };
    let number = places.map_or(number, |places| number.round_dp_with_strategy(places, RoundingStrategy::MidpointAwayFromZero));
    number.normalize().to_string()
}
