//! Every shipped mapping beside its own samples, and what mappings can do in general.

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::json;

use super::{
    ImportOptions,
    mapping::{Mapping, SHIPPED},
    record::Record,
    rows::Rows,
};

fn mapping_of(code: &str, with: &[(&str, &str)]) -> Result<Mapping, crate::Error> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("test.jq");
    fs::write(&path, code).unwrap();
    let mut options = ImportOptions::new("file.csv", path.to_str().unwrap(), "", "");
    for (name, text) in with {
        let path = directory.path().join(format!("{name}.csv"));
        fs::write(&path, text).unwrap();
        options.with.insert((*name).to_owned(), path);
    }
    Mapping::load(&options)
}

fn row(id: &str) -> Record {
    Record::Columns(vec![("id".to_owned(), id.to_owned())])
}

fn run(code: &str) -> Result<Vec<String>, String> {
    mapping_of(code, &[]).unwrap().events(&row("7")).unwrap()
}

/// The value of an expression, as JSON.
fn value(expression: &str) -> Result<String, String> {
    let event = run(&format!("{{v: ({expression})}}"))?.remove(0);
    Ok(event.strip_prefix("{\"v\":").and_then(|rest| rest.strip_suffix('}')).unwrap().to_owned())
}

#[test]
fn a_row_makes_events_or_is_refused() {
    assert_eq!(
        run("{event_id: .id}, {event_id: (.id + \"b\")}"),
        Ok(vec!["{\"event_id\":\"7\"}".into(), "{\"event_id\":\"7b\"}".into()])
    );
    assert_eq!(run("empty"), Ok(vec![]));
    assert_eq!(run("{event_id: .id}, refuse(\"no date\")"), Err("no date".to_owned()));
    assert_eq!(run(".id"), Err("the mapping made \"7\", which is no event object".to_owned()));
    assert_eq!(run("halt"), Err("the mapping halted".to_owned()));
    assert!(run(".id.x").is_err());
}

