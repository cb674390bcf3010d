-- The cells of a tenant and the watermark of its partition, in one scan: the position that these numbers are of.
SELECT
    CAST(row_kind AS String) AS kind,
    CAST(kpi AS String) AS kpi_name,
    toInt32(day) AS on_day,
    rep_id,
    CAST([d0, d1, d2] AS Array(String)) AS dims,
    CAST(currency AS String) AS in_currency,
    slot,
    text,
    toString(number) AS decimal,
    facts,
    [toString(s0), toString(s1), toString(s2), toString(s3), toString(s4), toString(s5)] AS sums,
    position_to,
    toInt64(version) AS row_version
FROM kpi_cells FINAL
WHERE generation = {generation:UInt32}
  AND ((tenant = '' AND kpi = '' AND row_kind = 'watermark' AND partition = {partition:Int32})
    OR (tenant = {tenant:String} AND row_kind IN ('cell', 'value') AND (empty({kpis:Array(String)}) OR kpi IN {kpis:Array(String)})))
