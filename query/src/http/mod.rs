//! The HTTP doors, one file per resource. Routes are in `router.rs`.

pub(crate) mod access_log;
pub(crate) mod explain;
pub(crate) mod freshness;
pub(crate) mod health;
pub(crate) mod kpis;
pub(crate) mod live;
pub(crate) mod openapi;
pub(crate) mod patience;
pub(crate) mod problem;
pub(crate) mod request_id;
pub(crate) mod sql;
pub(crate) mod stocks;
pub(crate) mod unknown;
