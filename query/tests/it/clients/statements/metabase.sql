-- Metabase 0.55 (JDBC driver 42.7): connecting and synchronising tables; the last four, fields and questions, as of 0.51 and later.
-- From the tests of the crate datafusion-postgres 0.19.0 (Apache-2.0), tests/metabase.rs
-- but the last four, which are written anew in the shape that Metabase sends (github issues geldata/gel 8508, cube-js/cube 8926).
SET extra_float_digits = 2;
SET application_name = 'Metabase v0.55.1 [f8f63fdf-d8f8-4573-86ea-4fe4a9548041]';
SHOW TRANSACTION ISOLATION LEVEL;
SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ UNCOMMITTED;
SELECT nspname AS "TABLE_SCHEM", current_database() AS "TABLE_CATALOG" FROM pg_catalog.pg_namespace  WHERE nspname <> 'pg_toast' AND (nspname !~ '^pg_temp_'  OR nspname = (pg_catalog.current_schemas(true))[1]) AND (nspname !~ '^pg_toast_temp_'  OR nspname = replace((pg_catalog.current_schemas(true))[1], 'pg_temp_', 'pg_toast_temp_'))  ORDER BY "TABLE_SCHEM";
with table_privileges as (
         select
           NULL as role,
           t.schemaname as schema,
           t.objectname as table,
           pg_catalog.has_any_column_privilege(current_user, '"' || replace(t.schemaname, '"', '""') || '"' || '.' || '"' || replace(t.objectname, '"', '""') || '"',  'update') as update,
           pg_catalog.has_any_column_privilege(current_user, '"' || replace(t.schemaname, '"', '""') || '"' || '.' || '"' || replace(t.objectname, '"', '""') || '"',  'select') as select,
           pg_catalog.has_any_column_privilege(current_user, '"' || replace(t.schemaname, '"', '""') || '"' || '.' || '"' || replace(t.objectname, '"', '""') || '"',  'insert') as insert,
           pg_catalog.has_table_privilege(     current_user, '"' || replace(t.schemaname, '"', '""') || '"' || '.' || '"' || replace(t.objectname, '"', '""') || '"',  'delete') as delete
         from (
           select schemaname, tablename as objectname from pg_catalog.pg_tables
           union
           select schemaname, viewname as objectname from pg_catalog.pg_views
           union
           select schemaname, matviewname as objectname from pg_catalog.pg_matviews
         ) t
         where t.schemaname !~ '^pg_'
           and t.schemaname <> 'information_schema'
           and pg_catalog.has_schema_privilege(current_user, t.schemaname, 'usage')
        )
        select t.*
        from table_privileges t;
SELECT "n"."nspname" AS "schema", "c"."relname" AS "name", CASE "c"."relkind" WHEN 'r' THEN 'TABLE' WHEN 'p' THEN 'PARTITIONED TABLE' WHEN 'v' THEN 'VIEW' WHEN 'f' THEN 'FOREIGN TABLE' WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE NULL END AS "type", "d"."description" AS "description", "stat"."n_live_tup" AS "estimated_row_count" FROM "pg_catalog"."pg_class" AS "c" INNER JOIN "pg_catalog"."pg_namespace" AS "n" ON "c"."relnamespace" = "n"."oid" LEFT JOIN "pg_catalog"."pg_description" AS "d" ON ("c"."oid" = "d"."objoid") AND ("d"."objsubid" = '0') AND ("d"."classoid" = 'pg_class'::regclass) LEFT JOIN "pg_stat_user_tables" AS "stat" ON ("n"."nspname" = "stat"."schemaname") AND ("c"."relname" = "stat"."relname") WHERE ("c"."relnamespace" = "n"."oid") AND ("n"."nspname" !~ '^pg_') AND ("n"."nspname" <> 'information_schema') AND c.relkind in ('r', 'p', 'v', 'f', 'm') AND ("n"."nspname" IN ('public')) ORDER BY "type" ASC, "schema" ASC, "name" ASC;
SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED;
show timezone;
SELECT "col"."column_name" AS "name",
       CASE WHEN "col"."udt_schema" IN ('public', 'pg_catalog') THEN format('%s', "col"."udt_name")
            ELSE format('"%s"."%s"', "col"."udt_schema", "col"."udt_name") END AS "database-type",
       "col"."ordinal_position" - 1 AS "database-position",
       "col"."table_schema" AS "table-schema",
       "col"."table_name" AS "table-name",
       "key"."column_name" IS NOT NULL AS "pk?",
       col_description(CAST(CAST(format('%I.%I', CAST("col"."table_schema" AS TEXT), CAST("col"."table_name" AS TEXT)) AS REGCLASS) AS OID),
                       "col"."ordinal_position") AS "field-comment",
       (("col"."column_default" IS NULL) OR (LOWER("col"."column_default") = 'null')) AND ("col"."is_nullable" = 'NO')
           AND NOT ((("col"."column_default" IS NOT NULL) AND ("col"."column_default" LIKE '%nextval(%')) OR ("col"."is_identity" <> 'NO'))
           AS "database-required"
FROM "information_schema"."columns" AS "col"
LEFT JOIN (SELECT "con"."table_schema", "con"."table_name", "use"."column_name"
           FROM "information_schema"."table_constraints" AS "con"
           INNER JOIN "information_schema"."key_column_usage" AS "use"
               ON "con"."constraint_name" = "use"."constraint_name" AND "con"."table_schema" = "use"."table_schema"
                  AND "con"."table_name" = "use"."table_name"
           WHERE "con"."constraint_type" = 'PRIMARY KEY') AS "key"
    ON "col"."table_schema" = "key"."table_schema" AND "col"."table_name" = "key"."table_name" AND "col"."column_name" = "key"."column_name"
WHERE "col"."table_schema" !~ '^information_schema|catalog_history|pg_' AND "col"."table_schema" IN ('public')
ORDER BY "table-schema", "table-name", "database-position";
SELECT "source"."opened_at" AS "opened_at", COUNT(*) AS "count", SUM("source"."amount") AS "sum"
FROM (SELECT DATE_TRUNC('month', "public"."deals"."opened_at") AS "opened_at", "public"."deals"."amount" AS "amount"
      FROM "public"."deals" WHERE "public"."deals"."status" = 'won') AS "source"
GROUP BY "source"."opened_at" ORDER BY "source"."opened_at" ASC;
SELECT "public"."deals"."deal_id" AS "deal_id", "public"."deals"."amount" AS "amount" FROM "public"."deals" LIMIT 2000;
SELECT COUNT(*) AS "count" FROM "public"."deals"
WHERE ("public"."deals"."opened_at" >= CAST((NOW() + (INTERVAL '-30 day')) AS date)) AND ("public"."deals"."opened_at" < CAST(NOW() AS date));
