//! receivables and payments.

use tidemark_schemas::{events::Data, table::FactTable};

use crate::{
    data,
    script::{Script, day, decimal},
};

const RECEIVABLE: &str = "receivable_id deal_id account_id rep_id product amount currency due_on issued_on received_amount \
                          status settled_on settlement_days";
const PAYMENT: &str = "receivable_id payment_id direction deal_id account_id rep_id product method amount currency received_on";

fn due(amount: &str) -> Data {
    data!(
        PaymentDue,
        PaymentDue { receivable_id: "P-1", amount: decimal(amount), due_on: day("2026-03-10"), deal_id: "D-1".to_owned() }
    )
}

fn received(payment: &str, amount: &str, currency: &str) -> Data {
    data!(
        PaymentReceived,
        PaymentMoved {
            receivable_id: "P-1",
            payment_id: payment,
            amount: decimal(amount),
            currency: (!currency.is_empty()).then(|| currency.to_owned()),
        }
    )
}

fn refunded(payment: &str, amount: &str) -> Data {
    data!(PaymentRefunded, PaymentMoved { receivable_id: "P-1", payment_id: payment, amount: decimal(amount) })
}

#[test]
fn it_is_settled_when_the_total_last_reached_the_amount() {
    let mut script = Script::default();
    script
        .say("2026-03-01T00:00:00Z", "", "R-1", due("100"))
        .say("2026-03-05T00:00:00Z", "", "R-8", received("M-1", "60", ""))
        .say("2026-03-06T00:00:00Z", "", "R-8", received("M-2", "40", "CNY"))
        .say("2026-03-06T00:00:00Z", "", "R-8", received("M-3", "500", "USD"));
    let settled = "P-1 D-1 - R-1 - 100 CNY 2026-03-10 2026-03-01 100 settled 2026-03-06 -4";
    assert_eq!(script.table(FactTable::Receivables, RECEIVABLE), [settled]);
    script.say("2026-03-08T00:00:00Z", "", "", refunded("M-2", "10"));
    let open = "P-1 D-1 - R-1 - 100 CNY 2026-03-10 2026-03-01 90 open - -";
    assert_eq!(script.table(FactTable::Receivables, RECEIVABLE), [open]);
    script.say("2026-03-11T18:00:00Z", "", "", received("M-4", "10.5", ""));
    let again = "P-1 D-1 - R-1 - 100 CNY 2026-03-10 2026-03-01 100.5 settled 2026-03-12 2";
    assert_eq!(script.table(FactTable::Receivables, RECEIVABLE), [again]);
    script.say("2026-03-12T00:00:00Z", "", "", data!(PaymentWaived, PaymentWaived { receivable_id: "P-1" }));
    let waived = "P-1 D-1 - R-1 - 100 CNY 2026-03-10 2026-03-01 100.5 waived 2026-03-12 2";
    assert_eq!(script.table(FactTable::Receivables, RECEIVABLE), [waived]);
}

#[test]
fn nothing_due_is_settled_when_issued() {
    let mut script = Script::default();
    script.say("2026-03-01T00:00:00Z", "A-1", "", due("0"));
    let expected = "P-1 D-1 A-1 - - 0 CNY 2026-03-10 2026-03-01 0 settled 2026-03-01 -9";
    assert_eq!(script.table(FactTable::Receivables, RECEIVABLE), [expected]);
}

#[test]
fn payments_take_from_the_receivable_and_its_deal_what_they_lack() {
    let mut script = Script::default();
    let cash = data!(
        PaymentReceived,
        PaymentMoved { receivable_id: "P-1", payment_id: "M-2", amount: decimal("5"), method: "cash".to_owned() }
    );
    script
        .say("2026-03-05T00:00:00Z", "", "R-8", received("M-1", "60", ""))
        .say("2026-03-06T00:00:00Z", "", "R-8", received("M-1", "70", ""))
        .say("2026-03-07T17:00:00Z", "A-2", "R-8", cash)
        .say("2026-03-08T00:00:00Z", "", "", refunded("M-1", "1"));
    let alone = [
        "P-1 M-1 received - - R-8 - - 70 CNY 2026-03-06",
        "P-1 M-1 refunded - - - - - -1 CNY 2026-03-08",
        "P-1 M-2 received - A-2 R-8 - cash 5 CNY 2026-03-08",
    ];
    assert_eq!(script.table(FactTable::Payments, PAYMENT), alone);
    let usd = data!(
        PaymentDue,
        PaymentDue {
            receivable_id: "P-1",
            amount: decimal("100"),
            currency: "USD".to_owned(),
            due_on: day("2026-03-10"),
            deal_id: "D-1".to_owned(),
        }
    );
    let deal = data!(DealOpened, DealOpened { deal_id: "D-1", product: "GTX".to_owned() });
    script.say("2026-03-09T00:00:00Z", "", "R-1", usd).say("2026-03-01T00:00:00Z", "A-1", "R-5", deal);
    let with_receivable = [
        "P-1 M-1 received D-1 A-1 R-1 GTX - 70 USD 2026-03-06",
        "P-1 M-1 refunded D-1 A-1 R-1 GTX - -1 USD 2026-03-08",
        "P-1 M-2 received D-1 A-2 R-1 GTX cash 5 USD 2026-03-08",
    ];
    assert_eq!(script.table(FactTable::Payments, PAYMENT), with_receivable);
    let receivable = "P-1 D-1 A-1 R-1 GTX 100 USD 2026-03-10 2026-03-09 74 open - -";
    assert_eq!(script.table(FactTable::Receivables, RECEIVABLE), [receivable]);
    let delete = |kind: &str, id: &str| data!(EntityDeleted, EntityNamed { kind: kind, id: id });
    script.say("2026-03-10T00:00:00Z", "", "", delete("payment", "M-1"));
    script.say("2026-03-10T00:00:00Z", "", "", delete("receivable", "P-1"));
    script.say("2026-03-10T00:00:00Z", "", "", delete("deal", "D-1"));
    assert_eq!(script.table(FactTable::Payments, PAYMENT), ["P-1 M-2 received - A-2 R-8 - cash 5 CNY 2026-03-08"]);
    assert!(script.table(FactTable::Receivables, RECEIVABLE).is_empty());
}
