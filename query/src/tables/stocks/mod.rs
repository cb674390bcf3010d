//! Stocks in business time: what was open or owed at the end of a day, by all that is known now, or as of the session's moment.
//! `open_pipeline(DATE '2026-03-31')` and `overdue(DATE '2026-03-31')`.

use std::sync::Arc;

use chrono::NaiveDate;
use datafusion::{
    catalog::{TableFunctionArgs, TableFunctionImpl},
    common::{ScalarValue, exec_datafusion_err, plan_err},
    datasource::{TableProvider, ViewTable},
    error::{DataFusionError, Result},
    execution::SessionState,
};
use futures::FutureExt;

use super::arguments;

/// A stock: its name, and what it holds, as a statement over the session's own tables.
const STOCKS: [(&str, &str); 2] =
    [("open_pipeline", include_str!("open_pipeline.sql")), ("overdue", include_str!("overdue.sql"))];

/// Adds the functions to a session whose company wants its money in `currency`.
pub(super) fn register(session: &mut SessionState, currency: &str) {
    for (name, sql) in STOCKS {
        session.register_udtf(name, Arc::new(Stock { name, sql, currency: currency.to_owned() }));
    }
}

#[derive(Debug)]
struct Stock {
    name: &'static str,
    sql: &'static str,
    currency: String,
}

impl TableFunctionImpl for Stock {
    fn call_with_args(&self, args: TableFunctionArgs) -> Result<Arc<dyn TableProvider>> {
        let usage = format!("{} takes a day like DATE '2026-03-31'", self.name);
        let given = arguments::texts(args.exprs(), 1..=1, &usage)?;
        let Some(day) = given.into_iter().next().flatten().and_then(|day| day.parse::<NaiveDate>().ok()) else {
            return plan_err!("{usage}");
        };
        let session = args.session().as_any().downcast_ref::<SessionState>();
        let session = session.ok_or_else(|| DataFusionError::Internal(format!("{} outside a session", self.name)))?;
        // The tables are in memory, so that nothing is waited for.
        let plan = session.create_logical_plan(self.sql).now_or_never();
        let plan = plan.ok_or_else(|| exec_datafusion_err!("{} waits for its tables", self.name))??;
        let days = i32::try_from((day - NaiveDate::default()).num_days()).ok();
        let (at, currency) = (ScalarValue::Date32(days), ScalarValue::from(self.currency.as_str()));
        Ok(Arc::new(ViewTable::new(plan.with_param_values(vec![("at", at), ("currency", currency)])?, None)))
    }
}
