SELECT count() > 0 FROM generations FINAL
WHERE generation = {generation:UInt32} AND definitions_hash = {hash:String} AND status IN ('live', 'building')
