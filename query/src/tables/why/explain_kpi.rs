//! `explain_kpi(kpi, from, to, filters)`: what every fact adds to a number, a row per fact and slot. The amounts of a slot that is
//! a sum or a count add up to it exactly.

use std::sync::Arc;

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
use num_bigint::BigInt;

use super::Numbers;
use crate::{
    Error,
    history::{Counted, Counting, Part, parts},
    kpis::KpiRequest,
    tables::{
        arguments, columns,
        streamed::{Batches, Rows, StreamedTable},
    },
};

pub(super) const NAME: &str = "explain_kpi";
const USAGE: &str = "explain_kpi takes a KPI, its first and last day (NULL for all) and filters like 'rep=R-7&product=X'";

/// The function.
#[derive(Debug)]
pub(super) struct Function(pub(super) Numbers);

impl TableFunctionImpl for Function {
    fn call_with_args(&self, args: TableFunctionArgs) -> Result<Arc<dyn TableProvider>> {
        let given = arguments::texts(args.exprs(), 1..=4, USAGE)?;
        let argument = |place: usize| given.get(place).cloned().flatten();
        let filters = argument(3).unwrap_or_default();
        let filters = filters.split('&').filter(|filter| !filter.is_empty()).map(|filter| {
            let pair = filter.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
            pair.ok_or_else(|| DataFusionError::Plan(format!("{USAGE}; {filter:?} is none")))
        });
        let mut parameters = filters.collect::<Result<Vec<_>>>()?;
        for (name, place) in [("from", 1), ("to", 2)] {
            parameters.extend(argument(place).map(|day| (name.to_owned(), day)));
        }
        let kpi = argument(0).ok_or_else(|| DataFusionError::Plan(USAGE.to_owned()))?;
        let numbers = self.0.clone();
        let request = KpiRequest::parse(&numbers.live.catalogue, &kpi, &parameters);
        let request = request.map_err(|error| DataFusionError::Plan(error.to_string()))?;
        let restriction = numbers.restriction();
        let schema = schema();
        let rows = Explained { numbers, request, schema: Arc::clone(&schema) };
        Ok(Arc::new(StreamedTable::new(schema, Arc::new(rows), restriction)))
    }
}

fn schema() -> SchemaRef {
    columns::schema(
        "What every fact adds to a KPI's number: a row per fact and slot.",
        &[
            ("kpi", DataType::Utf8, false, "The KPI."),
            ("fact_table", DataType::Utf8, false, "The table of the fact."),
            ("fact_key", DataType::Utf8, false, "Which fact."),
            ("day", DataType::Date32, false, "The business day that it counts on."),
            ("rep_id", DataType::Utf8, true, "Whose it is."),
            ("currency", DataType::Utf8, true, "What its money is in."),
            ("rate", columns::AMOUNT, true, "What its money is multiplied with; none where no rate is known."),
            ("slot", DataType::Int64, false, "Which aggregate of the KPI's value, from 0."),
            ("slot_sql", DataType::Utf8, false, "That aggregate."),
            ("amount", columns::AMOUNT, true, "What the fact adds, in the currency of the company where it is money."),
            ("text", DataType::Utf8, true, "What it counts as, where different values are counted."),
            ("fact", DataType::Utf8, false, "The fact as JSON."),
        ],
    )
}

#[derive(Debug)]
struct Explained {
    numbers: Numbers,
    request: KpiRequest,
    schema: SchemaRef,
}

#[async_trait]
impl Rows for Explained {
    async fn send(&self, to: &Batches) -> Result<(), Error> {
        let past = self.numbers.moment().await?;
        let mut counting = Counting::start(&self.numbers.service, &self.request, &past).await?;
        while let Some(some) = counting.next().await? {
            to.send(self.batch(&some).map_err(|error| Error::Unexpected(error.to_string()))?).await?;
        }
        Ok(())
    }
}

impl Explained {
    fn batch(&self, facts: &[Counted]) -> Result<RecordBatch, arrow::error::ArrowError> {
        let kpi = &self.request.kpi;
        let slots: Vec<String> = kpi.slots.iter().map(tidemark_schemas::kpi::Slot::sql).collect();
        let adds = |counted: &Counted| parts(kpi, &counted.contribution, counted.rate.as_ref());
        let rows: Vec<(&Counted, (usize, Part))> =
            facts.iter().flat_map(|counted| adds(counted).into_iter().map(move |part| (counted, part))).collect();
        let named = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let columns = vec![
            columns::texts(&rows, |_| Some(kpi.name.clone())),
            columns::texts(&rows, |(row, _)| Some(row.fact.table.name().to_owned())),
            columns::texts(&rows, |(row, _)| Some(row.fact.key())),
            columns::dates(&rows, |(row, _)| Some(row.contribution.day)),
            columns::texts(&rows, |(row, _)| named(&row.contribution.rep_id)),
            columns::texts(&rows, |(row, _)| named(&row.contribution.currency)),
            columns::amounts(&rows, |(row, _)| {
                row.rate.as_ref().filter(|_| kpi.is_money).map(|rate| rate * BigInt::from(1_000_000))
            })?,
            columns::integers(&rows, |(_, (slot, _))| *slot as i64),
            columns::texts(&rows, |(_, (slot, _))| slots.get(*slot).cloned()),
            columns::amounts(&rows, |(_, (_, part))| part.amount().cloned())?,
            columns::texts(&rows, |(_, (_, part))| part.text().map(str::to_owned)),
            columns::texts(&rows, |(row, _)| Some(row.fact.to_json())),
        ];
        RecordBatch::try_new(Arc::clone(&self.schema), columns)
    }
}
