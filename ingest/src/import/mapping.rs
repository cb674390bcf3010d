//! A mapping: a jq program that makes zero or more events of one row, and may refuse the row with `refuse("why")`.

use std::{
    fmt::{self, Write},
    fs,
    path::Path,
};

use include_dir::{Dir, include_dir};
use jaq_core::{Ctx, Exn, Filter, Vars};
use jaq_json::{Map, Val, read};
use sha2::{Digest, Sha256};

use super::{
    ImportOptions,
    bounds::{DEEP_JSON, ROW_EVENT_BYTES_MAX, ROW_EVENTS_MAX, Watch, is_shallow},
    columns::Columns,
    functions::{AtHand, Mapped},
    jq::compile,
    lookups::Lookups,
    manifest::Manifest,
    reading::Reading,
    record::Record,
    run::hash_file,
};
use crate::Error;

/// Most characters of a reason: a mapping may put the whole row into it.
const REASON_CHARS_MAX: usize = 1_000;

pub(super) static SHIPPED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/mappings");

/// A mapping, ready to run.
pub(super) struct Mapping {
    filter: Filter<Mapped>,
    lookups: Lookups,
    /// The lookups' rows, in the order in which the program knows them.
    variables: Vec<Val>,
    /// The revision of events that name none.
    revision: Option<i64>,
    /// Keeps every row within bounds.
    pub(super) watch: Watch,
    /// What it reads of its rows.
    pub(super) columns: Columns,
    /// How the imported file is read.
    pub(super) reading: Reading,
    /// Hash of its text, its lookups and how files are read, which a resumed import must find unchanged.
    pub(super) identity: [u8; 32],
}

impl Mapping {
    /// Finds a mapping by name or path, reads what it looks things up in, and compiles it.
    ///
    /// # Errors
    /// No such mapping, or one that is not valid jq: file, line and reason. A lookup that cannot be read.
    pub(super) fn load(options: &ImportOptions) -> Result<Self, Error> {
        Self::of(options, find(&options.mapping)?)
    }

    /// A program of the command line, with the same helpers and lookups.
    ///
    /// # Errors
    /// As [`Mapping::load`].
    pub(super) fn of_program(code: &str, options: &ImportOptions) -> Result<Self, Error> {
        Self::of(options, Found { file: "of --edit".to_owned(), code: code.to_owned(), manifest: Manifest::default() })
    }

    fn of(options: &ImportOptions, found: Found) -> Result<Self, Error> {
        let mut identity = Sha256::new();
        identity.update(Sha256::digest(&found.code));
        let mut lookups = Lookups::default();
        for (name, path) in lookup_files(options, &found.manifest) {
            let reading = reading_of(options, &found.manifest, Some(&name), &path);
            lookups.add(&name, &path, &reading)?;
            hash_file(&path, &mut identity).map_err(|source| Error::Io { path: path.clone(), source })?;
        }
        let reading = reading_of(options, &found.manifest, None, &options.file);
        reading.hash(&mut identity);
        identity.update(options.revision.unwrap_or_default().to_be_bytes());
        let (names, variables): (Vec<String>, Vec<Val>) = lookups.tables().map(|(name, rows)| (format!("${name}"), rows)).unzip();
        let filter = compile(&found.code, prelude(), &names).map_err(|(line, reason)| Error::Mapping {
            file: found.file,
            line,
            reason,
        })?;
        Ok(Self {
            filter,
            lookups,
            variables,
            revision: options.revision,
            watch: Watch::start(),
            columns: Columns::default(),
            reading,
            identity: identity.finalize().into(),
        })
    }

    /// The events of a row as JSON texts; or why the mapping refuses it, in which case no event of it counts.
    ///
    /// # Errors
    /// A lookup was asked that is not there: no row is to blame for it.
    pub(super) fn events(&self, record: &Record) -> Result<Result<Vec<String>, String>, Error> {
        let events = self.watch.bound(|| to_val(record).and_then(|row| self.run(row)));
        match self.lookups.missing() {
            Some(name) => Err(Error::LookupMissing { name }),
            None => Ok(events),
        }
    }

    fn run(&self, row: Val) -> Result<Vec<String>, String> {
        self.columns.begin(&row);
        let at_hand = AtHand { lut: &self.filter.lut, lookups: &self.lookups, watch: &self.watch, columns: &self.columns };
        let context = Ctx::<Mapped>::new(at_hand, Vars::new(self.variables.iter().cloned()));
        let (mut events, mut bytes) = (Vec::new(), 0);
        for output in self.filter.id.run((context, row)) {
            let event = match output.map_err(Exn::get_err) {
                Ok(Val::Obj(event)) => written(&self.with_revision(event), ROW_EVENT_BYTES_MAX - bytes)?,
                Ok(other) => return Err(format!("the mapping made {}, which is no event object", shown(&other))),
                Err(Ok(error)) => return Err(reason(error)),
                Err(Err(_)) => return Err("the mapping halted".to_owned()),
            };
            bytes += event.len();
            events.push(event);
            if events.len() > ROW_EVENTS_MAX {
                return Err(format!("the mapping made more than {ROW_EVENTS_MAX} events of this row"));
            }
        }
        Ok(events)
    }

