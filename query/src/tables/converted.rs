//! `deals_converted` and the like: facts with their money in the company's currency beside the original, by the rate of a day
//! that each fact names. Money whose rate is not known stays unknown.

use std::{collections::BTreeMap, sync::Arc};

use datafusion::{
    catalog::SchemaProvider,
    common::{Column, metadata::FieldMetadata},
    datasource::{TableProvider, ViewTable, provider_as_source},
    error::{DataFusionError, Result},
    functions::expr_fn::coalesce,
    logical_expr::{Expr, JoinType, LogicalPlanBuilder, cast, col, lit, when},
};
use futures::FutureExt;
use tidemark_schemas::table::FactTable;

use super::columns::AMOUNT;

struct Converted {
    name: &'static str,
    facts: FactTable,
    /// The day whose rate counts: the first of these that there is.
    days: &'static [&'static str],
    amounts: &'static [&'static str],
}

static TABLES: [Converted; 4] = [
    Converted { name: "accounts_converted", facts: FactTable::Accounts, days: &["first_won_on"], amounts: &["annual_spend"] },
    Converted { name: "deals_converted", facts: FactTable::Deals, days: &["closed_on", "opened_on"], amounts: &["amount"] },
    Converted { name: "payments_converted", facts: FactTable::Payments, days: &["received_on"], amounts: &["amount"] },
    Converted {
        name: "receivables_converted",
        facts: FactTable::Receivables,
        days: &["due_on"],
        amounts: &["amount", "received_amount"],
    },
];

/// Adds the tables over the facts and rates that a schema has, for a company that wants its money in `currency`.
///
/// # Errors
/// What DataFusion says.
pub(super) fn register(schema: &dyn SchemaProvider, currency: &str) -> Result<()> {
    let table = |table: FactTable| {
        // They are in memory, so that nothing is waited for.
        let found = schema.table(table.name()).now_or_never().transpose()?.flatten();
        found.ok_or_else(|| DataFusionError::Internal(format!("no table {} to convert", table.name())))
    };
    let rates = table(FactTable::Rates)?;
    for converted in &TABLES {
        schema.register_table(converted.name.to_owned(), converted.table(table(converted.facts)?, &rates, currency)?)?;
    }
    Ok(())
}

impl Converted {
    fn table(
        &self,
        facts: Arc<dyn TableProvider>,
        rates: &Arc<dyn TableProvider>,
        currency: &str,
    ) -> Result<Arc<dyn TableProvider>> {
        let (fact, rate) = (self.facts.name(), FactTable::Rates.name());
        let of_fact = |name: &str| Expr::Column(Column::new(Some(fact), name));
        let of_rate = |name: &str| Expr::Column(Column::new(Some(rate), name));
        let names: Vec<String> = facts.schema().fields().iter().map(|field| field.name().clone()).collect();
        let day = match self.days {
            [day] => of_fact(day),
            days => coalesce(days.iter().map(|day| of_fact(day)).collect()),
        };
        let rates = LogicalPlanBuilder::scan(rate, provider_as_source(Arc::clone(rates)), None)?;
        // No currency is worth nothing: such a rate says that it is not known.
        let is_known = of_rate("rate").not_eq(lit(0));
        let rates = rates.filter(of_rate("to_currency").eq(lit(currency)).and(is_known))?.build()?;
        let about_day = format!("The day whose rate counts: {}.", self.days.join(", or "));
        let with_day = names.iter().map(|name| of_fact(name)).chain([named(day, "converted_on", &about_day)]);
        let plan = LogicalPlanBuilder::scan(fact, provider_as_source(facts), None)?.project(with_day)?;
        let day = || col("converted_on");
        let of_that_day = [
            of_rate("from_currency").eq(of_fact("currency")),
            of_rate("valid_from").lt_eq(day()),
            of_rate("valid_to").is_null().or(of_rate("valid_to").gt(day())),
        ];
        let plan = plan.join_on(rates, JoinType::Left, of_that_day)?;
        let is_own = || of_fact("currency").eq(lit(currency));
        let amounts = self.amounts.iter().map(|amount| {
            // As many digits as the product of an amount and a rate has, so that sums are exact.
            let converted = when(is_own(), cast(of_fact(amount), AMOUNT)).otherwise(of_fact(amount) * of_rate("rate"))?;
            let about = format!("{amount} in {currency}, the company's currency; none where no rate of the day is known.");
            Ok(named(converted, &format!("{amount}_converted"), &about))
        });
        let columns = names.iter().map(|name| of_fact(name)).chain([day()]).map(Ok).chain(amounts);
        let plan = plan.project(columns.collect::<Result<Vec<_>>>()?)?.build()?;
        Ok(Arc::new(ViewTable::new(plan, None)))
    }
}

fn named(expr: Expr, name: &str, about: &str) -> Expr {
    let about = BTreeMap::from([("comment".to_owned(), about.to_owned())]);
    expr.alias_with_metadata(name, Some(FieldMetadata::new(about)))
}
