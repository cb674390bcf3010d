//! Dates: truncation, parts, and going forward and back by an interval.

use arrow::datatypes::{DataType, IntervalMonthDayNano};
use datafusion::{
    common::ScalarValue,
    logical_expr::{BinaryExpr, Expr, Operator},
};

use super::{
    Said, Translator,
    expression::Scope,
    types::{clickhouse_type, places},
    unsupported,
};

const NANOS_PER_MS: i64 = 1_000_000;

impl Translator {
    /// `date ± interval`: months first, then days, then the rest, as DataFusion does.
    pub(super) fn shifted_date(&mut self, binary: &BinaryExpr, scope: &Scope<'_>) -> Said<String> {
        let Expr::Literal(ScalarValue::IntervalMonthDayNano(Some(interval)), _) = binary.right.as_ref() else {
            return unsupported(format!("`{} {} {}`", binary.left, binary.op, binary.right));
        };
        let IntervalMonthDayNano { months, days, nanoseconds } = *interval;
        let is_date = match scope.type_of(&binary.left)? {
            DataType::Date32 => true,
            DataType::Timestamp(unit, _) if places(unit) >= 3 => false,
            other => return unsupported(format!("{other} and an interval")),
        };
        if nanoseconds % NANOS_PER_MS != 0 || (is_date && nanoseconds != 0) {
            return unsupported("an interval that fine");
        }
        let verb = if binary.op == Operator::Plus { "add" } else { "subtract" };
        let mut said = self.expression(&binary.left, scope)?;
        for (unit, count) in
            [("Months", i64::from(months)), ("Days", i64::from(days)), ("Milliseconds", nanoseconds / NANOS_PER_MS)]
        {
            if count != 0 {
                said = format!("{verb}{unit}({said}, {count})");
            }
        }
        Ok(said)
    }

    /// `date_trunc(unit, x)`, of the type of x.
    pub(super) fn date_trunc(&mut self, args: &[Expr], scope: &Scope<'_>) -> Said<String> {
        let [unit, x] = args else { return unsupported("date_trunc of anything but two") };
        let (unit, data_type) = (text(unit)?, scope.type_of(x)?);
        if !matches!(data_type, DataType::Timestamp(..)) {
            return unsupported(format!("date_trunc of {data_type}"));
        }
        let type_name = clickhouse_type(&data_type)?;
        let x = self.expression(x, scope)?;
        let truncated = match unit.as_str() {
            "year" => format!("toStartOfYear(toDate32({x}))"),
            "quarter" => format!("toStartOfQuarter(toDate32({x}))"),
            "month" => format!("toStartOfMonth(toDate32({x}))"),
            "week" => format!("subtractDays(toDate32({x}), toDayOfWeek({x}) - 1)"),
            "day" => format!("toDate32({x})"),
            "hour" => format!("toStartOfHour({x})"),
            "minute" => format!("toStartOfMinute({x})"),
            other => return unsupported(format!("date_trunc('{other}')")),
        };
        Ok(format!("CAST({truncated} AS Nullable({type_name}))"))
    }

    /// `date_part(unit, x)`, an Int32.
    pub(super) fn date_part(&mut self, args: &[Expr], scope: &Scope<'_>) -> Said<String> {
        let [unit, x] = args else { return unsupported("date_part of anything but two") };
        let (unit, data_type) = (text(unit)?, scope.type_of(x)?);
        let has_time = matches!(data_type, DataType::Timestamp(..));
        if data_type != DataType::Date32 && !has_time {
            return unsupported(format!("date_part of {data_type}"));
        }
        clickhouse_type(&data_type)?;
        let x = self.expression(x, scope)?;
        let part = match unit.as_str() {
            "year" => format!("toYear({x})"),
            "quarter" => format!("toQuarter({x})"),
            "month" => format!("toMonth({x})"),
            "week" => format!("toISOWeek({x})"),
            "day" => format!("toDayOfMonth({x})"),
            "doy" => format!("toDayOfYear({x})"),
            "dow" => format!("(toDayOfWeek({x}) % 7)"),
            "hour" if has_time => format!("toHour({x})"),
            "minute" if has_time => format!("toMinute({x})"),
            other => return unsupported(format!("date_part('{other}')")),
        };
        Ok(format!("CAST({part} AS Nullable(Int32))"))
    }
}

fn text(expr: &Expr) -> Said<String> {
    match expr {
        Expr::Literal(ScalarValue::Utf8(Some(text)) | ScalarValue::Utf8View(Some(text)), _) => Ok(text.to_lowercase()),
        other => unsupported(format!("the unit {other}")),
    }
}
