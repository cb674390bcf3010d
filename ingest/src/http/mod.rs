//! HTTP: one resource, one file. What an event must be is for `accept`.

pub(crate) mod access_log;
pub(crate) mod body;
pub(crate) mod connections;
pub(crate) mod dead;
pub(crate) mod dead_letter;
pub(crate) mod encoding;
pub(crate) mod events;
pub(crate) mod health;
mod noted;
pub(crate) mod read_out;
pub(crate) mod request_id;
pub(crate) mod shed;
pub(crate) mod trace;
pub(crate) mod unknown;
