//! Whether a value is among those of a list, as `IN` says: of a list with NULLs in it, it is not known that it is not.

use std::{collections::HashSet, sync::Arc};

use arrow::{
    array::{Array, AsArray, BooleanArray},
    datatypes::{DataType, Field},
    row::{RowConverter, SortField},
};
use datafusion::{
    common::{ScalarValue, plan_datafusion_err, plan_err, utils::take_function_args},
    error::Result,
    logical_expr::{
        ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
        simplify::{ExprSimplifyResult, SimplifyContext},
        type_coercion::binary::comparison_coercion,
    },
};

/// Nothing is among the values of a list that is NULL, which is what `array_agg` makes of no rows.
pub(in super::super) const AMONG: &str = "is_among";
/// Of a list that is NULL nothing is known: `= ANY (list)`.
pub(crate) const ANY: &str = "is_any";

/// `is_among(value, list)` and `is_any(value, list)`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Among {
    name: &'static str,
    signature: Signature,
}

impl Among {
    pub(super) fn new(name: &'static str) -> Self {
        Self { name, signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Among {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        let [value, list] = take_function_args(self.name, arguments)?;
        let DataType::List(element) = list else { return plan_err!("{} takes a value and a list, not {list}", self.name) };
        let both = comparison_coercion(value, element.data_type())
            .ok_or_else(|| plan_datafusion_err!("{value} cannot be compared with {}", element.data_type()))?;
        Ok(vec![both.clone(), DataType::List(Arc::new(Field::new_list_field(both, true)))])
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    /// What is written out is a plain `IN`, which ClickHouse knows too.
    fn simplify(&self, arguments: Vec<Expr>, _: &SimplifyContext) -> Result<ExprSimplifyResult> {
        let [value, list] = take_function_args(self.name, arguments)?;
        let elements = match &list {
            Expr::Literal(ScalarValue::List(list), _) if list.is_valid(0) => {
                let elements = list.value(0);
                (0..elements.len())
                    .map(|at| Ok(Expr::Literal(ScalarValue::try_from_array(&elements, at)?, None)))
                    .collect::<Result<Vec<_>>>()?
            }
            Expr::ScalarFunction(made) if made.func.name() == "make_array" => made.args.clone(),
            _ => vec![],
        };
        Ok(if elements.is_empty() {
            ExprSimplifyResult::Original(vec![value, list])
        } else {
            ExprSimplifyResult::Simplified(value.in_list(elements, false))
        })
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = arguments.number_rows;
        let [value, list] = take_function_args(self.name, arguments.args)?;
        // The list of a question that says nothing of the row is one for all rows.
        let is_one = matches!(list, ColumnarValue::Scalar(_));
        let lists = list.into_array(if is_one { 1 } else { rows })?;
        let (values, lists) = (value.into_array(rows)?, lists.as_list::<i32>());
        let converter = RowConverter::new(vec![SortField::new(values.data_type().clone())])?;
        let elements = converter.convert_columns(&[Arc::clone(lists.values())])?;
        let keys = converter.convert_columns(&[Arc::clone(&values)])?;
        let place = |row| if is_one { 0 } else { row };
        let range = |row: usize| lists.value_offsets()[place(row)] as usize..lists.value_offsets()[place(row) + 1] as usize;
        let all = if is_one { range(0).map(|at| elements.row(at)).collect() } else { HashSet::new() };
        let has_null = |row| range(row).any(|at| lists.values().is_null(at));
        let one_has_null = is_one && has_null(0);
        let is_among = |row: usize| {
            if lists.is_null(place(row)) {
                return (self.name == AMONG).then_some(false);
            }
            if range(row).is_empty() {
                return Some(false);
            }
            if values.is_null(row) {
                return None;
            }
            let key = keys.row(row);
            if if is_one { all.contains(&key) } else { range(row).any(|at| elements.row(at) == key) } {
                return Some(true);
            }
            if is_one && one_has_null || !is_one && has_null(row) { None } else { Some(false) }
        };
        Ok(ColumnarValue::Array(Arc::new((0..rows).map(is_among).collect::<BooleanArray>())))
    }
}
