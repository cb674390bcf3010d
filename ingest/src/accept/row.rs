//! A row of a file with what its mapping made of it, as `tidemark import` sends it: so that a dead letter of one of its events,
//! or of the row as a whole, keeps the row and can be mapped again.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{
    split::Item,
    validate::{Code, Problem},
};

/// The content type of lines of [`Mapped`].
pub(crate) const ROWS_TYPE: &str = "application/vnd.tidemark.rows";
/// The content type of a row that no events were made of: only a mapping makes something of it.
pub(crate) const ROW_TYPE: &str = "application/vnd.tidemark.row+json";

/// Where a row stood, and what it said.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Row<'a> {
    file: Cow<'a, str>,
    line: u64,
    /// None where it is the letter's body.
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<&'a RawValue>,
}

/// One line of a body of rows.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Mapped<'a> {
    /// The file's name, without its folder.
    #[serde(borrow)]
    file: Cow<'a, str>,
    /// From 1.
    line: u64,
    /// An object of its columns; the text of a row that cannot be read.
    #[serde(borrow)]
    row: &'a RawValue,
    /// What the mapping made of it.
    #[serde(borrow, default)]
    events: Vec<&'a RawValue>,
    /// Why it made nothing.
    #[serde(default)]
    refused: Option<Refused>,
}

#[derive(Deserialize)]
struct Refused {
    is_broken: bool,
    message: String,
}

/// The items of a line: its events, or the row itself where there are none.
///
/// # Errors
/// Why it is no row.
pub(super) fn items(line: &[u8]) -> Result<Vec<Item<'_>>, String> {
    let Mapped { file, line, row, events, refused } =
        serde_json::from_slice(line).map_err(|error| format!("the line is no row with its events: {error}"))?;
    if let Some(Refused { is_broken, message }) = refused {
        let problem = Problem::of_event(if is_broken { Code::BrokenRow } else { Code::Unmapped }, message);
        let row_of = Row { file, line, content: None };
        return Ok(vec![Item { raw: row.get().as_bytes(), json: Err(problem), row: Some(row_of) }]);
    }
    let row_of = Row { file, line, content: Some(row) };
    let items = events.into_iter().map(|json| Item { raw: json.get().as_bytes(), json: Ok(json), row: Some(row_of.clone()) });
    Ok(items.collect())
}
