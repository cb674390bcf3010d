-- Deals: several versions, deleted ones, NULLs, another tenant, another generation. Run with merges stopped.
INSERT INTO deals (generation, tenant, deal_id, account_id, rep_id, kind, product, amount, currency, status, stage, opened_at, opened_on, closed_at, closed_on, cycle_ms, cycle_days, version, is_deleted) VALUES
(1, 'acme', 'D-01', 'A-1', 'R-1', 'new', 'P', 1000.5, 'CNY', 'open', 'lead', '2026-01-02 08:00:00', '2026-01-02', NULL, NULL, NULL, NULL, 1, 0),
(1, 'acme', 'D-02', 'A-1', 'R-1', 'new', 'P', 200.25, 'CNY', 'won', 'won', '2026-01-02 09:30:00', '2026-01-02', '2026-01-20 10:00:00', '2026-01-20', 1557000000, 18.020833, 2, 0),
(1, 'acme', 'D-03', 'A-2', 'R-2', 'renewal', 'Q', 300, 'EUR', 'won', 'won', '2026-01-05 00:00:00', '2026-01-05', '2026-02-01 00:00:00.001', '2026-02-01', 2332800001, 27, 3, 0),
(1, 'acme', 'D-04', 'A-2', 'R-2', NULL, NULL, NULL, 'CNY', 'lost', 'lost', '2026-02-01 23:59:59.999', '2026-02-02', '2026-03-01 12:00:00', '2026-03-01', 2376000001, 27.500001, 4, 0),
(1, 'acme', 'D-05', NULL, NULL, 'new', 'P', 0, 'CNY', 'lost', NULL, '2026-02-28 12:00:00', '2026-02-28', '2026-03-31 12:00:00', '2026-03-31', 2678400000, 31, 5, 0),
(1, 'acme', 'D-06', 'A-3', 'R-3', 'expansion', 'it''s 100% "Q"_\\x', 99999999999999.123456, 'CNY', 'won', 'won', '2025-12-31 16:00:00', '2026-01-01', '2026-03-31 15:59:59', '2026-03-31', 7775999000, 89.999988, 6, 0),
(1, 'acme', 'D-07', 'A-3', 'R-1', 'new', '产品', 0.000001, 'CNY', 'won', 'won', '2026-03-01 00:00:00', '2026-03-01', '2026-03-02 00:00:00', '2026-03-02', 86400000, 1, 7, 0),
(1, 'acme', 'D-08', 'A-4', 'R-4', 'new', 'p', 500, 'CNY', 'open', 'offer', '2026-03-15 10:00:00', '2026-03-15', NULL, NULL, NULL, NULL, 8, 0),
(1, 'acme', 'D-09', 'A-4', 'R-4', 'renewal', '', 500, 'USD', 'open', 'offer', '1999-12-31 23:59:59', '2000-01-01', NULL, NULL, NULL, NULL, 9, 0),
(1, 'acme', 'D-10', 'A-5', 'R-1', 'new', 'Q', -12.5, 'CNY', 'won', 'won', '2026-01-31 10:00:00', '2026-01-31', '2026-02-28 10:00:00', '2026-02-28', 2419200000, 28, 10, 0),
(1, 'other', 'D-01', 'A-1', 'R-1', 'new', 'SECRET', 7777, 'EUR', 'won', 'won', '2026-01-02 08:00:00', '2026-01-02', '2026-01-03 08:00:00', '2026-01-03', 86400000, 1, 1, 0),
(2, 'acme', 'D-01', 'A-1', 'R-1', 'new', 'NEXT', 8888, 'CNY', 'won', 'won', '2026-01-02 08:00:00', '2026-01-02', '2026-01-03 08:00:00', '2026-01-03', 86400000, 1, 1, 0);
INSERT INTO deals (generation, tenant, deal_id, account_id, rep_id, kind, product, amount, currency, status, stage, opened_at, opened_on, version, is_deleted) VALUES
(1, 'acme', 'D-01', 'A-1', 'R-1', 'new', 'P', 1500.5, 'CNY', 'open', 'offer', '2026-01-02 08:00:00', '2026-01-02', 21, 0),
(1, 'acme', 'D-08', 'A-4', 'R-4', 'new', 'p', 500, 'CNY', 'open', 'offer', '2026-03-15 10:00:00', '2026-03-15', 22, 1),
(1, 'acme', 'D-11', 'A-9', 'R-9', 'new', 'GONE', 1, 'CNY', 'open', 'offer', '2026-03-15 10:00:00', '2026-03-15', 23, 1),
(1, 'acme', 'D-02', 'A-9', 'R-9', 'new', 'OLD', 1, 'CNY', 'open', 'offer', '2026-03-15 10:00:00', '2026-03-15', 1, 0);
INSERT INTO visits (generation, tenant, visit_id, account_id, rep_id, purpose, mode, duration_min, met_decision_maker, next_step_on, occurred_at, occurred_on, recorded_at, recorded_on, entry_delay_ms, entry_delay_hours, version, is_deleted) VALUES
(1, 'acme', 'V-1', 'A-1', 'R-1', 'demo', 'onsite', 30, true, '2026-01-10', '2026-01-03 02:00:00', '2026-01-03', '2026-01-03 03:00:00', '2026-01-03', 3600000, 1, 1, 0),
(1, 'acme', 'V-2', 'A-1', 'R-1', 'demo', 'online', 45, false, NULL, '2026-01-05 02:00:00', '2026-01-05', '2026-01-07 02:00:00', '2026-01-07', 172800000, 48, 2, 0),
(1, 'acme', 'V-3', 'A-2', 'R-2', NULL, NULL, NULL, NULL, NULL, '2026-02-05 02:00:00', '2026-02-05', '2026-02-05 02:00:00', '2026-02-05', 0, 0, 3, 0),
(1, 'acme', 'V-4', NULL, 'R-3', 'support', 'onsite', 60, true, '2026-03-10', '2026-03-03 02:00:00', '2026-03-03', '2026-03-03 01:00:00', '2026-03-03', -3600000, -1, 4, 0),
(1, 'acme', 'V-5', 'A-5', NULL, 'demo', 'onsite', 15, NULL, NULL, '2026-03-03 23:00:00', '2026-03-04', '2026-03-04 01:00:00', '2026-03-04', 7200000, 2, 5, 0),
(1, 'other', 'V-1', 'A-1', 'R-1', 'SECRET', 'onsite', 999, true, NULL, '2026-01-03 02:00:00', '2026-01-03', '2026-01-03 03:00:00', '2026-01-03', 3600000, 1, 1, 0);
INSERT INTO roster (generation, tenant, rep_id, valid_from, valid_to, team, department, region, version, is_deleted) VALUES
(1, 'acme', 'R-1', '2026-01-01', '2026-02-01', 'Blue', 'East', 'North', 1, 0),
(1, 'acme', 'R-1', '2026-02-01', NULL, 'Red', 'East', 'North', 1, 0),
(1, 'acme', 'R-2', '2026-01-01', NULL, 'Blue', NULL, 'South', 1, 0),
(1, 'acme', 'R-3', '2026-01-01', '2026-03-01', NULL, 'West', 'South', 1, 0),
(1, 'other', 'R-1', '2026-01-01', NULL, 'SECRET', 'SECRET', 'SECRET', 1, 0);
INSERT INTO rates (generation, tenant, from_currency, to_currency, valid_from, valid_to, rate, version, is_deleted) VALUES
(1, 'acme', 'EUR', 'CNY', '2026-01-01', '2026-02-01', 7.5, 1, 0),
(1, 'acme', 'EUR', 'CNY', '2026-02-01', NULL, 8.123457, 1, 0);
INSERT INTO events (tenant, position, type, source, event_id, revision, verdict, entity_kind, entity_id, occurred_at, received_at, known_at, data) VALUES
('acme', 1, 'deal.opened', 'crm', 'e1', 0, 'admitted', 'deal', 'D-01', '2026-01-02 08:00:00', '2026-01-02 08:00:01', '2026-01-02 08:00:02', '{}'),
('acme', 2, 'deal.opened', 'crm', 'e1', 0, 'duplicate', 'deal', 'D-01', '2026-01-02 08:00:00', '2026-01-02 08:00:01', '2026-01-02 08:00:02', '{}'),
('acme', 2, 'deal.opened', 'crm', 'e1', 0, 'duplicate', 'deal', 'D-01', '2026-01-02 08:00:00', '2026-01-02 08:00:01', '2026-01-02 08:00:02', '{}'),
('acme', 3, 'deal.won', 'crm', 'e2', 0, 'admitted', 'deal', 'D-02', '2026-01-20 10:00:00', '2026-01-20 10:00:01', '2026-01-20 10:00:02', '{"amount":"200.25"}'),
('other', 4, 'deal.won', 'SECRET', 'e3', 0, 'admitted', 'deal', 'D-01', '2026-01-20 10:00:00', '2026-01-20 10:00:01', '2026-01-20 10:00:02', '{"SECRET":true}');
INSERT INTO dead_letters (tenant, id, source, state, reason, field, reasons, times, first_at, last_at, version) VALUES
('acme', 'a', 'crm', 'pending', 'missing_field', 'occurred_at', 'missing_field occurred_at', 1, '2026-01-02 08:00:00', '2026-01-02 08:00:00', 1),
('acme', 'b', 'crm', 'pending', 'malformed_json', NULL, 'malformed_json', 1, '2026-01-02 08:00:00', '2026-01-02 08:00:00', 2),
('acme', 'c', 'shop', 'pending', 'unmapped', NULL, 'unmapped', 2, '2026-01-02 08:00:00', '2026-01-03 08:00:00', 5),
('other', 'a', 'SECRET', 'pending', 'SECRET', 'SECRET', 'SECRET', 1, '2026-01-02 08:00:00', '2026-01-02 08:00:00', 3);
INSERT INTO dead_letters (tenant, id, source, state, reason, field, reasons, times, first_at, last_at, resolved_at, resolved_by, version) VALUES
('acme', 'b', 'crm', 'replayed', 'malformed_json', NULL, 'malformed_json', 1, '2026-01-02 08:00:00', '2026-01-02 08:00:00', '2026-01-04 08:00:00', 'crm', 7)
