//! `x AT TIME ZONE 'Asia/Shanghai'` as in PostgreSQL: of an instant, what clocks show there; of what clocks show there, the instant.
//! DataFusion's own is the same instant either way, whose days begin at 16:00 in every answer.

use arrow::datatypes::{DataType, TimeUnit};
use datafusion::{
    common::{ScalarValue, exec_err, plan_err},
    error::Result,
    functions::datetime::to_local_time,
    logical_expr::{
        Cast, ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
        simplify::{ExprSimplifyResult, SimplifyContext},
    },
};

/// As PostgreSQL's function behind the operator.
pub(in super::super) const NAME: &str = "timezone";

/// Instants are shown in.
const UTC: &str = "UTC";

/// `timezone(zone, time)`, which the planner turns into casts.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Timezone {
    signature: Signature,
}

impl Timezone {
    pub(super) fn new() -> Self {
        Self { signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Timezone {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        let [_, time] = arguments else { return plan_err!("{NAME} takes a zone and a time") };
        let time = match time {
            DataType::Timestamp(..) => time.clone(),
            // Midnight in the session's zone, which is UTC, and a text is an instant.
            DataType::Date32 | DataType::Date64 | DataType::Null | DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8 => {
                DataType::Timestamp(TimeUnit::Nanosecond, Some(UTC.into()))
            }
            other => return plan_err!("AT TIME ZONE is of a time, which {other} is not"),
        };
        Ok(vec![DataType::Utf8, time])
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        match arguments {
            [_, DataType::Timestamp(unit, None)] => Ok(DataType::Timestamp(*unit, Some(UTC.into()))),
            [_, DataType::Timestamp(unit, Some(_))] => Ok(DataType::Timestamp(*unit, None)),
            other => plan_err!("{NAME} takes a zone and a time, not {other:?}"),
        }
    }

    fn simplify(&self, arguments: Vec<Expr>, info: &SimplifyContext) -> Result<ExprSimplifyResult> {
        let [Expr::Literal(ScalarValue::Utf8(Some(zone)), _), time] = arguments.as_slice() else {
            return plan_err!("the zone of AT TIME ZONE is a text as 'Europe/Berlin'");
        };
        let DataType::Timestamp(unit, known) = info.get_data_type(time)? else {
            return plan_err!("AT TIME ZONE is of a time");
        };
        let cast = |expr: Expr, zone: &str| Expr::Cast(Cast::new(Box::new(expr), DataType::Timestamp(unit, Some(zone.into()))));
        let there = cast(time.clone(), zone);
        Ok(ExprSimplifyResult::Simplified(match known {
            Some(_) => to_local_time().call(vec![there]),
            None => cast(there, UTC),
        }))
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        exec_err!("{NAME} was not planned")
    }
}
