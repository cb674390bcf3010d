//! What must hold at every read: the numbers are those that the naive model folds from the log up to their position.

use std::{collections::BTreeMap, sync::Arc};

use tidemark_projector::{
    measure::{Cell, CellKey, ValueKey},
    pipeline::Watermark,
    sink::{RowKey, RowValue, Tables},
};
use tidemark_schemas::{
    decimal::Decimal6,
    fact::{Fact, Scalar},
    kpi::DIMS_MAX,
};
use tidemark_verify::{CellValue, LogRecord, Model};

use crate::{
    company::{Company, Definitions},
    log::Kept,
    world::World,
};

/// Which log a watermark is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lineage {
    /// The log as it is.
    Now,
    /// The log as it was before it was cut off or put anew.
    Before,
}

/// Which log the numbers of a partition are of, and up to where; none before the first.
pub(crate) fn lineage(
    world: &World,
    partition: usize,
    watermark: Option<&Watermark>,
) -> Result<Option<(Lineage, usize)>, String> {
    let Some(watermark) = watermark else { return Ok(None) };
    let at = usize::try_from(watermark.to).map_err(|_| format!("a watermark of position {}", watermark.to))?;
    let is_of = |records: &[Kept]| records.get(at).is_some_and(|kept| kept.hash() == watermark.record_hash);
    world.with_log(partition, |log| {
        if is_of(&log.records) && log.low == 0 {
            Ok(Some((Lineage::Now, at)))
        } else if log.before.as_deref().is_some_and(is_of) {
            Ok(Some((Lineage::Before, at)))
        } else {
            Err(format!("partition {partition}: no log has the record that the watermark at {at} names"))
        }
    })
}

/// Compares cells, values and watermark of a partition, as read at one moment, with the model; but for KPIs that readers
/// are not given.
pub(crate) fn check_cells(
    world: &World,
    company: &Company,
    definitions: &Definitions,
    hidden: &[String],
    tables: &Tables,
    partition: usize,
) -> Result<(), String> {
    let place = lineage(world, partition, tables.watermark(partition as i32))?;
    for tenant in company.tenants_of(partition) {
        let model = model(world, company, definitions, partition, tenant, place)?;
        let mut expected = model.map(|model| cells(tenant, &model)).unwrap_or_default();
        expected.retain(|key, _| is_read(key, hidden));
        let found = of_tenant(tables, tenant, |key| is_read(key, hidden));
        same(&format!("cells of {tenant} at {place:?}"), &expected, &found)?;
    }
    Ok(())
}

/// Compares everything of a partition that has settled with the model.
pub(crate) fn check_all(
    world: &World,
    company: &Company,
    definitions: &Definitions,
    tables: &Tables,
    partition: usize,
) -> Result<(), String> {
    check_cells(world, company, definitions, &[], tables, partition)?;
    let place = lineage(world, partition, tables.watermark(partition as i32))?;
    for tenant in company.tenants_of(partition) {
        let Some(model) = model(world, company, definitions, partition, tenant, place)? else { continue };
        let mut expected: BTreeMap<RowKey, RowValue> = model.facts.iter().map(|fact| fact_row(tenant, fact)).collect();
        let records = records(world, partition, tenant, place).into_iter().zip(&model.verdicts);
        expected.extend(
            records.map(|((position, hash), verdict)| {
                (RowKey::Event(tenant.clone(), position), RowValue::Event(verdict.name(), hash))
            }),
        );
        let found = of_tenant(tables, tenant, |key| matches!(key, RowKey::Fact(..) | RowKey::Event(..)));
        same(&format!("facts and verdicts of {tenant} at {place:?}"), &expected, &found)?;
        same(&format!("newest versions of facts of {tenant}"), &facts_only(&expected), &newest_versions(tables, tenant))?;
    }
    Ok(())
}

fn model(
    world: &World,
    company: &Company,
    definitions: &Definitions,
    partition: usize,
    tenant: &Arc<str>,
    place: Option<(Lineage, usize)>,
) -> Result<Option<Model>, String> {
    let records = with_records(world, partition, place, |records| {
        let of_tenant = records.iter().filter(|kept| kept.tenant == *tenant);
        let of_tenant = of_tenant.filter_map(|kept| Some((kept, kept.event()?)));
        let records = of_tenant.map(|(kept, event)| LogRecord {
            position: kept.record.offset,
            known_at: kept.record.appended_at,
            event: event.clone(),
        });
        records.collect::<Vec<_>>()
    });
    if records.is_empty() {
        return Ok(None);
    }
    let settings = company.tenants.get(tenant).ok_or("no such tenant")?;
    let pipeline = company.pipelines.get(&settings.pipeline).ok_or("no such pipeline")?;
    Model::fold(&records, settings, pipeline, &definitions.model).map(Some).map_err(|error| error.to_string())
}

