//! Plans as ClickHouse's SQL: an allow-list. What is not on it, or would not mean exactly the same, is unsupported and
//! stays with DataFusion.

mod aggregate;
mod date;
mod expression;
mod function;
mod literal;
mod relation;
mod types;

use datafusion::logical_expr::LogicalPlan;

pub(crate) use relation::Relation;

use super::Statement;

/// Why something cannot be said.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("ClickHouse is not asked for {0}")]
pub(crate) struct Unsupported(pub(crate) String);

/// What can be said, or why it cannot.
pub(crate) type Said<T> = Result<T, Unsupported>;

/// Deeper plans and expressions stay local: each level is a level of the stack here and in the engine.
const DEPTH_MAX: usize = 60;

/// Writes one statement. Every column of every level has a name of its own, so that none can hide another.
#[derive(Debug, Default)]
pub(crate) struct Translator {
    values: Vec<String>,
    names: usize,
    depth: usize,
}

impl Translator {
    /// A whole plan as one statement.
    ///
    /// # Errors
    /// Why it has to stay local.
    pub(crate) fn statement(plan: &LogicalPlan) -> Said<Statement> {
        let mut translator = Self::default();
        let relation = match plan {
            LogicalPlan::Sort(sort) => translator.best(sort)?,
            other => translator.relation(other)?,
        };
        Ok(translator.finish(relation))
    }

    /// The statement of a relation that this translator wrote.
    pub(crate) fn finish(self, relation: Relation) -> Statement {
        Statement { sql: relation.sql, values: self.values }
    }

    /// A name that nothing else has.
    fn name(&mut self) -> String {
        self.names += 1;
        format!("a{}", self.names)
    }

    /// Binds a value.
    fn value(&mut self, clickhouse_type: &str, value: String) -> String {
        self.values.push(value);
        format!("{{p{}:{clickhouse_type}}}", self.values.len() - 1)
    }

    /// One level deeper.
    fn deeper<T>(&mut self, say: impl FnOnce(&mut Self) -> Said<T>) -> Said<T> {
        if self.depth >= DEPTH_MAX {
            return Err(Unsupported(format!("more than {DEPTH_MAX} levels")));
        }
        self.depth += 1;
        let said = say(self);
        self.depth -= 1;
        said
    }
}

fn unsupported<T>(what: impl Into<String>) -> Said<T> {
    Err(Unsupported(what.into()))
}
