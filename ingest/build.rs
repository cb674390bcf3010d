//! Rebuilds when a mapping is added: the mappings are embedded, and a new file is otherwise not noticed.

#[expect(clippy::print_stdout, reason = "how a build script speaks to cargo")]
fn main() {
    println!("cargo::rerun-if-changed=mappings");
}
