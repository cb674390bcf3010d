//! HTTP: one resource, one file. What an event must be is for `accept`.

pub(crate) mod access_log;
pub(crate) mod body;
pub(crate) mod dead;
pub(crate) mod encoding;
pub(crate) mod events;
pub(crate) mod health;
pub(crate) mod unknown;
