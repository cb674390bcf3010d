//! `kpi_daily` … `kpi_yearly`: the values of KPIs as rows, each exact at its own level. A ratio or a median of a team is not made
//! of those of its reps, so every level has rows of its own, and a reader picks one.

mod asked;

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, BooleanArray, Date32Array, RecordBatch, StringArray},
    datatypes::{DataType, SchemaRef},
};
use async_trait::async_trait;
use chrono::NaiveDate;
use datafusion::{
    catalog::Session,
    datasource::{TableProvider, TableType},
    error::{DataFusionError, Result},
    execution::{SendableRecordBatchStream, TaskContext},
    logical_expr::{Expr, TableProviderFilterPushDown},
    physical_plan::{
        ExecutionPlan,
        stream::RecordBatchStreamAdapter,
        streaming::{PartitionStream, StreamingTableExec},
    },
};
use futures::{StreamExt, stream};

use self::asked::Asked;
use super::{Numbers, columns};
use crate::kpis::{Answer, AnswerRow, Axis, Grain, KpiRequest};

/// The tables, by name, and the length of their periods.
pub(super) const NAMES: [(&str, Grain); 5] = [
    ("kpi_daily", Grain::Day),
    ("kpi_weekly", Grain::Week),
    ("kpi_monthly", Grain::Month),
    ("kpi_quarterly", Grain::Quarter),
    ("kpi_yearly", Grain::Year),
];

/// Whose values a row holds, and what they are split by: the company's of a level are those of all its units together.
const LEVELS: [(&str, Option<Axis>); 5] = [
    ("company", None),
    ("region", Some(Axis::Unit("region"))),
    ("department", Some(Axis::Unit("department"))),
    ("team", Some(Axis::Unit("team"))),
    ("rep", Some(Axis::Rep)),
];
/// The column of each level that has units, in the order of the columns.
const UNITS: [(&str, &str); 4] = [("rep", "rep_id"), ("team", "team"), ("department", "department"), ("region", "region")];
const DIMS: [&str; 3] = ["dim_1", "dim_2", "dim_3"];

/// The values of every KPI of a tenant, at one grain.
pub(super) fn table(numbers: &Numbers, grain: Grain) -> Arc<dyn TableProvider> {
    Arc::new(KpiValues { numbers: numbers.clone(), grain, schema: schema() })
}

fn schema() -> SchemaRef {
    let mut fields = vec![
        ("kpi", DataType::Utf8, false, "Which KPI: a name of the table kpis.".to_owned()),
        ("period", DataType::Date32, false, "First day of the period.".to_owned()),
        ("level", DataType::Utf8, false, "Whose value: company, region, department, team or rep. Read one at a time.".to_owned()),
        (
            "is_split",
            DataType::Boolean,
            false,
            "Whether the value is split by the KPI's dimensions. Read one at a time.".to_owned(),
        ),
    ];
    fields.extend(UNITS.map(|(level, column)| (column, DataType::Utf8, true, format!("Which {level}, in rows of that level."))));
    for (place, dim) in DIMS.into_iter().enumerate() {
        let about = format!("Value of the KPI's dimension {} (kpis.dims names it), in rows that are split.", place + 1);
        fields.push((dim, DataType::Utf8, true, about));
    }
    fields.push(("value", columns::VALUE, true, "The value; none where nothing can be said.".to_owned()));
    let fields: Vec<_> =
        fields.iter().map(|(name, data_type, nullable, about)| (*name, data_type.clone(), *nullable, about.as_str())).collect();
    let about = "Values of every KPI by period, exact at each level; WHERE kpi = '…' AND level = '…' AND NOT is_split.";
    columns::schema(about, &fields)
}

struct KpiValues {
    numbers: Numbers,
    grain: Grain,
    schema: SchemaRef,
}

impl std::fmt::Debug for KpiValues {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KpiValues({:?})", self.grain)
    }
}

