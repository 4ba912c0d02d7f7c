//! Tests of the whole search, from line to time.

mod properties;
mod rules;
