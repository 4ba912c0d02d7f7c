//! Tests of the whole search, from line to time.

mod cases;
mod properties;
mod rules;
