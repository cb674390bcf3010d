//! A mapping: a jq program that makes zero or more events of one row, and may refuse the row with `refuse("why")`.

use std::{fs, path::Path};

use include_dir::{Dir, include_dir};
use jaq_core::{
    Compiler, Ctx, Filter, Vars, compile,
    data::JustLut,
    load::{self, Arena, File, Loader},
};
use jaq_json::Val;

use crate::Error;

static SHIPPED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/mappings");
/// What mappings have beyond jq's own functions.
const PRELUDE: &str = "def refuse($reason): error($reason);";

/// A mapping, ready to run.
pub(super) struct Mapping {
    filter: Filter<JustLut<Val>>,
    /// Its text, which a resumed import must find unchanged.
    pub(super) code: String,
}

impl Mapping {
    /// Finds a mapping by name or path and compiles it.
    ///
    /// # Errors
    /// No such mapping, or one that is not valid jq: file, line and reason.
    pub(super) fn load(named: &str) -> Result<Self, Error> {
        let (file, code) = find(named)?;
        let filter = compile(&code).map_err(|(line, reason)| Error::Mapping { file, line, reason })?;
        Ok(Self { filter, code })
    }

    /// The events of a row as JSON texts; or why the mapping refuses it, in which case no event of it counts.
    pub(super) fn events(&self, fields: &[(String, String)]) -> Result<Vec<String>, String> {
        let row = fields.iter().map(|(name, value)| (Val::from(name.clone()), Val::from(value.clone())));
        let context = Ctx::<JustLut<Val>>::new(&self.filter.lut, Vars::new([]));
        let outputs = self.filter.id.run((context, Val::obj(row.collect())));
        outputs
            .map(|output| match output.map_err(jaq_core::Exn::get_err) {
                Ok(event @ Val::Obj(_)) => Ok(event.to_string()),
                Ok(other) => {
                    let shown: String = other.to_string().chars().take(80).collect();
                    Err(format!("the mapping made {shown}, which is no event object"))
                }
                Err(Ok(error)) => Err(reason(error)),
                Err(Err(_)) => Err("the mapping halted".to_owned()),
            })
            .collect()
    }
}

/// The text of an error, without the quotes that it would have as JSON.
fn reason(error: jaq_json::Error) -> String {
    match error.into_val() {
        Val::TStr(text) => String::from_utf8_lossy(&text).into_owned(),
        other => other.to_string(),
    }
}

/// File name and text of a mapping.
fn find(named: &str) -> Result<(String, String), Error> {
    if let Some(shipped) = SHIPPED.get_file(format!("{named}/mapping.jq")) {
        let code = shipped.contents_utf8().unwrap_or_default().to_owned();
        return Ok((format!("{named}/mapping.jq (shipped)"), code));
    }
    let path = Path::new(named);
    let path = if path.is_dir() { path.join("mapping.jq") } else { path.to_owned() };
    match fs::read_to_string(&path) {
        Ok(code) => Ok((path.display().to_string(), code)),
        Err(_) if !path.exists() => {
            let shipped: Vec<String> = SHIPPED.dirs().map(|dir| dir.path().display().to_string()).collect();
            Err(Error::MappingUnknown { named: named.to_owned(), shipped: shipped.join(", ") })
        }
        Err(source) => Err(Error::Io { path, source }),
    }
}

/// A compiled program, or the line that is wrong and why.
fn compile(code: &str) -> Result<Filter<JustLut<Val>>, (usize, String)> {
    let prelude = load::parse(PRELUDE, |parser| parser.defs()).unwrap_or_default();
    let defs = jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs()).chain(prelude);
    let funs = jaq_core::funs().chain(jaq_std::funs()).chain(jaq_json::funs());
    let arena = Arena::default();
    let modules = Loader::new(defs)
        .load(&arena, File { code, path: () })
        .map_err(|errors| first(errors, code, |error| load_problem(error, code)))?;
    Compiler::default()
        .with_funs(funs)
        .compile(modules)
        .map_err(|errors| first(errors, code, |undefined| undefined.first().map(|error| undefined_problem(error, code))))
}

