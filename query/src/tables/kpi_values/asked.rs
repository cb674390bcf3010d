//! What the conditions of a question leave to be read.

use chrono::{Datelike, Days, Months, NaiveDate};
use datafusion::{
    logical_expr::{BinaryExpr, Expr, Operator, expr::InList, utils::split_conjunction},
    scalar::ScalarValue,
};

use crate::kpis::Grain;

/// Values that a column may have; everything where no condition says.
type Allowed = Option<Vec<String>>;

/// Bounds that conditions put to some of the columns. Conditions that are not understood put none.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Asked {
    kpi: Allowed,
    level: Allowed,
    is_split: Option<bool>,
    first: Option<NaiveDate>,
    last: Option<NaiveDate>,
}

impl Asked {
    /// By conditions that all have to hold.
    pub(super) fn by(filters: &[Expr]) -> Self {
        let mut asked = Self::default();
        for condition in filters.iter().flat_map(split_conjunction) {
            asked.narrow(condition);
        }
        asked
    }

    /// Whether rows of this KPI are wanted.
    pub(super) fn kpi(&self, name: &str) -> bool {
        allows(&self.kpi, name)
    }

    /// Whether rows of this level are wanted.
    pub(super) fn level(&self, name: &str) -> bool {
        allows(&self.level, name)
    }

    /// Whether rows that are split, or are not, are wanted.
    pub(super) fn split(&self, is_split: bool) -> bool {
        self.is_split.is_none_or(|wanted| wanted == is_split)
    }

    /// The days of all periods that begin within the bounds.
    pub(super) fn days(&self, grain: Grain) -> (Option<NaiveDate>, Option<NaiveDate>) {
        (self.first, self.last.and_then(|last| last_day(last, grain)))
    }

    fn narrow(&mut self, condition: &Expr) {
        match condition {
            Expr::Column(column) if column.name == "is_split" => self.is_split = Some(true),
            Expr::Not(inner) if matches!(inner.as_ref(), Expr::Column(column) if column.name == "is_split") => {
                self.is_split = Some(false);
            }
            Expr::InList(InList { expr, list, negated: false }) => {
                let texts: Option<Vec<String>> = list.iter().map(|value| literal(value).and_then(text)).collect();
                if let (Expr::Column(column), Some(texts)) = (expr.as_ref(), texts) {
                    self.only(&column.name, texts);
                }
            }
            Expr::Between(between) if !between.negated => {
                if let Expr::Column(column) = between.expr.as_ref() {
                    self.compare(&column.name, Operator::GtEq, literal(&between.low));
                    self.compare(&column.name, Operator::LtEq, literal(&between.high));
                }
            }
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => self.either(left, right),
            Expr::BinaryExpr(BinaryExpr { left, op, right }) => match (left.as_ref(), right.as_ref()) {
                (Expr::Column(column), value) => self.compare(&column.name, *op, literal(value)),
                (value, Expr::Column(column)) => {
                    if let Some(op) = op.swap() {
                        self.compare(&column.name, op, literal(value));
                    }
                }
                _ => {}
            },
            _ => {}
        }
    }

    /// `x = 'a' OR x = 'b'`, which is what a short IN becomes.
    fn either(&mut self, left: &Expr, right: &Expr) {
        let sides = [left, right].map(|side| Self::by(std::slice::from_ref(side)));
        for (column, allowed) in
            [("kpi", sides.each_ref().map(|side| &side.kpi)), ("level", sides.each_ref().map(|side| &side.level))]
        {
            if let [Some(one), Some(other)] = allowed {
                self.only(column, one.iter().chain(other).cloned().collect());
            }
        }
    }

    fn only(&mut self, column: &str, texts: Vec<String>) {
        let allowed = match column {
            "kpi" => &mut self.kpi,
            "level" => &mut self.level,
            _ => return,
        };
        *allowed = Some(match allowed.take() {
            Some(before) => before.into_iter().filter(|text| texts.contains(text)).collect(),
            None => texts,
        });
    }

