//! All routes on one screen.

use std::sync::Arc;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware::{from_fn, from_fn_with_state},
    routing::{get, post},
};

use crate::{
    http::{
        access_log::log_access, dead::list_dead, dead_letter, events::post_events, health, read_out::read_out,
        request_id::identify, shed::shed, trace::trace, unknown,
    },
    registry,
    service::Service,
};

/// Largest schema that a client may ask about.
const SCHEMA_BYTES_MAX: usize = 256 << 10;

pub(crate) fn router(service: Arc<Service>) -> Router {
    let doors = Router::new()
        .route("/v1/events", post(post_events))
        .route("/v1/dead", get(list_dead))
        .route("/v1/dead/replay", post(dead_letter::replay_many))
        .route("/v1/dead/drop", post(dead_letter::drop_many))
        .route("/v1/dead/{id}", get(dead_letter::show).delete(dead_letter::drop_one))
        .route("/v1/dead/{id}/replay", post(dead_letter::replay_one));
    // With a registry configured, records carry its ids, which only it can answer for.
    let doors = if service.schema_ids.are_a_registrys() { doors } else { doors.merge(registry_routes()) };
    let work = doors.route_layer(from_fn_with_state(service.clone(), shed)).route_layer(from_fn(trace));
    // Operators are answered also when there is too much work.
    work.route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .method_not_allowed_fallback(unknown::method)
        .fallback(unknown::path)
        .layer(from_fn(read_out))
        .layer(from_fn_with_state(service.clone(), log_access))
        .layer(from_fn(identify))
        .with_state(service)
}

/// What readers of the topic need to know is no secret: no key is asked for.
fn registry_routes() -> Router<Arc<Service>> {
    Router::new()
        .route("/subjects", get(registry::names))
        .route("/subjects/{subject}", post(registry::look_up))
        .route("/subjects/{subject}/versions", get(registry::versions).post(registry::register))
        .route("/subjects/{subject}/versions/{version}", get(registry::version))
        .route("/subjects/{subject}/versions/{version}/schema", get(registry::text_of_version))
        .route("/subjects/{subject}/versions/{version}/referencedby", get(registry::refer_to))
        .route("/schemas", get(registry::all))
        .route("/schemas/types", get(registry::types))
        .route("/schemas/ids/{id}", get(registry::by_id))
        .route("/schemas/ids/{id}/schema", get(registry::text_by_id))
        .route("/schemas/ids/{id}/subjects", get(registry::subjects_of))
        .route("/schemas/ids/{id}/versions", get(registry::versions_of))
        .route("/compatibility/subjects/{subject}/versions", post(registry::check_against_all))
        .route("/compatibility/subjects/{subject}/versions/{version}", post(registry::check_against_one))
        .route("/config", get(registry::compatibility_level))
        .route("/config/{subject}", get(registry::compatibility_level))
        .route("/mode", get(registry::mode))
        .route("/mode/{subject}", get(registry::mode))
        .route("/contexts", get(registry::contexts))
        .layer(DefaultBodyLimit::max(SCHEMA_BYTES_MAX))
}
