//! Plan nodes, each a SELECT around the one below it.

use datafusion::{
    common::{DFSchema, JoinType, NullEquality},
    datasource::source_as_provider,
    logical_expr::{
        Aggregate, Distinct, Expr, Filter, Join, Limit, LogicalPlan, Projection, Sort, TableScan, Union, expr::GroupingSet,
    },
};

use super::{Said, Translator, Unsupported, expression::Scope, types::clickhouse_type, unsupported};
use crate::tables::ClickHouseTable;

/// A SELECT and the names of its columns, which are those of the plan in the plan's order.
#[derive(Debug, Clone)]
pub(crate) struct Relation {
    /// The text.
    pub(crate) sql: String,
    /// The names.
    pub(crate) names: Vec<String>,
}

impl Translator {
    /// A node and everything below it.
    pub(super) fn relation(&mut self, plan: &LogicalPlan) -> Said<Relation> {
        self.deeper(|translator| match plan {
            LogicalPlan::TableScan(scan) => translator.table_scan(scan),
            LogicalPlan::SubqueryAlias(alias) => translator.relation(&alias.input),
            LogicalPlan::Projection(projection) => translator.projection(projection),
            LogicalPlan::Filter(filter) => translator.filter(filter),
            LogicalPlan::Aggregate(aggregate) => translator.grouped(aggregate),
            LogicalPlan::Join(join) => translator.join(join),
            LogicalPlan::Union(union) => translator.union(union),
            LogicalPlan::Limit(limit) => translator.limit(limit),
            LogicalPlan::Distinct(Distinct::All(input)) => {
                let input = translator.relation(input)?;
                Ok(translator.renamed("SELECT DISTINCT", &input, ""))
            }
            other => unsupported(other.display().to_string()),
        })
    }

    /// The best rows of a sort with a LIMIT, in no promised order.
    pub(super) fn best(&mut self, sort: &Sort) -> Said<Relation> {
        let Some(fetch) = sort.fetch else { return unsupported("an order") };
        let input = self.relation(&sort.input)?;
        let scope = Scope { schema: sort.input.schema(), names: &input.names };
        let mut keys = Vec::with_capacity(sort.expr.len());
        for key in &sort.expr {
            clickhouse_type(&scope.type_of(&key.expr)?)?;
            let direction = if key.asc { "ASC" } else { "DESC" };
            let nulls = if key.nulls_first { "FIRST" } else { "LAST" };
            keys.push(format!("{} {direction} NULLS {nulls}", self.expression(&key.expr, &scope)?));
        }
        Ok(self.renamed("SELECT", &input, &format!("\nORDER BY {}\nLIMIT {fetch}", keys.join(", "))))
    }

    fn table_scan(&mut self, scan: &TableScan) -> Said<Relation> {
        let provider = source_as_provider(&scan.source).map_err(|error| Unsupported(error.strip_backtrace()))?;
        let Some(table) = ClickHouseTable::of(provider.as_ref()) else {
            return unsupported(format!("the table {}", scan.table_name));
        };
        self.scan(table, scan.projection.as_deref(), &scan.filters, scan.fetch)
    }

