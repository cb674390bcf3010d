//! `GET /openapi.json`: every door, for programs and people.

use axum::Json;
use utoipa::{
    Modify, OpenApi,
    openapi::{
        OpenApi as Document,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use super::{explain, freshness, health, kpis, live, sql, stocks};

#[derive(OpenApi)]
#[openapi(
    info(title = "Tidemark query", description = "Live, exact and explainable KPIs of a sales organisation."),
    paths(kpis::list, kpis::answer, explain::answer, live::listen, stocks::answer, sql::answer, freshness::freshness, document, health::alive, health::ready, health::metrics),
    modifiers(&Key)
)]
struct Doors;

struct Key;

impl Modify for Key {
    fn modify(&self, document: &mut Document) {
        let scheme = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
        document.components.get_or_insert_default().add_security_scheme("key", scheme);
    }
}

/// This document.
#[utoipa::path(get, path = "/openapi.json", responses((status = 200, description = "This document")))]
pub(crate) async fn document() -> Json<Document> {
    Json(Doors::openapi())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_is_documented() {
        let document = Doors::openapi();
        let routes = include_str!("../router.rs").lines().filter_map(|line| line.trim().strip_prefix(".route(\""));
        let routes: Vec<&str> = routes.filter_map(|rest| rest.split('"').next()).collect();
        assert!(routes.len() >= 8, "{routes:?}");
        for route in &routes {
            assert!(document.paths.paths.contains_key(*route), "{route} is not in /openapi.json");
        }
        assert_eq!(document.paths.paths.len(), routes.len());
    }
}
