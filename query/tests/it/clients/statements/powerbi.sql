-- Power BI Desktop of 2025 with Npgsql 4 to 9: loading the types (new form, then the old), tables, keys and data.
-- Written anew, not their text: the same tables, joins, functions and conditions as in github issues datafusion-contrib/datafusion-postgres
-- 218 and GoogleCloudPlatform/pgadapter 1663; the two of data are in the shape of what Power Query folds.
SELECT version();
SELECT scope.nspname, t.oid, t.typname, t.typtype, t.typnotnull, t.elemtypoid
FROM (
    SELECT one.oid, one.typnamespace, one.typname, one.typtype, one.typrelid, one.typnotnull, one.relkind,
           elem.oid AS elemtypoid, elem.typname AS elemtypname, elem_class.relkind AS elemrelkind,
           CASE WHEN elem_proc.proname = 'array_recv' THEN 'a' ELSE elem.typtype END AS elemtyptype
    FROM (
        SELECT typ.oid, typnamespace, typname, typrelid, typnotnull, relkind, typelem AS elemoid,
               CASE WHEN proc.proname = 'array_recv' THEN 'a' ELSE typ.typtype END AS typtype,
               CASE
                   WHEN proc.proname = 'array_recv' THEN typ.typelem
                   WHEN typ.typtype = 'r' THEN rngsubtype
                   WHEN typ.typtype = 'm' THEN (SELECT rngtypid FROM pg_range WHERE rngmultitypid = typ.oid)
                   WHEN typ.typtype = 'd' THEN typ.typbasetype
               END AS elemtypoid
        FROM pg_type AS typ
        LEFT JOIN pg_class AS class ON (class.oid = typ.typrelid)
        LEFT JOIN pg_proc AS proc ON proc.oid = typ.typreceive
        LEFT JOIN pg_range ON (pg_range.rngtypid = typ.oid)
    ) AS one
    LEFT JOIN pg_type AS elem ON elem.oid = one.elemtypoid
    LEFT JOIN pg_class AS elem_class ON (elem_class.oid = elem.typrelid)
    LEFT JOIN pg_proc AS elem_proc ON elem_proc.oid = elem.typreceive
) AS t
JOIN pg_namespace AS scope ON (scope.oid = t.typnamespace)
WHERE t.typtype IN ('b', 'r', 'm', 'e', 'd')
   OR (t.typtype = 'c' AND t.relkind = 'c')
   OR (t.typtype = 'p' AND t.typname IN ('record', 'void'))
   OR (t.typtype = 'a' AND (t.elemtyptype IN ('b', 'r', 'm', 'e', 'd')
                            OR (t.elemtyptype = 'p' AND t.elemtypname IN ('record', 'void'))
                            OR (t.elemtyptype = 'c' AND t.elemrelkind = 'c')))
ORDER BY CASE
    WHEN t.typtype IN ('b', 'e', 'p') THEN 0
    WHEN t.typtype = 'r' THEN 1
    WHEN t.typtype = 'm' THEN 2
    WHEN t.typtype = 'c' THEN 3
    WHEN t.typtype = 'd' AND t.elemtyptype <> 'a' THEN 4
    WHEN t.typtype = 'a' THEN 5
    WHEN t.typtype = 'd' AND t.elemtyptype = 'a' THEN 6
END;
SELECT scope.nspname, inner_type.typname, inner_type.oid, inner_type.typrelid, inner_type.typbasetype,
       CASE WHEN pg_proc.proname = 'array_recv' THEN 'a' ELSE inner_type.typtype END AS type,
       CASE WHEN pg_proc.proname = 'array_recv' THEN inner_type.typelem WHEN inner_type.typtype = 'r' THEN rngsubtype ELSE 0 END AS elemoid,
       CASE WHEN pg_proc.proname IN ('array_recv', 'oidvectorrecv') THEN 3
            WHEN inner_type.typtype = 'r' THEN 2
            WHEN inner_type.typtype = 'd' THEN 1
            ELSE 0 END AS ord
FROM pg_type AS inner_type
JOIN pg_namespace AS scope ON (scope.oid = inner_type.typnamespace)
JOIN pg_proc ON pg_proc.oid = inner_type.typreceive
LEFT OUTER JOIN pg_class AS class ON (class.oid = inner_type.typrelid)
LEFT OUTER JOIN pg_type AS elem ON (elem.oid = inner_type.typelem)
LEFT OUTER JOIN pg_class AS elem_class ON (elem_class.oid = elem.typrelid)
LEFT OUTER JOIN pg_range ON (pg_range.rngtypid = inner_type.oid)
WHERE inner_type.typtype IN ('b', 'r', 'e', 'd')
   OR (inner_type.typtype = 'c' AND class.relkind = 'c')
   OR (pg_proc.proname = 'array_recv' AND (elem.typtype IN ('b', 'r', 'e', 'd') OR (elem.typtype = 'p' AND elem.typname IN ('record', 'void'))
                                           OR (elem.typtype = 'c' AND elem_class.relkind = 'c')))
   OR (inner_type.typtype = 'p' AND inner_type.typname IN ('record', 'void'))
