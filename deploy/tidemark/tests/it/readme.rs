//! The README's examples, taken from its text and run in its order as a reader would: every `sh` block with `curl` in it.
//! A `json` block right after one is what its answer must contain at least; a string like `"$POSITION"` takes the answer's value
//! into a variable that later examples use.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::stack::Stack;

/// A command and what the README says it answers.
struct Example {
    script: String,
    answer: Option<Value>,
}

#[test]
fn every_curl_example_answers_what_the_readme_says() {
    let examples = examples();
    assert!(
        examples.iter().filter(|example| example.answer.is_some()).count() >= 2,
        "the README shows commands and their answers"
    );
    let stack = Stack::start();
    // Where examples put files.
    let directory = tempfile::tempdir().unwrap();
    let mut variables = BTreeMap::new();
    for Example { script, answer: expected } in examples {
        let mut ran = Command::new("bash");
        ran.args(["-euo", "pipefail", "-c", &at(&stack, &script)]).envs(&variables).current_dir(&directory);
        let ran = ran.output().unwrap();
        let said = String::from_utf8(ran.stdout).unwrap();
        assert!(ran.status.success(), "{script}\n{said}{}", String::from_utf8_lossy(&ran.stderr));
        let Some(expected) = expected else { continue };
        let answer: Value = serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}\n{script}"));
        assert!(contains(&answer, &expected, &mut variables), "{script}\nanswers\n{answer:#}\nand the README says\n{expected:#}");
    }
}

fn examples() -> Vec<Example> {
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md")).unwrap();
    let mut examples: Vec<Example> = Vec::new();
    // Every second piece between fences is a block: its language, a line break, its text.
    let blocks = readme.split("\n```").skip(1).step_by(2).filter_map(|block| block.split_once('\n'));
    let mut follows_curl = false;
    for (language, text) in blocks {
        let is_curl = language == "sh" && text.contains("curl ");
        if is_curl {
            examples.push(Example { script: text.to_owned(), answer: None });
        } else if language == "json" && follows_curl {
            let answer = serde_json::from_str(text).unwrap_or_else(|error| panic!("README.md: {error}: {text}"));
            examples.last_mut().unwrap().answer = Some(answer);
        }
        follows_curl = is_curl;
    }
    examples
}

/// The README's addresses are the defaults; this stack has its own.
fn at(stack: &Stack, script: &str) -> String {
    script.replace("http://127.0.0.1:8080", &stack.ingest()).replace("http://127.0.0.1:8081", &stack.query())
}

fn contains(actual: &Value, expected: &Value, variables: &mut BTreeMap<String, String>) -> bool {
    match (actual, expected) {
        (Value::String(actual), Value::String(name)) if name.starts_with('$') => {
            variables.insert(name[1..].to_owned(), actual.clone());
            true
        }
        (Value::Object(actual), Value::Object(expected)) => {
            let mut has = |(name, value)| actual.get(name).is_some_and(|actual| contains(actual, value, variables));
            expected.iter().all(&mut has)
        }
        (Value::Array(actual), Value::Array(expected)) => {
            let mut pairs = actual.iter().zip(expected);
            actual.len() == expected.len() && pairs.all(|(actual, expected)| contains(actual, expected, variables))
        }
        _ => actual == expected,
    }
}
