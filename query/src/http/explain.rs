//! `GET /v1/explain`.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
    http::HeaderMap,
};

use super::problem::Problem;
use crate::{
    Error,
    access::authenticate,
    history::{self, Explanation, Past},
    kpis::KpiRequest,
    service::Service,
    session,
    trust::Wanted,
};

/// Facts that are shown one by one unless `limit` says otherwise, and at most.
const SHOWN: (usize, usize) = (100, 1000);

/// Why a number is what it is.
#[utoipa::path(get, path = "/v1/explain", security(("key" = [])), params(
    ("kpi" = String, Query, description = "The KPI"),
    ("from" = Option<String>, Query, description = "First business day, inclusive"),
    ("to" = Option<String>, Query, description = "Last business day, inclusive"),
    ("rep" = Option<Vec<String>>, Query, description = "Only these; team, department, region and every dim of the KPI filter likewise"),
    ("limit" = Option<usize>, Query, description = "Facts to show one by one, 100 where it is missing and 1000 at most; the others are added up"),
    ("as_of" = Option<String>, Query, description = "As it was then: an instant (RFC 3339) or the `token` of a stamp of trust"),
    ("after" = Option<String>, Query, description = "A position token: waits until that write is in the numbers"),
), responses(
    (status = 200, body = Explanation),
    (status = 400, body = Problem, description = "A parameter that cannot be used"),
    (status = 401, body = Problem),
    (status = 404, body = Problem, description = "No such KPI"),
    (status = 422, body = Problem, description = "A bound was reached"),
    (status = 503, body = Problem, description = "ClickHouse does not answer"),
    (status = 504, body = Problem, description = "`after` is not in the numbers yet"),
))]
pub(crate) async fn answer(
    State(service): State<Arc<Service>>,
    parameters: Result<Query<Vec<(String, String)>>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Json<Explanation>, Error> {
    let access = authenticate(&service.tenants, &headers)?;
    let Query(mut parameters) = parameters.map_err(|rejection| Error::Body(rejection.body_text()))?;
    let kpi = taken(&mut parameters, "kpi")?.ok_or_else(|| Error::parameter("kpi", "which number to explain: kpi=won_amount"))?;
    let limit = match taken(&mut parameters, "limit")? {
        None => SHOWN.0,
        Some(text) => {
            let wrong = || Error::parameter("limit", format!("{text:?} is no number from 0 to {}", SHOWN.1));
            text.parse().ok().filter(|limit| *limit <= SHOWN.1).ok_or_else(wrong)?
        }
    };
    loop {
        let generation = service.bounded(&access, service.live.read(&service.clickhouse)).await?;
        let request = KpiRequest::parse(&generation.catalogue, &kpi, &parameters)?;
        if let Some(position) = request.after {
            Wanted::new(&service, position, service.partition(&access))?.wait(&service).await?;
        }
        let scope = session::scope(&service, &access, &generation);
        let asked = Arc::clone(&service);
        let explained = service.sql_threads.run(async move {
            let past = match request.as_of {
                Some(as_of) => as_of.find(&asked, &scope).await?,
                None => Past::now(&asked, &scope).await?,
            };
            history::explain(&asked, &request, &past, limit).await
        });
        let explained = service.bounded(&access, explained).await?;
        // Of numbers that are live no more some may have been dropped while they were read.
        if Arc::ptr_eq(&service.bounded(&access, service.live.read(&service.clickhouse)).await?, &generation) {
            return Ok(Json(explained));
        }
    }
}

/// Takes a parameter out that may be given once.
fn taken(parameters: &mut Vec<(String, String)>, name: &str) -> Result<Option<String>, Error> {
    let (found, others) = std::mem::take(parameters).into_iter().partition::<Vec<_>, _>(|(given, _)| given == name);
    *parameters = others;
    match <[(String, String); 1]>::try_from(found) {
        Ok([(_, value)]) => Ok(Some(value)),
        Err(none) if none.is_empty() => Ok(None),
        Err(_) => Err(Error::parameter(name, "it is given twice")),
    }
}
