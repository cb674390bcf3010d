//! Why a number is what it is: its definition, what every fact adds to it, the events behind each fact, and the arithmetic.

use serde::Serialize;
use serde_json::Value;
use tidemark_schemas::{
    fact::Fact,
    kpi::{Arithmetic, Contribution, KpiDefinition, Ratio, Title, Unit, round_text},
};
use utoipa::ToSchema;

use super::{
    Past,
    behind::{Behind, EventBehind, FactChange},
    counted::{Counted, Counting, date},
    sums::{Part, Sums, converts, exact, parts},
};
use crate::{
    Error,
    kpis::{Grain, KpiRequest, MISSING_RATES_MAX, MissingRate},
    service::Service,
    trust::Trust,
};

/// The answer of `/v1/explain`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Explanation {
    /// What it is a number of.
    kpi: Definition,
    /// The number; null where nothing can be said.
    value: Option<String>,
    /// How it comes from the slots.
    arithmetic: String,
    /// The aggregates in the KPI's value, over all facts.
    slots: Vec<SlotTotal>,
    /// How many facts count.
    facts_counted: u64,
    /// The first of them, in the order of their keys.
    facts: Vec<FactExplained>,
    /// The rest together; absent where all are shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    others: Option<Others>,
    /// There are more events or changes behind the facts than are shown.
    is_cut: bool,
    /// Rates that were needed and are missing; the value is null then.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    missing_rates: Vec<MissingRate>,
    /// How far this can be trusted.
    trust: Trust,
}

/// A KPI as its file has it.
#[derive(Debug, Serialize, ToSchema)]
struct Definition {
    name: String,
    #[schema(value_type = Object)]
    title: Title,
    about: String,
    #[schema(value_type = String)]
    unit: Unit,
    /// The fact table.
    from: &'static str,
    /// Which facts.
    r#where: Option<String>,
    /// The column that decides the period.
    day: String,
    /// The column of the seller.
    rep: String,
    /// SQL over the facts.
    value: String,
}

/// One aggregate over all facts.
#[derive(Debug, Serialize, ToSchema)]
struct SlotTotal {
    /// As it stands in the KPI's value.
    sql: String,
    /// In the tenant's currency where it is money; null where there is nothing.
    total: Option<String>,
}

/// A fact and what it adds.
#[derive(Debug, Serialize, ToSchema)]
struct FactExplained {
    table: &'static str,
    key: String,
    /// Its business day.
    day: String,
    /// Whose it is.
    rep_id: Option<String>,
    /// What its money was multiplied with; null where no rate is known, absent where it is no money.
    #[serde(skip_serializing_if = "Option::is_none")]
    rate: Option<String>,
    /// By the place of the slot: a number, or a text of which each counts once; null where it adds nothing.
    adds: Vec<Option<String>>,
    /// Its columns; instants are milliseconds and dates days since 1970.
    #[schema(value_type = Object)]
    fact: Value,
    /// What is behind it, in the order of the log.
    events: Vec<EventBehind>,
    /// What each of them changed.
    changes: Vec<FactChange>,
}

/// Facts that are not shown one by one.
#[derive(Debug, Serialize, ToSchema)]
struct Others {
    facts: u64,
    /// What they come to, by the place of the slot. Only sums and counts can be added to those of the facts that are shown.
    slots: Vec<Option<String>>,
}

/// What a fact that is shown adds, kept until its events are read.
struct Shown {
    fact: Fact,
    contribution: Contribution,
    rate: Option<String>,
    adds: Vec<Option<String>>,
}

