//! Functions that are called otherwise here, or written as something else.

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, CastKind, DataType, DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentClause,
    FunctionArgumentList, FunctionArguments, Ident, ObjectName, OrderByExpr, TimezoneInfo, UnaryOperator, Value, ValueWithSpan,
};

use super::{
    super::functions::{ANY, INTEGRAL, NARROW, PRECISE, WIDE},
    time_format::{known, time_format},
};

/// What a function is called or written as here.
pub(super) fn same(function: &mut Function) -> Option<Expr> {
    let [name] = function.name.0.as_slice() else { return None };
    let name = name.as_ident().filter(|name| name.quote_style.is_none())?.value.to_lowercase();
    let other = match name.as_str() {
        "clock_timestamp" | "statement_timestamp" | "transaction_timestamp" => "now",
        "array_agg" | "string_agg" => return distinct(function),
        "avg" => {
            if let Some(of) = only(function)
                && !matches!(of, Expr::Identifier(_) | Expr::CompoundIdentifier(_))
            {
                *of = call(PRECISE, vec![of.clone()]);
            }
            return None;
        }
        "date_part" => {
            let FunctionArguments::List(arguments) = &mut function.args else { return None };
            return match arguments.args.as_slice() {
                [unit, FunctionArg::Unnamed(FunctionArgExpr::Expr(time))]
                    if matches!(unit.to_string().to_lowercase().as_str(), "'second'" | "'seconds'") =>
                {
                    Some(seconds(time))
                }
                _ => None,
            };
        }
        "sum" => {
            let of = only(function)?;
            *of = call(WIDE, vec![of.clone()]);
            return Some(call(NARROW, vec![Expr::Function(function.clone())]));
        }
        // Halves of a float go to the even one.
        "round" => {
            let of = only(function)?;
            *of = call(INTEGRAL, vec![of.clone()]);
            return None;
        }
        // So the library that reads the wire writes `= ANY`; NULLs in the list it does not see.
        "array_contains" => {
            let FunctionArguments::List(arguments) = &mut function.args else { return None };
            arguments.args.reverse();
            ANY
        }
        // All of them, not the first alone.
        "array_remove" => "array_remove_all",
        "array_replace" => "array_replace_all",
        "ceiling" => "ceil",
        "every" => "bool_and",
        "gen_random_uuid" => "uuid",
        "sign" => "signum",
        "variance" => "var_samp",
        "mod" => return modulo(function),
        "localtimestamp" => return Some(local_now()),
        _ => return None,
    };
    function.name = ObjectName::from(vec![Ident::new(other)]);
    None
}

/// `a < ANY (list)`, which is not known where the list has a NULL and nothing else decides: not what DataFusion says, but it does of `ALL`.
pub(super) fn any_known(left: &Expr, op: &BinaryOperator, list: &Expr) -> Option<Expr> {
    let opposite = match op {
        BinaryOperator::Eq => return Some(call(ANY, vec![left.clone(), list.clone()])),
        BinaryOperator::NotEq => BinaryOperator::Eq,
        BinaryOperator::Lt => BinaryOperator::GtEq,
        BinaryOperator::LtEq => BinaryOperator::Gt,
        BinaryOperator::Gt => BinaryOperator::LtEq,
        BinaryOperator::GtEq => BinaryOperator::Lt,
        _ => return None,
    };
    let all = Expr::AllOp { left: Box::new(left.clone()), compare_op: opposite, right: Box::new(list.clone()) };
    Some(Expr::Nested(Box::new(Expr::UnaryOp { op: UnaryOperator::Not, expr: Box::new(all) })))
}

/// What a function of one argument is of.
pub(super) fn only(function: &mut Function) -> Option<&mut Expr> {
    let FunctionArguments::List(arguments) = &mut function.args else { return None };
    match arguments.args.as_mut_slice() {
        [FunctionArg::Unnamed(FunctionArgExpr::Expr(of))] => Some(of),
        _ => None,
    }
}

