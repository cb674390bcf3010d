//! Where in a question something is wrong, as far as parser and planner say it.

use datafusion::error::DataFusionError;
use serde::Serialize;
use utoipa::ToSchema;

/// Both count from 1; a column is a character.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Place {
    line: u64,
    column: u64,
}

/// The place that an error names.
pub(crate) fn place(error: &DataFusionError) -> Option<Place> {
    if let Some(span) = error.diagnostic().and_then(|diagnostic| diagnostic.span) {
        return Some(Place { line: span.start.line, column: span.start.column });
    }
    match error.find_root() {
        // The parser has it in its text only.
        DataFusionError::SQL(error, _) => said(&error.to_string()),
        _ => None,
    }
}

/// Of a text that ends with `at Line: 1, Column: 8`.
fn said(message: &str) -> Option<Place> {
    let (_, place) = message.rsplit_once("at Line: ")?;
    let (line, column) = place.split_once(", Column: ")?;
    let digits = column.split(|sign: char| !sign.is_ascii_digit()).next()?;
    Some(Place { line: line.parse().ok()?, column: digits.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_is_the_last_one_that_is_named() {
        let message = "Expected: end of statement, found: 'at Line: 7, Column: 7' at Line: 2, Column: 12";
        assert_eq!(said(message), Some(Place { line: 2, column: 12 }));
        assert_eq!(said("Expected: an expression, found: EOF"), None);
    }
}
