//! A schema registry in the tests' process, over real HTTP, as far as writers and readers of Avro ask one: Confluent's API for
//! subjects, versions, ids and compatibility. It gives ids that are nobody else's, and wants a user.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    extract::{Path, Request, State},
    http::StatusCode,
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};

pub const USER: &str = "tidemark";
pub const PASSWORD: &str = "sesame";
/// `tidemark:sesame`, as basic authentication writes it.
const AUTHORIZATION: &str = "Basic dGlkZW1hcms6c2VzYW1l";

/// Subject, version and schema.
type Registered = (String, u32, Value);

/// What it knows by id, the newest last.
#[derive(Clone, Default)]
pub struct SchemaRegistry {
    schemas: Arc<Mutex<BTreeMap<u32, Registered>>>,
    first_id: u32,
}

impl SchemaRegistry {
    /// Listens; the schemas that come get ids from `first_id` on.
    pub async fn start(first_id: u32) -> (Self, String) {
        let registry = Self { schemas: Arc::default(), first_id };
        let router = Router::new()
            .route("/subjects/{subject}", post(look_up))
            .route("/subjects/{subject}/versions", post(register))
            .route("/compatibility/subjects/{subject}/versions/latest", post(check))
            .route("/schemas/ids/{id}", get(by_id))
            .layer(from_fn(authenticate))
            .with_state(registry.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async { axum::serve(listener, router).await.unwrap() });
        (registry, url)
    }

    /// Makes a schema known as somebody else would have.
    pub fn add(&self, subject: &str, schema: Value) -> u32 {
        let mut schemas = self.schemas.lock().unwrap();
        let versions = schemas.values().filter(|(known, ..)| known == subject).count();
        let id = schemas.last_key_value().map_or(self.first_id, |(last, _)| last + 1);
        schemas.insert(id, (subject.to_owned(), u32::try_from(versions).unwrap() + 1, schema));
        id
    }

    /// Subjects by id.
    pub fn subjects(&self) -> BTreeMap<u32, String> {
        self.schemas.lock().unwrap().iter().map(|(id, (subject, ..))| (*id, subject.clone())).collect()
    }

    fn find(&self, subject: &str, schema: &Value) -> Option<(u32, u32)> {
        let schemas = self.schemas.lock().unwrap();
        let same = schemas.iter().find(|(_, (known, _, there))| known == subject && there == schema);
        same.map(|(id, (_, version, _))| (*id, *version))
    }
}

async fn authenticate(request: Request, next: Next) -> Response {
    if request.headers().get("authorization").is_none_or(|sent| sent != AUTHORIZATION) {
        return error(401, 40_101, "User is not authorized");
    }
    next.run(request).await
}

fn error(status: u16, code: u32, message: &str) -> Response {
    (StatusCode::from_u16(status).unwrap(), Json(json!({ "error_code": code, "message": message }))).into_response()
}

fn proposed(body: &str) -> Value {
    let body: Value = serde_json::from_str(body).unwrap();
    serde_json::from_str(body["schema"].as_str().unwrap()).unwrap()
}

async fn look_up(State(registry): State<SchemaRegistry>, Path(subject): Path<String>, body: String) -> Response {
    let schema = proposed(&body);
    match registry.find(&subject, &schema) {
        Some((id, version)) => {
            Json(json!({ "subject": subject, "id": id, "version": version, "schema": schema.to_string() })).into_response()
        }
        None if registry.subjects().values().any(|known| *known == subject) => error(404, 40_403, "Schema not found"),
        None => error(404, 40_401, &format!("Subject '{subject}' not found.")),
    }
}

async fn register(State(registry): State<SchemaRegistry>, Path(subject): Path<String>, body: String) -> Response {
    let schema = proposed(&body);
    let id = registry.find(&subject, &schema).map_or_else(|| registry.add(&subject, schema), |(id, _)| id);
    Json(json!({ "id": id })).into_response()
}

/// A record of the same name with fields is compatible with one that has them too; enough for those who share subjects by mistake.
async fn check(State(registry): State<SchemaRegistry>, Path(subject): Path<String>, body: String) -> Response {
    let schema = proposed(&body);
    let schemas = registry.schemas.lock().unwrap();
    match schemas.values().rfind(|(known, ..)| *known == subject) {
        Some((.., latest)) => Json(json!({ "is_compatible": latest["name"] == schema["name"] })).into_response(),
        None => error(404, 40_401, &format!("Subject '{subject}' not found.")),
    }
}

async fn by_id(State(registry): State<SchemaRegistry>, Path(id): Path<u32>) -> Response {
    match registry.schemas.lock().unwrap().get(&id) {
        // As another program would have written it: other white space, other order.
        Some((.., schema)) => Json(json!({ "schema": serde_json::to_string_pretty(schema).unwrap() })).into_response(),
        None => error(404, 40_403, "Schema not found"),
    }
}