fn first<P, E>(errors: load::Errors<&str, P, E>, code: &str, problem: impl Fn(&E) -> Option<(usize, String)>) -> (usize, String) {
    let found = errors.iter().find_map(|(_, error)| problem(error));
    found.unwrap_or_else(|| (code.lines().count(), "not a valid jq program".to_owned()))
}

fn load_problem(error: &load::Error<&str>, code: &str) -> Option<(usize, String)> {
    match error {
        load::Error::Io(errors) => errors.first().map(|(at, reason)| (line_of(code, at), format!("{at}: {reason}"))),
        load::Error::Lex(errors) => {
            errors.first().map(|(expected, at)| (line_of(code, at), format!("expected {}", expected.as_str()) + &before(at)))
        }
        load::Error::Parse(errors) => {
            errors.first().map(|(expected, at)| (line_of(code, at), format!("expected {}", expected.as_str()) + &before(at)))
        }
    }
}

fn undefined_problem((at, undefined): &compile::Error<&str>, code: &str) -> (usize, String) {
    (line_of(code, at), format!("{} {at} is not defined", undefined.as_str()))
}

fn before(at: &str) -> String {
    match at.split_whitespace().next() {
        Some(word) => format!(" at {:?}", word.chars().take(40).collect::<String>()),
        None => " at the end".to_owned(),
    }
}

/// The line that a part of the code begins on; the last one for parts that are not of it (the end).
fn line_of(code: &str, part: &str) -> usize {
    let offset = (part.as_ptr() as usize).checked_sub(code.as_ptr() as usize).filter(|offset| *offset <= code.len());
    offset.map_or(code.lines().count(), |offset| 1 + code[..offset].matches('\n').count())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that fails says where")]
mod tests {
    use super::{super::rows::Rows, *};

    fn error(code: &str) -> String {
        compile(code).err().map(|(line, reason)| format!("{line}: {reason}")).unwrap_or_default()
    }

    #[test]
    fn errors_name_line_and_reason() {
        assert_eq!(error("{type: \"x\"}"), "");
        assert_eq!(error(".a\n| frobnicate"), "2: filter frobnicate is not defined");
        assert_eq!(error(".a\n| $accounts"), "2: variable $accounts is not defined");
        assert_eq!(error("{a: 1,\n b: if .x then 1\n}"), "3: expected else or end at \"}\"");
        assert_eq!(error("\n\n{a: \"open}"), "3: expected closing quote at the end");
    }

    #[test]
    fn a_row_makes_events_or_is_refused() {
        let run = |code: &str| {
            let mapping = Mapping { filter: compile(code).unwrap(), code: String::new() };
            mapping.events(&[("id".to_owned(), "7".to_owned())])
        };
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

    /// Every shipped mapping beside its own samples: `sample*.csv` makes `expected*.ndjson`, refusals included.
    #[test]
    fn shipped_mappings_make_what_their_samples_say() {
        for folder in SHIPPED.dirs() {
            let name = folder.path().display().to_string();
            let mapping = Mapping::load(&name).unwrap();
            let samples: Vec<_> =
                folder.files().filter(|file| file.path().extension().is_some_and(|kind| kind == "csv")).collect();
            assert!(
                !samples.is_empty() && SHIPPED.get_file(format!("{name}/README.md")).is_some(),
                "{name}: samples and README.md"
            );
            for sample in samples {
                let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("mappings").join(sample.path());
                let name = path.file_name().unwrap().to_string_lossy().replace("sample", "expected").replace(".csv", ".ndjson");
                let expected = path.with_file_name(name);
                let made = run_sample(&mapping, &path);
                assert_eq!(made, fs::read_to_string(&expected).unwrap_or_default(), "{}", expected.display());
            }
        }
    }

    fn run_sample(mapping: &Mapping, path: &Path) -> String {
        let mut rows = Rows::open(path, None).unwrap();
        let mut made = String::new();
        while let Some(row) = rows.next().unwrap() {
            match mapping.events(&row.fields.unwrap()) {
                Ok(events) => events.iter().for_each(|event| made += &format!("{event}\n")),
                Err(reason) => made += &format!("{}\n", serde_json::json!({ "row": row.number, "refused": reason })),
            }
        }
        made
    }
}
