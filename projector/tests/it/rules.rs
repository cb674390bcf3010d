//! Rules that a history written by hand shows best: which record counts, when it was entered, and what is too much for a cell.

use tidemark_projector::{
    sink::{MemorySink, RowKey, Tables},
    state::Memory,
};
use tidemark_schemas::{
    decimal::Decimal6,
    events::{
        Data, Envelope, Event,
        payload::{AccountDetails, DealOpened, DealWon, Retracted, VisitCompleted},
    },
    fact::{Fact, Scalar},
    table::FactTable,
};

use crate::organisation::{Organisation, log, project};

const NOON: i64 = 1_772_712_000_000;

fn event(event_id: &str, revision: i64, received_at: i64, data: Data) -> Event {
    let envelope = Envelope {
        source: "crm".to_owned(),
        event_id: event_id.to_owned(),
        revision,
        retracted: matches!(data, Data::EventRetracted(_)),
        account_id: Some("A-1".to_owned()),
        occurred_at: NOON,
        received_at,
        ..Envelope::default()
    };
    Event { envelope, data }
}

fn visit(mode: &str) -> Data {
    Data::VisitCompleted(VisitCompleted { visit_id: "V-1".to_owned(), mode: Some(mode.to_owned()), ..VisitCompleted::default() })
}

fn tables(events: &[Event]) -> Tables {
    let sink = MemorySink::default();
    project(&mut Organisation::new().open(Memory::default()), &sink, &log(events), &[1], |_| None);
    sink.tables()
}

fn facts(tables: &Tables, table: FactTable) -> Vec<Fact> {
    tables.facts().into_values().filter(|fact| fact.table == table).collect()
}

#[test]
fn a_retraction_beats_an_equal_revision_in_both_orders() {
    let retraction = || event("v", 3, NOON, Data::EventRetracted(Retracted {}));
    for mode in ["onsite", "online", "phone", "mail"] {
        let mut events = vec![event("v", 3, NOON, visit(mode)), retraction()];
        for verdicts in [["admitted", "retraction"], ["retraction", "duplicate"]] {
            let tables = tables(&events);
            assert_eq!(tables.verdicts(), verdicts);
            assert!(tables.facts().is_empty() && tables.cells().is_empty(), "{mode}");
            events.reverse();
        }
    }
}

#[test]
fn an_event_is_entered_when_its_first_record_was_received() {
    let entered = |events: &[Event]| facts(&tables(events), FactTable::Visits)[0].get("recorded_at").clone();
    let (first, late) = (event("v", 0, NOON + 1, visit("onsite")), event("v", 1, NOON + 9, visit("online")));
    assert_eq!(entered(&[first.clone(), late.clone()]), Scalar::Instant(NOON + 1));
    // A record that does not count any more, but was received before the one that does, says when it was entered.
    assert_eq!(entered(&[late.clone(), first.clone()]), Scalar::Instant(NOON + 1));
    let mut given = late;
    given.envelope.recorded_at = Some(NOON + 5);
    assert_eq!(entered(&[given.clone(), first.clone()]), Scalar::Instant(NOON + 5));
    // Also once a correction takes the word back, and from a retraction that was received first.
    let retraction = event("v", -1, NOON, Data::EventRetracted(Retracted {}));
    assert_eq!(entered(&[given, retraction, first, event("v", 2, NOON + 7, visit("online"))]), Scalar::Instant(NOON));
}

#[test]
fn an_earlier_receipt_refolds_the_fact_and_its_cells() {
    let two_hours = 2 * 3_600_000;
    let late = event("v", 1, NOON + 60 * two_hours, visit("online"));
    let first = event("v", 0, NOON + 1, visit("onsite"));
    let timely = tables(&[late.clone(), first]);
    assert_eq!(timely.verdicts(), ["admitted", "duplicate"]);
    let version = timely.rows().filter_map(|(key, _)| match key {
        RowKey::Version(_, FactTable::Visits, _, position) => Some(*position),
        _ => None,
    });
    assert_eq!(version.collect::<Vec<_>>(), [0, 1]);
    let in_time = |tables: &Tables| -> i128 {
        let cells = tables.cells().into_iter().filter(|((_, key), _)| &*key.kpi == "entry_timeliness");
        cells.map(|(_, cell)| cell.sums[0]).sum()
    };
    assert_eq!((in_time(&timely), in_time(&tables(&[late]))), (1_000_000, 0));
}

#[test]
fn a_fact_too_big_for_a_cell_is_listed_and_spoils_no_other() {
    let decimal = |text: &str| Some(text.parse::<Decimal6>().unwrap());
    let mut events = Vec::new();
    for (account, years) in [("A-1", "1000000000"), ("A-2", "1000000001"), ("A-3", "999999999999999")] {
        let details = AccountDetails {
            acquisition_cost: decimal("1"),
            gross_margin: decimal("10000000"),
            expected_years: decimal(years),
            ..AccountDetails::default()
        };
        let deal_id = format!("D-{account}");
        let opened = DealOpened { deal_id: deal_id.clone(), amount: decimal("100"), ..DealOpened::default() };
        let won = DealWon { deal_id, ..DealWon::default() };
        for (name, data) in
            [("created", Data::AccountCreated(details)), ("opened", Data::DealOpened(opened)), ("won", Data::DealWon(won))]
        {
            let mut event = event(&format!("{account}:{name}"), 0, NOON, data);
            event.envelope.account_id = Some(account.to_owned());
            events.push(event);
        }
    }
    let all = tables(&events);
    let value: Vec<_> = all.cells().into_iter().filter(|((_, key), _)| &*key.kpi == "customer_lifetime_value").collect();
    let [(_, cell)] = value.as_slice() else { panic!("{value:?}") };
    assert_eq!((cell.facts, Decimal6(cell.sums[0]).to_string().as_str()), (1, "999999999999999999"));
    let findings: Vec<_> = all.findings().into_iter().collect();
    let subjects: Vec<&str> = findings.iter().map(|((_, _, subject), _)| subject.as_str()).collect();
    assert_eq!(subjects, ["customer_lifetime_value:accounts/A-2", "customer_lifetime_value:accounts/A-3"]);
    assert!(findings[0].1.contains("is more than the 1000000000000000000 that one fact may add"), "{}", findings[0].1);
    // Once it is corrected it counts, and the finding is gone.
    let mut corrected = events[3].clone();
    corrected.envelope.revision = 1;
    corrected.data = Data::AccountCreated(AccountDetails {
        acquisition_cost: decimal("1"),
        gross_margin: decimal("1"),
        expected_years: decimal("1"),
        ..AccountDetails::default()
    });
    events.push(corrected);
    assert_eq!(tables(&events).findings().len(), 1);
}
