//! Functions and operators that every session has beside DataFusion's own, or instead of them.

mod among;
mod by_type;
mod growing;
mod integral;
mod intervals;
mod operators;
mod part;
mod text;
mod timezone;

use std::sync::Arc;

use datafusion::{
    error::Result,
    execution::{FunctionRegistry, SessionState},
    logical_expr::ScalarUDF,
};

pub(super) use among::AMONG;
pub(crate) use among::ANY;
pub(super) use by_type::{NARROW, PRECISE, WIDE};
pub(super) use integral::NAME as INTEGRAL;
pub(super) use text::NAME as AS_TEXT;
pub(super) use timezone::NAME as TIMEZONE;

/// Gives them to a session.
///
/// # Errors
/// What DataFusion says.
pub(crate) fn register(session: &mut SessionState) -> Result<()> {
    growing::bound(session)?;
    let date_part = part::Part::of(session.udf(part::NAME)?);
    let by_type = [NARROW, PRECISE, WIDE].map(|name| ScalarUDF::new_from_impl(by_type::ByType::new(name)));
    let scaled = [intervals::TIMES, intervals::DIVIDED].map(|name| ScalarUDF::new_from_impl(intervals::Scaled::new(name)));
    let others = [
        ScalarUDF::new_from_impl(among::Among::new(AMONG)),
        ScalarUDF::new_from_impl(among::Among::new(ANY)),
        ScalarUDF::new_from_impl(integral::Integral::new()),
        ScalarUDF::new_from_impl(intervals::Span::new()),
        ScalarUDF::new_from_impl(date_part),
        ScalarUDF::new_from_impl(text::Text::new()),
        ScalarUDF::new_from_impl(timezone::Timezone::new()),
    ];
    for function in by_type.into_iter().chain(scaled).chain(others) {
        session.register_udf(Arc::new(function))?;
    }
    session.register_expr_planner(Arc::new(operators::Operators))
}
