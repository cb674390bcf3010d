SELECT count() FROM schema_steps FINAL
