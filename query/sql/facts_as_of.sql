-- The facts of a table as they were after the event at a position, those alone whose business day is asked for.
SELECT fact_key, argMax(v.fact, v.position) AS fact
FROM fact_versions AS v
WHERE v.generation = {generation:UInt32} AND v.tenant = {tenant:String} AND v.fact_table = {table:String} AND v.position <= {position:Int64}
GROUP BY v.fact_key
HAVING argMax(v.`exists`, v.position) = 1
   AND ({day:String} = '' OR JSONExtract(fact, {day:String}, 'Nullable(Int32)') BETWEEN {from:Int32} AND {to:Int32})
-- In the order of the table: one key at a time is held.
SETTINGS optimize_aggregation_in_order = 1
