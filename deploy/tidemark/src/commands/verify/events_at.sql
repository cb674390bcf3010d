SELECT DISTINCT position FROM events WHERE tenant = {tenant:String} AND position IN {positions:Array(Int64)}
