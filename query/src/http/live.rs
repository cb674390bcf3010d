//! `GET /v1/live`: the values of KPIs, and from then on what changes, as server-sent events.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{Query, State, rejection::QueryRejection},
    http::{HeaderMap, HeaderName},
    response::{IntoResponse, Response, Sse, sse::KeepAlive},
};

use super::problem::Problem;
use crate::{
    Error,
    access::authenticate,
    live::{Listener, Question},
    service::Service,
};

/// What somebody who was away has seen, as the standard of server-sent events names it.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// A proxy of the kind of nginx hands on what it has rather than collect it.
const UNBUFFERED: (&str, &str) = ("x-accel-buffering", "no");
/// Names and values.
type Parameters = Vec<(String, String)>;
/// Parameters of `/v1/kpis/{name}` that are about another moment than now.
const OF_ANOTHER_MOMENT: [&str; 2] = ["after", "as_of"];

/// The values of KPIs, and what changes from then on.
///
/// Events: `values` is the whole answer of `/v1/kpis/{name}`, sent first and whenever other numbers became live; `changed` is
/// `{kpi, rows, removed, trust}`: rows that are new or have another value, and rows that ceased to exist (without value);
/// `problem` is `{kpi, error}`: there is no answer at the moment, and the next event of this KPI says that there is again.
/// The `id` of an event is `position@generation`. Sent back as `Last-Event-ID`, it spares `values` if nothing has changed since.
#[utoipa::path(get, path = "/v1/live", security(("key" = [])), params(
    ("kpi" = Vec<String>, Query, description = "The KPI; several may be given, and all other parameters hold for each"),
    ("from" = Option<String>, Query, description = "As in /v1/kpis/{name}, and so are `to`, `grain`, `by` and all filters"),
    ("Last-Event-ID" = Option<String>, Header, description = "The `id` of the last event of the same stream that was received"),
), responses(
    (status = 200, content_type = "text/event-stream", body = String, description = "Events until either side ends it"),
    (status = 400, body = Problem, description = "A parameter that cannot be used"),
    (status = 401, body = Problem),
    (status = 404, body = Problem, description = "No such KPI"),
    (status = 422, body = Problem, description = "A bound was reached"),
    (status = 429, body = Problem, description = "There are too many listeners"),
    (status = 503, body = Problem, description = "ClickHouse does not answer, or the KPI was added and is being measured (backfilling)"),
))]
pub(crate) async fn listen(
    State(service): State<Arc<Service>>,
    parameters: Result<Query<Parameters>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let access = authenticate(&service.tenants, &headers)?;
    let Query(parameters) = parameters.map_err(|rejection| Error::Body(rejection.body_text()))?;
    let (kpis, parameters) = split(parameters, service.config.live_kpis_max)?;
    let question = |kpi| Question { access: access.clone(), kpi, parameters: parameters.clone() };
    let seen = headers.get(LAST_EVENT_ID).and_then(|id| id.to_str().ok()?.parse().ok());
    let listener = Listener::new(&service, kpis.into_iter().map(question).collect(), seen).await?;
    let every = Duration::from_millis(service.config.live_keep_alive_ms);
    let events = Sse::new(listener.events()).keep_alive(KeepAlive::new().interval(every));
    Ok(([UNBUFFERED], events).into_response())
}

/// The KPIs, and the parameters that hold for each.
fn split(parameters: Parameters, kpis_max: usize) -> Result<(Vec<String>, Parameters), Error> {
    let (kpis, others): (Vec<_>, Vec<_>) = parameters.into_iter().partition(|(name, _)| name == "kpi");
    let kpis: Vec<String> = kpis.into_iter().map(|(_, kpi)| kpi).collect();
    if kpis.is_empty() {
        return Err(Error::parameter("kpi", "it is missing: which KPI? /v1/kpis lists them"));
    }
    if kpis.len() > kpis_max {
        return Err(Error::parameter("kpi", format!("there may be {kpis_max} at once (live_kpis_max), not {}", kpis.len())));
    }
    if (1..kpis.len()).any(|index| kpis[..index].contains(&kpis[index])) {
        return Err(Error::parameter("kpi", "one is given twice"));
    }
    match others.iter().find(|(name, _)| OF_ANOTHER_MOMENT.contains(&name.as_str())) {
        Some((name, _)) => Err(Error::parameter(name, "a listener hears of now and of what changes; /v1/kpis/{name} takes it")),
        None => Ok((kpis, others)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kpis_are_told_from_what_holds_for_each() {
        let pairs =
            |pairs: &[(&str, &str)]| pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let (kpis, others) = split(pairs(&[("kpi", "visits"), ("grain", "day"), ("kpi", "calls")]), 2).unwrap();
        assert_eq!((kpis, others), (vec!["visits".to_owned(), "calls".to_owned()], pairs(&[("grain", "day")])));
        let cases: [(&[(&str, &str)], &str); 5] = [
            (&[("grain", "day")], "kpi: it is missing"),
            (&[("kpi", "visits"), ("kpi", "visits")], "kpi: one is given twice"),
            (&[("kpi", "a"), ("kpi", "b"), ("kpi", "c")], "kpi: there may be 2 at once"),
            (&[("kpi", "visits"), ("after", "3-1")], "after: a listener hears of now"),
            (&[("kpi", "visits"), ("as_of", "3-1")], "as_of: a listener hears of now"),
        ];
        for (parameters, message) in cases {
            let error = split(pairs(parameters), 2).expect_err(message).to_string();
            assert!(error.contains(message), "{error}");
        }
    }
}
