//! What ClickHouse's clients do to bodies: its own block frames (`decompress=1`, `compress=1`) and HTTP's encodings.

mod answer;
mod frames;
mod request;

pub(crate) use answer::{Encoder, Encoding};
pub(crate) use request::{BodyEncoding, decode};
