//! `GET /v1/kpis` and `GET /v1/kpis/{name}`.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, Query, State, rejection::QueryRejection},
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use tidemark_schemas::{
    kpi::{Better, KpiDefinition, Title, Unit},
    tenant::Access,
};
use utoipa::ToSchema;

use super::problem::Problem;
use crate::{
    Error,
    access::authenticate,
    history,
    kpis::{self, Answer, KpiRequest},
    service::Service,
    session,
    trust::Wanted,
};

/// Every KPI there is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct KpiList {
    kpis: Vec<KpiSummary>,
}

/// What a KPI is, as its file says it.
#[derive(Debug, Serialize, ToSchema)]
struct KpiSummary {
    /// As `/v1/kpis/{name}` takes it.
    name: String,
    /// In English and Chinese.
    #[schema(value_type = Object)]
    title: Title,
    /// One sentence.
    about: String,
    /// What a value counts.
    #[schema(value_type = String)]
    unit: Unit,
    /// Which way is good.
    #[schema(value_type = String)]
    better: Better,
    /// The fact table.
    from: String,
    /// Which facts.
    r#where: Option<String>,
    /// The date that decides the period.
    day: String,
    /// The column of the seller.
    rep: String,
    /// What it can be split by, beside rep, team, department and region.
    dims: Vec<String>,
    /// The value as SQL.
    value: String,
}

impl From<&KpiDefinition> for KpiSummary {
    fn from(kpi: &KpiDefinition) -> Self {
        Self {
            name: kpi.name.clone(),
            title: kpi.title.clone(),
            about: kpi.about.clone(),
            unit: kpi.unit,
            better: kpi.better,
            from: kpi.from.name().to_owned(),
            r#where: kpi.filter_sql.clone(),
            day: kpi.day.clone(),
            rep: kpi.rep.clone(),
            dims: kpi.dims.clone(),
            value: kpi.value_sql.clone(),
        }
    }
}

/// Every KPI there is.
#[utoipa::path(get, path = "/v1/kpis", security(("key" = [])), responses(
    (status = 200, body = KpiList),
    (status = 401, body = Problem),
    (status = 503, body = Problem, description = "ClickHouse does not answer, or there are no numbers yet"),
))]
pub(crate) async fn list(State(service): State<Arc<Service>>, headers: HeaderMap) -> Result<Json<KpiList>, Error> {
    authenticate(&service.tenants, &headers)?;
    let generation = service.unless_silent(service.live.read(&service.clickhouse)).await?;
    Ok(Json(KpiList { kpis: generation.catalogue.iter().map(|kpi| kpi.as_ref().into()).collect() }))
}

/// The values of one KPI.
#[utoipa::path(get, path = "/v1/kpis/{name}", security(("key" = [])), params(
    ("name" = String, Path, description = "The KPI"),
    ("from" = Option<String>, Query, description = "First business day, inclusive; everything before too where it is missing"),
    ("to" = Option<String>, Query, description = "Last business day, inclusive"),
    ("grain" = Option<String>, Query, description = "day, week, month, quarter, year or all (default)"),
    ("by" = Option<String>, Query, description = "rep, team, department, region and the KPI's dims, joined by commas; units by the roster of the day"),
    ("rep" = Option<Vec<String>>, Query, description = "Only these; team, department, region and every dim of the KPI filter likewise"),
    ("as_of" = Option<String>, Query, description = "As it was answered then: an instant (RFC 3339) or the `token` of a stamp of trust"),
    ("after" = Option<String>, Query, description = "A position token: waits until that write is in the numbers"),
), responses(
    (status = 200, body = Answer),
    (status = 400, body = Problem, description = "A parameter that cannot be used"),
    (status = 401, body = Problem),
    (status = 404, body = Problem, description = "No such KPI"),
    (status = 422, body = Problem, description = "A bound was reached"),
    (status = 503, body = Problem, description = "ClickHouse does not answer, or the KPI was added and is being measured (backfilling)"),
    (status = 504, body = Problem, description = "`after` is not in the numbers yet"),
))]
pub(crate) async fn answer(
    State(service): State<Arc<Service>>,
    Path(name): Path<String>,
    parameters: Result<Query<Vec<(String, String)>>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let access = authenticate(&service.tenants, &headers)?;
    let Query(parameters) = parameters.map_err(|rejection| Error::Body(rejection.body_text()))?;
    Ok(Json(&*current(&service, &access, &name, &parameters).await?).into_response())
}

/// The answer to a question by its parameters, from the numbers that are live now.
///
/// # Errors
/// As [`KpiRequest::parse`]; what `after` asks for does not come; ClickHouse, and the bounds on asking it.
pub(crate) async fn current(
    service: &Arc<Service>,
    access: &Access,
    name: &str,
    parameters: &[(String, String)],
) -> Result<Arc<Answer>, Error> {
    let partition = service.partition(access);
    let live = || service.live.read(&service.clickhouse);
    let mut last = service.live.last();
    let mut wanted = None;
    // The numbers that were live last are read while it is asked whether they still are; if not, the answer is thrown away.
    loop {
        let generation = match last {
            Some(last) => last,
            None => service.bounded(access, live()).await?,
        };
        let request = KpiRequest::parse(&generation.catalogue, name, parameters);
        if let Ok(KpiRequest { after: Some(position), .. }) = &request {
            let wanted = match &mut wanted {
                Some(wanted) => wanted,
                none => none.insert(Wanted::new(service, *position, partition)?),
            };
            wanted.wait(service).await?;
        }
        let answered = async {
            let request = request?;
            let scope = session::scope(service, access, &generation);
            if let Some(as_of) = request.as_of {
                let past = as_of.find(service, &scope).await?;
                let asked = Arc::clone(service);
                return service.sql_threads.run(async move { history::answer(&asked, &request, &past).await }).await;
            }
            generation.require_measured(&service.clickhouse, name, partition).await?;
            kpis::answer(service, &request, &scope).await
        };
        let ask = async || {
            let both = async { Ok(tokio::join!(answered, live())) };
            let (answered, live) = service.bounded(access, both).await?;
            let live = live?;
            if Arc::ptr_eq(&live, &generation) { Ok(Ok(Arc::new(answered?))) } else { Ok(Err(live)) }
        };
        let question = format!("{} {} {name} {parameters:?}", access.tenant, generation.number);
        let shared = service.shared(&question, ask).await?;
        last = match &*shared {
            Ok(answer) => match &wanted {
                Some(wanted) if !wanted.is_in(service, &answer.trust)? => service.live.last(),
                _ => return Ok(Arc::clone(answer)),
            },
            Err(live) => Some(Arc::clone(live)),
        };
    }
}
