SELECT
    generation,
    CAST(status AS String) AS status,
    definitions_hash,
    definitions,
    toUnixTimestamp64Milli(made_at) AS made_at_ms,
    toUnixTimestamp64Milli(changed_at) AS changed_at_ms
FROM generations FINAL
ORDER BY generation