#[async_trait]
impl TableProvider for KpiValues {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }

    /// Conditions only save questions; they are looked at again in the rows.
    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        _: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let asked = Asked::by(filters);
        let values = Values { numbers: self.numbers.clone(), schema: self.schema(), questions: self.questions(&asked) };
        // A limit may only cut what no condition is left to take out.
        let limit = limit.filter(|_| filters.is_empty());
        let exec = StreamingTableExec::try_new(self.schema(), vec![Arc::new(values)], projection, [], false, limit)?;
        Ok(Arc::new(exec))
    }
}

/// The values of one KPI at one level.
#[derive(Debug, Clone)]
struct Question {
    level: &'static str,
    is_split: bool,
    request: KpiRequest,
}

impl KpiValues {
    /// One for each KPI, level and split that may have rows that are wanted.
    fn questions(&self, asked: &Asked) -> Vec<Question> {
        let mut questions = Vec::new();
        for kpi in self.numbers.live.catalogue.iter().filter(|kpi| asked.kpi(&kpi.name)) {
            for (level, axis) in LEVELS.into_iter().filter(|(level, _)| asked.level(level)) {
                for is_split in [false, true].into_iter().filter(|is_split| asked.split(*is_split)) {
                    if is_split && kpi.dims.is_empty() {
                        continue;
                    }
                    let dims = (0..kpi.dims.len()).filter(|_| is_split).map(Axis::Dim);
                    let by = axis.into_iter().chain(dims).collect();
                    let (from, to) = asked.days(self.grain);
                    let request = KpiRequest {
                        kpi: Arc::clone(kpi),
                        from,
                        to,
                        grain: self.grain,
                        by,
                        filters: vec![],
                        after: None,
                        as_of: None,
                    };
                    questions.push(Question { level, is_split, request });
                }
            }
        }
        questions
    }
}

/// The rows, question by question, so that whoever has enough stops the rest.
struct Values {
    numbers: Numbers,
    schema: SchemaRef,
    questions: Vec<Question>,
}

impl std::fmt::Debug for Values {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Values({} questions)", self.questions.len())
    }
}

impl PartitionStream for Values {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let (numbers, schema) = (self.numbers.clone(), Arc::clone(&self.schema));
        let batches = stream::iter(self.questions.clone()).then(move |question| {
            let (numbers, schema) = (numbers.clone(), Arc::clone(&schema));
            async move {
                let answer = numbers.answer(&question.request).await;
                let answer = answer.map_err(|error| DataFusionError::External(Box::new(error)))?;
                batch(&question, answer, schema)
            }
        });
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), batches))
    }
}

fn batch(question: &Question, answer: Answer, schema: SchemaRef) -> Result<RecordBatch> {
    let rows = answer.rows;
    let all = |value: &str| Arc::new(StringArray::from(vec![value; rows.len()])) as ArrayRef;
    let units = usize::from(question.level != "company");
    let periods: Vec<i32> = rows.iter().map(|row| day(&row.period)).collect::<Result<_>>()?;
    let mut arrays = vec![
        all(&question.request.kpi.name),
        Arc::new(Date32Array::from(periods)),
        all(question.level),
        Arc::new(BooleanArray::from(vec![question.is_split; rows.len()])),
    ];
    let place = |row: &AnswerRow, place: usize| row.by.get(place).and_then(|(_, value)| value.clone());
    for (level, _) in UNITS {
        let unit = |row: &AnswerRow| if question.level == level { place(row, 0) } else { None };
        arrays.push(Arc::new(rows.iter().map(unit).collect::<StringArray>()));
    }
    for dim in 0..DIMS.len() {
        arrays.push(Arc::new(rows.iter().map(|row| place(row, units + dim)).collect::<StringArray>()));
    }
    arrays.push(columns::values(&rows, |row| row.value.clone())?);
    Ok(RecordBatch::try_new(schema, arrays)?)
}

fn day(text: &str) -> Result<i32> {
    let date: NaiveDate = text.parse().map_err(|_| unexpected(text))?;
    i32::try_from((date - NaiveDate::default()).num_days()).map_err(|_| unexpected(text))
}

fn unexpected(text: &str) -> DataFusionError {
    DataFusionError::Execution(format!("{text:?} is not what a KPI's answer holds"))
}
