//! Rebuilds when a file is added: they are embedded by folder, and a new one is otherwise not noticed.

fn main() {
    for folder in ["events", "kpis", "pipelines", "tables"] {
        println!("cargo::rerun-if-changed={folder}");
    }
}
