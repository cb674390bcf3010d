//! Rebuilds when a mapping is added: the mappings are embedded, and a new file is otherwise not noticed.

fn main() {
    println!("cargo::rerun-if-changed=mappings");
}
