//! accounts and merges.

use tidemark_schemas::{events::Data, table::FactTable};

use crate::{
    data,
    script::{Script, decimal},
};

const COLUMNS: &str = "account_id rep_id industry region acquisition_cost created_on first_won_at first_won_on won_deals \
                       annual_spend currency";

fn merged(into: &str) -> Data {
    data!(AccountMerged, AccountMerged { into: into })
}

fn won_deal(script: &mut Script, id: &str, account: &str, rep: &str, at: &str, amount: &str, currency: &str) {
    let opened = data!(
        DealOpened,
        DealOpened { deal_id: id, amount: decimal(amount), currency: (!currency.is_empty()).then(|| currency.to_owned()) }
    );
    script.say("2025-01-01T00:00:00Z", account, rep, opened);
    script.say(at, "", "", data!(DealWon, DealWon { deal_id: id }));
}

#[test]
fn annual_spend_is_a_year_from_the_first_win_in_its_currency() {
    let mut script = Script::default();
    // 2025-03-05T17:00Z is the 6th in Shanghai; 365 days on is 2026-03-06.
    won_deal(&mut script, "D-2", "A-1", "R-2", "2025-03-05T17:00:00Z", "100", "USD");
    won_deal(&mut script, "D-1", "A-1", "R-1", "2025-03-05T17:00:00Z", "10", "USD");
    won_deal(&mut script, "D-3", "A-1", "R-3", "2026-03-05T15:59:00Z", "1", "USD");
    won_deal(&mut script, "D-4", "A-1", "R-4", "2026-03-05T16:00:00Z", "1000", "USD");
    won_deal(&mut script, "D-5", "A-1", "R-5", "2025-04-05T00:00:00Z", "5000", "");
    let expected = "A-1 R-1 - - - - 2025-03-05T17:00Z 2025-03-06 5 111 USD";
    assert_eq!(script.table(FactTable::Accounts, COLUMNS), [expected]);
}

#[test]
fn a_survivor_has_its_own_details_first_and_everybodys_deals() {
    let details = |industry: Option<&str>, region: Option<&str>| tidemark_schemas::events::payload::AccountDetails {
        industry: industry.map(str::to_owned),
        region: region.map(str::to_owned),
        acquisition_cost: Some(decimal("7")),
        ..Default::default()
    };
    let mut script = Script::default();
    script
        .say("2026-03-02T00:00:00Z", "A-1", "", Data::AccountCreated(details(Some("steel"), None)))
        .say("2026-03-01T00:00:00Z", "A-2", "", Data::AccountCreated(details(Some("retail"), None)))
        .say("2026-03-05T00:00:00Z", "A-2", "", Data::AccountAmended(details(None, Some("north"))))
        .say("2026-03-06T00:00:00Z", "A-2", "", merged("A-1"))
        .say("2026-03-07T00:00:00Z", "A-2", "", merged("A-2"));
    won_deal(&mut script, "D-1", "A-2", "R-1", "2026-03-05T00:00:00Z", "10", "");
    let expected = "A-1 R-1 steel north 7 2026-03-01 2026-03-05T00:00Z 2026-03-05 1 10 CNY";
    assert_eq!(script.table(FactTable::Accounts, COLUMNS), [expected]);
    let delete = |id: &str| data!(EntityDeleted, EntityNamed { kind: "account", id: id });
    script.say("2026-03-08T00:00:00Z", "", "", delete("A-2"));
    assert_eq!(script.table(FactTable::Accounts, COLUMNS), [expected]);
    script.retract("e4", 1);
    let alone = "A-1 - steel - 7 2026-03-02 - - 0 0 CNY";
    assert_eq!(script.table(FactTable::Accounts, COLUMNS), [alone]);
    script.say("2026-03-08T00:00:00Z", "", "", delete("A-1"));
    assert!(script.table(FactTable::Accounts, COLUMNS).is_empty());
}

#[test]
fn chains_resolve_and_of_a_cycle_the_smallest_survives() {
    let mut script = Script::default();
    script
        .say("2026-03-01T00:00:00Z", "A-1", "", merged("A-2"))
        .say("2026-03-02T00:00:00Z", "A-2", "", merged("A-3"))
        .say("2026-03-03T00:00:00Z", "A-5", "", merged("A-4"))
        .say("2026-03-03T00:00:00Z", "A-4", "", merged("A-6"))
        .say("2026-03-03T00:00:00Z", "A-6", "", merged("A-5"))
        .say("2026-03-03T00:00:00Z", "A-9", "", merged("A-6"));
    assert_eq!(script.table(FactTable::Accounts, "account_id"), ["A-3", "A-4"]);
    script.say("2026-03-04T00:00:00Z", "A-1", "", merged("A-4"));
    assert_eq!(script.table(FactTable::Accounts, "account_id"), ["A-3", "A-4"]);
    script.retract("e2", 1);
    assert_eq!(script.table(FactTable::Accounts, "account_id"), ["A-4"]);
}
