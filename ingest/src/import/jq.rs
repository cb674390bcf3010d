//! Compiles a mapping's program, and says which line is wrong and why.

use jaq_core::{
    Compiler, Filter, compile as compiler,
    load::{self, Arena, File, Loader, parse::Def},
};

use super::{
    functions::{Mapped, functions, own_functions},
    reads::telling,
};

/// The program under the name by which it is called; only what is read before the program can be another than its text.
const PROGRAM: &str = "tidemark_mapping";

/// A compiled program, or the line that is wrong and why. `variables` begin with `$`; their values come in the same order.
pub(super) fn compile(code: &str, prelude: &'static str, variables: &[String]) -> Result<Filter<Mapped>, (usize, String)> {
    let prelude = load::parse(prelude, |parser| parser.defs()).unwrap_or_default();
    let program = load::parse(code, |parser| parser.term());
    // What cannot be parsed is loaded as it is, for the reason.
    let main = if program.is_some() { PROGRAM } else { code };
    let program = program.map(|program| Def { name: PROGRAM, args: Vec::new(), body: telling(program) });
    let mut defs: Vec<Def<&str>> = jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs()).chain(prelude).collect();
    defs.extend(program);
    let funs = own_functions().chain(functions());
    let arena = Arena::default();
    let modules = Loader::new(defs)
        .load(&arena, File { code: main, path: () })
        .map_err(|errors| first(errors, code, |error| load_problem(error, code)))?;
    Compiler::default()
        .with_funs(funs)
        .with_global_vars(variables.iter().map(String::as_str))
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

fn undefined_problem((at, undefined): &compiler::Error<&str>, code: &str) -> (usize, String) {
    let hint = at.strip_prefix('$').map_or(String::new(), |name| format!("; a file is given with --with {name}=FILE"));
    (line_of(code, at), format!("{} {at} is not defined{hint}", undefined.as_str()))
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
mod tests {
    use super::*;

    fn error(code: &str) -> String {
        let compiled = compile(code, "def refuse($reason): error($reason);", &["$teams".to_owned()]);
        compiled.err().map(|(line, reason)| format!("{line}: {reason}")).unwrap_or_default()
    }

    #[test]
    fn errors_name_line_and_reason() {
        assert_eq!(error("{type: \"x\", team: $teams[0]}"), "");
        assert_eq!(error(".a\n| frobnicate"), "2: filter frobnicate is not defined");
        assert_eq!(error(".a\n| $accounts"), "2: variable $accounts is not defined; a file is given with --with accounts=FILE");
        assert_eq!(error("{a: 1,\n b: if .x then 1\n}"), "3: expected else or end at \"}\"");
        assert_eq!(error("\n\n{a: \"open}"), "3: expected closing quote at the end");
    }
}
