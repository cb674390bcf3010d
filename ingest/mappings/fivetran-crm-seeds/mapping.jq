# Salesforce and HubSpot as Fivetran's connectors write them: one mapping for their tables, told apart by their columns.
# Connectors write times in UTC without saying so.

def forms: ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f"];
def time: instant_in(forms) | if . == null then null else . + "Z" end;
def revision: revision_in(forms);
def is_true: text | . != null and ascii_downcase == "true";

def event($type; $id; $at; $envelope; $data):
  { type: $type, event_id: $id, occurred_at: ($at // refuse("no time")) } + ($envelope | filled) + { data: ($data | filled) };

# CRMs delete and merge records; the connector says so when it next looks.
def deleted($kind; $id): event("entity.deleted"; "\($id):deleted"; ._fivetran_synced | time; {}; { kind: $kind, id: $id });

# The users and accounts have no dates: they hold from before everything else on.
def from_the_start: "2010-01-01";

### Salesforce

def kind: text // "" | ascii_downcase | if contains("renewal") then "renewal" elif any(contains("existing", "expansion", "upsell"); .) then "expansion" else "new" end;

# A close date has no time. A deal that was entered when it was closed was not closed before it was entered.
def closed_at: [(.created_date | time), (.close_date | time)] | map(values) | max;

def opportunity:
  .id as $id
  | { account_id: .account_id, rep_id: .owner_id, revision: (._fivetran_synced | revision) } as $envelope
  | event("deal.opened"; "\($id):opened"; .created_date | time; $envelope; {
      deal_id: $id, name: .name, kind: (.type | kind), amount: (.amount | money), expected_close_on: (.close_date | date_in(forms))
    }),
    if .is_closed | is_true | not then empty
    elif .is_won | is_true then event("deal.won"; "\($id):won"; closed_at; $envelope; { deal_id: $id, amount: (.amount | money // "0") })
    else event("deal.lost"; "\($id):lost"; closed_at; $envelope; { deal_id: $id })
    end,
    if .is_deleted | is_true then deleted("deal"; $id) else empty end;

# A version of an opportunity: the stage that it was in from then on. Closings come from the opportunity itself.
def opportunity_version:
  if .is_closed | is_true then empty
  else event("deal.stage_changed"; "\(.id):stage:\(._fivetran_start)"; ._fivetran_start | time; { rep_id: .owner_id };
    { deal_id: .id, stage: .stage_name })
  end;

def appointment:
  { account_id: .account_id, rep_id: .owner_id, recorded_at: (.created_date | time), revision: (.last_modified_date | revision) } as $envelope
  | ((.start_date_time | time) // (.activity_date_time | time)) as $at
  | if .is_deleted | is_true then empty
    elif .type == "Call" then
      event("call.completed"; .id; $at; $envelope;
        { call_id: .id, agent: "human", duration_s: (.duration_in_minutes | number | if . == null then null else . * 60 end) })
    else
      event("visit.completed"; .id; $at; $envelope;
        { visit_id: .id, purpose: (.type | text), duration_min: (.duration_in_minutes | number) })
    end;

def task:
  { account_id: .account_id, rep_id: .owner_id, recorded_at: (.created_date | time), revision: (.last_modified_date | revision) } as $envelope
  | ((.completed_date_time | time) // (.activity_date | time)) as $at
  | if (.is_deleted | is_true) or .status != "Completed" then empty
    elif .task_subtype == "Call" then
      event("call.completed"; .id; $at; $envelope; {
        call_id: .id, agent: "human", direction: (.call_type | text | if . == null then null else ascii_downcase end),
        duration_s: (.call_duration_in_seconds | number), outcome: (.call_disposition | text)
      })
    else event("activity.completed"; .id; $at; $envelope; { activity_id: .id, kind: (.task_subtype | text // "task" | ascii_downcase) })
    end;

def user:
  event("roster.assigned"; "user:\(.id)"; from_the_start; { rep_id: .id, revision: (._fivetran_synced | revision) };
    { rep_id: .id, name: .name, department: .department, manager_id: .manager_id, valid_from: from_the_start }),
  if (.is_active | is_true) and (._fivetran_deleted | is_true | not) then empty
  else event("roster.left"; "user:\(.id):left"; ._fivetran_synced | time; { rep_id: .id };
    { rep_id: .id, left_on: (._fivetran_synced | date_in(forms)) })
  end;

def account:
  event("account.created"; "account:\(.id)"; from_the_start; { account_id: .id, revision: (._fivetran_synced | revision) };
    { name: .name, industry: .industry, segment: .type, region: .billing_country }),
  if .master_record_id | text != null then
    event("account.merged"; "account:\(.id):merged"; ._fivetran_synced | time; { account_id: .id }; { into: .master_record_id })
  elif .is_deleted | is_true then deleted("account"; .id)
  else empty
  end;

def lead:
  { rep_id: .owner_id } as $envelope
  | event("lead.created"; "\(.id):created"; .created_date | time; $envelope; { lead_id: .id, channel: (.lead_source | text) }),
    if .is_converted | is_true then
      event("lead.converted"; "\(.id):converted"; (.converted_date | time) // (.last_modified_date | time); $envelope;
        { lead_id: .id, account_id: .converted_account_id, deal_id: .converted_opportunity_id })
    else empty
    end,
    if .is_deleted | is_true then deleted("lead"; .id) else empty end;

### HubSpot

# A stage by its label, where the table of stages is there and knows it.
def stage($id): if given("stages") then lookup("stages"; "stage_id"; $id) else null end;

def hubspot_deal:
  .deal_id as $id
  | {
      account_id: (if given("companies") then lookup("companies"; "deal_id"; $id).company_id else null end),
      rep_id: .owner_id
    } as $envelope
  | stage(.deal_pipeline_stage_id) as $stage
  | event("deal.opened"; "\($id):opened"; .property_createdate | time; $envelope;
      { deal_id: $id, name: .property_dealname, kind: "new", amount: (.property_amount | money) }),
    if .property_closedate | text == null then empty
    elif $stage.closed_won | is_true then
      event("deal.won"; "\($id):won"; .property_closedate | time; $envelope; { deal_id: $id, amount: (.property_amount | money // "0") })
    elif $stage.is_closed | is_true then
      event("deal.lost"; "\($id):lost"; .property_closedate | time; $envelope; { deal_id: $id })
    else empty
    end,
    if .is_deleted | is_true then deleted("deal"; $id) else empty end;

def deal_stage:
  event("deal.stage_changed"; "\(.deal_id):stage:\(.date_entered)"; .date_entered | time; {};
    { deal_id: .deal_id, stage: (stage(.value).label // .value) });

# One deal takes the place of several, which cease to be.
def deal_merge:
  event("entity.deleted"; "\(.merged_deal_id):merged"; ._fivetran_synced | time; {}; { kind: "deal", id: .merged_deal_id });

def meeting:
  (.start_time | time // refuse("no start_time")) as $from
  | (.end_time | time) as $to
  | event("visit.completed"; "meeting:\(.engagement_id)"; $from; {}; {
      visit_id: "meeting:\(.engagement_id)",
      duration_min: (if $to == null or $to < $from then null else [$to, $from] | map(.[:19] + "Z" | fromdateiso8601) | ((.[0] - .[1]) / 60 | floor) end)
    });

def call:
  if ._fivetran_deleted | is_true then empty
  else event("call.completed"; "call:\(.engagement_id)"; .property_hs_timestamp | time; { recorded_at: (.property_hs_createdate | time) };
    { call_id: "call:\(.engagement_id)", agent: "human" })
  end;

def owner:
  (if given("teams") then lookup("teams"; "owner_id"; .owner_id).team_id else null end) as $team
  | (.created_at | date_in(forms) // refuse("no created_at")) as $from
  | event("roster.assigned"; "owner:\(.owner_id)"; $from; { rep_id: .owner_id, revision: (.updated_at | revision) };
      { rep_id: .owner_id, name: ([.first_name, .last_name] | map(text | values) | join(" ")), team: $team, valid_from: $from });

if has("property_dealname") then hubspot_deal
elif has("date_entered") then deal_stage
elif has("merged_deal_id") then deal_merge
elif has("engagement_id") and has("start_time") then meeting
elif has("engagement_id") and .type == "CALL" then call
elif has("owner_id") and has("portal_id") then owner
elif has("forecast_category") and has("_fivetran_start") then opportunity_version
elif has("forecast_category") then opportunity
elif has("event_subtype") then appointment
elif has("task_subtype") then task
elif has("user_role_id") then user
elif has("is_converted") then lead
elif has("master_record_id") and has("account_source") and (has("_fivetran_start") | not) then account
else refuse("the columns are those of none of the tables that this mapping knows")
end
