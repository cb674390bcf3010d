//! `avg(CASE WHEN … THEN 1.0 ELSE 0 END)` has five digits in DataFusion: four more than what it is of.

use arrow::datatypes::DataType;
use datafusion::{
    common::utils::take_function_args,
    error::Result,
    logical_expr::{
        Cast, ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
        simplify::{ExprSimplifyResult, SimplifyContext},
    },
};

pub(in super::super) const NAME: &str = "precise";

/// Money has six, and keeps its own.
const SCALE_MIN: i8 = 6;
const LONG: DataType = DataType::Decimal128(38, 8);

/// A decimal with more digits behind the point than it needs. What is no decimal stays what it is.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Precise {
    signature: Signature,
}

impl Precise {
    pub(super) fn new() -> Self {
        Self { signature: Signature::any(1, Volatility::Immutable) }
    }
}

fn is_short(number: &DataType) -> bool {
    matches!(number, DataType::Decimal128(_, scale) if *scale < SCALE_MIN)
}

impl ScalarUDFImpl for Precise {
    fn name(&self) -> &str {
        NAME
    }

    /// Nobody asked for it.
    fn schema_name(&self, arguments: &[Expr]) -> Result<String> {
        Ok(arguments.iter().map(|argument| argument.schema_name().to_string()).collect())
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        let [number] = take_function_args(NAME, arguments)?;
        Ok(if is_short(number) { LONG } else { number.clone() })
    }

    fn simplify(&self, arguments: Vec<Expr>, info: &SimplifyContext) -> Result<ExprSimplifyResult> {
        let [number] = take_function_args(NAME, arguments)?;
        let is_short = is_short(&info.get_data_type(&number)?);
        Ok(ExprSimplifyResult::Simplified(if is_short { Expr::Cast(Cast::new(Box::new(number), LONG)) } else { number }))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [number] = take_function_args(NAME, arguments.args)?;
        let data_type = number.data_type();
        if is_short(&data_type) { number.cast_to(&LONG, None) } else { Ok(number) }
    }
}
