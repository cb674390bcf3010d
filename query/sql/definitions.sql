SELECT definitions_hash, definitions FROM generations FINAL WHERE generation = {generation:UInt32}