/// What a mapping reads of a row with the columns `id` and `Customer name` that is not there.
fn unknown(code: &str) -> Vec<String> {
    let mapping = mapping_of(code, &[("teams", "team,name\n7,North\n")]).unwrap();
    let columns = [("id", "7"), ("Customer name", "")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    for _ in 0..2 {
        mapping.events(&Record::Columns(columns.to_vec())).unwrap().unwrap();
    }
    mapping.columns.unknown().into_iter().map(|unknown| unknown.to_string()).collect()
}

#[test]
fn a_column_that_no_row_has_is_named() {
    for (code, expected) in [
        ("{a: .Id}", &["the mapping reads `.Id`, which no row has; did you mean `.id`?"][..]),
        (
            r#". as $row | def f: $row["customer  name"]; {a: "\(f)", b: ."Custmer name"}"#,
            &[
                r#"the mapping reads `."Custmer name"`, which no row has; did you mean `."Customer name"`?"#,
                r#"the mapping reads `."customer  name"`, which no row has; did you mean `."Customer name"`?"#,
            ],
        ),
        ("{sum} | select(.total == null)", &["the mapping reads `.sum`, which no row has"]),
        ("{a: .Customer}", &[r#"the mapping reads `.Customer`, which no row has; did you mean `."Customer name"`?"#]),
        ("{a: ((.amount | money) // \"0\")}", &["the mapping reads `.amount`, which no row has"]),
    ] {
        assert_eq!(unknown(code), expected, "{code}");
    }
}

#[test]
fn what_is_no_column_or_may_be_missing_is_not_named() {
    for code in [
        "{a: .id, b: .\"Customer name\"}",
        "{a: .amount?, b: (if has(\"total\") then .total else 0 end), c: .id}",
        "{a: lookup(\"teams\"; \"team\"; .id).nmae, b: ($teams[0] | .nam), c: $teams[0].nam}",
        ".total = 1 | .sum |= 2 | {a: .total, b: .sum, c: .other}",
        "{a: (.id | {x: 1} | .y)}",
        "to_entries | map({key, value}) | {a: .[0].key}",
    ] {
        assert_eq!(unknown(code), [""; 0], "{code}");
    }
}

#[test]
fn times_in_any_form() {
    for (expression, expected) in [
        (r#""15 Apr, 2021 00:02:00" | instant_in("%d %b, %Y %H:%M:%S")"#, r#""2021-04-15T00:02:00""#),
        (r#"" 03-07-2021 02:11 " | instant_in(["%Y-%m-%d", "%d-%m-%Y %H:%M"])"#, r#""2021-07-03T02:11:00""#),
        (r#""2021-04-15 23:03:00 +0800" | instant_in("%Y-%m-%d %H:%M:%S %z")"#, r#""2021-04-15T23:03:00+08:00""#),
        (r#""3/5/2021" | date_in("%m/%d/%Y")"#, r#""2021-03-05""#),
        (r#""" | date_in("%m/%d/%Y")"#, "null"),
        (r#"null | instant_in("%m/%d/%Y")"#, "null"),
        (r#""1970-01-02" | revision_in("%Y-%m-%d")"#, "86400000"),
    ] {
        assert_eq!(value(expression).as_deref(), Ok(expected), "{expression}");
    }
    let error = value(r#""31/02/2021" | date_in("%d/%m/%Y")"#);
    assert_eq!(error, Err("\"31/02/2021\" is no date or time as %d/%m/%Y".to_owned()));
}

#[test]
fn money_in_any_form() {
    for (given, expected) in [
        ("$22,700.00", "\"22700\""),
        ("$342.09K", "\"342090\""),
        ("1.5 M", "\"1500000\""),
        ("9,326.84", "\"9326.84\""),
        ("12 kr", "\"12\""),
        ("-.50", "\"-0.5\""),
        ("(1,234.50)", "\"-1234.5\""),
        ("1,00,000", "\"100000\""),
        ("\u{20ac}1 234,5", ""),
        ("1,23", ""),
        ("n/a", ""),
        ("2021-04-15", ""),
        ("0.1234567890123", "\"0.1234567890123\""),
        ("", "null"),
        ("  ", "null"),
    ] {
        let found = value(&format!("{} | money", json!(given)));
        match expected {
            "" => assert!(found.unwrap_err().contains("is no amount"), "{given}"),
            expected => assert_eq!(found.as_deref(), Ok(expected), "{given}"),
        }
    }
    assert_eq!(value(r#""1.234,56 EUR" | money_in(",")"#).as_deref(), Ok("\"1234.56\""));
    assert_eq!(value("1.10 | money").as_deref(), Ok("\"1.1\""));
    assert_eq!(value("2.27e4 | money").as_deref(), Ok("\"22700\""));
    assert_eq!(value("0.1234567890123456789 | money").as_deref(), Ok("\"0.1234567890123456789\""));
    assert!(value("1e40 | money").unwrap_err().contains("is no amount that can be kept"));
}

#[test]
fn numbers_are_whole_texts() {
    for (given, expected) in [("1", "1"), (" 1.50 ", "1.50"), ("-2e3", "-2e3"), ("", "null")] {
        assert_eq!(value(&format!("{} | number", json!(given))).as_deref(), Ok(expected), "{given}");
    }
    for given in ["1 h", "abc", "1 2", "[1", "1,5", "0x10"] {
        assert_eq!(value(&format!("{} | number", json!(given))), Err(format!("{} is no number", json!(given))));
    }
    assert_eq!(value(r#""[1, {\"a\": 2}]" | fromjson"#).as_deref(), Ok(r#"[1,{"a":2}]"#));
    assert!(value(r#""1 2" | fromjson"#).unwrap_err().starts_with("not JSON"));
}

#[test]
fn texts_and_ids() {
    assert_eq!(value(r#"[" a ", "", null, 5] | map(text)"#).as_deref(), Ok(r#"["a",null,null,5]"#));
    assert_eq!(value(r#"{a: "", b: null, c: 0} | filled"#).as_deref(), Ok(r#"{"c":0}"#));
    let id = value(r#"{a: 1, b: "x"} | stable_id"#).unwrap();
    assert_eq!((id.len(), value(r#"{b: "x", a: 1} | stable_id"#).unwrap()), (34, id.clone()));
    assert_ne!(value(r#"{b: "x", a: 2} | stable_id"#).unwrap(), id);
}

#[test]
fn lookups_answer_by_column_and_as_variables() {
    let teams = [("teams", "id,name\n7,North\n7,South\n8,East\n")];
    let made = |code: &str| mapping_of(code, &teams).unwrap().events(&row("7")).unwrap();
    assert_eq!(made(r#"{n: lookup("teams"; "id"; .id).name}"#), Ok(vec![r#"{"n":"North"}"#.to_owned()]));
    assert_eq!(made(r#"{n: [lookup_all("teams"; "id"; .id) | .name]}"#), Ok(vec![r#"{"n":["North","South"]}"#.to_owned()]));
    assert_eq!(made(r#"{n: lookup("teams"; "id"; "9"), g: given("teams")}"#), Ok(vec![r#"{"n":null,"g":true}"#.to_owned()]));
    assert_eq!(made("{n: ($teams | length)}"), Ok(vec![r#"{"n":3}"#.to_owned()]));
    assert_eq!(made(r#"{n: lookup("teams"; "nr"; .id)}"#), Err("teams has no column \"nr\"".to_owned()));
    let missing = mapping_of(r#"{n: lookup("reps"; "id"; .id)}"#, &teams).unwrap().events(&row("7")).unwrap_err();
    assert!(missing.to_string().contains("--with reps=FILE"), "{missing}");
    let broken = mapping_of("empty", &[("teams", "id,name\n7\n")]).err().unwrap();
    assert!(broken.to_string().contains("teams.csv, line 2: the row has 1 columns"), "{broken}");
}

#[test]
fn a_revision_is_given_to_events_without_one() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("test.jq");
    fs::write(&path, "{a: 1}, {revision: 5}").unwrap();
    let mut options = ImportOptions::new("file.csv", path.to_str().unwrap(), "", "");
    options.revision = Some(2);
    let events = Mapping::load(&options).unwrap().events(&row("7")).unwrap();
    assert_eq!(events, Ok(vec![r#"{"a":1,"revision":2}"#.to_owned(), r#"{"revision":5}"#.to_owned()]));
}

/// `samples/X.csv` makes `samples/X.expected.ndjson`, refusals included; older ones are `sample*.csv` and `expected*.ndjson`.
#[test]
fn shipped_mappings_make_what_their_samples_say() {
    for folder in SHIPPED.dirs() {
        let name = folder.path().display().to_string();
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("mappings").join(&name);
        let samples: Vec<(PathBuf, PathBuf)> = samples_of(&directory);
        assert!(!samples.is_empty() && directory.join("README.md").is_file(), "{name}: samples and README.md");
        for (sample, expected) in samples {
            let made = run_sample(&ImportOptions::new(&sample, &name, "", ""));
            if std::env::var_os("TIDEMARK_BLESS").is_some() {
                fs::write(&expected, &made).unwrap();
            }
            assert_eq!(made, fs::read_to_string(&expected).unwrap_or_default(), "{}", expected.display());
        }
    }
}

/// Each sample with the file of what it makes; a file without one is there to be looked up.
fn samples_of(directory: &Path) -> Vec<(PathBuf, PathBuf)> {
    let mut samples = Vec::new();
    let entries = [directory.to_owned(), directory.join("samples")].into_iter().filter_map(|path| fs::read_dir(path).ok());
    for entry in entries.flatten() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if let Some(stem) = name.strip_suffix(".csv") {
            let expected = if stem == "sample" || stem.starts_with("sample.") {
                format!("{}.ndjson", stem.replace("sample", "expected"))
            } else {
                format!("{stem}.expected.ndjson")
            };
            samples.push((path.clone(), path.with_file_name(expected)));
        }
    }
    samples.sort();
    samples
}

fn run_sample(options: &ImportOptions) -> String {
    let mapping = Mapping::load(options).unwrap();
    let mut rows = Rows::open(&options.file, &mapping.reading, None).unwrap();
    let mut made = String::new();
    while let Some(row) = rows.next().unwrap() {
        match mapping.events(&row.record.unwrap()).unwrap() {
            Ok(events) => events.iter().for_each(|event| made += &format!("{event}\n")),
            Err(reason) => made += &format!("{}\n", json!({ "row": row.number, "refused": reason })),
        }
    }
    assert_eq!(mapping.columns.unknown(), [], "{}", options.file.display());
    made
}

#[test]
fn a_dry_run_says_what_would_come_of_it() {
    let directory = tempfile::tempdir().unwrap();
    let (file, mapping) = (directory.path().join("visits.csv"), directory.path().join("visits.jq"));
    fs::write(&file, "visit;day;purpose\nV1;2026-03-01;\nV2\nV3;03/02/2026;\n;2026-03-02;\n").unwrap();
    let code = r#"if .visit == "" then refuse("no visit") else
        { type: "visit.completed", event_id: .visit, occurred_at: .day, data: { visit_id: .visit, purpose: .purpsoe } } end"#;
    fs::write(&mapping, code).unwrap();
    let preview = super::preview(&ImportOptions::new(&file, mapping.to_str().unwrap(), "", "")).unwrap();
    assert_eq!((preview.rows, preview.rows_refused, preview.events_refused), (4, 3, 1));
    let shown = preview.to_string();
    for line in [
        r#"{"type":"visit.completed","event_id":"V1","occurred_at":"2026-03-01","data":{"visit_id":"V1","purpose":null}}"#,
        "1 of 4 rows would be accepted",
        "  1 × visit.completed",
        "  1 × bad_format occurred_at",
        "  1 × broken row",
        r#"  line 3: the row has 1 columns, the header has 3: "day", "purpose" are missing"#,
        "  line 5: no visit",
        "the mapping reads `.purpsoe`, which no row has; did you mean `.purpose`?",
    ] {
        assert!(shown.lines().any(|shown| shown == line), "{line}: {shown}");
    }
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2, "nothing is written");
}
