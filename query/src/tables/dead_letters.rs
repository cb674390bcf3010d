//! `dead_letters`: what was refused and what became of it; never what was in it.

use arrow::datatypes::SchemaRef;

use super::ddl;

/// Its name.
pub(super) const NAME: &str = "dead_letters";

/// Its columns, the tenant among them.
pub(super) fn columns() -> SchemaRef {
    ddl::columns(NAME)
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_column_but_our_own_is_there() {
        let columns = super::columns();
        let names: Vec<&str> = columns.fields().iter().map(|field| field.name().as_str()).collect();
        assert_eq!(
            names,
            [
                "tenant",
                "id",
                "source",
                "state",
                "reason",
                "field",
                "reasons",
                "times",
                "first_at",
                "last_at",
                "resolved_at",
                "resolved_by"
            ]
        );
    }
}