/// `string_agg(DISTINCT x, ',' ORDER BY x)`: beside aggregates of another order DataFusion forgets this one.
pub(super) fn distinct(function: &mut Function) -> Option<Expr> {
    let FunctionArguments::List(arguments) = &mut function.args else { return None };
    let order = arguments.clauses.iter().position(|clause| matches!(clause, FunctionArgumentClause::OrderBy(_)))?;
    let (Some(DuplicateTreatment::Distinct), [FunctionArg::Unnamed(FunctionArgExpr::Expr(of)), rest @ ..]) =
        (&arguments.duplicate_treatment, arguments.args.as_slice())
    else {
        return None;
    };
    let FunctionArgumentClause::OrderBy(keys) = &arguments.clauses[order] else { return None };
    let [OrderByExpr { expr: key, options, .. }] = keys.as_slice() else { return None };
    if key.to_string() != of.to_string() {
        return None;
    }
    let descends = options.asc == Some(false);
    let nulls_first = options.nulls_first.unwrap_or(descends);
    let text = |text: &str| Expr::Value(Value::SingleQuotedString(text.to_owned()).into());
    let separator = match rest {
        [FunctionArg::Unnamed(FunctionArgExpr::Expr(separator))] => Some(separator.clone()),
        _ => None,
    };
    let mut all = function.clone();
    all.name = ObjectName::from(vec![Ident::new("array_agg")]);
    if let FunctionArguments::List(arguments) = &mut all.args {
        arguments.args.truncate(1);
        arguments.clauses.remove(order);
    }
    let (way, nulls) = (if descends { "DESC" } else { "ASC" }, if nulls_first { "NULLS FIRST" } else { "NULLS LAST" });
    let sorted = call("array_sort", vec![Expr::Function(all), text(way), text(nulls)]);
    Some(match separator {
        Some(separator) => call("array_to_string", vec![sorted, separator]),
        None => sorted,
    })
}

/// The seconds of a time with what is behind the point.
pub(super) fn seconds(time: &Expr) -> Expr {
    let unit = Expr::Value(Value::SingleQuotedString("microsecond".to_owned()).into());
    let million = Expr::Value(Value::Number("1000000.0".to_owned(), false).into());
    let microseconds = Box::new(call("date_part", vec![unit, time.clone()]));
    Expr::Nested(Box::new(Expr::BinaryOp { left: microseconds, op: BinaryOperator::Divide, right: Box::new(million) }))
}

/// What clocks show now in the session's zone, which is UTC.
pub(super) fn local_now() -> Expr {
    let (now, data_type) = (Box::new(call("now", vec![])), DataType::Timestamp(None, TimezoneInfo::None));
    Expr::Cast { kind: CastKind::DoubleColon, expr: now, data_type, array: false, format: None }
}

/// A format of a time as chrono writes it.
pub(super) fn with_format(function: &mut Function) -> Result<(), String> {
    let name = function.name.to_string().to_lowercase();
    if let "to_char" | "to_timestamp" | "to_date" = name.rsplit('.').next().unwrap_or_default()
        && let FunctionArguments::List(arguments) = &mut function.args
        && let [
            _,
            FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(ValueWithSpan {
                value: Value::SingleQuotedString(format),
                ..
            }))),
        ] = arguments.args.as_mut_slice()
        && !format.contains('%')
    {
        let ours = time_format(format).ok_or_else(|| format!("{name} knows times here, by {}, and not {format:?}", known()))?;
        // Of what is read, as many digits as there are.
        *format = if name.ends_with("to_char") { ours } else { ours.replace("%.6f", "%.f").replace("%.3f", "%.f") };
    }
    Ok(())
}

pub(super) fn modulo(function: &Function) -> Option<Expr> {
    let FunctionArguments::List(arguments) = &function.args else { return None };
    let [FunctionArg::Unnamed(FunctionArgExpr::Expr(left)), FunctionArg::Unnamed(FunctionArgExpr::Expr(right))] =
        arguments.args.as_slice()
    else {
        return None;
    };
    let nested = |expr: &Expr| Box::new(Expr::Nested(Box::new(expr.clone())));
    let modulo = Expr::BinaryOp { left: nested(left), op: BinaryOperator::Modulo, right: nested(right) };
    Some(Expr::Nested(Box::new(modulo)))
}

/// A function of these arguments.
pub(crate) fn call(name: &str, arguments: Vec<Expr>) -> Expr {
    let args = arguments.into_iter().map(|expr| FunctionArg::Unnamed(FunctionArgExpr::Expr(expr))).collect();
    let args = FunctionArgumentList { duplicate_treatment: None, args, clauses: vec![] };
    Expr::Function(Function {
        name: ObjectName::from(vec![Ident::new(name)]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(args),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: vec![],
    })
}