    /// Rows of a table as they are now: older versions and deleted rows are merged away by FINAL.
    ///
    /// # Errors
    /// A column or filter that has to stay local.
    pub(crate) fn scan(
        &mut self,
        table: &ClickHouseTable,
        projection: Option<&[usize]>,
        filters: &[Expr],
        fetch: Option<usize>,
    ) -> Said<Relation> {
        let fields = table.columns().fields();
        let all: Vec<usize> = (0..fields.len()).collect();
        let quoted: Vec<String> = fields.iter().map(|field| format!("`{}`", field.name())).collect();
        let mut names = Vec::new();
        let mut columns = Vec::new();
        for &index in projection.unwrap_or(&all) {
            let (name, type_name) = (self.name(), clickhouse_type(fields[index].data_type())?);
            // LowCardinality and Enum columns become what they stand for.
            let nullable = if fields[index].is_nullable() { format!("Nullable({type_name})") } else { type_name };
            columns.push(format!("CAST({} AS {nullable}) AS {name}", quoted[index]));
            names.push(name);
        }
        let schema =
            DFSchema::try_from(table.columns().as_ref().clone()).map_err(|error| Unsupported(error.strip_backtrace()))?;
        let scope = Scope { schema: &schema, names: &quoted };
        let mut conditions = Vec::with_capacity(filters.len());
        for filter in filters {
            let unqualified = datafusion::logical_expr::expr_rewriter::unnormalize_col(filter.clone());
            conditions.push(self.expression(&unqualified, &scope)?);
        }
        let mut sql = format!("{}\nFROM {} FINAL", select("SELECT", &columns), table.name());
        if !conditions.is_empty() {
            sql += &format!("\nWHERE {}", conditions.join(" AND "));
        }
        if let Some(fetch) = fetch {
            sql += &format!("\nLIMIT {fetch}");
        }
        Ok(Relation { sql, names })
    }

    fn projection(&mut self, projection: &Projection) -> Said<Relation> {
        let input = self.relation(&projection.input)?;
        let scope = Scope { schema: projection.input.schema(), names: &input.names };
        let mut columns = Vec::with_capacity(projection.expr.len());
        for expr in &projection.expr {
            columns.push(self.output(expr, &scope)?);
        }
        Ok(self.around(&columns, &input.sql, ""))
    }

    fn filter(&mut self, filter: &Filter) -> Said<Relation> {
        let input = self.relation(&filter.input)?;
        let scope = Scope { schema: filter.input.schema(), names: &input.names };
        let condition = self.expression(&filter.predicate, &scope)?;
        Ok(self.renamed("SELECT", &input, &format!("\nWHERE {condition}")))
    }

    fn grouped(&mut self, aggregate: &Aggregate) -> Said<Relation> {
        let input = self.relation(&aggregate.input)?;
        let scope = Scope { schema: aggregate.input.schema(), names: &input.names };
        let mut columns = Vec::with_capacity(aggregate.schema.fields().len());
        for expr in &aggregate.group_expr {
            if matches!(expr, Expr::GroupingSet(GroupingSet::Rollup(_) | GroupingSet::Cube(_) | GroupingSet::GroupingSets(_))) {
                return unsupported("grouping sets");
            }
            columns.push(self.output(expr, &scope)?);
        }
        for expr in &aggregate.aggr_expr {
            columns.push(self.aggregate(expr, &scope)?);
        }
        let mut relation = self.around(&columns, &input.sql, "");
        let keys = &relation.names[..aggregate.group_expr.len()];
        if !keys.is_empty() {
            relation.sql += &format!("\nGROUP BY {}", keys.join(", "));
        }
        Ok(relation)
    }

    fn join(&mut self, join: &Join) -> Said<Relation> {
        if join.null_aware || join.null_equality == NullEquality::NullEqualsNull {
            return unsupported("a join that looks at NULLs");
        }
        let kind = match join.join_type {
            JoinType::Inner if join.on.is_empty() => "CROSS JOIN",
            JoinType::Inner => "INNER JOIN",
            _ if join.filter.is_some() || join.on.is_empty() => return unsupported("an outer join on more than equality"),
            JoinType::Left => "LEFT JOIN",
            JoinType::Right => "RIGHT JOIN",
            JoinType::Full => "FULL JOIN",
            JoinType::LeftSemi => "LEFT SEMI JOIN",
            JoinType::LeftAnti => "LEFT ANTI JOIN",
            other => return unsupported(format!("{other} join")),
        };
        let (left, right) = (self.relation(&join.left)?, self.relation(&join.right)?);
        let equal = self.join_keys(join, &left, &right)?;
        let one_sided = matches!(join.join_type, JoinType::LeftSemi | JoinType::LeftAnti);
        let names = if one_sided { left.names.clone() } else { [left.names.clone(), right.names.clone()].concat() };
        let (l, r) = (self.name(), self.name());
        let mut from = format!("(\n{}\n) AS {l}\n{kind} (\n{}\n) AS {r}", indented(&left.sql), indented(&right.sql));
        if !equal.is_empty() {
            from += &format!("\nON {}", equal.join(" AND "));
        }
        if let Some(filter) = &join.filter {
            let scope = Scope { schema: &join.schema, names: &names };
            from += &format!("\nWHERE {}", self.expression(filter, &scope)?);
        }
        let mut columns = Vec::with_capacity(names.len());
        let mut outputs = Vec::with_capacity(names.len());
        for name in &names {
            let output = self.name();
            columns.push(format!("{name} AS {output}"));
            outputs.push(output);
        }
        Ok(Relation { sql: format!("{}\nFROM {from}", select("SELECT", &columns)), names: outputs })
    }

