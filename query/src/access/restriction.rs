//! The last look at a plan before it runs: every scan of a table in ClickHouse is restricted to one tenant and one
//! generation, and every other table is one of ours. What is not known to be harmless is refused.

use std::{any::Any, sync::Arc};

use datafusion::{
    common::{ScalarValue, plan_err, tree_node::TreeNodeRecursion},
    datasource::{cte_worktable::CteWorkTable, source_as_provider},
    error::{DataFusionError, Result},
    logical_expr::{BinaryExpr, Expr, LogicalPlan, Operator, TableScan, utils::split_conjunction},
};

use crate::tables::{ClickHouseTable, GENERATION, LOCAL, StreamedTable, TENANT, is_kpi_values};

/// What a plan may read.
#[derive(Debug, Clone, PartialEq, Eq)]
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
        let is_ours = LOCAL.contains(&scan.table_name.table()) || is_kpi_values(scan.table_name.table());
        let describes = matches!(scan.table_name.schema(), Some("information_schema" | "pg_catalog"));
        if let Some(streamed) = StreamedTable::of(provider.as_ref()) {
            return if streamed.restriction() == to { Ok(()) } else { unknown(scan) };
        }
        // What a recursive question has found so far is made of scans that are looked at themselves.
        if (provider.as_ref() as &dyn Any).is::<CteWorkTable>() {
            return Ok(());
        }
        // Rows out of nothing, which clients of a PostgreSQL rely on.
        let counts = matches!(scan.table_name.table(), "generate_series()" | "range()" | "pg_get_keywords()");
        return if is_ours || describes || counts { Ok(()) } else { unknown(scan) };
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

/// `column = value`, however it is turned around.
fn is_equality(condition: &Expr, column: &str, value: &ScalarValue) -> bool {
    let Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) = condition else { return false };
    let pairs = [(left, right), (right, left)];
    pairs.iter().any(|(one, other)| {
        matches!((one.as_ref(), other.as_ref()), (Expr::Column(found), Expr::Literal(literal, _))
            if found.name == column && literal == value)
    })
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::{DataType, Field, Schema};
    use clickhouse::Client;
    use datafusion::{
        datasource::{MemTable, TableProvider, provider_as_source},
        logical_expr::{LogicalPlanBuilder, col, lit},
        prelude::JoinType,
    };

    use super::*;

    fn raw(name: &'static str) -> LogicalPlanBuilder {
        let fields = [(TENANT, DataType::Utf8), (GENERATION, DataType::UInt32), ("x", DataType::Int64)];
        let schema = Schema::new(fields.map(|(name, data_type)| Field::new(name, data_type, true)).to_vec());
        let table: Arc<dyn TableProvider> = Arc::new(ClickHouseTable::new(name, Arc::new(schema), Client::default()));
        LogicalPlanBuilder::scan(name, provider_as_source(table), None).unwrap()
    }

    fn restricted(name: &'static str) -> LogicalPlanBuilder {
        raw(name)
            .filter(col(TENANT).eq(lit("acme")))
            .unwrap()
            .filter(lit(1_u32).eq(col(GENERATION)).and(col("x").gt(lit(0))))
            .unwrap()
    }

    fn checked(plan: LogicalPlanBuilder) -> Result<()> {
        check(&plan.build()?, &Restriction { tenant: "acme".into(), generation: 1 })
    }

    #[test]
    fn restricted_scans_pass() {
        checked(restricted("a")).unwrap();
        checked(restricted("a").project([col("x")]).unwrap().limit(0, Some(1)).unwrap()).unwrap();
        checked(restricted("a").union(restricted("b").build().unwrap()).unwrap()).unwrap();
    }

    #[test]
    fn everything_else_is_refused() {
        let tenant = |value: &str| col(TENANT).eq(lit(value));
        let generation = |value: u32| col(GENERATION).eq(lit(value));
        let filtered = |filter: Expr| raw("a").filter(filter).unwrap();
        let join = restricted("a").join(raw("b").build().unwrap(), JoinType::Inner, (vec!["a.x"], vec!["b.x"]), None);
        let subquery =
            LogicalPlanBuilder::empty(true).filter(datafusion::logical_expr::exists(Arc::new(raw("a").build().unwrap())));
        let memory = MemTable::try_new(Arc::new(Schema::empty()), vec![vec![]]).unwrap();
        let unknown = LogicalPlanBuilder::scan("stranger", provider_as_source(Arc::new(memory)), None).unwrap();
        let cases = [
            ("nothing", raw("a")),
            ("another tenant", filtered(tenant("other").and(generation(1)))),
            ("another generation", filtered(tenant("acme").and(generation(2)))),
            ("no generation", filtered(tenant("acme"))),
            ("either", filtered(tenant("acme").or(col("x").gt(lit(0))).and(generation(1)))),
            ("not", filtered(tenant("acme").not_eq(lit(true)).and(generation(1)))),
            ("above a limit", raw("a").limit(0, Some(9)).unwrap().filter(tenant("acme").and(generation(1))).unwrap()),
            ("one side of a join", join.unwrap()),
            ("one side of a union", restricted("a").union(raw("b").build().unwrap()).unwrap()),
            ("a subquery", subquery.unwrap()),
            ("an unknown table", unknown),
        ];
        for (what, plan) in cases {
            let error = checked(plan).expect_err(what).strip_backtrace();
            assert!(error.contains("not restricted") || error.contains("no table here"), "{what}: {error}");
        }
    }
}
