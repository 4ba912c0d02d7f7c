//! The daemon: sources, hub, enforcers, store thread, control socket; the only place that joins the pure parts.

mod clock;
mod control;
pub mod enforce;
mod keep;
mod log;
mod resolve;
