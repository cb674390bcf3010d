//! What mappings can do beyond jq's own functions, as far as it is written in Rust; `mappings/prelude.jq` documents and names it.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime};
use jaq_core::{
    DataT, Lut, RunPtr,
    data::HasLut,
    native::{self, Fun, bome, v},
};
use jaq_json::{Error as JqError, Rc, Val, ValR, read};
use rust_decimal::Decimal;
use sha2::{Digest, Sha256};

use super::{
    bounds::{DEEP_JSON, Watch, is_shallow},
    columns::Columns,
    lookups::Lookups,
    reads::READ,
};

/// What a mapping runs with: jq's own functions, and the lookups.
pub(super) struct Mapped;

/// What is at hand in one run.
#[derive(Clone, Copy)]
pub(super) struct AtHand<'a> {
    pub(super) lut: &'a Lut<Mapped>,
    pub(super) lookups: &'a Lookups,
    pub(super) watch: &'a Watch,
    pub(super) columns: &'a Columns,
}

impl DataT for Mapped {
    type V<'a> = Val;
    type Data<'a> = AtHand<'a>;
}

impl<'a> HasLut<'a, Mapped> for AtHand<'a> {
    /// Every step of a program asks for this, which makes it the place where one can be called off.
    fn lut(&self) -> &'a Lut<Mapped> {
        self.watch.step();
        self.lut
    }
}

/// jq's own functions, but the one that reads JSON of any depth.
pub(super) fn own_functions() -> impl Iterator<Item = Fun<Mapped>> {
    jaq_core::funs().chain(jaq_std::funs()).chain(jaq_json::funs()).filter(|(name, ..)| *name != "fromjson")
}

/// Every function of this file.
pub(super) fn functions() -> impl Iterator<Item = Fun<Mapped>> {
    let moment: RunPtr<Mapped> = |mut cv| {
        let forms = cv.0.pop_var();
        bome(moment(&cv.1, &forms))
    };
    let money: RunPtr<Mapped> = |mut cv| {
        let mark = cv.0.pop_var();
        bome(money(&cv.1, &mark))
    };
    let find: RunPtr<Mapped> = |mut cv| {
        let (value, column, name) = (cv.0.pop_var(), cv.0.pop_var(), cv.0.pop_var());
        let found = text_of(&name).and_then(|name| cv.0.data().lookups.find(name, &column, &value).map_err(refusal));
        bome(found.map(|rows| Val::Arr(rows.into())))
    };
    let given: RunPtr<Mapped> = |cv| {
        let lookups = cv.0.data().lookups;
        bome(text_of(&cv.1).map(|name| Val::Bool(lookups.has(name))))
    };
    let read: RunPtr<Mapped> = |mut cv| {
        let key = cv.0.pop_var();
        cv.0.data().columns.read(&cv.1, &key);
        bome(Ok(key))
    };
    let from_json: RunPtr<Mapped> = |cv| match text_of(&cv.1) {
        Ok(text) if !is_shallow(text.as_bytes()) => bome(Err(refusal(DEEP_JSON))),
        // One value and nothing after it: what reads many goes on for ever at what it cannot read, and finds a 1 in "1 h".
        Ok(text) => bome(read::parse_single(text.as_bytes()).map_err(|error| refusal(format!("not JSON: {error}")))),
        Err(error) => bome(Err(error)),
    };
    let text: RunPtr<Mapped> = |cv| bome(Ok(trimmed(cv.1)));
    let filled: RunPtr<Mapped> = |cv| bome(filled(cv.1));
    let stable_id: RunPtr<Mapped> = |cv| bome(Ok(stable_id(&cv.1)));
    [
        ("moment_in", v(1), moment),
        ("money_with", v(1), money),
        ("rows_of", v(3), find),
        ("is_given", v(0), given),
        (READ, v(1), read),
        ("fromjson", v(0), from_json),
        ("text", v(0), text),
        ("filled", v(0), filled),
        ("stable_id", v(0), stable_id),
    ]
    .into_iter()
    .map(native::run::<Mapped>)
}

fn refusal(reason: impl Into<String>) -> JqError {
    JqError::str(reason.into())
}

fn text_of(value: &Val) -> Result<&str, JqError> {
    let Val::TStr(bytes) = value else { return Err(refusal(format!("{value} is no text"))) };
    std::str::from_utf8(bytes).map_err(|_| refusal(format!("{value} is no text")))
}

/// A text without the spaces around it, null where nothing is left; anything else as it is.
fn trimmed(value: Val) -> Val {
    let Ok(text) = text_of(&value) else { return value };
    match text.trim() {
        "" => Val::Null,
        trimmed if trimmed.len() == text.len() => value,
        trimmed => Val::from(trimmed.to_owned()),
    }
}

