-- Tableau Desktop 2023 to 2025 with its PostgreSQL connector (JDBC driver 42.x): connecting, what it tries to find out, and views.
-- It fills its tree through DatabaseMetaData: jdbc.sql. Written anew in the shape that github issues risingwavelabs/risingwave 10459,
-- cube-js/cube 10721 and tableau/connector-plugin-sdk 1252 show. A statement after `refused` must fail, and Tableau goes on without.
SET extra_float_digits = 3;
SET application_name = 'Tableau';
SET client_encoding TO 'UTF8';
SET client_min_messages TO 'notice';
SET TimeZone TO 'UTC';
SELECT current_database();
select current_schema();
SELECT 1 AS "COL";
-- refused
CREATE LOCAL TEMPORARY TABLE "#Tableau_1_A1B2_1_Connect_Check" ("COL" INTEGER) ON COMMIT PRESERVE ROWS;
-- refused
DROP TABLE "#Tableau_1_A1B2_1_Connect_Check";
-- refused
SELECT * INTO "#Tableau_1_A1B2_2_Connect_CheckSelectInto" FROM (SELECT 1 AS "COL") AS "CHECKTEMP";
SELECT "SUBCOL" AS "COL" FROM (SELECT 1 AS "SUBCOL") "SUBQUERY" GROUP BY 1;
SELECT "COL" FROM (SELECT 1 AS "COL") AS "CHECKTOP" LIMIT 1;
SELECT SUM(1) AS "COL" FROM (SELECT 1 AS "A") "T" HAVING (COUNT(1) > 0);
SELECT "deals"."deal_id" AS "deal_id", "deals"."status" AS "status", "deals"."amount" AS "amount" FROM "public"."deals" "deals" LIMIT 100;
SELECT CAST("deals"."status" AS TEXT) AS "status", SUM("deals"."amount") AS "sum:amount:ok" FROM "public"."deals" "deals" GROUP BY 1;
SELECT DATE_TRUNC('MONTH', CAST("deals"."opened_on" AS DATE)) AS "tmn:opened_on:ok", COUNT(1) AS "cnt:deals:ok" FROM "public"."deals" "deals" GROUP BY 1;
SELECT CAST(TRUNC(EXTRACT(YEAR FROM "deals"."opened_on")) AS INTEGER) AS "yr:opened_on:ok", COUNT(DISTINCT "deals"."rep_id") AS "ctd:rep_id:ok" FROM "public"."deals" "deals" GROUP BY 1;
SELECT MIN("deals"."opened_at") AS "min", MAX("deals"."opened_at") AS "max" FROM "public"."deals" "deals" HAVING (COUNT(1) > 0);
SELECT "t0"."status" AS "status", SUM("deals"."amount") AS "sum:amount:ok" FROM "public"."deals" "deals"
INNER JOIN (SELECT "deals"."status" AS "status", SUM("deals"."amount") AS "$__alias__0" FROM "public"."deals" "deals" GROUP BY 1 ORDER BY 2 DESC LIMIT 10) "t0"
ON (CAST("deals"."status" AS TEXT) IS NOT DISTINCT FROM CAST("t0"."status" AS TEXT)) GROUP BY 1;
