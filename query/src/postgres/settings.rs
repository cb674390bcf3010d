//! Settings that are ours, whether they come with the start-up message or by SET.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::{
    common::ParamValues,
    logical_expr::LogicalPlan,
    prelude::SessionContext,
    sql::sqlparser::ast::{Expr, Ident, Set, Statement},
};
use datafusion_postgres::{
    QueryHook,
    hooks::HookClient,
    pgwire::{
        api::{
            ClientInfo, Type,
            results::{DataRowEncoder, FieldFormat, FieldInfo, QueryResponse, Response, Tag},
        },
        error::{PgWireError, PgWireResult},
    },
};

use super::questions::failed;
use crate::{Error, history::AsOf};

const STATEMENT_TIMEOUT: &str = "statement_timeout";
/// Where the library keeps it, and `SHOW` looks.
const KEPT_AS: &str = "statement_timeout_ms";
/// `SET tidemark.as_of = '…'`: the tables as they were then; an empty text for as they are.
pub(super) const AS_OF: &str = "tidemark.as_of";

/// How long a statement may take, milliseconds, where the client wants it to end.
pub(super) fn statement_timeout<C: ClientInfo + ?Sized>(client: &C) -> Option<u64> {
    client.metadata().get(KEPT_AS).and_then(|text| text.parse().ok()).filter(|ms| *ms > 0)
}

/// Settings of the start-up message, by name or as `options=-c name=value`, as if they had been SET.
///
/// # Errors
/// A time that is none.
pub(super) fn from_start_up<C: ClientInfo>(client: &mut C) -> PgWireResult<()> {
    let metadata = client.metadata();
    let options = metadata.get("options").map(String::as_str).unwrap_or_default();
    let named = options.split("-c").filter_map(|option| option.trim().split_once('='));
    let timeout = named.filter(|(name, _)| *name == STATEMENT_TIMEOUT).map(|(_, value)| value.trim()).last();
    let Some(text) = timeout.or_else(|| metadata.get(STATEMENT_TIMEOUT).map(String::as_str)) else { return Ok(()) };
    let ms = milliseconds(text)?;
    client.metadata_mut().insert(KEPT_AS.to_owned(), ms.to_string());
    Ok(())
}

/// `300`, `0.3s`, `5min`.
fn milliseconds(text: &str) -> PgWireResult<u64> {
    let units = [("ms", 1.0), ("min", 60_000.0), ("s", 1_000.0), ("h", 3_600_000.0)];
    let unit = units.into_iter().find_map(|(unit, ms)| Some((text.strip_suffix(unit)?, ms)));
    let (number, ms) = unit.unwrap_or((text, 1.0));
    let number: f64 = number.trim().parse().map_err(|_| PgWireError::InvalidOptionValue(text.to_owned()))?;
    let ms = number * ms;
    if !(0.0..=f64::from(i32::MAX)).contains(&ms) {
        return Err(PgWireError::InvalidOptionValue(text.to_owned()));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the bounds of a positive i32")]
    Ok(ms.ceil() as u64)
}

/// What the library does not know: times with units, settings that are numbers, the level of isolation, and their end.
pub(super) struct OwnSettings;

#[async_trait]
impl QueryHook for OwnSettings {
    async fn handle_simple_query(
        &self,
        statement: &Statement,
        _: &SessionContext,
        client: &mut dyn HookClient,
    ) -> Option<PgWireResult<Response>> {
        match statement {
            // What else they reset is not kept, so somebody else has the word.
            Statement::Reset(_) | Statement::Discard { .. } => {
                client.metadata_mut().remove(KEPT_AS);
                client.metadata_mut().remove(AS_OF);
                None
            }
            Statement::ShowVariable { variable } if variable.is_empty() => Some(Err(says_nothing("SHOW"))),
            Statement::Set(Set::SingleAssignment { values, .. }) if values.is_empty() => Some(Err(says_nothing("SET"))),
            Statement::Set(Set::SingleAssignment { variable, values, .. }) => {
                set(&variable.to_string().to_lowercase(), values.first()?, client)
            }
            Statement::ShowVariable { variable } if is_isolation(variable) => {
                Some(shown("transaction_isolation", "read committed"))
            }
            _ => None,
        }
    }

    async fn handle_extended_parse_query(
        &self,
        _: &Statement,
        _: &SessionContext,
        _: &(dyn ClientInfo + Send + Sync),
    ) -> Option<PgWireResult<LogicalPlan>> {
        None
    }

    async fn handle_extended_query(
        &self,
        statement: &Statement,
        _: &LogicalPlan,
        _: &ParamValues,
        session: &SessionContext,
        client: &mut dyn HookClient,
    ) -> Option<PgWireResult<Response>> {
        self.handle_simple_query(statement, session, client).await
    }
}

fn set(name: &str, value: &Expr, client: &mut dyn HookClient) -> Option<PgWireResult<Response>> {
    let text = value.to_string();
    let text = text.trim_matches(['\'', '"']);
    let (kept_as, kept) = if name == STATEMENT_TIMEOUT {
        // As it was in the beginning, which is our own bound.
        let ms = if text.eq_ignore_ascii_case("default") { Ok(0) } else { milliseconds(text) };
        (KEPT_AS, ms.map(|ms| ms.to_string()))
    } else if name == AS_OF {
        let is_now = text.is_empty() || text.eq_ignore_ascii_case("default");
        let moment = if is_now { Ok(String::new()) } else { text.parse::<AsOf>().map(|_| text.to_owned()) };
        (AS_OF, moment.map_err(failed))
    } else {
        (name, text.parse::<i64>().ok().map(|number| Ok(number.to_string()))?)
    };
    Some(kept.map(|kept| {
        client.metadata_mut().insert(kept_as.to_owned(), kept);
        Response::Execution(Tag::new("SET"))
    }))
}

/// Without a name or a value, which the library would rely on.
fn says_nothing(word: &str) -> PgWireError {
    failed(Error::Body(format!("{word} takes a setting's name, and SET a value")))
}

/// `SHOW TRANSACTION ISOLATION LEVEL`, or by its name.
fn is_isolation(variable: &[Ident]) -> bool {
    let words: Vec<String> = variable.iter().map(|word| word.value.to_lowercase()).collect();
    matches!(words.join(" ").as_str(), "transaction isolation level" | "transaction_isolation" | "default_transaction_isolation")
}

fn shown(name: &str, value: &str) -> PgWireResult<Response> {
    let fields = Arc::new(vec![FieldInfo::new(name.to_owned(), None, None, Type::TEXT, FieldFormat::Text)]);
    let mut row = DataRowEncoder::new(Arc::clone(&fields));
    row.encode_field(&Some(value))?;
    let row = row.take_row();
    Ok(Response::Query(QueryResponse::new(fields, futures::stream::iter([Ok(row)]))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        for (text, ms) in [("0", 0), ("300", 300), ("0.3s", 300), ("2min", 120_000), ("12 ms", 12), ("1h", 3_600_000)] {
            assert_eq!(milliseconds(text).unwrap(), ms, "{text}");
        }
        for text in ["", "soon", "-1", "NaN", "1e300"] {
            assert!(milliseconds(text).is_err(), "{text}");
        }
    }
}
