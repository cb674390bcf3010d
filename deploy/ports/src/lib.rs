//! Ports for servers that are told theirs and take it a moment later. The system must not give it to another in between, so
//! it is none of those that the system gives away by itself (on Linux from 32768), and no process is given one twice.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "tests"))]

use std::{
    io,
    net::TcpListener,
    ops::Range,
    process,
    sync::atomic::{AtomicU32, Ordering},
};

/// Where tests and trials put the servers that they start.
pub const TRIALS: Range<u16> = 10_000..21_000;
/// Where servers put what only they themselves talk to.
pub const INNER: Range<u16> = 21_000..32_000;

/// How many further ports the next process begins with, by its number: processes that start together do not meet.
const BETWEEN_PROCESSES: u32 = 17;

/// A port of 127.0.0.1 that nobody listens on.
///
/// # Errors
/// All of them are taken.
pub fn free(among: Range<u16>) -> io::Result<u16> {
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    let begin = process::id().wrapping_mul(BETWEEN_PROCESSES);
    for _ in among.clone() {
        let place = begin.wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed)) % u32::from(among.end - among.start);
        let port = among.start + u16::try_from(place).unwrap_or_default();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    let all = format!("127.0.0.1: every port from {} to {} is taken", among.start, among.end - 1);
    Err(io::Error::new(io::ErrorKind::AddrInUse, all))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_port_is_given_twice_and_none_that_is_taken() {
        let held: Vec<TcpListener> = (0..5).map(|_| TcpListener::bind(("127.0.0.1", free(TRIALS).unwrap())).unwrap()).collect();
        let taken = held.iter().map(|listener| listener.local_addr().unwrap().port());
        let given: HashSet<u16> = (0..200).map(|_| free(TRIALS).unwrap()).chain(taken).collect();
        assert_eq!(given.len(), 205);
        assert!(given.iter().all(|port| TRIALS.contains(port)));
        let one = held[0].local_addr().unwrap().port();
        assert!(free(one..one + 1).is_err());
    }
}
