//! The daemon: sources, hub, enforcers, store thread, control socket; the only place that joins the pure parts.

mod clock;
mod control;
mod keep;
mod log;
mod resolve;
