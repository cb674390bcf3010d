//! `events`: the record of the log, duplicates included.

use arrow::datatypes::SchemaRef;

use super::ddl;

/// Its name.
pub(super) const NAME: &str = "events";

/// Its columns, the tenant among them.
pub(super) fn columns() -> SchemaRef {
    ddl::columns(NAME)
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_column_of_the_ddl_is_there() {
        let columns = super::columns();
        let names: Vec<&str> = columns.fields().iter().map(|field| field.name().as_str()).collect();
        assert_eq!(names.first(), Some(&"tenant"));
        assert_eq!(names.len(), 16, "{names:?}");
        assert!(!columns.field_with_name("data").unwrap().metadata()["comment"].is_empty());
    }
}
