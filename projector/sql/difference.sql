-- Every cell and value of two generations side by side, added up per KPI and currency.
SELECT
    toString(kpi) AS name,
    toString(currency) AS money,
    countIf(row_kind = 'cell' AND facts_old != 0) AS cells_old,
    countIf(row_kind = 'cell' AND facts_new != 0) AS cells_new,
    countIf(facts_old != facts_new OR sums_old != sums_new) AS differ,
    sumIf(facts_old, row_kind = 'cell') AS counted_old,
    sumIf(facts_new, row_kind = 'cell') AS counted_new,
    arrayMap(total -> toString(total), sumForEach(sums_old)) AS totals_old,
    arrayMap(total -> toString(total), sumForEach(sums_new)) AS totals_new
FROM
(
    SELECT
        kpi,
        currency,
        row_kind,
        sumIf(facts, generation = {old:UInt32}) AS facts_old,
        sumIf(facts, generation = {new:UInt32}) AS facts_new,
        sumForEachIf([s0, s1, s2, s3, s4, s5], generation = {old:UInt32}) AS sums_old,
        sumForEachIf([s0, s1, s2, s3, s4, s5], generation = {new:UInt32}) AS sums_new
    FROM kpi_cells FINAL
    WHERE generation IN ({old:UInt32}, {new:UInt32}) AND row_kind != 'watermark'
    GROUP BY tenant, kpi, currency, row_kind, day, rep_id, d0, d1, d2, slot, text, number
)
GROUP BY kpi, currency
ORDER BY kpi, currency
