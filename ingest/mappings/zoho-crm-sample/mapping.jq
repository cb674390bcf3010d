# A Zoho CRM export: one mapping for its files, told apart by their columns.
# Times have no offset: they are read in the tenant's time zone. Amounts are US dollars.

def time: instant_in(["%Y-%m-%d %H:%M:%S", "%d %b, %Y %H:%M:%S", "%d-%m-%Y %H:%M"]);
def day: time | if . == null then null else .[:10] end;

# Ids of records that are not there are empty or 0.
def id: text | if . == "0" then null else . end;

# Deals and leads name their owner, the other files have his id too.
def rep($name):
  ($name | text) as $name
  | if $name == null then null else
      (lookup("users"; "Last Name"; $name) // refuse("owner \($name) is not in Users.csv")).USER_ID
    end;

# What comes from a record's later state is revised when the record is.
def revision: revision_in(["%Y-%m-%d %H:%M:%S", "%d %b, %Y %H:%M:%S", "%d-%m-%Y %H:%M"]);

def event($type; $id; $at; $envelope; $data):
  { type: $type, event_id: $id, occurred_at: ($at // refuse("no time")) } + ($envelope | filled) + { data: ($data | filled) };

# A deal has no id of its own, but comes from exactly one lead.
def deal_id: "deal-\(.LEADID)";

def deal:
  deal_id as $id
  | { rep_id: rep(.["Potential Owner"]) } as $envelope
  | event("deal.opened"; "\($id):opened"; .["Created Time"] | time; $envelope; {
      deal_id: $id,
      name: .["Potential Name"],
      kind: (if .Type == "Existing Business" then "expansion" else "new" end),
      amount: (.Amount | money),
      currency: "USD",
      # The export knows a deal's last stage only; where that is its end, the stages before are not known.
      stage: (if .["Forecast Type"] == "Open" then .Stage else null end),
      expected_close_on: (.["Closing Date"] | day)
    }),
    if .["Forecast Type"] == "Won" then
      event("deal.won"; "\($id):won"; .["Closing Date"] | time; $envelope;
        { deal_id: $id, amount: (.Amount | money // "0"), currency: "USD" })
    elif .["Forecast Type"] == "Lost" then
      event("deal.lost"; "\($id):lost"; .["Closing Date"] | time; $envelope; { deal_id: $id })
    elif .["Forecast Type"] == "Open" then empty
    else refuse("Forecast Type \(.["Forecast Type"]) is not one of Open, Won, Lost")
    end;

# A lead is converted when its deal is created.
def lead:
  "lead-\(.LEADID)" as $id
  | { rep_id: rep(.["Lead Owner"]) } as $envelope
  | event("lead.created"; "\($id):created"; .["Created Time"] | time; $envelope;
      { lead_id: $id, channel: .["Lead Source"] }),
    if .CONVERTED == "Yes" then
      (lookup("deals"; "LEADID"; .LEADID) // refuse("converted, but no deal in Potentials.csv has this LEADID")) as $deal
      | event("lead.converted"; "\($id):converted"; $deal["Created Time"] | time; $envelope;
          { lead_id: $id, deal_id: ($deal | deal_id) })
    elif .["Lead Status"] == "Lost Lead" or .["Lead Status"] == "Junk Lead" then
      event("lead.lost"; "\($id):lost"; .["Created Time"] | time; $envelope; { lead_id: $id, reason: .["Lead Status"] })
    else empty
    end;

def call:
  event("call.completed"; "call-\(.TASKID)"; .["Call Start Time"] | time;
    {
      revision: (.["Modified Time"] | revision),
      account_id: (.ACCOUNTID | id),
      rep_id: (.["Call Owner Id"] | id),
      recorded_at: (.["Created Time"] | time)
    };
    {
      call_id: "call-\(.TASKID)",
      direction: (.["Call Type"] | text | if . == null then null else ascii_downcase end),
      duration_s: (.["Call Duration (in seconds)"] | number),
      connected: (.["Call Duration (in seconds)"] | number | if . == null then null else . > 0 end),
      agent: "human",
      outcome: .["Call Purpose"]
    });

# The end of a meeting often lies months after its beginning: no duration is taken from it.
def meeting:
  event("visit.completed"; "meeting-\(.EVENTID)"; .["Start DateTime"] | time;
    {
      revision: (.["Modified Time"] | revision),
      account_id: (.ACCOUNTID | id),
      rep_id: (.["Event Owner Id"] | id),
      recorded_at: (.["Created Time"] | time)
    };
    { visit_id: "meeting-\(.EVENTID)" });

def invoice:
  "invoice-\(.INVOICEID)" as $id
  | { account_id: (.["Account Id"] | id), rep_id: (.["Invoice Owner Id"] | id) } as $envelope
  | (.["Grand Total"] | money // "0") as $total
  | event("payment.due"; "\($id):due"; .["Created Time"] | time; $envelope;
      { receivable_id: $id, amount: $total, currency: "USD", due_on: (.["Created Time"] | day) }),
    if .["Invoice Status"] == "Delivered" then
      event("payment.received"; "\($id):received"; .["Modified Time"] | time; $envelope;
        { receivable_id: $id, payment_id: "\($id):1", amount: $total, currency: "USD" })
    elif .["Invoice Status"] == "Cancelled" then
      event("payment.waived"; "\($id):waived"; .["Modified Time"] | time; $envelope; { receivable_id: $id })
    elif .["Invoice Status"] == "Created" or .["Invoice Status"] == "Approved" then empty
    else refuse("Invoice Status \(.["Invoice Status"]) is not one of Created, Approved, Delivered, Cancelled")
    end;

# The roster and the customer records have no dates: they hold from before everything else on.
def from_the_start: "2016-01-01";

def user:
  event("roster.assigned"; "user-\(.USER_ID)"; from_the_start; { rep_id: .USER_ID }; {
    rep_id: .USER_ID,
    name: ([.["First Name"], .["Last Name"]] | map(text | values) | join(" ")),
    valid_from: from_the_start
  });

def account:
  event("account.created"; "account-\(.ACCOUNTID)"; from_the_start; { account_id: .ACCOUNTID }; {
    name: (.["Account Name"] | text),
    industry: (.Industry | text),
    segment: (.["Account Type"] | text)
  });

if has("Potential Owner") then deal
elif has("Lead Owner") then lead
elif has("Call Owner Id") then call
elif has("EVENTID") then meeting
elif has("INVOICEID") then invoice
elif has("USER_ID") then user
elif has("Account Owner Id") then account
else refuse("the columns are those of none of Potentials, Leads, Calls, Events, Invoices, Users and Accounts")
end
