//! Why the engine does not start or stops serving. What a query gets wrong is an [`crate::exception::Exception`].

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// What can keep the embedded engine from running.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address would be reachable from outside this machine.
    #[error("{0} is not a loopback address: the embedded engine has no users, so listen on 127.0.0.1 or ::1")]
    NotLoopback(SocketAddr),
    /// Another process has the data directory.
    #[error("the data directory {} is in use by another engine: stop that one or choose another directory", .0.display())]
    Locked(PathBuf),
    /// The data directory cannot be made or locked.
    #[error("the data directory {}: {source}", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The library is absent, broken, or of another version.
    #[error("the engine's library {}: {source}", path.display())]
    Library {
        /// The library.
        path: PathBuf,
        /// What the loader said.
        source: libloading::Error,
    },
    /// The engine refused the data directory or its arguments.
    #[error("the engine does not start on {}: {reason}", path.display())]
    Start {
        /// The data directory.
        path: PathBuf,
        /// What the engine said, as far as it said anything.
        reason: String,
    },
    /// The address is taken or not ours.
    #[error("cannot listen on {listen}: {source}")]
    Listen {
        /// The address.
        listen: SocketAddr,
        /// What the operating system said.
        source: io::Error,
    },
    /// The server's loop ended.
    #[error("serving HTTP: {0}")]
    Serve(io::Error),
}
