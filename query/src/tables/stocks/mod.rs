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

/// A stock over the session's own tables.
#[derive(Debug)]
pub(crate) struct Stock {
    name: &'static str,
    sql: &'static str,
    /// The column of its money; the one in the company's currency is called the same with `_converted`.
    amount: &'static str,
    /// What it may be split by.
    axes: &'static [&'static str],
}

static STOCKS: [Stock; 2] = [
    Stock {
        name: "open_pipeline",
        sql: include_str!("open_pipeline.sql"),
        amount: "amount",
        axes: &["rep_id", "team", "department", "region", "product", "stage", "kind", "account_id"],
    },
    Stock {
        name: "overdue",
        sql: include_str!("overdue.sql"),
        amount: "overdue",
        axes: &["rep_id", "team", "department", "region", "product", "account_id"],
    },
];

impl Stock {
    /// What there is.
    pub(crate) const NAMES: &str = "open_pipeline, overdue";

    /// The one of this name.
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        STOCKS.iter().find(|stock| stock.name == name)
    }

    /// What it may be split by.
    pub(crate) fn axes(&self) -> &'static [&'static str] {
        self.axes
    }

    /// The one of this name.
    pub(crate) fn axis(&self, name: &str) -> Option<&'static str> {
        self.axes.iter().copied().find(|axis| *axis == name)
    }

    /// How many and how much at the end of a day, a row for each of what it is split by. Money whose rate is not known makes the sum
    /// unknown: part of it would look like all.
    pub(crate) fn totals(&self, day: NaiveDate, by: &[&'static str]) -> String {
        let Self { name, amount, .. } = self;
        let columns: String = by.iter().map(|axis| format!("{axis}, ")).collect();
        let groups = if by.is_empty() { String::new() } else { format!(" GROUP BY {0} ORDER BY {0}", by.join(", ")) };
        format!(
            "SELECT {columns}count(*) AS count, \
             CASE WHEN count({amount}) = count({amount}_converted) THEN coalesce(sum({amount}_converted), 0) END AS amount \
             FROM {name}(DATE '{day}'){groups}"
        )
    }
}

/// Adds the functions to a session whose company wants its money in `currency`.
pub(super) fn register(session: &mut SessionState, currency: &str) {
    for stock in &STOCKS {
        session.register_udtf(stock.name, Arc::new(Function { stock, currency: currency.to_owned() }));
    }
}

#[derive(Debug)]
struct Function {
    stock: &'static Stock,
    currency: String,
}

impl TableFunctionImpl for Function {
    fn call_with_args(&self, args: TableFunctionArgs) -> Result<Arc<dyn TableProvider>> {
        let usage = format!("{} takes a day like DATE '2026-03-31'", self.stock.name);
        let given = arguments::texts(args.exprs(), 1..=1, &usage)?;
        let Some(day) = given.into_iter().next().flatten().and_then(|day| day.parse::<NaiveDate>().ok()) else {
            return plan_err!("{usage}");
        };
        let session = args.session().as_any().downcast_ref::<SessionState>();
        let session = session.ok_or_else(|| DataFusionError::Internal(format!("{} outside a session", self.stock.name)))?;
        // The tables are in memory, so that nothing is waited for.
        let plan = session.create_logical_plan(self.stock.sql).now_or_never();
        let plan = plan.ok_or_else(|| exec_datafusion_err!("{} waits for its tables", self.stock.name))??;
        let days = i32::try_from((day - NaiveDate::default()).num_days()).ok();
        let (at, currency) = (ScalarValue::Date32(days), ScalarValue::from(self.currency.as_str()));
        Ok(Arc::new(ViewTable::new(plan.with_param_values(vec![("at", at), ("currency", currency)])?, None)))
    }
}
