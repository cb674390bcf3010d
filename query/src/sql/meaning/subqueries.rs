//! Questions in a question, and those of sets.

use std::ops::ControlFlow;

use datafusion::sql::{
    sqlparser::ast::{
        BinaryOperator, DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, GroupByExpr, Query,
        SelectItem, SetExpr, SetOperator, SetQuantifier, Statement, TableFactor, TableWithJoins, UnaryOperator,
        visit_expressions_mut,
    },
    sqlparser::{dialect::PostgreSqlDialect, parser::Parser},
};

use super::{super::functions::AMONG, functions::call};

pub(super) fn counts_the_same(body: &SetExpr) -> bool {
    match body {
        SetExpr::SetOperation { op, set_quantifier, left, right } => {
            let is_all = matches!(set_quantifier, SetQuantifier::All | SetQuantifier::AllByName);
            is_all && matches!(op, SetOperator::Except | SetOperator::Intersect | SetOperator::Minus)
                || counts_the_same(left)
                || counts_the_same(right)
        }
        _ => false,
    }
}

/// Gives a question's column a name of its own: where what it is compared with is called the same, DataFusion compares it with itself.
pub(super) fn stand_apart(query: &mut Query) {
    if let Some(apart) = within("SELECT value FROM (SELECT 1) AS quantified (value)", query) {
        *query = apart;
    }
}

/// A question of one column in the place of the innermost of another.
fn within(around: &str, query: &Query) -> Option<Query> {
    let Statement::Query(mut around) = Parser::parse_sql(&PostgreSqlDialect {}, around).ok()?.pop()? else { return None };
    if let SetExpr::Select(select) = around.body.as_mut()
        && let [TableWithJoins { relation: TableFactor::Derived { subquery, .. }, .. }] = select.from.as_mut_slice()
    {
        **subquery = query.clone();
    }
    Some(*around)
}

/// Whether a condition keeps a row: NULL does not, as little as `false`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kept {
    /// By this alone.
    All,
    /// By this or by something else.
    Any,
}

/// `IN (SELECT …)` in a condition of rows. DataFusion's join answers `false` where it is not known, which keeps the same rows,
/// unless something else is made of the answer.
pub(super) fn known_in_condition(condition: &mut Expr) {
    known(condition, Kept::All);
}

fn known(condition: &mut Expr, kept: Kept) {
    match condition {
        Expr::Nested(inner) => known(inner, kept),
        Expr::BinaryOp { left, op: op @ (BinaryOperator::And | BinaryOperator::Or), right } => {
            let kept = if *op == BinaryOperator::Or { Kept::Any } else { kept };
            known(left, kept);
            known(right, kept);
        }
        Expr::InSubquery { expr, negated, .. } if !*negated || kept == Kept::All => known_in_value(expr),
        other => known_in_value(other),
    }
}

/// `IN (SELECT …)` where it is a value, of three: `NOT (a IN (SELECT …))`, `CASE WHEN a IN (SELECT …)`, `count(*) FILTER (WHERE …)`.
pub(super) fn known_in_value(expr: &mut Expr) {
    let _goes_on: ControlFlow<()> = visit_expressions_mut(expr, |expr| {
        let (value, query, negated) = match &*expr {
            Expr::InSubquery { expr, subquery, negated } => (expr, subquery.as_ref(), *negated),
            Expr::AnyOp { left, compare_op: BinaryOperator::Eq, right, .. } => match right.as_ref() {
                Expr::Subquery(query) => (left, query.as_ref(), false),
                _ => return ControlFlow::Continue(()),
            },
            Expr::AllOp { left, compare_op: BinaryOperator::NotEq, right } => match right.as_ref() {
                Expr::Subquery(query) => (left, query.as_ref(), true),
                _ => return ControlFlow::Continue(()),
            },
            _ => return ControlFlow::Continue(()),
        };
        // What says something of the row is to stay in its place, next to it.
        let list = aggregated(query, |value| distinct_list(value.cloned()));
        if let Some(list) =
            list.or_else(|| within("SELECT array_agg(DISTINCT value) FROM (SELECT 1) AS quantified (value)", query))
        {
            let is_among = Box::new(call(AMONG, vec![value.as_ref().clone(), Expr::Subquery(Box::new(list))]));
            *expr = if negated {
                Expr::Nested(Box::new(Expr::UnaryOp { op: UnaryOperator::Not, expr: is_among }))
            } else {
                *is_among
            };
        }
        ControlFlow::Continue(())
    });
}

/// How many rows a question has; none of one that has to be run to be counted.
pub(super) fn counted(query: &Query) -> Option<Query> {
    let mut all = call("count", vec![]);
    if let Expr::Function(Function { args: FunctionArguments::List(arguments), .. }) = &mut all {
        arguments.args.push(FunctionArg::Unnamed(FunctionArgExpr::Wildcard));
    }
    aggregated(query, |_| Some(all))
}

fn distinct_list(value: Option<Expr>) -> Option<Expr> {
    let mut list = call("array_agg", vec![value?]);
    if let Expr::Function(Function { args: FunctionArguments::List(arguments), .. }) = &mut list {
        arguments.duplicate_treatment = Some(DuplicateTreatment::Distinct);
    }
    Some(list)
}

/// An aggregate of the rows of a question, which is made of its one column, if that is of each row: a column or a constant.
fn aggregated(query: &Query, aggregate: impl FnOnce(Option<&Expr>) -> Option<Expr>) -> Option<Query> {
    let is_plain = query.with.is_none() && query.limit_clause.is_none() && query.fetch.is_none();
    let SetExpr::Select(select) = query.body.as_ref() else { return None };
    let is_ungrouped = matches!(&select.group_by, GroupByExpr::Expressions(groups, _) if groups.is_empty());
    if !is_plain || !is_ungrouped || select.having.is_some() || select.distinct.is_some() {
        return None;
    }
    let aggregate = match select.projection.as_slice() {
        [SelectItem::UnnamedExpr(value) | SelectItem::ExprWithAlias { expr: value, .. }]
            if matches!(value, Expr::Value(_) | Expr::Identifier(_) | Expr::CompoundIdentifier(_)) =>
        {
            aggregate(Some(value))
        }
        [SelectItem::Wildcard(_)] => aggregate(None),
        _ => None,
    }?;
    let mut all = query.clone();
    all.order_by = None;
    if let SetExpr::Select(select) = all.body.as_mut() {
        select.projection = vec![SelectItem::UnnamedExpr(aggregate)];
    }
    Some(all)
}
