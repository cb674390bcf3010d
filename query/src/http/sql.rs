//! `POST /v1/sql`.

use std::sync::Arc;

use axum::{
    Json,
    body::{Body, to_bytes},
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use datafusion::{execution::SessionState, logical_expr::LogicalPlan};
use serde::Deserialize;
use serde_json::Value;
use tidemark_schemas::tenant::Access;
use utoipa::ToSchema;

use super::problem::Problem;
use crate::{
    Error,
    access::authenticate,
    history::{AsOf, Past},
    service::Service,
    session,
    sql::{self, Answer, Chunks, Form, Format, Time},
    trust::{Generation, Trust, Wanted, stamp},
};

/// A question.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Question {
    /// One SELECT on the tables that `information_schema.tables` lists.
    pub(super) sql: String,
    /// The values of `$1`, `$2` and so on: strings, numbers, booleans, null.
    #[serde(default)]
    parameters: Vec<Value>,
    /// A position token: waits until that write is in the tables.
    pub(super) after: Option<String>,
    /// The tables as they were then: an instant (RFC 3339) or the `token` of a stamp of trust.
    pub(super) as_of: Option<String>,
}

/// The stamp of trust of an answer whose form has no place for it.
const TRUST_HEADER: &str = "tidemark-trust";

/// Any question, by SQL.
///
/// JSON is bounded by `rows_max`. The other forms are written while they are read, bounded by `rows_streamed_max`; one that goes wrong
/// on its way is broken off, never ended as if it were whole. An answer is worked on no longer than `time_ms_max`, reading included.
#[utoipa::path(post, path = "/v1/sql", security(("key" = [])), request_body = Question, responses(
    (
        status = 200,
        description = "The rows, in the form that Accept names first",
        headers(("tidemark-trust" = String, description = "The stamp of trust as JSON, of every form but JSON, which has it inside")),
        content(
            (Answer = "application/json"),
            (String = "application/x-ndjson"),
            (String = "text/csv"),
            (String = "application/vnd.apache.arrow.stream"),
            (String = "application/vnd.apache.parquet"),
        )
    ),
    (status = 400, body = Problem, description = "No SQL, or not only a question; `position` says where, where that is known"),
    (status = 401, body = Problem),
    (status = 406, body = Problem, description = "No such form"),
    (status = 413, body = Problem),
    (status = 422, body = Problem, description = "A bound was reached"),
    (status = 429, body = Problem, description = "Others are being answered"),
    (status = 503, body = Problem, description = "ClickHouse does not answer"),
    (status = 504, body = Problem, description = "`after` is not in the tables yet"),
))]
pub(crate) async fn answer(State(service): State<Arc<Service>>, headers: HeaderMap, body: Body) -> Result<Response, Error> {
    let access = authenticate(&service.tenants, &headers)?;
    let question = question(&service, body).await?;
    ask(service, access, question, &headers).await
}

/// Answers a question in the form that is accepted.
pub(super) async fn ask(
    service: Arc<Service>,
    access: Access,
    question: Question,
    headers: &HeaderMap,
) -> Result<Response, Error> {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    let format = Format::accepted(accept).ok_or(Error::NotAcceptable(Format::NAMES))?;
    let (live, mut trust) = stamped(&service, &access, question.after.as_deref()).await?;
    let past = match &question.as_of {
        None => None,
        Some(moment) => {
            let (moment, scope) = (moment.parse::<AsOf>()?, session::scope(&service, &access, &live));
            let past = service.bounded(&access, moment.find(&service, &scope)).await?;
            trust = service.bounded(&access, past.stamp(&service)).await?;
            Some(past)
        }
    };
    let turns_of = access.clone();
    let asked = Asked { service: Arc::clone(&service), access, live, past, trust, question };
    match format {
        Format::Json => service.bounded(&turns_of, service.sql_threads.run(asked.whole())).await,
        Format::Streamed(form) => asked.streamed(form).await,
    }
}

async fn question(service: &Service, body: Body) -> Result<Question, Error> {
    let body_bytes_max = service.config.body_bytes_max;
    let body = to_bytes(body, body_bytes_max).await.map_err(|_| Error::BodyTooLarge(body_bytes_max))?;
    let question: Question = serde_json::from_slice(&body)
        .map_err(|error| Error::Body(format!("the body is {{\"sql\": \"SELECT …\"}}, but: {error}")))?;
    sql::check_length(&question.sql, service.config.sql_tokens_max)?;
    Ok(question)
}

/// The numbers that are live and how far they are, which is at least `after`. The stamp is made before the rows are read:
/// everything up to its position is in them, and perhaps more.
async fn stamped(service: &Service, access: &Access, after: Option<&str>) -> Result<(Arc<Generation>, Trust), Error> {
    let wanted = match after {
        Some(after) => {
            let position = after.parse().map_err(|error| Error::parameter("after", format!("{error}")))?;
            Some(Wanted::new(service, position, service.partition(access))?)
        }
        None => None,
    };
    loop {
        if let Some(wanted) = &wanted {
            wanted.wait(service).await?;
        }
        let stamped = async {
            let live = service.live.read(&service.clickhouse).await?;
            let (trust, _) = stamp(service, access, live.number, 1).await?;
            Ok((live, trust))
        };
        let (live, trust) = service.bounded(access, stamped).await?;
        match &wanted {
            Some(wanted) if !wanted.is_in(service, &trust)? => {}
            _ => return Ok((live, trust)),
        }
    }
}

/// A question, who asks it, and of which numbers.
struct Asked {
    service: Arc<Service>,
    access: Access,
    live: Arc<Generation>,
    past: Option<Past>,
    trust: Trust,
    question: Question,
}

impl Asked {
    async fn planned(&self) -> Result<(SessionState, LogicalPlan), Error> {
        let session = session::on(&self.service, &self.access, &self.live, (Arc::new(self.trust.clone()), self.past.clone()))?;
        let plan = sql::plan_bound(&session, &self.question.sql, &self.question.parameters).await?;
        Ok((session, plan))
    }

    /// The answer as JSON.
    async fn whole(self) -> Result<Response, Error> {
        let (session, plan) = self.planned().await?;
        let rows = sql::rows(&session, &plan, self.service.config.rows_max).await?;
        Ok(Json(Answer::new(&rows, &self.trust)?).into_response())
    }

    /// The answer in a form whose rows go out as they come.
    async fn streamed(self, form: Form) -> Result<Response, Error> {
        let trust = serde_json::to_string(&self.trust).map_err(|error| Error::Unexpected(error.to_string()))?;
        let trust = HeaderValue::try_from(trust).map_err(|error| Error::Unexpected(error.to_string()))?;
        let (service, time) = (Arc::clone(&self.service), Time::starting(&self.service, None));
        let begun = sql::body(&service.sql_threads, |chunks| self.write(form, time.clone(), chunks));
        let body = time.bounds(&service, begun).await?;
        let mut response = ([(header::CONTENT_TYPE, form.content_type())], body).into_response();
        response.headers_mut().insert(TRUST_HEADER, trust);
        Ok(response)
    }

    async fn write(self, form: Form, time: Time, chunks: Chunks) -> Result<(), Error> {
        let (session, plan) = self.planned().await?;
        let rows_max = self.service.config.rows_streamed_max;
        let rows = sql::stream((&self.service, &self.access.tenant), &session, &plan, (time, rows_max)).await?;
        sql::write(rows, form, chunks).await
    }
}