ORDER BY ord;
SELECT typ.oid, att.attname, att.atttypid
FROM pg_type AS typ
JOIN pg_namespace AS scope ON (scope.oid = typ.typnamespace)
JOIN pg_class AS class ON (class.oid = typ.typrelid)
JOIN pg_attribute AS att ON (att.attrelid = typ.typrelid)
WHERE (typ.typtype = 'c' AND class.relkind = 'c') AND att.attnum > 0 AND NOT att.attisdropped
ORDER BY typ.oid, att.attnum;
SELECT pg_type.oid, enumlabel FROM pg_enum JOIN pg_type ON pg_type.oid = enumtypid ORDER BY oid, enumsortorder;
select character_set_name from INFORMATION_SCHEMA.character_sets;
select TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE
from INFORMATION_SCHEMA.tables
where TABLE_SCHEMA not in ('information_schema', 'pg_catalog')
order by TABLE_SCHEMA, TABLE_NAME;
DISCARD ALL;
select COLUMN_NAME, ORDINAL_POSITION, IS_NULLABLE, case when (data_type like '%unsigned%') then DATA_TYPE || ' unsigned' else DATA_TYPE end as DATA_TYPE
from INFORMATION_SCHEMA.columns
where TABLE_SCHEMA = 'public' and TABLE_NAME = 'deals'
order by TABLE_SCHEMA, TABLE_NAME, ORDINAL_POSITION;
select con.CONSTRAINT_SCHEMA || '_' || con.CONSTRAINT_NAME as INDEX_NAME, col.COLUMN_NAME, col.ORDINAL_POSITION,
       case when con.CONSTRAINT_TYPE = 'PRIMARY KEY' then 'Y' else 'N' end as PRIMARY_KEY
from INFORMATION_SCHEMA.table_constraints as con
inner join INFORMATION_SCHEMA.key_column_usage as col
    on con.CONSTRAINT_SCHEMA = col.CONSTRAINT_SCHEMA and con.CONSTRAINT_NAME = col.CONSTRAINT_NAME
       and con.TABLE_SCHEMA = col.TABLE_SCHEMA and con.TABLE_NAME = col.TABLE_NAME
where con.TABLE_SCHEMA = 'public' and con.TABLE_NAME = 'deals' and con.CONSTRAINT_TYPE in ('PRIMARY KEY', 'UNIQUE')
order by con.CONSTRAINT_TYPE desc, con.TABLE_SCHEMA, con.TABLE_NAME, con.CONSTRAINT_NAME, col.ORDINAL_POSITION;
select target.TABLE_SCHEMA as PK_TABLE_SCHEMA, target.TABLE_NAME as PK_TABLE_NAME, target.COLUMN_NAME as PK_COLUMN_NAME,
       origin.COLUMN_NAME as FK_COLUMN_NAME, origin.ORDINAL_POSITION as ORDINAL,
       con.CONSTRAINT_SCHEMA || '_' || 'deals' || '_' || target.TABLE_NAME || '_' || con.CONSTRAINT_NAME as FK_NAME
from (select distinct constraint_catalog, constraint_schema, unique_constraint_schema, constraint_name, unique_constraint_name
      from INFORMATION_SCHEMA.REFERENTIAL_CONSTRAINTS) as con
inner join INFORMATION_SCHEMA.KEY_COLUMN_USAGE as origin
    on con.CONSTRAINT_SCHEMA = origin.CONSTRAINT_SCHEMA and con.CONSTRAINT_NAME = origin.CONSTRAINT_NAME
inner join INFORMATION_SCHEMA.KEY_COLUMN_USAGE as target
    on con.UNIQUE_CONSTRAINT_SCHEMA = target.CONSTRAINT_SCHEMA and con.UNIQUE_CONSTRAINT_NAME = target.CONSTRAINT_NAME
where origin.TABLE_SCHEMA = 'public' and origin.TABLE_NAME = 'deals' and target.ORDINAL_POSITION = origin.ORDINAL_POSITION
order by FK_NAME, origin.ORDINAL_POSITION;
select "$Table"."deal_id" as "deal_id", "$Table"."rep_id" as "rep_id", "$Table"."amount" as "amount", "$Table"."opened_at" as "opened_at"
from "public"."deals" "$Table"
limit 1000;
select "rows"."status" as "status", sum("rows"."amount") as "a0", count(1) as "a1"
from (select "_"."status", "_"."amount" from "public"."deals" "_" where "_"."opened_on" >= date '2026-01-01' and "_"."status" is not null) "rows"
group by "status"
limit 1000001;
CLOSE ALL;UNLISTEN *;SELECT pg_advisory_unlock_all();DISCARD SEQUENCES;DISCARD TEMP;
