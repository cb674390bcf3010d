//! The functions of one row that both sides define alike.

use datafusion::logical_expr::{Expr, expr::ScalarFunction};

use super::{Said, Translator, expression::Scope, types::clickhouse_type, unsupported};

impl Translator {
    pub(super) fn function(&mut self, function: &ScalarFunction, whole: &Expr, scope: &Scope<'_>) -> Said<String> {
        let type_name = clickhouse_type(&scope.type_of(whole)?)?;
        let name = function.func.name();
        let twin = match name {
            "date_trunc" => return self.date_trunc(&function.args, scope),
            "date_part" => return self.date_part(&function.args, scope),
            "coalesce" => "coalesce",
            "nullif" => "nullIf",
            "starts_with" => "startsWith",
            "character_length" => "lengthUTF8",
            "concat" | "lower" | "upper" => return unsupported(format!("{name}(), which differs in NULLs or alphabets")),
            other => return unsupported(format!("the function {other}()")),
        };
        let mut args = Vec::with_capacity(function.args.len());
        let mut types = Vec::with_capacity(function.args.len());
        for arg in &function.args {
            types.push(clickhouse_type(&scope.type_of(arg)?)?);
            args.push(self.expression(arg, scope)?);
        }
        if types.windows(2).any(|pair| pair[0] != pair[1]) {
            return unsupported(format!("{name}() of several types"));
        }
        Ok(format!("CAST({twin}({}) AS Nullable({type_name}))", args.join(", ")))
    }
}
