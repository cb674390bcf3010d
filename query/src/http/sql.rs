//! `POST /v1/sql`.

use std::sync::Arc;

use axum::{
    body::{Body, to_bytes},
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use tidemark_schemas::tenant::Access;
use utoipa::ToSchema;

use super::problem::Problem;
use crate::{
    Error,
    access::{Restriction, authenticate},
    service::Service,
    session::{self, Opening},
    sql::{self, Format},
    trust::{Generation, Trust, Wanted, stamp},
};

/// A question.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Question {
    /// One SELECT on the tables that `information_schema.tables` lists.
    sql: String,
    /// A position token: waits until that write is in the tables.
    after: Option<String>,
}

/// The stamp of trust of an answer whose form has no place for it.
const TRUST_HEADER: &str = "tidemark-trust";

/// Any question, by SQL.
#[utoipa::path(post, path = "/v1/sql", security(("key" = [])), request_body = Question, responses(
    (status = 200, description = "`{columns, rows, trust}`; with Accept text/csv or application/vnd.apache.arrow.stream that, and the trust in the header tidemark-trust"),
    (status = 400, body = Problem, description = "No SQL, or not only a question"),
    (status = 401, body = Problem),
    (status = 406, body = Problem, description = "No such form"),
    (status = 413, body = Problem),
    (status = 422, body = Problem, description = "A bound was reached"),
    (status = 503, body = Problem, description = "ClickHouse does not answer"),
    (status = 504, body = Problem, description = "`after` is not in the tables yet"),
))]
pub(crate) async fn answer(State(service): State<Arc<Service>>, headers: HeaderMap, body: Body) -> Result<Response, Error> {
    let access = authenticate(&service.tenants, &headers)?;
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    let format = Format::accepted(accept).ok_or(Error::NotAcceptable(Format::NAMES))?;
    let body_bytes_max = service.config.body_bytes_max;
    let body = to_bytes(body, body_bytes_max).await.map_err(|_| Error::BodyTooLarge(body_bytes_max))?;
    let question: Question = serde_json::from_slice(&body)
        .map_err(|error| Error::Body(format!("the body is {{\"sql\": \"SELECT …\"}}, but: {error}")))?;
    sql::check_length(&question.sql, service.config.sql_tokens_max)?;
    let wanted = match &question.after {
        Some(after) => {
            let position = after.parse().map_err(|error| Error::parameter("after", format!("{error}")))?;
            Some(Wanted::new(&service, position, service.partition(&access))?)
        }
        None => None,
    };
    let (live, trust) = loop {
        if let Some(wanted) = &wanted {
            wanted.wait(&service).await?;
        }
        let stamped = async {
            let live = service.live.read(&service.clickhouse).await?;
            let (trust, _) = stamp(&service, &access, live.number, 1).await?;
            Ok((live, trust))
        };
        let (live, trust) = service.bounded(stamped).await?;
        match &wanted {
            Some(wanted) if !wanted.is_in(&service, &trust)? => {}
            _ => break (live, trust),
        }
    };
    let asked = ask(Arc::clone(&service), access, (live, trust.clone()), question.sql, format);
    let body = service.bounded(service.sql_threads.run(asked)).await?;
    let mut response = ([(header::CONTENT_TYPE, format.content_type())], body).into_response();
    let trust = serde_json::to_string(&trust).map_err(|error| Error::Unexpected(error.to_string()))?;
    if let (true, Ok(trust)) = (format != Format::Json, HeaderValue::try_from(trust)) {
        response.headers_mut().insert(TRUST_HEADER, trust);
    }
    Ok(response)
}

/// The stamp was made before the rows are read: everything up to its position is in them, and perhaps more.
async fn ask(
    service: Arc<Service>,
    access: Access,
    (live, trust): (Arc<Generation>, Trust),
    sql: String,
    format: Format,
) -> Result<Vec<u8>, Error> {
    let session = session::open(Opening {
        clickhouse: &service.clickhouse,
        restriction: Restriction { tenant: access.tenant, generation: live.number },
        catalogue: &live.catalogue,
        trust: &trust,
        runtime: &service.runtime,
        federation: service.config.federation,
    })?;
    let plan = sql::plan(&session, &sql).await?;
    let rows = sql::rows(&session, &plan, service.config.rows_max).await?;
    format.body(&rows, &trust)
}
