# CRM Sales Opportunities (Maven Analytics): one mapping for its three files, told apart by their columns.
# Dates have no time: they are read as midnight in the tenant's time zone.

# The roster and the customer records have no dates: they hold from before the first deal on.
def from_the_start: "2016-01-01";

# Spelling that differs between the files.
def product: if . == "GTXPro" then "GTX Pro" else . end;
def sector: if . == "technolgy" then "technology" else . end;
def country: if . == "Philipines" then "Philippines" else . end;

# Fields whose value is empty are not there.
def without_empty: with_entries(select(.value != "" and .value != null));

def deal_event($type; $moment; $at; $data):
  {
    type: $type,
    event_id: "\(.opportunity_id):\($moment)",
    account_id: .account,
    rep_id: .sales_agent,
    occurred_at: $at,
    data: ({ deal_id: .opportunity_id } + $data)
  } | without_empty;

def deal:
  if .engage_date == "" then refuse("no engage_date: a deal in stage \(.deal_stage) has not begun") else
    deal_event("deal.opened"; "opened"; .engage_date;
      { kind: "new", product: (.product | product), currency: "USD", stage: "Engaging" }),
    if .deal_stage == "Won" then
      deal_event("deal.won"; "won"; .close_date; { amount: .close_value, currency: "USD" })
    elif .deal_stage == "Lost" then
      deal_event("deal.lost"; "lost"; .close_date; {})
    elif .deal_stage == "Engaging" then empty
    else refuse("deal_stage \(.deal_stage) is not one of Prospecting, Engaging, Won, Lost")
    end
  end;

def roster:
  {
    type: "roster.assigned",
    event_id: "roster:\(.sales_agent)",
    rep_id: .sales_agent,
    occurred_at: from_the_start,
    data: ({
      rep_id: .sales_agent,
      name: .sales_agent,
      team: .manager,
      region: .regional_office,
      manager_id: .manager,
      valid_from: from_the_start
    } | without_empty)
  };

def account:
  {
    type: "account.created",
    event_id: "account:\(.account)",
    account_id: .account,
    occurred_at: from_the_start,
    data: ({ name: .account, industry: (.sector | sector), region: (.office_location | country) } | without_empty)
  };

if has("opportunity_id") then deal
elif has("manager") then roster
elif has("sector") then account
else refuse("the columns are those of none of sales_pipeline.csv, sales_teams.csv and accounts.csv")
end
