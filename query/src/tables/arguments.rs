//! Arguments of a table function: texts, or nothing.

use datafusion::{
    common::{ScalarValue, plan_err},
    error::Result,
    logical_expr::Expr,
};

/// Texts and dates as texts; NULL is none.
///
/// # Errors
/// Too few or too many, or one that is no constant; `usage` says what they are.
pub(super) fn texts(given: &[Expr], counts: std::ops::RangeInclusive<usize>, usage: &str) -> Result<Vec<Option<String>>> {
    if !counts.contains(&given.len()) {
        return plan_err!("{usage}, but there are {} arguments", given.len());
    }
    given.iter().map(|expr| text(expr, usage)).collect()
}

fn text(expr: &Expr, usage: &str) -> Result<Option<String>> {
    match expr {
        Expr::Literal(value, _) if value.is_null() => Ok(None),
        Expr::Literal(ScalarValue::Utf8(text) | ScalarValue::Utf8View(text) | ScalarValue::LargeUtf8(text), _) => {
            Ok(text.clone())
        }
        Expr::Literal(value @ ScalarValue::Date32(_), _) => Ok(Some(value.to_string())),
        // DATE '2026-03-01'
        Expr::Cast(cast) => text(&cast.expr, usage),
        other => plan_err!("{usage}, each written out: {other} is not"),
    }
}
