//! Where `cargo xtask fetch` puts Kafka's jars and ClickHouse's engine, and where the binary looks for them.
//! Shared with xtask by path, so that the two cannot disagree; hence only `std` here.

use std::env;
use std::path::{Path, PathBuf};

/// The directory of Kafka's jars inside the cache; its version is the one of `deploy/kafka-embedded/pom.xml`.
pub const KAFKA: &str = "kafka-4.1.0/lib";
/// The engine inside the cache.
pub const LIBCHDB: &str = "libchdb-26.7.3/libchdb.so";

/// `$TIDEMARK_CACHE`, or `.cache/tidemark` in the home directory.
pub fn dir() -> PathBuf {
    let named = env::var_os("TIDEMARK_CACHE").filter(|dir| !dir.is_empty());
    named.map(PathBuf::from).unwrap_or_else(|| {
        let home = env::var_os("HOME").unwrap_or_default();
        Path::new(&home).join(".cache").join("tidemark")
    })
}