/// Whether it is part of a number that readers are given.
fn is_read(key: &RowKey, hidden: &[String]) -> bool {
    match key {
        RowKey::Cell(_, cell) => !hidden.iter().any(|kpi| **kpi == *cell.kpi),
        RowKey::Value(_, value) => !hidden.iter().any(|kpi| **kpi == *value.cell.kpi),
        _ => false,
    }
}

/// Positions and hashes of a company's events.
fn records(world: &World, partition: usize, tenant: &Arc<str>, place: Option<(Lineage, usize)>) -> Vec<(i64, u64)> {
    with_records(world, partition, place, |records| {
        let events = records.iter().filter(|kept| kept.tenant == *tenant && kept.event().is_some());
        events.map(|kept| (kept.record.offset, kept.hash())).collect()
    })
}

/// The records up to a place.
fn with_records<T>(world: &World, partition: usize, place: Option<(Lineage, usize)>, read: impl FnOnce(&[Kept]) -> T) -> T {
    world.with_log(partition, |log| match place {
        None => read(&[]),
        Some((Lineage::Now, at)) => read(&log.records[..=at]),
        Some((Lineage::Before, at)) => read(&log.before.as_deref().unwrap_or_default()[..=at]),
    })
}

fn of_tenant(tables: &Tables, of: &Arc<str>, is_wanted: impl Fn(&RowKey) -> bool) -> BTreeMap<RowKey, RowValue> {
    let rows = tables.rows().filter(|(key, _)| key.tenant() == Some(of) && is_wanted(key));
    rows.map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// The model's cells as the rows that they should be.
fn cells(tenant: &Arc<str>, model: &Model) -> BTreeMap<RowKey, RowValue> {
    let mut rows = BTreeMap::new();
    for (key, cell) in &model.cells {
        let mut dims: [Arc<str>; DIMS_MAX] = Default::default();
        dims.iter_mut().zip(&key.dims).for_each(|(dim, value)| *dim = value.as_str().into());
        let (kpi, rep_id, currency) = (key.kpi.as_str().into(), key.rep.as_str().into(), key.currency.as_str().into());
        let cell_key = CellKey { kpi, day: key.day, rep_id, dims, currency };
        for ((slot, value), facts) in &cell.values {
            let value = match value {
                CellValue::Text(text) => Scalar::from(text.as_str()),
                CellValue::Number(number) => Scalar::Decimal(*number),
            };
            let value_key = ValueKey { cell: cell_key.clone(), slot: *slot as u8, value };
            rows.insert(RowKey::Value(tenant.clone(), value_key), RowValue::Value(*facts));
        }
        let sums = cell.sums.iter().map(|Decimal6(sum)| *sum).collect();
        rows.insert(RowKey::Cell(tenant.clone(), cell_key), RowValue::Cell(Cell { facts: cell.facts, sums }));
    }
    rows
}

fn fact_row(tenant: &Arc<str>, fact: &Fact) -> (RowKey, RowValue) {
    (RowKey::Fact(tenant.clone(), fact.table, fact.key()), RowValue::Fact(fact.clone()))
}

fn facts_only(rows: &BTreeMap<RowKey, RowValue>) -> BTreeMap<RowKey, RowValue> {
    let facts = rows.iter().filter(|(key, _)| matches!(key, RowKey::Fact(..)));
    facts.map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// What the history of facts says of now.
fn newest_versions(tables: &Tables, of: &Arc<str>) -> BTreeMap<RowKey, RowValue> {
    let mut newest = BTreeMap::new();
    for (key, value) in tables.rows() {
        if let (RowKey::Version(tenant, table, fact_key, _), RowValue::Version(fact)) = (key, value)
            && tenant == of
        {
            // Rows come in the order of positions.
            newest.insert(RowKey::Fact(tenant.clone(), *table, fact_key.clone()), fact.clone());
        }
    }
    newest.into_iter().filter_map(|(key, fact)| Some((key, RowValue::Fact(fact?)))).collect()
}

fn same(what: &str, expected: &BTreeMap<RowKey, RowValue>, found: &BTreeMap<RowKey, RowValue>) -> Result<(), String> {
    if expected == found {
        return Ok(());
    }
    let wrong = expected.iter().filter(|(key, value)| found.get(key) != Some(value));
    let wrong = wrong.map(|(key, value)| format!("{key:?}\n  model     {value:?}\n  projector {:?}", found.get(key)));
    let extra = found.iter().filter(|(key, _)| !expected.contains_key(key));
    let extra = extra.map(|(key, value)| format!("{key:?}\n  model     nothing\n  projector {value:?}"));
    let differences: Vec<String> = wrong.chain(extra).take(5).collect();
    Err(format!("{what} are wrong:\n{}", differences.join("\n")))
}
