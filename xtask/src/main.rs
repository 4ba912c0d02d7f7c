//! The project's own commands: test, bench, conform.
fn main() {}