    fn compare(&mut self, column: &str, op: Operator, value: Option<&ScalarValue>) {
        let Some(value) = value else { return };
        match (column, op) {
            ("kpi" | "level", Operator::Eq) => {
                if let Some(text) = text(value) {
                    self.only(column, vec![text]);
                }
            }
            ("is_split", Operator::Eq) => {
                if let ScalarValue::Boolean(Some(wanted)) = value {
                    self.is_split = Some(*wanted);
                }
            }
            ("period", _) => {
                let Some(date) = date(value) else { return };
                if matches!(op, Operator::Eq | Operator::Gt | Operator::GtEq) {
                    self.first = self.first.max(Some(date));
                }
                if matches!(op, Operator::Eq | Operator::Lt | Operator::LtEq) {
                    self.last = Some(self.last.map_or(date, |last| last.min(date)));
                }
            }
            _ => {}
        }
    }
}

fn allows(allowed: &Allowed, name: &str) -> bool {
    allowed.as_ref().is_none_or(|names| names.iter().any(|allowed| allowed == name))
}

fn literal(expr: &Expr) -> Option<&ScalarValue> {
    match expr {
        Expr::Literal(value, _) => Some(value),
        _ => None,
    }
}

fn text(value: &ScalarValue) -> Option<String> {
    value.try_as_str().flatten().map(str::to_owned)
}

fn date(value: &ScalarValue) -> Option<NaiveDate> {
    match value {
        ScalarValue::Date32(Some(days)) => NaiveDate::default().checked_add_signed(chrono::TimeDelta::days((*days).into())),
        _ => None,
    }
}

/// The last day of the period that `day` is in.
fn last_day(day: NaiveDate, grain: Grain) -> Option<NaiveDate> {
    let months = match grain {
        Grain::Day | Grain::All => return Some(day),
        Grain::Week => return day.checked_add_days(Days::new(u64::from(6 - day.weekday().num_days_from_monday()))),
        Grain::Month => 1,
        Grain::Quarter => 3 - day.month0() % 3,
        Grain::Year => 12 - day.month0(),
    };
    day.with_day(1)?.checked_add_months(Months::new(months))?.pred_opt()
}

#[cfg(test)]
mod tests {
    use datafusion::logical_expr::{col, lit};

    use super::*;

    fn on(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn date_of(text: &str) -> Expr {
        lit(ScalarValue::Date32(Some(i32::try_from((on(text) - NaiveDate::default()).num_days()).unwrap())))
    }

    #[test]
    fn conditions_narrow() {
        let asked = Asked::by(&[
            col("kpi").eq(lit("visits")).or(lit("calls").eq(col("kpi"))),
            col("level").in_list(vec![lit("team"), lit("rep")], false),
            col("level").eq(lit("team")).and(col("is_split").is_not_true()),
            col("period").gt_eq(date_of("2026-02-01")).and(date_of("2026-05-10").gt(col("period"))),
        ]);
        assert!(asked.kpi("visits") && asked.kpi("calls") && !asked.kpi("deals"));
        assert!(asked.level("team") && !asked.level("rep"));
        assert!(asked.split(true) && asked.split(false), "what is not understood narrows nothing");
        assert_eq!(asked.days(Grain::Month), (Some(on("2026-02-01")), Some(on("2026-05-31"))));
        assert_eq!(asked.days(Grain::Week).1, Some(on("2026-05-10")), "a Sunday");
        assert_eq!(asked.days(Grain::Quarter).1, Some(on("2026-06-30")));
        assert_eq!(asked.days(Grain::Year).1, Some(on("2026-12-31")));
    }

    #[test]
    fn what_may_be_anything_narrows_nothing() {
        let all = Asked::default();
        for filter in [
            col("kpi").not_eq(lit("visits")),
            col("kpi").in_list(vec![lit("visits")], true),
            col("kpi").eq(lit("visits")).or(col("value").gt(lit(1))),
            col("team").eq(lit("Blue")),
            col("kpi").eq(col("level")),
        ] {
            assert_eq!(Asked::by(std::slice::from_ref(&filter)), all, "{filter}");
        }
    }
}
