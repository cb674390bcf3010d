SELECT count() FROM events FINAL WHERE tenant = {tenant:String} AND position <= {position:Int64}