/// An object without the fields that are null or empty.
fn filled(value: Val) -> ValR {
    let Val::Obj(mut fields) = value else { return Err(refusal(format!("{value} is no object"))) };
    Rc::make_mut(&mut fields).retain(|_, value| !matches!(value, Val::Null) && text_of(value) != Ok(""));
    Ok(Val::Obj(fields))
}

/// The first of the forms that fits, as `2026-03-05T16:20:00`, with its offset where the form has one.
fn moment(value: &Val, forms: &Val) -> ValR {
    let given = text_of(value)?.trim();
    let forms = if let Val::Arr(forms) = forms { forms.as_slice() } else { std::slice::from_ref(forms) };
    for form in forms {
        if let Some(moment) = moment_as(given, text_of(form)?) {
            return Ok(Val::from(moment));
        }
    }
    let forms: Vec<&str> = forms.iter().filter_map(|form| text_of(form).ok()).collect();
    Err(refusal(format!("{given:?} is no date or time as {}", forms.join(" or "))))
}

fn moment_as(given: &str, form: &str) -> Option<String> {
    if let Ok(moment) = DateTime::parse_from_str(given, form) {
        return Some(moment.to_rfc3339());
    }
    let local = NaiveDateTime::parse_from_str(given, form).ok();
    let local = local.or_else(|| Some(NaiveDate::parse_from_str(given, form).ok()?.and_time(NaiveTime::MIN)));
    local.map(|local| local.format("%Y-%m-%dT%H:%M:%S%.f").to_string())
}

/// The exact amount in a text: no currency, no grouping, `K`, `M` and `B` multiplied out, parentheses for a minus.
fn money(value: &Val, mark: &Val) -> ValR {
    let mark = text_of(mark)?;
    if let Val::Num(number) = value {
        let number = number.to_string();
        let amount = number.parse().or_else(|_| Decimal::from_scientific(&number));
        let amount = amount.map_err(|error| refusal(format!("{number} is no amount that can be kept: {error}")))?;
        return Ok(Val::from(amount.normalize().to_string()));
    }
    let given = text_of(value)?;
    amount(given, mark).map(|amount| Val::from(amount.normalize().to_string())).ok_or_else(|| {
        let shown: String = given.chars().take(40).collect();
        refusal(format!("{shown:?} is no amount with {mark:?} as its decimal mark"))
    })
}

fn amount(given: &str, mark: &str) -> Option<Decimal> {
    let mark = mark.chars().next().filter(|mark| matches!(mark, '.' | ','))?;
    let first = given.find(|c: char| c.is_ascii_digit())?;
    let first = if given[..first].ends_with(mark) { first - 1 } else { first };
    let end = given.rfind(|c: char| c.is_ascii_digit())? + 1;
    let (before, after) = (&given[..first], &given[end..]);
    let number = digits(&given[first..end], mark)?.parse::<Decimal>().ok()?;
    // Only as a word of its own: "12 kr" are twelve crowns.
    let scale = match after.trim_matches([' ', ')']).split(' ').next()?.to_ascii_uppercase().as_str() {
        "K" => 1_000,
        "M" => 1_000_000,
        "B" => 1_000_000_000,
        _ => 1,
    };
    let is_minus = [before, after].iter().any(|part| part.contains(['-', '\u{2212}'])) || before.contains('(');
    let number = number.checked_mul(Decimal::from(scale))?;
    Some(if is_minus { -number } else { number })
}

/// Digits with a point. Groups are of three (the Indian ones of two): `1,23` is refused with a decimal point, it is not 123.
fn digits(number: &str, mark: char) -> Option<String> {
    let grouping = if mark == ',' { '.' } else { ',' };
    let (whole, fraction) = number.split_once(mark).unwrap_or((number, "0"));
    let groups: Vec<&str> = whole.split([grouping, ' ', '\u{a0}', '\u{202f}', '\'']).collect();
    let is_digits = |text: &str| text.chars().all(|c| c.is_ascii_digit());
    let are_groups = match &groups[..] {
        [_] => true,
        [first, between @ .., last] => {
            (1..=3).contains(&first.len()) && between.iter().all(|group| matches!(group.len(), 2 | 3)) && last.len() == 3
        }
        [] => false,
    };
    let is_number = are_groups && groups.iter().all(|group| is_digits(group)) && !fraction.is_empty() && is_digits(fraction);
    is_number.then(|| format!("0{}.{fraction}", groups.concat()))
}

/// 128 bits of a hash over a value, whatever the order of an object's fields, as hexadecimal digits.
fn stable_id(value: &Val) -> Val {
    let canonical = serde_json::from_str::<serde_json::Value>(&value.to_string()).unwrap_or_default();
    let hash = hex::encode(Sha256::digest(canonical.to_string()));
    Val::from(hash[..32].to_owned())
}