/// Explains the number that a request without splits has at a moment, with at most `limit` facts one by one.
///
/// # Errors
/// A request for more than one number; ClickHouse.
pub(crate) async fn explain(service: &Service, request: &KpiRequest, past: &Past, limit: usize) -> Result<Explanation, Error> {
    if request.grain != Grain::All || !request.by.is_empty() {
        let reason = "an explanation is of one number: say which by from, to and filters like rep=R-7";
        return Err(Error::parameter(if request.by.is_empty() { "grain" } else { "by" }, reason));
    }
    let kpi = request.kpi.as_ref();
    let (mut total, mut others, mut shown) = (Sums::of(kpi), Sums::of(kpi), Vec::new());
    let mut counting = Counting::start(service, request, past).await?;
    while let Some(some) = counting.next().await? {
        for counted in some {
            total.add(kpi, &counted.contribution, counted.rate.as_ref());
            if shown.len() < limit {
                shown.push(Shown::of(kpi, counted));
            } else {
                others.add(kpi, &counted.contribution, counted.rate.as_ref());
            }
        }
    }
    let facts: Vec<Fact> = shown.iter().map(|shown| shown.fact.clone()).collect();
    let behind = Behind::read(service, past, kpi.from, &facts).await?;
    let texts = |sums: &Sums| -> Vec<Option<String>> { sums.slots(kpi).iter().map(|slot| slot.as_ref().map(text)).collect() };
    let slots = texts(&total);
    // As an answer has no row where no fact counts.
    let (value, spelled) = match total.facts {
        0 => (None, "no facts".to_owned()),
        _ => (total.value(kpi).as_ref().map(round_text), spelled(&kpi.arithmetic, &slots)),
    };
    let missing = total.missing.iter().filter(|_| converts(kpi)).map(|(from, day)| MissingRate {
        from_currency: from.clone(),
        to_currency: past.currency.clone(),
        day: date(*day).to_string(),
    });
    Ok(Explanation {
        kpi: Definition::of(kpi),
        arithmetic: format!("{spelled} = {}", value.as_deref().unwrap_or("NULL")),
        value,
        slots: kpi.slots.iter().zip(slots).map(|(slot, total)| SlotTotal { sql: slot.sql(), total }).collect(),
        facts_counted: total.facts,
        others: (others.facts > 0).then(|| Others { facts: others.facts, slots: texts(&others) }),
        facts: shown.into_iter().map(|shown| shown.explained(&behind)).collect(),
        is_cut: behind.is_cut,
        missing_rates: missing.take(MISSING_RATES_MAX).collect(),
        trust: past.stamp(service).await?,
    })
}

impl Definition {
    fn of(kpi: &KpiDefinition) -> Self {
        Self {
            name: kpi.name.clone(),
            title: kpi.title.clone(),
            about: kpi.about.clone(),
            unit: kpi.unit,
            from: kpi.from.name(),
            r#where: kpi.filter_sql.clone(),
            day: kpi.day.clone(),
            rep: kpi.rep.clone(),
            value: kpi.value_sql.clone(),
        }
    }
}

impl Shown {
    fn of(kpi: &KpiDefinition, counted: Counted) -> Self {
        let mut adds = vec![None; kpi.slots.len()];
        for (slot, part) in parts(kpi, &counted.contribution, counted.rate.as_ref()) {
            adds[slot] = Some(part_text(&part));
        }
        let rate = counted.rate.filter(|_| kpi.is_money).map(|rate| text(&Ratio::new(rate, 1_000_000.into())));
        Self { fact: counted.fact, contribution: counted.contribution, rate, adds }
    }

    fn explained(self, behind: &Behind) -> FactExplained {
        let Self { fact, contribution, rate, adds } = self;
        FactExplained {
            table: fact.table.name(),
            key: fact.key(),
            day: date(contribution.day).to_string(),
            rep_id: Some(contribution.rep_id.to_string()).filter(|rep| !rep.is_empty()),
            rate,
            adds,
            events: behind.events(&fact),
            changes: behind.changes(&fact),
            fact: serde_json::from_str(&fact.to_json()).unwrap_or(Value::Null),
        }
    }
}

/// What a fact adds to a slot, whole.
fn part_text(part: &Part) -> String {
    match part {
        Part::Number(number) => text(&exact(number)),
        Part::Text(text) => text.clone(),
    }
}

/// A number in as many digits as it has: sums have twelve places at most, a percentile may be rounded to ten.
fn text(number: &Ratio) -> String {
    let trillion = Ratio::from_integer(1_000_000_000_000_i64.into());
    let scaled = number * &trillion;
    if !scaled.is_integer() {
        return round_text(number);
    }
    let digits = scaled.to_integer().to_string();
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits.as_str()), |digits| ("-", digits));
    let digits = format!("{digits:0>13}");
    let (whole, fraction) = digits.split_at(digits.len() - 12);
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

/// The arithmetic of a KPI with numbers in it.
fn spelled(arithmetic: &Arithmetic, slots: &[Option<String>]) -> String {
    let inner = |part: &Arithmetic| match part {
        Arithmetic::Slot(_) | Arithmetic::Number(_) => spelled(part, slots),
        _ => format!("({})", spelled(part, slots)),
    };
    match arithmetic {
        Arithmetic::Slot(slot) => slots.get(*slot).cloned().flatten().unwrap_or_else(|| "NULL".to_owned()),
        Arithmetic::Number(number) => round_text(number),
        Arithmetic::Add(a, b) => format!("{} + {}", inner(a), inner(b)),
        Arithmetic::Subtract(a, b) => format!("{} - {}", inner(a), inner(b)),
        Arithmetic::Multiply(a, b) => format!("{} * {}", inner(a), inner(b)),
        Arithmetic::Divide(a, b) => format!("{} / {}", inner(a), inner(b)),
        Arithmetic::Negate(a) => format!("-{}", inner(a)),
    }
}
