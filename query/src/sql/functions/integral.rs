//! `2.5::int` is 3 in PostgreSQL, and 2 in DataFusion, which leaves out what is behind the point.

use std::sync::Arc;

use arrow::{
    array::AsArray,
    datatypes::{DataType, Float32Type, Float64Type},
};
use datafusion::{
    common::utils::take_function_args,
    error::Result,
    logical_expr::{
        Cast, ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
        simplify::{ExprSimplifyResult, SimplifyContext},
    },
};

pub(in super::super) const NAME: &str = "integral";

const WHOLE: DataType = DataType::Decimal128(38, 0);

/// The nearest integer of a number, for a cast: halves of a decimal go away from zero, and those of a float to the even one. What is no
/// such number stays what it is.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Integral {
    signature: Signature,
}

impl Integral {
    pub(super) fn new() -> Self {
        Self { signature: Signature::any(1, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Integral {
    fn name(&self) -> &str {
        NAME
    }

    /// The cast is called as what it casts.
    fn schema_name(&self, arguments: &[Expr]) -> Result<String> {
        Ok(arguments.iter().map(|argument| argument.schema_name().to_string()).collect())
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        let [number] = take_function_args(NAME, arguments)?;
        match number {
            DataType::Decimal128(..) => Ok(WHOLE),
            other => Ok(other.clone()),
        }
    }

    fn simplify(&self, arguments: Vec<Expr>, info: &SimplifyContext) -> Result<ExprSimplifyResult> {
        let [number] = take_function_args(NAME, arguments)?;
        Ok(match info.get_data_type(&number)? {
            DataType::Decimal128(..) => {
                // Which rounds.
                ExprSimplifyResult::Simplified(Expr::Cast(Cast::new(Box::new(number), WHOLE)))
            }
            DataType::Float32 | DataType::Float64 => ExprSimplifyResult::Original(vec![number]),
            _ => ExprSimplifyResult::Simplified(number),
        })
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = arguments.number_rows;
        let [number] = take_function_args(NAME, arguments.args)?;
        let number = number.into_array(rows)?;
        Ok(ColumnarValue::Array(match number.data_type() {
            DataType::Float64 => Arc::new(number.as_primitive::<Float64Type>().unary::<_, Float64Type>(f64::round_ties_even)),
            DataType::Float32 => Arc::new(number.as_primitive::<Float32Type>().unary::<_, Float32Type>(f32::round_ties_even)),
            _ => number,
        }))
    }
}
