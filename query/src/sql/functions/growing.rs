//! Functions that make much of little, as `repeat('x', 1000000000)` and `range(1, 1000000000000)`. Operators ask for the memory that they
//! hold; expressions do not, and one of these would end the process for everybody. So what they are about to make is asked for first.

use std::{
    hash::{Hash, Hasher},
    sync::Arc,
};

use arrow::{
    array::{Array, ArrayRef, AsArray},
    compute::{cast, kernels::length::length},
    datatypes::{DataType, Int64Type, IntervalMonthDayNanoType, IntervalUnit, TimeUnit},
};
use datafusion::{
    error::Result,
    execution::{
        FunctionRegistry, SessionState,
        memory_pool::{MemoryConsumer, MemoryPool},
    },
    logical_expr::{ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature},
};

use Measure::{Bytes, Length, Number, Point, Step};

/// What is made lives again in the encoder and in what goes to the socket.
const COPIES: usize = 4;
/// What an element of a list takes at least, as far as its place goes.
const ELEMENT: i128 = 16;
const DAY_NS: i128 = 86_400_000_000_000;

/// A function, what of its arguments counts, and the bytes that it makes of a row at most. What is not given is 0.
type Growing = (&'static str, &'static [Measure], fn(&[i128; 3]) -> i128);

static GROWING: [Growing; 10] = [
    ("repeat", &[Bytes, Number], |[text, times, _]| text * times),
    // Of characters, which have four bytes at most.
    ("lpad", &[Bytes, Number], |[text, characters, _]| text.max(&(4 * characters)).to_owned()),
    ("rpad", &[Bytes, Number], |[text, characters, _]| text.max(&(4 * characters)).to_owned()),
    ("replace", &[Bytes, Bytes, Bytes], |[text, from, to]| text + text / from.max(&1) * to),
    ("regexp_replace", &[Bytes, Bytes, Bytes], |[text, _, to]| text + (text + 1) * to),
    ("array_repeat", &[Bytes, Number], |[element, times, _]| (element + ELEMENT) * times),
    ("array_resize", &[Bytes, Number, Bytes], |[list, elements, element]| list + (element + ELEMENT) * elements),
    ("array_to_string", &[Length, Bytes, Bytes], |[elements, separator, null]| elements * (2 * ELEMENT + separator + null)),
    ("range", &[Point, Point, Step], |points| series(points)),
    ("generate_series", &[Point, Point, Step], |points| series(points)),
];

/// From the first to the second by the third; of a step of 0 the function itself has something to say.
fn series([start, stop, step]: &[i128; 3]) -> i128 {
    if *step == 0 { 0 } else { 8 * ((stop - start).abs() / step.abs() + 1) }
}

/// Lets the session's growing functions ask for memory.
///
/// # Errors
/// A function is not there.
pub(super) fn bound(session: &mut SessionState) -> Result<()> {
    let pool = Arc::clone(&session.runtime_env().memory_pool);
    for growing in &GROWING {
        let inner = session.udf(growing.0)?;
        session.register_udf(Arc::new(ScalarUDF::new_from_impl(Asking { inner, growing, pool: Arc::clone(&pool) })))?;
    }
    Ok(())
}

/// A function that asks for memory before it does what it does.
#[derive(Debug)]
struct Asking {
    inner: Arc<ScalarUDF>,
    growing: &'static Growing,
    pool: Arc<dyn MemoryPool>,
}

impl PartialEq for Asking {
    fn eq(&self, other: &Self) -> bool {
        self.inner == other.inner
    }
}

impl Eq for Asking {}

impl Hash for Asking {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.inner.hash(state);
    }
}

impl ScalarUDFImpl for Asking {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        self.inner.return_type(arguments)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.inner.documentation()
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let asked = MemoryConsumer::new(self.name()).register(&self.pool);
        asked.try_grow(bytes(self.growing, &arguments)?.saturating_mul(COPIES))?;
        self.inner.invoke_with_args(arguments)
    }
}

