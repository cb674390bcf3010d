//! Which columns a program reads, found out while it runs: every `.Customer` of it is made to tell what it reads of which value.
//! Told are names that the program says (`.a`, `."a b"`, `.["a"]`, `$row.a`, `{a}`), not those that it computes, destructures by
//! a pattern or writes to; and not `.a?`, which says that it may be missing.

use jaq_core::{
    load::{
        lex::StrPart,
        parse::{BinaryOp, Def, Term},
    },
    path::{Opt, Part, Path},
};

/// The function that is told, with the value as its input and the name as its argument. No program can call it by this name.
pub(super) const READ: &str = "!read";

/// The same program, telling what it reads.
pub(super) fn telling(term: Term<&str>) -> Term<&str> {
    match term {
        Term::Path(head, path) => path_of(telling(*head), path),
        Term::Obj(entries) => Term::Obj(entries.into_iter().map(entry).collect()),
        Term::Str(format, parts) => Term::Str(format, parts.into_iter().map(part_of_text).collect()),
        Term::Arr(inner) => Term::Arr(inner.map(boxed)),
        Term::Neg(inner) => Term::Neg(boxed(inner)),
        Term::Label(name, inner) => Term::Label(name, boxed(inner)),
        Term::BinOp(left, op, right) => Term::BinOp(if writes(&op) { left } else { boxed(left) }, op, boxed(right)),
        Term::Fold(name, over, pattern, arguments) => Term::Fold(name, boxed(over), pattern, all(arguments)),
        Term::TryCatch(tried, caught) => Term::TryCatch(boxed(tried), caught.map(boxed)),
        Term::IfThenElse(cases, other) => {
            let cases = cases.into_iter().map(|(condition, then)| (telling(condition), telling(then))).collect();
            Term::IfThenElse(cases, other.map(boxed))
        }
        Term::Def(definitions, inner) => {
            let definitions = definitions.into_iter().map(|Def { name, args, body }| Def { name, args, body: telling(body) });
            Term::Def(definitions.collect(), boxed(inner))
        }
        Term::Call(name, arguments) => Term::Call(name, all(arguments)),
        leaf @ (Term::Id | Term::Recurse | Term::Num(_) | Term::Break(_) | Term::Var(_)) => leaf,
    }
}

#[expect(clippy::boxed_local, reason = "as terms hold their parts")]
fn boxed(term: Box<Term<&str>>) -> Box<Term<&str>> {
    Box::new(telling(*term))
}

fn all(terms: Vec<Term<&str>>) -> Vec<Term<&str>> {
    terms.into_iter().map(telling).collect()
}

fn part_of_text<'s>(part: StrPart<&'s str, Term<&'s str>>) -> StrPart<&'s str, Term<&'s str>> {
    match part {
        StrPart::Term(term) => StrPart::Term(telling(term)),
        other => other,
    }
}

/// `{a}` reads `.a`.
fn entry<'s>((key, value): (Term<&'s str>, Option<Term<&'s str>>)) -> (Term<&'s str>, Option<Term<&'s str>>) {
    match value {
        Some(value) => (telling(key), Some(telling(value))),
        None if is_name(&key) => {
            let read = (Part::Index(read(&Term::Id, key.clone())), Opt::Essential);
            (key, Some(Term::Path(Box::new(Term::Id), Path(vec![read]))))
        }
        None => (key, None),
    }
}

fn path_of<'s>(head: Term<&'s str>, path: Path<Term<&'s str>>) -> Term<&'s str> {
    let mut parts = Vec::with_capacity(path.0.len());
    for (index, (part, opt)) in path.0.into_iter().enumerate() {
        // What stands further behind is read of a part of the row.
        let is_first = index == 0 && matches!(opt, Opt::Essential) && matches!(head, Term::Id | Term::Var(_));
        let part = match part {
            Part::Index(name) if is_first && is_name(&name) => Part::Index(read(&head, name)),
            Part::Index(index) => Part::Index(telling(index)),
            Part::Range(from, to) => Part::Range(from.map(telling), to.map(telling)),
        };
        parts.push((part, opt));
    }
    Term::Path(Box::new(head), Path(parts))
}

/// The name itself, once `of` was told that it is read of it.
fn read<'s>(of: &Term<&'s str>, name: Term<&'s str>) -> Term<&'s str> {
    let told = Term::Call(READ, vec![name]);
    match of {
        Term::Id => told,
        of => Term::BinOp(Box::new(of.clone()), BinaryOp::Pipe(None), Box::new(told)),
    }
}

/// A text without anything computed in it.
fn is_name(term: &Term<&str>) -> bool {
    matches!(term, Term::Str(None, parts) if !parts.iter().any(|part| matches!(part, StrPart::Term(_))))
}

fn writes(op: &BinaryOp<&str>) -> bool {
    matches!(op, BinaryOp::Assign | BinaryOp::Update | BinaryOp::UpdateMath(_) | BinaryOp::UpdateAlt)
}
