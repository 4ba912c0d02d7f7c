//! The daemon: sources, hub, enforcers, store thread, control socket; the only place that joins the pure parts.
