//! ClickHouse's HTTP protocol: routes, requests, answers.

mod answer;
mod body;
mod multipart;
mod query;
mod request;
mod router;

pub(crate) use query::Face;
pub(crate) use router::router;
