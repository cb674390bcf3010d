//! A second opinion on cells: DataFusion's own GROUP BY over the facts, planned from the text of the KPI file.

use std::collections::BTreeMap;

use arrow::{
    array::{Array, ArrayRef, AsArray, RecordBatch},
    compute::{cast, concat_batches},
    datatypes::{DataType, Date32Type, Decimal128Type, Float64Type},
};
use datafusion::{
    common::tree_node::{TreeNode, TreeNodeRecursion},
    logical_expr::LogicalPlan,
    prelude::{DataFrame, SessionContext},
};
use tidemark_schemas::{
    fact::to_record_batch,
    kpi::{Catalogue, KpiDefinition, SlotKind},
    table::FactTable,
};
use tidemark_verify::{Cell, CellKey, CellValue, Model, generate};

use crate::script::Script;

#[tokio::test]
async fn cells_agree_with_a_plain_group_by() {
    let catalogue = Catalogue::shipped().unwrap();
    for seed in 0..3 {
        let model = Script(generate::history(seed, 250)).model();
        let context = SessionContext::new();
        for table in FactTable::ALL {
            let facts = model.facts.iter().filter(|fact| fact.table == *table);
            context.register_batch(table.name(), to_record_batch(*table, facts).unwrap()).unwrap();
        }
        // Products of the largest amounts overflow, which ends a query but takes only a fact from a cell.
        for kpi in catalogue.iter().filter(|kpi| kpi.name != "customer_lifetime_value") {
            let aggregated = aggregated(&context, kpi).await;
            compare(&model, kpi, &aggregated, seed);
        }
    }
}

/// Day, rep, dims, currency, and then every aggregate of the KPI, one row per cell.
async fn aggregated(context: &SessionContext, kpi: &KpiDefinition) -> RecordBatch {
    let mut groups = vec![kpi.day.clone(), format!("coalesce({}, '')", kpi.rep)];
    groups.extend(kpi.dims.iter().map(|dim| format!("coalesce({dim}, '')")));
    groups.push(if kpi.is_money { "currency".to_owned() } else { "''".to_owned() });
    let named: Vec<String> = groups.iter().enumerate().map(|(index, group)| format!("{group} AS g{index}")).collect();
    let sql = format!(
        "SELECT {}, {} FROM {} WHERE ({}) AND {} IS NOT NULL GROUP BY {}",
        named.join(", "),
        kpi.value_sql,
        kpi.from.name(),
        kpi.filter_sql.as_deref().unwrap_or("true"),
        kpi.day,
        groups.join(", "),
    );
    let plan = context.state().create_logical_plan(&sql).await.unwrap();
    let mut aggregate = None;
    plan.apply(|node| {
        if matches!(node, LogicalPlan::Aggregate(_)) {
            aggregate = Some(node.clone());
        }
        Ok(TreeNodeRecursion::Continue)
    })
    .unwrap();
    let frame = DataFrame::new(context.state(), aggregate.expect("an aggregate"));
    let schema = frame.schema().as_arrow().clone().into();
    concat_batches(&schema, &frame.collect().await.unwrap()).unwrap()
}

fn compare(model: &Model, kpi: &KpiDefinition, aggregated: &RecordBatch, seed: u64) {
    let cells: BTreeMap<&CellKey, &Cell> = model.cells.iter().filter(|(key, _)| key.kpi == kpi.name).collect();
    assert_eq!(cells.len(), aggregated.num_rows(), "{} of seed {seed}", kpi.name);
    for row in 0..aggregated.num_rows() {
        let text = |column: usize| aggregated.column(column).as_string::<i32>().value(row).to_owned();
        let key = CellKey {
            kpi: kpi.name.clone(),
            day: aggregated.column(0).as_primitive::<Date32Type>().value(row),
            rep: text(1),
            dims: (2..2 + kpi.dims.len()).map(text).collect(),
            currency: text(2 + kpi.dims.len()),
        };
        let cell = cells.get(&key).unwrap_or_else(|| panic!("seed {seed}: no cell {key:?}"));
        for slot in 0..kpi.slots.len() {
            let column = aggregated.column(3 + kpi.dims.len() + slot);
            assert_slot(kpi, slot, cell, column, row, &format!("slot {slot} of {key:?} of seed {seed}"));
        }
    }
}

fn assert_slot(kpi: &KpiDefinition, slot: usize, cell: &Cell, column: &ArrayRef, row: usize, place: &str) {
    let values: Vec<(&CellValue, i64)> =
        cell.values.iter().filter(|((index, _), _)| *index == slot).map(|((_, value), count)| (value, *count)).collect();
    match kpi.slots[slot].kind {
        SlotKind::Sum | SlotKind::Count => {
            let exact = cast(column, &DataType::Decimal128(38, 6)).unwrap();
            let exact = exact.as_primitive::<Decimal128Type>();
            let sum = if exact.is_null(row) { 0 } else { exact.value(row) };
            assert_eq!(cell.sums[kpi.additive_column(slot).unwrap()].0, sum, "{place}");
        }
        SlotKind::CountDistinct => {
            let exact = cast(column, &DataType::Decimal128(38, 0)).unwrap();
            assert_eq!(values.len() as i128, exact.as_primitive::<Decimal128Type>().value(row), "{place}");
        }
        kind => {
            let found = cast(column, &DataType::Float64).unwrap();
            let mut sorted = Vec::new();
            for (value, count) in values {
                let CellValue::Number(number) = value else { panic!("{place}: {value:?}") };
                sorted.extend((0..count).map(|_| number.0 as f64 / 1e6));
            }
            let expected = match kind {
                SlotKind::Min => sorted[0],
                SlotKind::Max => sorted[sorted.len() - 1],
                SlotKind::Percentile(share) => {
                    let at = f64::from(share.numerator) / f64::from(share.denominator) * (sorted.len() - 1) as f64;
                    let (below, above) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
                    below + (above - below) * at.fract()
                }
                _ => panic!("{place}"),
            };
            let found = found.as_primitive::<Float64Type>().value(row);
            // DataFusion keeps the six places of the column, and cuts off the rest; a median of integers is an integer.
            let tolerance = if kpi.name == "collection_days" { 0.5 } else { 1e-5 };
            assert!((expected - found).abs() <= tolerance, "{place}: {expected} and {found}");
        }
    }
}
