//! What clients of the registry expect to hear: its content type, its error codes, its words for a schema.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize, de::IgnoredAny};
use tidemark_schemas::events::{
    EventType,
    wire::{RegisteredSchema, schema_by_text, schemas},
};

const MEDIA_TYPE: HeaderValue = HeaderValue::from_static("application/vnd.schemaregistry.v1+json");

/// An answer in the registry's content type.
pub(crate) struct Said<T>(pub(super) T);

impl<T: Serialize> IntoResponse for Said<T> {
    fn into_response(self) -> Response {
        ([(CONTENT_TYPE, MEDIA_TYPE)], Json(self.0)).into_response()
    }
}

/// Why not, in the registry's codes: the first three digits are the HTTP status.
#[derive(Debug)]
pub(crate) enum Refused {
    Subject(String),
    Version(String),
    Schema(String),
    InvalidVersion(String),
    InvalidSchema(String),
    ReadOnly(String),
}

impl Refused {
    fn code(&self) -> u16 {
        match self {
            Self::Subject(_) => 40_401,
            Self::Version(_) => 40_402,
            Self::Schema(_) => 40_403,
            Self::InvalidSchema(_) => 42_201,
            Self::InvalidVersion(_) => 42_202,
            Self::ReadOnly(_) => 42_205,
        }
    }

    fn message(&self) -> String {
        match self {
            Self::Subject(name) => format!("Subject '{name:.128}' not found."),
            Self::Version(version) => format!("Version {version:.20} not found."),
            Self::Schema(which) => format!("Schema {which:.40} not found"),
            Self::InvalidVersion(version) => format!(
                "The specified version '{version:.20}' is not a valid version id. \
                 Allowed values are between [1, 2^31-1] and the string \"latest\""
            ),
            Self::InvalidSchema(reason) => format!("Either the input schema or one its references is invalid: {reason:.500}"),
            Self::ReadOnly(subject) => format!(
                "Subject {subject} is in read-only mode: its schemas are part of Tidemark (schemas/events) and change with its version"
            ),
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        #[derive(Serialize)]
        struct Body {
            error_code: u16,
            message: String,
        }
        let status = StatusCode::from_u16(self.code() / 100).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, Said(Body { error_code: self.code(), message: self.message() })).into_response()
    }
}

/// A schema as a version of its subject. Without `schemaType` it is Avro.
#[derive(Debug, Serialize)]
pub(crate) struct Version {
    subject: &'static str,
    version: u32,
    id: u32,
    schema: &'static str,
}

impl From<&'static RegisteredSchema> for Version {
    fn from(schema: &'static RegisteredSchema) -> Self {
        Self { subject: schema.event_type.name(), version: schema.version, id: schema.id, schema: schema.text }
    }
}

/// What a client sends to look a schema up or to have it checked. Other fields are the registry's business.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Proposal {
    schema: String,
    schema_type: Option<String>,
}

impl Proposal {
    /// # Errors
    /// 42201 for another kind of schema than Avro.
    pub(super) fn avro(&self) -> Result<&str, Refused> {
        match self.schema_type.as_deref() {
            None | Some("AVRO") => Ok(&self.schema),
            Some(other) => Err(Refused::InvalidSchema(format!("schemaType {other:.40} is not AVRO"))),
        }
    }
}

/// Reads a request's body.
///
/// # Errors
/// 42201 when it is not `{"schema": "…"}`.
pub(super) fn read_proposal(body: &[u8]) -> Result<Proposal, Refused> {
    serde_json::from_slice(body)
        .map_err(|error| Refused::InvalidSchema(format!("the request is not {{\"schema\": \"…\"}}: {error}")))
}

/// # Errors
/// 40401.
pub(super) fn subject(name: &str) -> Result<EventType, Refused> {
    EventType::from_name(name).ok_or_else(|| Refused::Subject(name.to_owned()))
}

/// The versions of a subject, oldest first.
pub(super) fn versions_of(event_type: EventType) -> impl Iterator<Item = &'static RegisteredSchema> {
    schemas().iter().filter(move |schema| schema.event_type == event_type)
}

/// The version that a path names: a number, `latest`, or `-1` for the latest.
///
/// # Errors
/// 42202 for what is no version, 40402 for one that does not exist.
pub(super) fn find_version(event_type: EventType, version: &str) -> Result<&'static RegisteredSchema, Refused> {
    let found = match version {
        "latest" | "-1" => versions_of(event_type).last(),
        number => {
            let number = number.parse::<i32>().ok().filter(|number| *number > 0);
            let number = number.ok_or_else(|| Refused::InvalidVersion(version.to_owned()))?;
            versions_of(event_type).find(|schema| i32::try_from(schema.version) == Ok(number))
        }
    };
    found.ok_or_else(|| Refused::Version(version.to_owned()))
}

/// The version of a subject that is the same schema, whatever its white space and order of attributes.
///
/// # Errors
/// 42201 when the text is no JSON, 40403 when no version is it.
pub(super) fn find_schema(event_type: EventType, text: &str) -> Result<&'static RegisteredSchema, Refused> {
    serde_json::from_str::<IgnoredAny>(text).map_err(|error| Refused::InvalidSchema(error.to_string()))?;
    let found = schema_by_text(text).filter(|schema| schema.event_type == event_type);
    found.ok_or_else(|| Refused::Schema("under this subject".to_owned()))
}
