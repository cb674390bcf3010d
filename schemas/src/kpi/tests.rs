//! Every shipped KPI plans; every way to write one wrong is refused with its line.

use super::*;

#[test]
fn shipped_kpis_are_valid() {
    let catalogue = Catalogue::shipped().unwrap();
    let money: Vec<&str> = catalogue.iter().filter(|kpi| kpi.is_money).map(|kpi| kpi.name.as_str()).collect();
    insta::assert_debug_snapshot!(money);
    let kpi = catalogue.get("nps").unwrap();
    assert_eq!(kpi.slots.iter().map(|slot| slot.kind).collect::<Vec<_>>(), [SlotKind::Count; 3]);
    let kpi = catalogue.get("sales_cycle_p90").unwrap();
    assert_eq!(kpi.slots[0].kind, SlotKind::Percentile(Percentile { numerator: 9, denominator: 10 }));
    for kpi in catalogue.iter() {
        for slot in &kpi.slots {
            slot.contribution().unwrap();
        }
    }
}

#[test]
fn invalid_files_are_refused_with_line_and_reason() {
    let valid = include_str!("../../kpis/win_rate.toml");
    let cases = [
        ("value  = ", "value = \"sum(nothing)\"", 10, "nothing"),
        ("value  = ", "value = \"count(*) filter (where occurred_at < now())\"", 10, "occurred_at"),
        ("value  = ", "value = \"sum(amount) + random()\"", 10, "combine aggregates"),
        ("value  = ", "value = \"count(*) filter (where opened_at < now())\"", 10, "not immutable"),
        ("value  = ", "value = \"sum(status)\"", 10, "exact number"),
        ("value  = ", "value = \"avg(amount)\"", 10, "avg is not possible"),
        ("value  = ", "value = \"1\"", 10, "no aggregate"),
        ("value  = ", "value = \"count(*) %% 2\"", 10, ""),
        ("value  = ", "value = \"count(*) filter (where closed_at - opened_at < interval '3 days')\"", 10, "interval"),
        ("where", "where = \"status = 'won' and x\"", 6, "x"),
        ("where", "where = \"amount\"", 6, "condition"),
        ("from", "from = \"deal\"", 5, "no fact table"),
        ("day", "day = \"status\"", 7, "Date"),
        ("unit", "unit = \"people\"", 3, "unknown variant"),
        ("better", "bettr = \"higher\"", 4, "unknown field"),
        ("title", "title = { en = \"x\" }", 1, "missing field `zh`"),
    ];
    for (field, line, number, reason) in cases {
        let text: String =
            valid.lines().map(|old| if old.starts_with(field) { format!("{line}\n") } else { format!("{old}\n") }).collect();
        let error = KpiDefinition::parse("win_rate", &text).expect_err(line);
        assert!(error.reason.contains(reason), "{line}: {error}");
        assert_eq!(error.line, number, "{line}: {error}");
    }
}
