//! What no record of `crm.changes` says: that other numbers became live, that a roster or an exchange rate changed, and, while
//! Kafka is away, that there are newer numbers at all. It is looked for regularly, while somebody listens.

use std::{
    collections::HashMap,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tidemark_schemas::log::partition_of;
use tokio::time::{MissedTickBehavior, interval};

use crate::{Error, service::Service};

/// Looks until nobody needs it any more, which is decided elsewhere.
pub(super) async fn look_regularly(service: Arc<Service>) {
    let mut times = interval(Duration::from_millis(service.config.live_look_ms.max(1)));
    times.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut generation = None;
    let mut is_said = false;
    loop {
        times.tick().await;
        let tenants = service.push.board.tenants();
        if tenants.is_empty() {
            continue;
        }
        let looked = service.unless_silent(look(&service, &tenants, &mut generation)).await;
        match &looked {
            Err(error) if !is_said => tracing::warn!(%error, "it cannot be looked whether rosters, rates or generations changed"),
            _ => {}
        }
        is_said = looked.is_err();
    }
}

async fn look(service: &Service, tenants: &[Arc<str>], generation: &mut Option<u32>) -> Result<(), Error> {
    let board = &service.push.board;
    let live = service.live.read(&service.clickhouse).await?.number;
    if generation.replace(live) != Some(live) {
        board.shaken();
    }
    let behind_the_cells = service.clickhouse.query(include_str!("../../sql/behind_the_cells.sql"));
    let behind_the_cells = behind_the_cells.param("generation", live).param("tenants", tenants);
    for (tenant, position) in behind_the_cells.fetch_all::<(String, i64)>().await? {
        board.moved(&tenant, position);
    }
    if service.push.is_following.load(Ordering::Acquire) {
        return Ok(());
    }
    let positions = service.clickhouse.query(include_str!("../../sql/positions.sql")).fetch_all::<(i32, i64)>().await?;
    let positions: HashMap<i32, i64> = positions.into_iter().collect();
    for tenant in tenants {
        if let Some(position) = positions.get(&partition_of(tenant, service.kafka.partitions)) {
            board.moved(tenant, *position);
        }
    }
    Ok(())
}