    fn with_revision(&self, mut event: jaq_json::Rc<Map>) -> Val {
        if let Some(revision) = self.revision {
            let name = Val::from("revision".to_owned());
            jaq_json::Rc::make_mut(&mut event).entry(name).or_insert_with(|| Val::Num(jaq_json::Num::from_integral(revision)));
        }
        Val::Obj(event)
    }
}

/// A row as jq sees it.
pub(super) fn to_val(record: &Record) -> Result<Val, String> {
    match record {
        Record::Columns(fields) => {
            let fields = fields.iter().map(|(name, value)| (Val::from(name.clone()), Val::from(value.clone())));
            Ok(Val::obj(fields.collect()))
        }
        Record::Object(text) if !is_shallow(text.as_bytes()) => Err(DEEP_JSON.to_owned()),
        Record::Object(text) => read::parse_single(text.as_bytes()).map_err(|error| format!("the line is not JSON: {error}")),
    }
}

/// The text of an error, without the quotes that it would have as JSON.
fn reason(error: jaq_json::Error) -> String {
    match error.into_val() {
        Val::TStr(text) => String::from_utf8_lossy(&text).chars().take(REASON_CHARS_MAX).collect(),
        other => shown(&other),
    }
}

/// Enough of a value to recognise it by.
fn shown(value: &Val) -> String {
    let mut text = Bounded { text: String::new(), most: REASON_CHARS_MAX };
    // What is over the bound is left out.
    let _ = write!(text, "{value}");
    text.text.chars().take(80).collect()
}

/// The value as JSON: a small one that holds another many times may be larger than any memory when it is written.
fn written(value: &Val, most: usize) -> Result<String, String> {
    let mut text = Bounded { text: String::new(), most };
    write!(text, "{value}")
        .map_err(|_| format!("the mapping made events of more than {ROW_EVENT_BYTES_MAX} bytes of this row"))?;
    Ok(text.text)
}

/// A text of so many bytes at the most.
struct Bounded {
    text: String,
    most: usize,
}

impl fmt::Write for Bounded {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        if self.text.len() + part.len() > self.most {
            return Err(fmt::Error);
        }
        self.text.push_str(part);
        Ok(())
    }
}

/// What mappings have beyond jq's own functions.
pub(super) fn prelude() -> &'static str {
    SHIPPED.get_file("prelude.jq").and_then(|file| file.contents_utf8()).unwrap_or_default()
}

/// The lookups asked for, and those that the mapping knows and that lie beside the file.
fn lookup_files(options: &ImportOptions, manifest: &Manifest) -> Vec<(String, std::path::PathBuf)> {
    let mut files: Vec<_> = options.with.iter().map(|(name, path)| (name.clone(), path.clone())).collect();
    let beside = options.file.parent().unwrap_or(Path::new(""));
    for (name, file) in &manifest.with {
        let path = beside.join(file);
        if !options.with.contains_key(name) && path.is_file() {
            files.push((name.clone(), path));
        }
    }
    files
}

/// How the imported file, or a lookup with a name, is read.
fn reading_of(options: &ImportOptions, manifest: &Manifest, lookup: Option<&str>, path: &Path) -> Reading {
    let asked = match lookup {
        None => options.reading.clone(),
        Some(name) => Reading {
            encoding: options.reading.encoding,
            columns: options.with_columns.get(name).cloned(),
            sheet: options.with_sheet.get(name).cloned(),
            ..Reading::default()
        },
    };
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let known = manifest.columns.get(name.as_ref()).cloned();
    Reading { columns: asked.columns.clone().or(known), ..asked }
}

/// A mapping as it was found.
struct Found {
    file: String,
    code: String,
    manifest: Manifest,
}

fn find(named: &str) -> Result<Found, Error> {
    if let Some(shipped) = SHIPPED.get_file(format!("{named}/mapping.jq")) {
        let code = shipped.contents_utf8().unwrap_or_default().to_owned();
        let file = format!("{named}/mapping.jq (shipped)");
        let manifest = SHIPPED.get_file(format!("{named}/mapping.toml")).and_then(|file| file.contents_utf8());
        let manifest = read_manifest(&format!("{named}/mapping.toml (shipped)"), manifest.unwrap_or_default())?;
        return Ok(Found { file, code, manifest });
    }
    let path = Path::new(named);
    let path = if path.is_dir() { path.join("mapping.jq") } else { path.to_owned() };
    match fs::read_to_string(&path) {
        Ok(code) => {
            let beside = path.with_file_name("mapping.toml");
            let manifest = fs::read_to_string(&beside).unwrap_or_default();
            let manifest = read_manifest(&beside.display().to_string(), &manifest)?;
            Ok(Found { file: path.display().to_string(), code, manifest })
        }
        Err(_) if !path.exists() => {
            let shipped: Vec<String> = SHIPPED.dirs().map(|dir| dir.path().display().to_string()).collect();
            Err(Error::MappingUnknown { named: named.to_owned(), shipped: shipped.join(", ") })
        }
        Err(source) => Err(Error::Io { path, source }),
    }
}

fn read_manifest(file: &str, text: &str) -> Result<Manifest, Error> {
    toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(1, |span| 1 + text[..span.start.min(text.len())].matches('\n').count());
        Error::Mapping { file: file.to_owned(), line, reason: error.message().to_owned() }
    })
}
