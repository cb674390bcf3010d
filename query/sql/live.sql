SELECT generation, definitions_hash FROM generations FINAL WHERE status = 'live' ORDER BY generation DESC LIMIT 1
