//! Functions and operators that every session has beside DataFusion's own, or instead of them.

mod growing;
mod integral;
mod operators;
mod precise;
mod timezone;

use std::sync::Arc;

use datafusion::{
    error::Result,
    execution::{FunctionRegistry, SessionState},
    logical_expr::ScalarUDF,
};

pub(super) use integral::NAME as INTEGRAL;
pub(super) use precise::NAME as PRECISE;
pub(super) use timezone::NAME as TIMEZONE;

/// Gives them to a session.
///
/// # Errors
/// What DataFusion says.
pub(crate) fn register(session: &mut SessionState) -> Result<()> {
    growing::bound(session)?;
    session.register_udf(Arc::new(ScalarUDF::new_from_impl(timezone::Timezone::new())))?;
    session.register_udf(Arc::new(ScalarUDF::new_from_impl(integral::Integral::new())))?;
    session.register_udf(Arc::new(ScalarUDF::new_from_impl(precise::Precise::new())))?;
    session.register_udf(Arc::new(ScalarUDF::new_from_impl(operators::Times::new())))?;
    session.register_expr_planner(Arc::new(operators::Operators))
}
