//! Tests on real servers, real clients and the real kernel, in network namespaces of their own.
fn main() {}
