//! The daemon: sources, hub, enforcers, store thread, control socket; the only place that joins the pure parts.
//!
//! [`run`] guards a machine; [`scan`] reads a log offline by the same rules. Threads, each with one job: the hub
//! owns the engine and with it every decision; the tail and journal threads read and detect; the enforcer alone
//! writes to the kernel; the store thread alone writes to disk; the resolver waits for names; a watcher looks after
//! the names and files of `ignoreip`; the control threads wait for clients. They share nothing but channels.

mod actions;
mod board;
mod check;
mod clock;
mod commands;
mod configuration;
mod control;
pub mod enforce;
mod events;
mod explain;
mod files;
mod gate;
mod heartbeat;
mod hub;
mod ignore;
mod ingest;
mod keep;
mod last_words;
mod log;
mod plan;
mod protect;
mod reload;
mod resolve;
mod run;
mod scan;
mod setup;
mod source;

pub use actions::{Rehearsed, Step, rehearse};
pub use check::{
    Check, CheckReport, CheckedAction, CheckedJail, CheckedRegex, CheckedSource, Enforcement,
    Verdict, check,
};
pub use clock::{now, zone};
pub use explain::{About, Explain, Explained, explain, join};
pub use files::DiskFiles;
pub use log::{escape_into, local};
pub use plan::{compile_filter, mistakes, usedns, year_of};
pub use resolve::addresses_of;
pub use run::{Ended, Manners, Options, SOCKET, STATUS_SOCKET, Server, TABLE, run};
pub use scan::{Scan, ScanReport, ScannedJail, scan};
pub use source::journal::{JournalSource, PlaceError, read_journal};
pub use source::tail::glob::{is_pattern, name_matches};
