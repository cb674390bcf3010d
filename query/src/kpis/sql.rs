//! The one statement behind an answer: cells, multisets and the watermark of one scan, so that the numbers and their
//! position belong together. Only names of our own stand in its text; everything asked is bound.

use tidemark_schemas::kpi::SlotKind;

use super::{
    evaluate::is_money_slot,
    request::{Axis, KpiRequest},
};

/// One snapshot of each table for the whole statement, or the watermark of a sub-query would not be that of the scan.
const SETTINGS: &str = "SETTINGS join_use_nulls = 1, enable_extended_results_for_datetime_functions = 1, \
                        enable_shared_storage_snapshot_in_query = 1";

/// The columns of an answer's row: `is_watermark, period, first_day, by, slots, missing, position`.
pub(crate) fn statement(request: &KpiRequest) -> String {
    let keys: Vec<String> = (0..request.by.len()).map(|index| format!("by{index}")).collect();
    let order = [vec!["is_watermark DESC".to_owned(), "period_on".to_owned()], keys.clone()].concat().join(", ");
    let aliases = order.replace(" DESC", "");
    let slots = 0..request.kpi.slots.len();
    [
        with(slots.clone().filter_map(|slot| percentile_aliases(request, slot)).collect()),
        "SELECT".to_owned(),
        "    is_watermark,".to_owned(),
        "    toString(period_on) AS period,".to_owned(),
        "    toString(first_on) AS first_day,".to_owned(),
        format!("    CAST([{}] AS Array(String)) AS by,", keys.join(", ")),
        format!(
            "    CAST([{}] AS Array(Array(String))) AS slots,",
            slots.clone().map(|slot| slot_texts(request, slot)).collect::<Vec<_>>().join(", ")
        ),
        "    missing,".to_owned(),
        "    position".to_owned(),
        "FROM".to_owned(),
        "(".to_owned(),
        rate(request).to_owned(),
        "    SELECT".to_owned(),
        "        is_watermark,".to_owned(),
        format!("        {} AS period_on,", request.grain.sql()),
        "        min(day) AS first_on,".to_owned(),
        lines(request.by.iter().enumerate().map(|(index, axis)| format!("        {} AS by{index},", axis_sql(*axis)))),
        lines(slots.map(|slot| format!("        {} AS a{slot},", aggregate(request, slot)))),
        format!("        {} AS missing,", missing(request)),
        "        max(position_to) AS position".to_owned(),
        "    FROM".to_owned(),
        "    (".to_owned(),
        cells(request),
        "    ) AS c".to_owned(),
        joins(request),
        outer_filters(request),
        format!("    GROUP BY {aliases}"),
        "    HAVING is_watermark OR countIf(row_kind = 'cell' AND facts > 0) > 0".to_owned(),
        ")".to_owned(),
        format!("ORDER BY {order}"),
        "LIMIT {rows:UInt64}".to_owned(),
        SETTINGS.to_owned(),
    ]
    .into_iter()
    .filter(|part| !part.is_empty())
    .collect::<Vec<_>>()
    .join("\n")
}

fn lines(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join("\n")
}

fn with(aliases: Vec<String>) -> String {
    if aliases.is_empty() { String::new() } else { format!("WITH\n{}", aliases.join(",\n")) }
}

/// Names for the parts of a percentile: how many values, how many up to each, and which is the lower neighbour.
fn percentile_aliases(request: &KpiRequest, slot: usize) -> Option<String> {
    let SlotKind::Percentile(share) = request.kpi.slots[slot].kind else { return None };
    Some(format!(
        "    arraySum(a{slot}.2) AS n{slot},\n    arrayCumSum(a{slot}.2) AS up_to{slot},\n    \
         intDiv((n{slot} - 1) * {}, {}) AS lower{slot}",
        share.numerator, share.denominator
    ))
}

/// What a slot comes back as: one decimal, or `[n, lower neighbour, upper neighbour]` of a percentile; an empty text is NULL.
fn slot_texts(request: &KpiRequest, slot: usize) -> String {
    match request.kpi.slots[slot].kind {
        SlotKind::Percentile(_) => format!(
            "[toString(n{slot}), toString(a{slot}.1[arrayFirstIndex(n -> n > lower{slot}, up_to{slot})]), \
             toString(a{slot}.1[arrayFirstIndex(n -> n > least(lower{slot} + 1, n{slot} - 1), up_to{slot})])]"
        ),
        _ => format!("[ifNull(toString(a{slot}), '')]"),
    }
}

fn aggregate(request: &KpiRequest, slot: usize) -> String {
    let kpi = &request.kpi;
    let convert = if is_money_slot(kpi, slot) { " * rate" } else { "" };
    let value_row = format!("row_kind = 'value' AND slot = {slot}");
    match (kpi.slots[slot].kind, kpi.additive_column(slot)) {
        (_, Some(column)) => format!("sumIf(toDecimal256(s{column}, 6){convert}, row_kind = 'cell')"),
        (SlotKind::CountDistinct, None) => format!("uniqExactIf(text, {value_row})"),
        (SlotKind::Min, None) => format!("minOrNullIf(toDecimal256(number, 6){convert}, {value_row})"),
        (SlotKind::Max, None) => format!("maxOrNullIf(toDecimal256(number, 6){convert}, {value_row})"),
        (_, None) => format!("sumMapIf([toDecimal256(number, 6){convert}], [facts], {value_row})"),
    }
}

