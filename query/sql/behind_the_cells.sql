-- How far the rosters and exchange rates of these companies go: they move numbers without moving a cell.
SELECT CAST(tenant AS String) AS company, max(position) AS position
FROM fact_versions
WHERE generation = {generation:UInt32} AND tenant IN {tenants:Array(String)} AND fact_table IN ('roster', 'rates')
GROUP BY company
