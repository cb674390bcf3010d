-- Grafana (its PostgreSQL data source; tables and columns of the query builder), then panels as its macros expand.
-- From the tests of the crate datafusion-postgres 0.19.0 (Apache-2.0), tests/grafana.rs
-- with the table named ours; the panels are written here.
SELECT
        CASE WHEN
              quote_ident(table_schema) IN (
              SELECT
                CASE WHEN trim(s[i]) = '"$user"' THEN user ELSE trim(s[i]) END
              FROM
                generate_series(
                  array_lower(string_to_array(current_setting('search_path'),','),1),
                  array_upper(string_to_array(current_setting('search_path'),','),1)
                ) as i,
                string_to_array(current_setting('search_path'),',') s
              )
          THEN quote_ident(table_name)
          ELSE quote_ident(table_schema) || '.' || quote_ident(table_name)
        END AS "table"
        FROM information_schema.tables
        WHERE quote_ident(table_schema) NOT IN ('information_schema',
                                 'pg_catalog',
                                 '_timescaledb_cache',
                                 '_timescaledb_catalog',
                                 '_timescaledb_internal',
                                 '_timescaledb_config',
                                 'timescaledb_information',
                                 'timescaledb_experimental')
        ORDER BY CASE WHEN
              quote_ident(table_schema) IN (
              SELECT
                CASE WHEN trim(s[i]) = '"$user"' THEN user ELSE trim(s[i]) END
              FROM
                generate_series(
                  array_lower(string_to_array(current_setting('search_path'),','),1),
                  array_upper(string_to_array(current_setting('search_path'),','),1)
                ) as i,
                string_to_array(current_setting('search_path'),',') s
              ) THEN 0 ELSE 1 END, 1;
SELECT quote_ident(column_name) AS "column", data_type AS "type"
        FROM information_schema.columns
        WHERE
          CASE WHEN array_length(parse_ident('public.deals'),1) = 2
            THEN quote_ident(table_schema) = (parse_ident('public.deals'))[1]
              AND quote_ident(table_name) = (parse_ident('public.deals'))[2]
            ELSE quote_ident(table_name) = 'public.deals'
              AND
              quote_ident(table_schema) IN (
              SELECT
                CASE WHEN trim(s[i]) = '"$user"' THEN user ELSE trim(s[i]) END
              FROM
                generate_series(
                  array_lower(string_to_array(current_setting('search_path'),','),1),
                  array_upper(string_to_array(current_setting('search_path'),','),1)
                ) as i,
                string_to_array(current_setting('search_path'),',') s
              )
          END;
SELECT version();
SELECT current_setting('server_version_num')::int/100 as version;
SELECT floor(extract(epoch from opened_at)/3600)*3600 AS "time", status AS metric, count(*) AS value
FROM deals WHERE opened_at BETWEEN '2026-01-01T00:00:00Z' AND '2026-12-31T23:59:59Z' GROUP BY 1, 2 ORDER BY 1, 2;
SELECT date_bin('1 day', opened_at, '1970-01-01T00:00:00Z') AS "time", sum(amount) AS value
FROM deals WHERE opened_at >= '2026-01-01T00:00:00Z' GROUP BY 1 ORDER BY 1 LIMIT 50;
