-- Facts as they were at a position, by the history that is kept of each.
SELECT
    CAST(v.fact_table AS String) AS in_table,
    v.fact_key AS key,
    max(v.position) AS last_position,
    argMax(v.fact, v.position) AS last_fact
FROM fact_versions AS v
WHERE v.generation = {generation:UInt32} AND v.tenant = {tenant:String} AND v.position <= {position:Int64}
  AND (empty({tables:Array(String)}) OR v.fact_table IN {tables:Array(String)})
GROUP BY v.fact_table, v.fact_key
HAVING argMax(v.`exists`, v.position) = 1
