//! A stack with a schema registry: records carry ids of the registry, and the numbers are the same as ever. A projector that
//! does not know the registry waits and says so, instead of taking those ids for its own.

use std::fs;
use std::time::Duration;

use serde_json::json;

use crate::schema_registry::{PASSWORD, SchemaRegistry, USER};
use crate::stack::{RECOVERED_WITHIN, Stack};

#[tokio::test(flavor = "multi_thread")]
async fn ids_of_a_registry_are_followed_and_never_guessed() {
    let (registry, url) = SchemaRegistry::start(3).await;
    registry.add("orders-value", json!({ "type": "string" }));
    let settings = [
        ("TIDEMARK_REGISTRY__URL", url),
        ("TIDEMARK_REGISTRY__USER", USER.to_owned()),
        ("TIDEMARK_REGISTRY__PASSWORD", PASSWORD.to_owned()),
    ];
    let flags = ["--time-zone", "Asia/Shanghai", "--currency", "CNY", "--without", "projector"];
    let mut stack = Stack::start_as(&flags, &settings);
    let projector = stack.start_alone("project");
    let deal = |n: u32| {
        let envelope = |kind: &str, data| {
            json!({ "type": format!("deal.{kind}"), "event_id": format!("{n}:{kind}"), "rep_id": "R-1",
            "occurred_at": "2026-03-05T10:00:00+08:00", "data": data })
        };
        let opened = envelope("opened", json!({ "deal_id": format!("D-{n}"), "stage": "proposal" }));
        json!([opened, envelope("won", json!({ "deal_id": format!("D-{n}"), "amount": "100", "currency": "CNY" }))])
    };
    let won = "/v1/kpis/won_amount?from=2026-03-01&to=2026-03-31&grain=month&after=";
    let position = stack.post(&deal(1)).await;
    assert_eq!(stack.get(&format!("{won}{position}")).await["rows"][0]["value"], "100");
    let names: Vec<String> = registry.subjects().into_values().collect();
    assert!(names.contains(&"deal.won".to_owned()) && names.contains(&"event.retracted".to_owned()), "{names:?}");

    // Both kinds of ids in one log.
    stack.interrupt();
    stack.set(&[]);
    stack.start_again();
    let position = stack.post(&deal(2)).await;
    assert_eq!(stack.get(&format!("{won}{position}")).await["rows"][0]["value"], "200");

    // The state gone, the log is read from its beginning, by a projector that was told of no registry.
    drop(projector);
    fs::remove_dir_all(stack.state().join("projector")).unwrap();
    let projector = stack.start_alone("project");
    let waits = || fs::read_to_string(stack.state().join("project.log")).unwrap();
    let deadline = std::time::Instant::now() + RECOVERED_WITHIN;
    while !waits().contains("set `url` in [registry]") {
        assert!(std::time::Instant::now() < deadline, "{}", waits());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    drop(projector);
    stack.set(&settings);
    let projector = stack.start_alone("project");
    let position = stack.post(&deal(3)).await;
    assert_eq!(stack.get(&format!("{won}{position}")).await["rows"][0]["value"], "300");
    drop(projector);
}
