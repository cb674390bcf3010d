# AdventureWorks: quotas as targets, territories as regions of the roster. Times have no offset: the tenant's time zone.

def time: instant_in("%Y-%m-%d %H:%M:%S");
def day: date_in("%Y-%m-%d %H:%M:%S");

# "2011-05-31" stands for 2011-Q2.
def quarter: "\(.[:4])-Q\(((.[5:7] | tonumber) + 2) / 3 | floor)";

def next_day: (. + "T00:00:00Z" | fromdateiso8601) + 86400 | todateiso8601 | .[:10];

def quota:
  (.QuotaDate | day // refuse("no QuotaDate")) as $day
  | {
      type: "target.set",
      event_id: "quota-\(.QuotaID)",
      rep_id: .BusinessEntityID,
      occurred_at: (.ModifiedDate | time),
      data: { unit: "rep", id: .BusinessEntityID, period: ($day | quarter), kpi: "won_amount", value: .SalesQuota }
    };

def assigned($id; $from; $region; $country):
  {
    type: "roster.assigned",
    event_id: $id,
    rep_id: .BusinessEntityID,
    occurred_at: $from,
    data: ({ rep_id: .BusinessEntityID, team: $country, region: $region, valid_from: $from } | filled)
  };

# Whoever leaves a territory for no other goes on without one.
def territory:
  (lookup("territories"; "TerritoryID"; .TerritoryID) // refuse("TerritoryID \(.TerritoryID) is not in SalesTerritory.csv")) as $territory
  | (.StartDate | day // refuse("no StartDate")) as $from
  | (.EndDate | day) as $to
  | assigned("territory-\(.HistoryID)"; $from; $territory.Name; $territory.CountryRegionCode),
    if $to != null and ([lookup_all("history"; "BusinessEntityID"; .BusinessEntityID) | .StartDate | day | select(. > $to)] | length == 0)
    then assigned("territory-\(.HistoryID):end"; $to | next_day; null; null)
    else empty
    end;

# Those who never had a territory are people too.
def person:
  if lookup("history"; "BusinessEntityID"; .BusinessEntityID) != null then empty
  else assigned("person-\(.BusinessEntityID)"; .ModifiedDate | day; null; null)
  end;

if has("QuotaID") then quota
elif has("HistoryID") then territory
elif has("CommissionPct") then person
else refuse("the columns are those of none of SalesPersonQuotaHistory, SalesTerritoryHistory and SalesPerson")
end
