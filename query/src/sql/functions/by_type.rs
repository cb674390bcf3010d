//! Casts whose target hangs on what is cast, which is known only when a statement is planned: wider numbers for averages and sums.

use arrow::datatypes::DataType;
use datafusion::{
    common::utils::take_function_args,
    error::Result,
    logical_expr::{
        Cast, ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
        simplify::{ExprSimplifyResult, SimplifyContext},
    },
};

/// What is averaged: `avg(CASE WHEN … THEN 1.0 ELSE 0 END)` has five digits in DataFusion, which are four more than it is of.
pub(in super::super) const PRECISE: &str = "precise";
/// What is summed: a sum of `bigint` that has no room begins again at the other end.
pub(in super::super) const WIDE: &str = "wide";
/// The sum of what is [`WIDE`]: a `bigint` again, or an error.
pub(in super::super) const NARROW: &str = "narrow";

/// Digits behind the point that are enough to be averaged: money has them.
const SCALE_MIN: i8 = 6;
const PRECISE_NUMBER: DataType = DataType::Decimal128(38, 8);
const WIDE_NUMBER: DataType = DataType::Decimal128(28, 0);
/// DataFusion gives a sum ten digits more. A sum of somebody's own `numeric(28, 0)` is a `bigint` too.
const WIDE_SUM: DataType = DataType::Decimal128(38, 0);

fn target(name: &str, of: &DataType) -> Option<DataType> {
    match (name, of) {
        (PRECISE, DataType::Decimal128(_, scale)) if *scale < SCALE_MIN => Some(PRECISE_NUMBER),
        (WIDE, DataType::Int64) => Some(WIDE_NUMBER),
        (NARROW, sum) if *sum == WIDE_SUM => Some(DataType::Int64),
        _ => None,
    }
}

/// Such a cast. What it has no target for stays what it is.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct ByType {
    name: &'static str,
    signature: Signature,
}

impl ByType {
    pub(super) fn new(name: &'static str) -> Self {
        Self { name, signature: Signature::any(1, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for ByType {
    fn name(&self) -> &str {
        self.name
    }

    /// Nobody asked for it.
    fn schema_name(&self, arguments: &[Expr]) -> Result<String> {
        Ok(arguments.iter().map(|argument| argument.schema_name().to_string()).collect())
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        let [number] = take_function_args(self.name, arguments)?;
        Ok(target(self.name, number).unwrap_or_else(|| number.clone()))
    }

    fn simplify(&self, arguments: Vec<Expr>, info: &SimplifyContext) -> Result<ExprSimplifyResult> {
        let [number] = take_function_args(self.name, arguments)?;
        Ok(ExprSimplifyResult::Simplified(match target(self.name, &info.get_data_type(&number)?) {
            Some(to) => Expr::Cast(Cast::new(Box::new(number), to)),
            None => number,
        }))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [number] = take_function_args(self.name, arguments.args)?;
        match target(self.name, &number.data_type()) {
            Some(to) => number.cast_to(&to, None),
            None => Ok(number),
        }
    }
}
