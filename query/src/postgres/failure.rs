//! Errors in PostgreSQL's codes (its manual, appendix A), which drivers turn into exceptions of their own.

use datafusion::{common::SchemaError, error::DataFusionError};
use datafusion_postgres::pgwire::error::{ErrorInfo, PgWireError};

use crate::Error;

/// Puts a code to what the library would call an internal error.
pub(super) fn translate(error: &mut PgWireError) {
    let (code, message) = match std::mem::replace(error, PgWireError::NotReadyForQuery) {
        PgWireError::ApiError(source) => match owned(source) {
            Ok(error) => (code(&error), error.to_string()),
            // The library's parser has nothing else to say.
            Err(said) => ("42601", said),
        },
        PgWireError::FailedToParseParameter(source) => ("22P02", format!("invalid input for a parameter: {source}")),
        // The library has the code of a transaction that was never begun for one that has failed.
        PgWireError::UserError(info) if info.code == "25P01" && info.message.contains("aborted") => ("25P02", info.message),
        other => {
            *error = other;
            return;
        }
    };
    *error = PgWireError::UserError(Box::new(ErrorInfo::new("ERROR".to_owned(), code.to_owned(), message)));
}

fn owned(source: Box<dyn std::error::Error + Send + Sync>) -> Result<Error, String> {
    let source = match source.downcast::<Error>() {
        Ok(error) => return Ok(*error),
        Err(source) => source,
    };
    source.downcast::<DataFusionError>().map(|error| Error::from(*error)).map_err(|source| source.to_string())
}

fn code(error: &Error) -> &'static str {
    match error {
        Error::MissingKey | Error::UnknownKey => "28P01",
        Error::Body(said) if said.contains("no open cursor") => "34000",
        Error::Parameter { .. } | Error::Body(_) => "22023",
        Error::Sql(error) => code_of_datafusion(error),
        Error::ReadOnly(_) => "25006",
        Error::TooManyTokens(_) | Error::TooManyRows(..) | Error::BodyTooLarge(_) => "54000",
        Error::TooSlow(_) | Error::TooSlowInside | Error::Canceled => "57014",
        Error::NotYet { .. }
        | Error::Unsettled(_)
        | Error::Backfilling { .. }
        | Error::NoNumbers
        | Error::OtherProgram { .. } => "55000",
        Error::Busy(..) => "53300",
        Error::Memory => "53200",
        Error::ClickHouse(_) | Error::Silent => "58000",
        _ => "XX000",
    }
}

fn code_of_datafusion(error: &DataFusionError) -> &'static str {
    match error.find_root() {
        DataFusionError::SQL(..) => "42601",
        DataFusionError::SchemaError(schema, _) => match schema.as_ref() {
            SchemaError::AmbiguousReference { .. } => "42702",
            _ => "42703",
        },
        DataFusionError::NotImplemented(_) => "0A000",
        DataFusionError::ArrowError(error, _) => of_arrow(&error.to_string()),
        DataFusionError::Execution(said) => of_arrow(said),
        DataFusionError::Plan(said) if said.contains("not found") && said.contains("table") => "42P01",
        DataFusionError::Plan(said) if said.contains("Invalid function") => "42883",
        DataFusionError::Plan(said) if said.contains("only a question") => "25006",
        DataFusionError::Plan(_) => "42000",
        _ => "XX000",
    }
}

fn of_arrow(said: &str) -> &'static str {
    if said.contains("ivide by zero") {
        "22012"
    } else if said.contains("Cannot cast string") || said.contains("Error parsing") {
        "22P02"
    } else if said.contains("verflow") || said.contains("out of range") {
        "22003"
    } else {
        "22000"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_library_calls_internal_has_a_code() {
        let cases: [(PgWireError, &str); 4] = [
            (PgWireError::ApiError(Box::new(Error::TooSlow(1))), "57014"),
            (PgWireError::ApiError(Box::new(DataFusionError::Plan("Invalid function 'f'".to_owned()))), "42883"),
            (PgWireError::ApiError(Box::new(Error::from(DataFusionError::Plan("table 'x' not found".to_owned())))), "42P01"),
            (PgWireError::ApiError(Box::new(DataFusionError::External(Box::new(Error::Silent)))), "58000"),
        ];
        for (mut error, code) in cases {
            translate(&mut error);
            let PgWireError::UserError(info) = error else { panic!("{error:?}") };
            assert_eq!(info.code, code, "{}", info.message);
        }
    }
}
