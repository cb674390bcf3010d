//! Values in the place of `$1`, `$2` and so on. They meet the question when it is a plan, so no value can be read as SQL.

use datafusion::{
    common::{ParamValues, ScalarValue},
    execution::SessionState,
    logical_expr::LogicalPlan,
    sql::sqlparser::{
        dialect::PostgreSqlDialect,
        tokenizer::{Token, Tokenizer},
    },
};
use serde_json::Value;

use super::plan;
use crate::Error;

/// Digits of the widest decimal that ClickHouse's tables and plans have.
const DIGITS_MAX: u8 = 38;

/// Plans a question with its values.
///
/// # Errors
/// As [`plan`]; as many values as the question has places, and no lists or objects, are what there should be.
pub(crate) async fn plan_bound(session: &SessionState, sql: &str, values: &[Value]) -> Result<LogicalPlan, Error> {
    let places = places(sql);
    if values.len() != places {
        let sent = values.len();
        return Err(Error::parameter(NAME, format!("the question has {places} places ($1 and so on), and {sent} values came")));
    }
    let plan = plan(session, sql).await?;
    if values.is_empty() {
        return Ok(plan);
    }
    let values = values.iter().map(scalar).collect::<Result<Vec<_>, _>>()?;
    Ok(plan.replace_params_with_values(&ParamValues::from(values))?)
}

/// Where the values come in a request.
const NAME: &str = "parameters";

/// The highest place of a text.
fn places(sql: &str) -> usize {
    let tokens = Tokenizer::new(&PostgreSqlDialect {}, sql).tokenize().unwrap_or_default();
    let places = tokens.iter().filter_map(|token| match token {
        Token::Placeholder(name) => name.strip_prefix('$')?.parse().ok(),
        _ => None,
    });
    places.max().unwrap_or(0)
}

/// A value as SQL knows it: a number without a fraction is an integer, every other a decimal, as in a question's text.
fn scalar(value: &Value) -> Result<ScalarValue, Error> {
    Ok(match value {
        Value::Null => ScalarValue::Null,
        Value::Bool(value) => ScalarValue::from(*value),
        Value::String(text) => ScalarValue::from(text.as_str()),
        Value::Number(number) => match number.as_i64() {
            Some(integer) => ScalarValue::from(integer),
            None => decimal(number.as_str())
                .ok_or_else(|| Error::parameter(NAME, format!("a number has at most {DIGITS_MAX} digits, unlike {number}")))?,
        },
        Value::Array(_) | Value::Object(_) => {
            return Err(Error::parameter(NAME, "a value is a string, a number, a boolean or null"));
        }
    })
}

/// The exact value of a JSON number.
fn decimal(text: &str) -> Option<ScalarValue> {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let unscaled: i128 = format!("{whole}{fraction}").parse().ok()?;
    let scale = i32::try_from(fraction.len()).ok()?.checked_sub(exponent.parse().ok()?)?;
    // A scale below zero is zeros before the point.
    let zeros = 10_i128.checked_pow(scale.min(0).unsigned_abs())?;
    let (unscaled, scale) = (unscaled.checked_mul(zeros)?, i8::try_from(scale.max(0)).ok()?);
    let digits = u8::try_from(unscaled.unsigned_abs().to_string().len()).ok()?;
    let precision = digits.max(scale.unsigned_abs());
    (precision <= DIGITS_MAX).then_some(ScalarValue::Decimal128(Some(unscaled), precision, scale))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_every_digit() {
        for (text, unscaled, precision, scale) in [
            ("0.1", 1, 1, 1),
            ("-0.50", -50, 2, 2),
            ("1e3", 1_000, 4, 0),
            ("1.25E+1", 125, 3, 1),
            ("5e-7", 5, 7, 7),
            ("0e0", 0, 1, 0),
            ("18446744073709551616", 18_446_744_073_709_551_616, 20, 0),
            ("99999999999999999999999999999999999999", 10_i128.pow(38) - 1, 38, 0),
        ] {
            assert_eq!(decimal(text), Some(ScalarValue::Decimal128(Some(unscaled), precision, scale)), "{text}");
        }
        for text in ["1e38", "1e999999999999", "1e-39", "-1e-2147483648", "1234567890123456789012345678901234567890"] {
            assert_eq!(decimal(text), None, "{text}");
        }
    }

    #[test]
    fn places_are_those_of_the_question_alone() {
        assert_eq!(places("SELECT $1, '$7', \"$8\", $3 -- $9"), 3);
        assert_eq!(places("SELECT 1"), 0);
    }
}