/// What a cell's money is multiplied with.
fn rate(request: &KpiRequest) -> &'static str {
    if request.kpi.is_money {
        "    WITH multiIf(\n        c.currency IN ('', {currency:String}), toDecimal128(1, 6),\n        \
         x.valid_to IS NULL OR day < x.valid_to, ifNull(x.priced, toDecimal128(0, 6)),\n        toDecimal128(0, 6)) AS rate"
    } else {
        ""
    }
}

/// A missing rate counts as 0 in the sums, which are then not shown.
fn missing(request: &KpiRequest) -> &'static str {
    if request.kpi.is_money {
        "groupUniqArrayIf(20)((CAST(currency AS String), toString(day)), rate = 0 AND NOT is_watermark)"
    } else {
        "CAST([] AS Array(Tuple(String, String)))"
    }
}

fn axis_sql(axis: Axis) -> String {
    match axis {
        Axis::Rep => "c.rep_id".to_owned(),
        Axis::Unit(unit) => format!("if({IN_OFFICE}, ifNull(r.{unit}, '(none)'), '(none)')"),
        Axis::Dim(place) => format!("CAST(d{place} AS String)"),
    }
}

/// Whether the roster row that ASOF found was still valid on the day.
const IN_OFFICE: &str = "r.valid_from IS NOT NULL AND (r.valid_to IS NULL OR day < r.valid_to)";

/// The scan: all rows of the KPI that are asked for, and the watermark of the partition.
fn cells(request: &KpiRequest) -> String {
    let mut conditions = vec!["tenant = {tenant:String} AND kpi = {kpi:String} AND row_kind IN ('cell', 'value')".to_owned()];
    if request.from.is_some() {
        conditions.push("day >= {from:Date32}".to_owned());
    }
    if request.to.is_some() {
        conditions.push("day <= {to:Date32}".to_owned());
    }
    for (axis, _) in &request.filters {
        match axis {
            Axis::Rep => conditions.push("rep_id IN {rep:Array(String)}".to_owned()),
            Axis::Dim(place) => conditions.push(format!("d{place} IN {{d{place}:Array(String)}}")),
            Axis::Unit(_) => {}
        }
    }
    let rate = if request.kpi.is_money { "currency, " } else { "" };
    format!(
        "        SELECT row_kind = 'watermark' AS is_watermark, row_kind, day, rep_id, d0, d1, d2, {rate}slot, text, number, facts, \
         s0, s1, s2, s3, s4, s5, position_to\n        FROM kpi_cells FINAL\n        WHERE generation = {{generation:UInt32}}\n          \
         AND ((tenant = '' AND kpi = '' AND row_kind = 'watermark' AND partition = {{partition:Int32}})\n            OR ({}))",
        conditions.join("\n              AND ")
    )
}

fn joins(request: &KpiRequest) -> String {
    let mut joins = Vec::new();
    if request.needs_roster() {
        let columns = "JSONExtractString(fact, 'rep_id') AS rep_id, JSONExtract(fact, 'team', 'Nullable(String)') AS team, \
                       JSONExtract(fact, 'department', 'Nullable(String)') AS department, \
                       JSONExtract(fact, 'region', 'Nullable(String)') AS region";
        joins.push(asof_join(&versions("roster", columns, ""), "r", "r.rep_id = c.rep_id"));
    }
    if request.kpi.is_money {
        let columns = "JSONExtractString(fact, 'from_currency') AS from_currency, \
                       toDecimal128(JSONExtractString(fact, 'rate'), 6) AS priced";
        let into = "\n        WHERE JSONExtractString(fact, 'to_currency') = {currency:String}";
        joins.push(asof_join(&versions("rates", columns, into), "x", "x.from_currency = c.currency"));
    }
    joins.join("\n")
}

fn asof_join(rows: &str, alias: &str, condition: &str) -> String {
    format!("    ASOF LEFT JOIN\n    (\n{rows}\n    ) AS {alias} ON {condition} AND c.day >= {alias}.valid_from")
}

/// A fact table as it was at the watermark of the scan. The table itself may be a batch ahead: facts are written before the
/// cells of their batch, in other inserts. All parts of the statement see `kpi_cells` at one moment, and `fact_versions`,
/// which is looked at later, has every version up to that watermark.
fn versions(table: &str, columns: &str, condition: &str) -> String {
    format!(
        "        SELECT {columns},\n            toDate32(JSONExtract(fact, 'valid_from', 'Int32')) AS valid_from,\n            \
         toDate32(JSONExtract(fact, 'valid_to', 'Nullable(Int32)')) AS valid_to\n        FROM\n        (\n            \
         SELECT argMax(v.fact, v.position) AS fact\n            FROM fact_versions AS v\n            \
         WHERE v.generation = {{generation:UInt32}} AND v.tenant = {{tenant:String}} AND v.fact_table = '{table}'\n              \
         AND v.position <= (SELECT max(position_to) FROM kpi_cells WHERE generation = {{generation:UInt32}} AND tenant = '' \
         AND kpi = '' AND row_kind = 'watermark' AND partition = {{partition:Int32}})\n            \
         GROUP BY v.fact_key\n            HAVING argMax(v.`exists`, v.position) = 1\n        ){condition}"
    )
}

fn outer_filters(request: &KpiRequest) -> String {
    let units = request.filters.iter().filter_map(|(axis, _)| match axis {
        Axis::Unit(unit) => Some(format!("{} IN {{{unit}:Array(String)}}", axis_sql(*axis))),
        _ => None,
    });
    let units: Vec<String> = units.collect();
    if units.is_empty() { String::new() } else { format!("    WHERE is_watermark OR ({})", units.join(" AND ")) }
}
