//! `changes_between(kpi, before, after)`: what moved a KPI between two moments, a row per fact and slot, with the events.

use std::{collections::BTreeMap, sync::Arc};

use arrow::{
    array::RecordBatch,
    datatypes::{DataType, SchemaRef},
};
use async_trait::async_trait;
use datafusion::{
    catalog::{TableFunctionArgs, TableFunctionImpl},
    datasource::TableProvider,
    error::{DataFusionError, Result},
};

use super::Numbers;
use crate::{
    Error,
    history::{AsOf, Counted, Moved, Part, changes_between, parts},
    kpis::KpiRequest,
    tables::{
        arguments, columns,
        streamed::{Batches, Rows, StreamedTable},
    },
};

pub(super) const NAME: &str = "changes_between";
const USAGE: &str =
    "changes_between takes a KPI and two moments, each an instant or the `token` of a stamp of trust like '3-1042'";
/// Facts that one question holds at most, those that count the same included while they are compared.
const FACTS_MAX: u64 = 1_000_000;
/// Rows of a batch.
const BATCH: usize = 8192;

/// The function.
#[derive(Debug)]
pub(super) struct Function(pub(super) Numbers);

impl TableFunctionImpl for Function {
    fn call_with_args(&self, args: TableFunctionArgs) -> Result<Arc<dyn TableProvider>> {
        let given = arguments::texts(args.exprs(), 3..=3, USAGE)?;
        let [Some(kpi), Some(before), Some(after)] = given.as_slice() else {
            return Err(DataFusionError::Plan(USAGE.to_owned()));
        };
        let plan = |error: Error| DataFusionError::Plan(error.to_string());
        let numbers = self.0.clone();
        let request = KpiRequest::parse(&numbers.live.catalogue, kpi, &[]).map_err(plan)?;
        let (before, after) = (before.parse().map_err(plan)?, after.parse().map_err(plan)?);
        let restriction = numbers.restriction();
        let schema = schema();
        let rows = Changes { numbers, request, before, after, schema: Arc::clone(&schema) };
        Ok(Arc::new(StreamedTable::new(schema, Arc::new(rows), restriction)))
    }
}

fn schema() -> SchemaRef {
    columns::schema(
        "What moved a KPI between two moments: a row per fact and slot.",
        &[
            ("kpi", DataType::Utf8, false, "The KPI."),
            ("fact_table", DataType::Utf8, false, "The table of the fact."),
            ("fact_key", DataType::Utf8, false, "Which fact."),
            ("slot", DataType::Int64, false, "Which aggregate of the KPI's value, from 0."),
            ("slot_sql", DataType::Utf8, false, "That aggregate."),
            ("day_before", DataType::Date32, true, "The business day that it counted on; none where it did not count."),
            ("day_after", DataType::Date32, true, "The business day that it counts on; none where it does not count."),
            ("rep_before", DataType::Utf8, true, "Whose it was."),
            ("rep_after", DataType::Utf8, true, "Whose it is."),
            ("amount_before", columns::AMOUNT, true, "What it added, in the currency of the company where it is money."),
            ("amount_after", columns::AMOUNT, true, "What it adds."),
            ("text_before", DataType::Utf8, true, "What it counted as, where different values are counted."),
            ("text_after", DataType::Utf8, true, "What it counts as."),
            (
                "events",
                DataType::Utf8,
                false,
                "What happened to it in between, as JSON; empty where a rate or the roster is another.",
            ),
        ],
    )
}

#[derive(Debug)]
struct Changes {
    numbers: Numbers,
    request: KpiRequest,
    before: AsOf,
    after: AsOf,
    schema: SchemaRef,
}

/// What a fact adds to one slot, before and after.
struct Row<'a> {
    moved: &'a Moved,
    slot: usize,
    before: Option<Part>,
    after: Option<Part>,
}

#[async_trait]
impl Rows for Changes {
    async fn send(&self, to: &Batches) -> Result<(), Error> {
        let Numbers { service, scope, .. } = &self.numbers;
        let (before, after) = (self.before.find(service, scope).await?, self.after.find(service, scope).await?);
        let moved = changes_between(service, &self.request, (&before, &after), FACTS_MAX).await?;
        for some in moved.chunks(BATCH) {
            to.send(self.batch(some).map_err(|error| Error::Unexpected(error.to_string()))?).await?;
        }
        Ok(())
    }
}

impl Changes {
    fn rows<'a>(&self, moved: &'a Moved) -> Vec<Row<'a>> {
        let by_slot = |counted: &Option<Counted>| -> BTreeMap<usize, Part> {
            let counted = counted.as_ref();
            counted
                .map(|counted| parts(&self.request.kpi, &counted.contribution, counted.rate.as_ref()))
                .into_iter()
                .flatten()
                .collect()
        };
        let (before, after) = (by_slot(&moved.before), by_slot(&moved.after));
        let slots = 0..self.request.kpi.slots.len();
        let rows = slots.map(|slot| Row { moved, slot, before: before.get(&slot).cloned(), after: after.get(&slot).cloned() });
        rows.filter(|row| row.before.is_some() || row.after.is_some()).collect()
    }

    fn batch(&self, moved: &[Moved]) -> Result<RecordBatch, arrow::error::ArrowError> {
        let kpi = &self.request.kpi;
        let slots: Vec<String> = kpi.slots.iter().map(tidemark_schemas::kpi::Slot::sql).collect();
        let rows: Vec<Row<'_>> = moved.iter().flat_map(|moved| self.rows(moved)).collect();
        let rep = |counted: &Option<Counted>| {
            let rep = counted.as_ref().map(|counted| counted.contribution.rep_id.to_string());
            rep.filter(|rep| !rep.is_empty())
        };
        let day = |counted: &Option<Counted>| counted.as_ref().map(|counted| counted.contribution.day);
        let amount = |part: &Option<Part>| part.as_ref().and_then(Part::amount).cloned();
        let text = |part: &Option<Part>| part.as_ref().and_then(Part::text).map(str::to_owned);
        let key = |row: &Row<'_>| row.moved.after.as_ref().or(row.moved.before.as_ref()).map(|counted| counted.fact.key());
        let columns = vec![
            columns::texts(&rows, |_| Some(kpi.name.clone())),
            columns::texts(&rows, |_| Some(kpi.from.name().to_owned())),
            columns::texts(&rows, key),
            columns::integers(&rows, |row| row.slot as i64),
            columns::texts(&rows, |row| slots.get(row.slot).cloned()),
            columns::dates(&rows, |row| day(&row.moved.before)),
            columns::dates(&rows, |row| day(&row.moved.after)),
            columns::texts(&rows, |row| rep(&row.moved.before)),
            columns::texts(&rows, |row| rep(&row.moved.after)),
            columns::amounts(&rows, |row| amount(&row.before))?,
            columns::amounts(&rows, |row| amount(&row.after))?,
            columns::texts(&rows, |row| text(&row.before)),
            columns::texts(&rows, |row| text(&row.after)),
            columns::texts(&rows, |row| serde_json::to_string(&row.moved.events).ok()),
        ];
        RecordBatch::try_new(Arc::clone(&self.schema), columns)
    }
}
