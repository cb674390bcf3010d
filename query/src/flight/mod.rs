//! Arrow Flight SQL: what ADBC and JDBC drivers speak that want columns, not rows. `door` takes connections, `service` is the
//! protocol, `prepared` keeps statements between the calls of a driver, `places` are their parameters, `told` is what an answer is made of,
//! `about` the server and keys, `failure` says what went wrong in gRPC's codes.

mod about;
mod door;
mod failure;
mod places;
mod prepared;
mod service;
mod told;

pub(crate) use door::Door;
