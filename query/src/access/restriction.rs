//! The last look at a plan before it runs: every scan of a table in ClickHouse is restricted to one tenant and one
//! generation, and every other table is one of ours. What is not known to be harmless is refused.

use std::sync::Arc;

use datafusion::{
    common::{ScalarValue, plan_err, tree_node::TreeNodeRecursion},
    datasource::source_as_provider,
    error::{DataFusionError, Result},
    logical_expr::{BinaryExpr, Expr, LogicalPlan, Operator, TableScan, utils::split_conjunction},
};

use crate::tables::{ClickHouseTable, GENERATION, LOCAL, TENANT};

/// What a plan may read.
#[derive(Debug, Clone)]
pub(crate) struct Restriction {
    /// Whose rows.
    pub(crate) tenant: Arc<str>,
    /// Of which set of numbers.
    pub(crate) generation: u32,
}

/// # Errors
/// A scan that is not restricted, a table or a node that is not known.
pub(crate) fn check(plan: &LogicalPlan, to: &Restriction) -> Result<()> {
    check_below(plan, &[], to)
}

/// Checks a node, given the conditions that stand directly above it.
fn check_below(plan: &LogicalPlan, conditions: &[&Expr], to: &Restriction) -> Result<()> {
    plan.apply_subqueries(|subquery| {
        check_below(subquery, &[], to)?;
        Ok(TreeNodeRecursion::Continue)
    })?;
    match plan {
        LogicalPlan::TableScan(scan) => check_scan(scan, conditions, to),
        LogicalPlan::Filter(filter) => {
            let mut conditions = conditions.to_vec();
            conditions.extend(split_conjunction(&filter.predicate));
            check_below(&filter.input, &conditions, to)
        }
        LogicalPlan::Dml(_)
        | LogicalPlan::Ddl(_)
        | LogicalPlan::Copy(_)
        | LogicalPlan::Statement(_)
        | LogicalPlan::Extension(_) => {
            plan_err!("only questions are answered here, not {}", plan.display())
        }
        other => other.inputs().into_iter().try_for_each(|input| check_below(input, &[], to)),
    }
}

fn check_scan(scan: &TableScan, conditions: &[&Expr], to: &Restriction) -> Result<()> {
    let provider = source_as_provider(&scan.source)?;
    let Some(table) = ClickHouseTable::of(provider.as_ref()) else {
        let is_ours = LOCAL.contains(&scan.table_name.table());
        let describes = scan.table_name.schema() == Some("information_schema");
        return if is_ours || describes { Ok(()) } else { unknown(scan) };
    };
    let all: Vec<&Expr> = scan.filters.iter().flat_map(split_conjunction).chain(conditions.iter().copied()).collect();
    let has = |column: &str, value: &ScalarValue| all.iter().any(|condition| is_equality(condition, column, value));
    let tenant = ScalarValue::from(to.tenant.as_ref());
    let has_generation =
        table.columns().column_with_name(GENERATION).is_none() || has(GENERATION, &ScalarValue::UInt32(Some(to.generation)));
    if has(TENANT, &tenant) && has_generation {
        return Ok(());
    }
    Err(DataFusionError::Plan(format!("{} is not restricted to its tenant in this plan, so it is not run", table.name())))
}

fn unknown(scan: &TableScan) -> Result<()> {
    plan_err!("{} is no table here", scan.table_name)
}

fn is_equality(condition: &Expr, column: &str, value: &ScalarValue) -> bool {
    let Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) = condition else { return false };
    let pairs = [(left, right), (right, left)];
    pairs.iter().any(|(one, other)| {
        matches!((one.as_ref(), other.as_ref()), (Expr::Column(found), Expr::Literal(literal, _))
            if found.name == column && literal == value)
    })
}
