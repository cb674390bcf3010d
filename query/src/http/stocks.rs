//! `GET /v1/stocks/{name}`.

use std::sync::Arc;

use axum::{
    extract::{Path, Query, State, rejection::QueryRejection},
    http::HeaderMap,
    response::Response,
};
use chrono::{NaiveDate, Utc};
use tidemark_schemas::tenant::Access;

use super::{
    problem::Problem,
    sql::{self, Question},
};
use crate::{Error, access::authenticate, service::Service, sql::Answer, tables::Stock};

/// What was open or owed at the end of a day, counted and added up in the company's currency.
#[utoipa::path(get, path = "/v1/stocks/{name}", security(("key" = [])), params(
    ("name" = String, Path, description = "open_pipeline (deals) or overdue (receivables)"),
    ("at" = Option<String>, Query, description = "The day; today where the company is, where it is missing"),
    ("by" = Option<String>, Query, description = "A row for each: rep_id, team, department, region, product, stage, kind, account_id, with commas between"),
    ("as_of" = Option<String>, Query, description = "By what was known then: an instant (RFC 3339) or the `token` of a stamp of trust"),
    ("after" = Option<String>, Query, description = "A position token: waits until that write is in the numbers"),
), responses(
    (status = 200, body = Answer, description = "Rows of `count`, `amount` (null where a rate is not known) and what they are split by"),
    (status = 400, body = Problem, description = "A parameter that cannot be used"),
    (status = 401, body = Problem),
    (status = 503, body = Problem, description = "ClickHouse does not answer"),
))]
pub(crate) async fn answer(
    State(service): State<Arc<Service>>,
    Path(name): Path<String>,
    parameters: Result<Query<Vec<(String, String)>>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let access = authenticate(&service.tenants, &headers)?;
    let Query(parameters) = parameters.map_err(|rejection| Error::parameter("query", rejection.body_text()))?;
    let question = question(&access, &name, parameters)?;
    sql::ask(service, access, question, &headers).await
}

fn question(access: &Access, name: &str, parameters: Vec<(String, String)>) -> Result<Question, Error> {
    let stock = Stock::named(name).ok_or_else(|| Error::parameter("name", format!("there are {}", Stock::NAMES)))?;
    let (mut day, mut by, mut question) = (None, Vec::new(), Question::default());
    for (parameter, value) in parameters {
        match parameter.as_str() {
            "at" => {
                let wrong = || Error::parameter("at", format!("{value:.60?} is not a date like 2026-03-31"));
                day = Some(value.parse::<NaiveDate>().map_err(|_| wrong())?);
            }
            "by" => {
                for axis in value.split(',').filter(|axis| !axis.is_empty()) {
                    by.push(stock.axis(axis).ok_or_else(|| {
                        Error::parameter("by", format!("{name} has no {axis:.60?}; there are {}", stock.axes().join(", ")))
                    })?);
                }
            }
            "as_of" => question.as_of = Some(value),
            "after" => question.after = Some(value),
            other => return Err(Error::parameter(other, "there is no such parameter; there are at, by, as_of, after")),
        }
    }
    let day = day.unwrap_or_else(|| Utc::now().with_timezone(&access.settings.time_zone).date_naive());
    question.sql = stock.totals(day, &by);
    Ok(question)
}
