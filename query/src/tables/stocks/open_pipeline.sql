-- Deals that were open at the end of a day, with the stage and the units of then.
SELECT d.deal_id, d.account_id, d.rep_id, r.team, r.department, r.region, d.kind, d.product, s.stage,
       d.opened_on, d.expected_close_on, d.amount, d.currency,
       CASE WHEN d.currency = $currency THEN CAST(d.amount AS DECIMAL(38, 12)) ELSE d.amount * x.rate END AS amount_converted
FROM deals AS d
LEFT JOIN deal_stages AS s ON s.deal_id = d.deal_id AND s.entered_on <= $at AND (s.left_on IS NULL OR s.left_on > $at)
LEFT JOIN roster AS r ON r.rep_id = d.rep_id AND r.valid_from <= $at AND (r.valid_to IS NULL OR r.valid_to > $at)
LEFT JOIN rates AS x
  ON x.from_currency = d.currency AND x.to_currency = $currency AND x.rate <> 0 AND x.valid_from <= $at AND (x.valid_to IS NULL OR x.valid_to > $at)
WHERE d.opened_on <= $at AND (d.closed_on IS NULL OR d.closed_on > $at)
