//! leads.

use tidemark_schemas::{events::Data, table::FactTable};

use crate::{data, script::Script};

const COLUMNS: &str = "lead_id account_id rep_id channel referrer_account_id status created_on responded_at response_ms \
                       response_hours qualified_on converted_on converted_account_id converted_deal_id lost_on";

fn created(channel: Option<&str>) -> Data {
    data!(
        LeadCreated,
        LeadCreated {
            lead_id: "L-1",
            channel: channel.map(str::to_owned),
            referrer_account_id: channel.map(|_| "A-7".to_owned()),
        }
    )
}

fn moved() -> tidemark_schemas::events::payload::LeadMoved {
    tidemark_schemas::events::payload::LeadMoved { lead_id: "L-1".to_owned() }
}

#[test]
fn the_last_outcome_decides() {
    let converted =
        data!(LeadConverted, LeadConverted { lead_id: "L-1", account_id: "A-3".to_owned(), deal_id: "D-1".to_owned() });
    let mut script = Script::default();
    script.say("2026-03-06T00:00:00Z", "", "R-9", Data::LeadResponded(moved()));
    assert!(script.table(FactTable::Leads, COLUMNS).is_empty());
    script
        .say("2026-03-05T00:00:00Z", "A-1", "", created(Some("online")))
        .say("2026-03-05T06:00:00Z", "", "R-1", created(None))
        .say("2026-03-05T12:00:00Z", "", "R-9", Data::LeadResponded(moved()))
        .say("2026-03-07T00:00:00Z", "", "", Data::LeadQualified(moved()));
    let open = "L-1 A-1 R-1 online A-7 open 2026-03-05 2026-03-05T12:00Z 43200000 12 2026-03-07 - - - -";
    assert_eq!(script.table(FactTable::Leads, COLUMNS), [open]);
    script.say("2026-03-09T00:00:00Z", "", "", converted);
    script.say("2026-03-08T00:00:00Z", "", "", data!(LeadLost, LeadLost { lead_id: "L-1" }));
    let converted = "L-1 A-1 R-1 online A-7 converted 2026-03-05 2026-03-05T12:00Z 43200000 12 2026-03-07 2026-03-09 A-3 D-1 -";
    assert_eq!(script.table(FactTable::Leads, COLUMNS), [converted]);
    script.say("2026-03-09T00:00:00Z", "", "", data!(LeadLost, LeadLost { lead_id: "L-1" }));
    let lost = "L-1 A-1 R-1 online A-7 lost 2026-03-05 2026-03-05T12:00Z 43200000 12 2026-03-07 - - - 2026-03-09";
    assert_eq!(script.table(FactTable::Leads, COLUMNS), [lost]);
}
