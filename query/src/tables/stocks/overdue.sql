-- Receivables whose due day was over at the end of a day, and what of them had not come in by then. What was waived is owed by nobody.
SELECT d.receivable_id, d.deal_id, d.account_id, d.rep_id, r.team, r.department, r.region, d.product,
       d.due_on, CAST(CAST($at AS DATE) AS INT) - CAST(d.due_on AS INT) AS days, d.amount, coalesce(p.received, 0) AS received,
       d.amount - coalesce(p.received, 0) AS overdue, d.currency,
       CASE WHEN d.currency = $currency THEN CAST(d.amount - coalesce(p.received, 0) AS DECIMAL(38, 12))
            ELSE CAST(d.amount - coalesce(p.received, 0) AS DECIMAL(38, 6)) * x.rate END AS overdue_converted
FROM receivables AS d
LEFT JOIN (
  SELECT receivable_id, currency, CAST(sum(amount) AS DECIMAL(38, 6)) AS received
  FROM payments WHERE received_on <= $at GROUP BY receivable_id, currency
) AS p ON p.receivable_id = d.receivable_id AND p.currency = d.currency
LEFT JOIN roster AS r ON r.rep_id = d.rep_id AND r.valid_from <= $at AND (r.valid_to IS NULL OR r.valid_to > $at)
LEFT JOIN rates AS x
  ON x.from_currency = d.currency AND x.to_currency = $currency AND x.rate <> 0 AND x.valid_from <= $at AND (x.valid_to IS NULL OR x.valid_to > $at)
WHERE d.due_on < $at AND d.issued_on <= $at AND d.status <> 'waived' AND d.amount > coalesce(p.received, 0)
