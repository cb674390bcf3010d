SELECT
    position,
    toUnixTimestamp64Milli(known_at) AS known,
    CAST(type AS String) AS event_type,
    CAST(source AS String) AS event_source,
    event_id,
    revision,
    CAST(verdict AS String) AS stored_verdict,
    account_id,
    rep_id,
    toUnixTimestamp64Milli(occurred_at) AS occurred,
    toUnixTimestamp64Milli(recorded_at) AS recorded,
    toUnixTimestamp64Milli(received_at) AS received,
    data
FROM events FINAL
WHERE tenant = {tenant:String} AND position <= {position:Int64}
ORDER BY position
