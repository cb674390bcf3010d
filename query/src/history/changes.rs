//! What moved a KPI between two moments, and because of which events.

use std::collections::BTreeMap;

use tidemark_schemas::fact::Fact;

use super::{
    Past,
    behind::{Behind, EventBehind},
    counted::{Counted, Counting},
};
use crate::{Error, kpis::KpiRequest, service::Service};

/// A fact that counts otherwise than before.
#[derive(Debug)]
pub(crate) struct Moved {
    /// As it counted; none where it did not.
    pub(crate) before: Option<Counted>,
    /// As it counts; none where it does not.
    pub(crate) after: Option<Counted>,
    /// What happened to it in between; nothing where a rate or the roster is another.
    pub(crate) events: Vec<EventBehind>,
}

/// Every fact that does not count at `after` what it counted at `before`, in the order of their keys.
///
/// # Errors
/// ClickHouse; more facts than `facts_max`.
pub(crate) async fn between(
    service: &Service,
    request: &KpiRequest,
    (before, after): (&Past, &Past),
    facts_max: u64,
) -> Result<Vec<Moved>, Error> {
    let mut moved: BTreeMap<String, (Option<Counted>, Option<Counted>)> = BTreeMap::new();
    let mut counting = Counting::start(service, request, before).await?;
    while let Some(some) = counting.next().await? {
        moved.extend(some.into_iter().map(|counted| (counted.fact.key(), (Some(counted), None))));
        bounded(moved.len(), facts_max)?;
    }
    let mut counting = Counting::start(service, request, after).await?;
    while let Some(some) = counting.next().await? {
        for counted in some {
            let key = counted.fact.key();
            match moved.get_mut(&key) {
                Some((Some(before), _)) if counts_the_same(before, &counted) => drop(moved.remove(&key)),
                Some((_, after)) => *after = Some(counted),
                None => drop(moved.insert(key, (None, Some(counted)))),
            }
        }
        bounded(moved.len(), facts_max)?;
    }
    let facts: Vec<Fact> =
        moved.values().filter_map(|(before, after)| Some(after.as_ref().or(before.as_ref())?.fact.clone())).collect();
    let behind = Behind::read(service, after, request.kpi.from, &facts).await?;
    let in_between = |event: &EventBehind| event.position > before.position.offset;
    let all = moved.into_values().zip(&facts).map(|((before, after), fact)| {
        let events = behind.events(fact).into_iter().filter(in_between).collect();
        Moved { before, after, events }
    });
    Ok(all.collect())
}

fn counts_the_same(before: &Counted, after: &Counted) -> bool {
    (&before.contribution, &before.by, &before.rate) == (&after.contribution, &after.by, &after.rate)
}

fn bounded(facts: usize, facts_max: u64) -> Result<(), Error> {
    if facts as u64 > facts_max { Err(Error::TooManyRows(facts_max, "what changes_between compares")) } else { Ok(()) }
}
