//! The programs of fail2ban, by their names: their options, their words, their exit codes.

pub(crate) mod client;
mod glob;
mod python;
pub(crate) mod regex;
mod server;

/// Their one exit code for whatever goes wrong.
const FAILED: u8 = 255;