/// What a call makes at most.
fn bytes((_, measures, of_row): &Growing, arguments: &ScalarFunctionArgs) -> Result<usize> {
    let arguments = &arguments.args;
    let columns: Vec<Vec<Option<i128>>> =
        measures.iter().zip(arguments).map(|(measure, value)| measure.of(value)).collect::<Result<_>>()?;
    let rows = columns.iter().map(Vec::len).max().unwrap_or_default();
    let total = (0..rows).fold(0_i128, |total, row| {
        let at = |index: usize| match columns.get(index).map(Vec::as_slice) {
            Some([same]) => *same,
            Some(values) => values[row],
            None => Some(0),
        };
        let [Some(first), Some(second), Some(third)] = [at(0), at(1), at(2)] else { return total };
        let given = match (measures[0], columns.len()) {
            (Point, 1) => [0, first, 1],
            (Point, 2) => [first, second, 1],
            _ => [first, second, third],
        };
        total.saturating_add(of_row(&given).max(0))
    });
    Ok(usize::try_from(total).unwrap_or(usize::MAX))
}

/// What of an argument counts.
#[derive(Debug, Clone, Copy)]
enum Measure {
    /// Those that it takes; none of a NULL.
    Bytes,
    /// Elements of a list; none of a NULL.
    Length,
    /// Itself. Of a NULL nothing is made.
    Number,
    /// A number, or an instant in nanoseconds.
    Point,
    /// A number, or an interval in nanoseconds at least.
    Step,
}

impl Measure {
    /// One value for all rows, or one for each.
    fn of(self, value: &ColumnarValue) -> Result<Vec<Option<i128>>> {
        let array = match value {
            ColumnarValue::Array(array) => Arc::clone(array),
            ColumnarValue::Scalar(scalar) => scalar.to_array()?,
        };
        let or_none = |values: Vec<Option<i128>>| values.into_iter().map(|value| value.or(Some(0))).collect();
        match (self, array.data_type()) {
            (Bytes, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View) | (Length, _) => {
                Ok(or_none(numbers(&length(&array)?)?))
            }
            (Bytes, _) => {
                (0..array.len()).map(|row| Ok(Some(array.slice(row, 1).to_data().get_slice_memory_size()? as i128))).collect()
            }
            (Point, DataType::Date32 | DataType::Date64) => {
                let days = numbers(&cast(&cast(&array, &DataType::Date32)?, &DataType::Int32)?)?;
                Ok(days.into_iter().map(|day| day.map(|day| day * DAY_NS)).collect())
            }
            (Point, DataType::Timestamp(..)) => numbers(&cast(&array, &DataType::Timestamp(TimeUnit::Nanosecond, None))?),
            (Step, DataType::Interval(IntervalUnit::MonthDayNano)) => {
                Ok(array.as_primitive::<IntervalMonthDayNanoType>().iter().map(|step| step.map(shortest)).collect())
            }
            (Number | Point | Step, _) => numbers(&array),
        }
    }
}

fn numbers(array: &ArrayRef) -> Result<Vec<Option<i128>>> {
    let numbers = cast(array, &DataType::Int64)?;
    Ok(numbers.as_primitive::<Int64Type>().iter().map(|number| number.map(i128::from)).collect())
}

/// In nanoseconds, of the shortest months and days; one that goes forth and back may never arrive.
fn shortest(step: <IntervalMonthDayNanoType as arrow::datatypes::ArrowPrimitiveType>::Native) -> i128 {
    let parts = [i128::from(step.months) * 28 * DAY_NS, i128::from(step.days) * (DAY_NS / 24 * 23), i128::from(step.nanoseconds)];
    let goes = |sign: i128| parts.iter().any(|part| part.signum() == sign);
    if goes(1) && goes(-1) { 1 } else { parts.iter().sum() }
}
