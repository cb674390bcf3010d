//! Salesforce and HubSpot tables as a connector writes them: what each comes to. Nobody published answers; these are counts of rows.

use tidemark_schemas::{events::EventType, table::FactTable};

use super::{Company, Lines, data_set};

#[test]
fn salesforce_tables_become_events() {
    let Some(folder) = data_set("fivetran-crm-seeds") else { return };
    let files = [
        "sf_user_data.csv",
        "sf_account_data.csv",
        "sf_lead_data.csv",
        "sf_opportunity_data.csv",
        "sf_opportunity_history_data.csv",
        "sf_event_data.csv",
        "sf_task_data.csv",
    ];
    let company = Company::of(&folder.join("salesforce"), "fivetran-crm-seeds", "USD", &files);
    let mut lines = Lines::of("fivetran-crm-seeds/salesforce");
    for (file, event_type, expected) in [
        ("sf_user_data.csv", EventType::RosterAssigned, 10),
        ("sf_opportunity_data.csv", EventType::DealOpened, 10),
        ("sf_opportunity_data.csv", EventType::DealWon, 5),
        ("sf_opportunity_data.csv", EventType::DealLost, 4),
        ("sf_opportunity_data.csv", EventType::EntityDeleted, 10),
        ("sf_opportunity_history_data.csv", EventType::DealStageChanged, 1),
        ("sf_event_data.csv", EventType::CallCompleted, 6),
        ("sf_event_data.csv", EventType::VisitCompleted, 4),
        ("sf_task_data.csv", EventType::ActivityCompleted, 10),
        ("sf_lead_data.csv", EventType::LeadConverted, 1),
    ] {
        lines.exact(&format!("{event_type:?} of {file}"), expected, company.files[file].events.get(&event_type).unwrap_or(&0));
    }
    lines.exact("deals, all of which were deleted", 0, company.facts(FactTable::Deals).count());
    lines.exact("calls", 6, company.facts(FactTable::Calls).count());
    lines.exact("visits", 4, company.facts(FactTable::Visits).count());
    lines.finish();
}

#[test]
fn hubspot_tables_become_events() {
    let Some(folder) = data_set("fivetran-crm-seeds") else { return };
    let files = [
        "owner_data.csv",
        "deal_data.csv",
        "deal_stage_data.csv",
        "merged_deal_data.csv",
        "engagement_meeting_data.csv",
        "engagement_call_data.csv",
    ];
    let company = Company::of(&folder.join("hubspot"), "fivetran-crm-seeds", "USD", &files);
    let mut lines = Lines::of("fivetran-crm-seeds/hubspot");
    for (file, imported) in &company.files {
        // Seconds that somebody took for milliseconds: these meetings were in January 1970.
        let expected = if file == "engagement_meeting_data.csv" { "{\"occurred_at is before 1990-01-01\": 7}" } else { "{}" };
        lines.exact(&format!("refused rows of {file}"), expected, format!("{:?}", imported.refused));
    }
    for (what, table, expected) in [
        ("deals", FactTable::Deals, 44),
        ("meetings", FactTable::Visits, 93),
        ("calls", FactTable::Calls, 1),
        ("owners", FactTable::Roster, 100),
    ] {
        lines.exact(what, expected, company.facts(table).count());
    }
    let merged = &company.files["merged_deal_data.csv"].events;
    lines.exact("merges", 14, merged.get(&EventType::EntityDeleted).unwrap_or(&0));
    lines.exact("stage changes", 14, company.files["deal_stage_data.csv"].events.get(&EventType::DealStageChanged).unwrap_or(&0));
    lines.finish();
}