    fn join_keys(&mut self, join: &Join, left: &Relation, right: &Relation) -> Said<Vec<String>> {
        let (on_left, on_right) = (
            Scope { schema: join.left.schema(), names: &left.names },
            Scope { schema: join.right.schema(), names: &right.names },
        );
        let mut equal = Vec::with_capacity(join.on.len());
        for (l, r) in &join.on {
            if clickhouse_type(&on_left.type_of(l)?)? != clickhouse_type(&on_right.type_of(r)?)? {
                return unsupported("a join of two types");
            }
            equal.push(format!("{} = {}", self.expression(l, &on_left)?, self.expression(r, &on_right)?));
        }
        Ok(equal)
    }

    fn union(&mut self, union: &Union) -> Said<Relation> {
        let mut parts = Vec::with_capacity(union.inputs.len());
        let mut first = None;
        for input in &union.inputs {
            for (ours, theirs) in union.schema.fields().iter().zip(input.schema().fields()) {
                if clickhouse_type(ours.data_type())? != clickhouse_type(theirs.data_type())? {
                    return unsupported("a union of several types");
                }
            }
            let part = self.relation(input)?;
            first.get_or_insert(part.names);
            parts.push(indented(&part.sql));
        }
        let names = first.ok_or_else(|| Unsupported("an empty union".to_owned()))?;
        Ok(self.around(&names, &parts.join("\n  UNION ALL\n"), ""))
    }

    fn limit(&mut self, limit: &Limit) -> Said<Relation> {
        use datafusion::logical_expr::{FetchType, SkipType};
        let (Ok(SkipType::Literal(skip)), Ok(FetchType::Literal(Some(fetch)))) = (limit.get_skip_type(), limit.get_fetch_type())
        else {
            return unsupported("a LIMIT that is not a number");
        };
        let input = self.relation(&limit.input)?;
        Ok(self.renamed("SELECT", &input, &format!("\nLIMIT {fetch} OFFSET {skip}")))
    }

    /// All columns of a relation, with what comes after its FROM.
    fn renamed(&mut self, verb: &str, input: &Relation, after: &str) -> Relation {
        let mut relation = self.around(&input.names, &input.sql, after);
        relation.sql = relation.sql.replacen("SELECT", verb, 1);
        relation
    }

    fn around(&mut self, columns: &[String], sql: &str, after: &str) -> Relation {
        let names: Vec<String> = columns.iter().map(|_| self.name()).collect();
        let columns: Vec<String> = columns.iter().zip(&names).map(|(column, name)| format!("{column} AS {name}")).collect();
        Relation { sql: format!("{}\nFROM (\n{}\n){after}", select("SELECT", &columns), indented(sql)), names }
    }
}

/// A plan without columns still has rows.
fn select(verb: &str, columns: &[String]) -> String {
    if columns.is_empty() { format!("{verb} 1") } else { format!("{verb} {}", columns.join(", ")) }
}

fn indented(sql: &str) -> String {
    format!("  {}", sql.replace('\n', "\n  "))
}
