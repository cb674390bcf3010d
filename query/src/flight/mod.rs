//! Arrow Flight SQL: what ADBC and JDBC drivers speak that want columns, not rows. `door` takes connections, `service` is the
//! protocol, `prepared` keeps statements between the calls of a driver, `failure` says what went wrong in gRPC's codes.

mod door;
mod failure;
mod prepared;
mod service;

pub(crate) use door::Door;
