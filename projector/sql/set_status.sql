-- One insert of one block: readers see all of these changes or none.
INSERT INTO generations (generation, definitions_hash, status, changed_at, definitions, made_at)
SELECT
    generation,
    definitions_hash,
    if(generation = {generation:UInt32}, {status:String}, 'retired'),
    fromUnixTimestamp64Milli({changed_at:Int64}, 'UTC'),
    definitions,
    made_at
FROM generations FINAL
WHERE generation = {generation:UInt32} OR ({status:String} = 'live' AND status = 'live')
