SELECT max(generation) FROM generations FINAL WHERE status = 'live'
