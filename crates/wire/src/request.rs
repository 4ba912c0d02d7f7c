//! What a client may ask.

use serde::{Deserialize, Serialize};

/// One question or order, told apart by its `command`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Request {
    /// Is anybody there?
    Ping,
    /// How do the jails stand? One jail or all.
    Status {
        /// The jail's name; all if absent.
        #[serde(default)]
        jail: Option<String>,
    },
    /// Who is banned?
    Banned {
        /// The jail's name; all if absent.
        #[serde(default)]
        jail: Option<String>,
        /// Only so many: those whose bans began last; all if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        newest: Option<u32>,
    },
    /// What is known of somebody, jail by jail; of the jails alone if nobody is named.
    Explain {
        /// An address, a network, or another id.
        #[serde(default)]
        ip: Option<String>,
        /// The names of jails; all if empty.
        #[serde(default)]
        jails: Vec<String>,
        /// Also the lines that were counted: logs hold secrets.
        #[serde(default)]
        lines: bool,
    },
    /// Ban by hand.
    Ban {
        /// The jail's name.
        jail: String,
        /// Addresses or prefixes.
        ips: Vec<String>,
        /// A time expression such as `1h`, `-1` for ever; the jail's own if absent.
        #[serde(default)]
        time: Option<String>,
        /// Also ignored and own addresses.
        #[serde(default)]
        force: bool,
    },
    /// Lift bans by hand, also every ban inside a given prefix.
    Unban {
        /// Addresses or prefixes.
        ips: Vec<String>,
        /// The jail's name; all if absent.
        #[serde(default)]
        jail: Option<String>,
    },
    /// Lift every ban of every jail.
    UnbanAll,
    /// Count a failure that no log told.
    Attempt {
        /// The jail's name.
        jail: String,
        /// Whom it is counted for.
        ip: String,
        /// Lines to be kept with it; it weighs as many failures, but at least one.
        #[serde(default)]
        lines: Vec<String>,
    },
    /// Tell what happens from now on: after the answer the connection receives events, one a line, and asks no more.
    Watch {
        /// The jail's name; all if absent.
        #[serde(default)]
        jail: Option<String>,
        /// Also the lines that led to a ban: logs hold secrets.
        #[serde(default)]
        lines: bool,
    },
    /// Add entries to `ignoreip`, or take them away, until the next reload; with neither, tell the entries.
    Ignore {
        /// The jail's name; all if absent, to tell only.
        #[serde(default)]
        jail: Option<String>,
        /// Addresses, networks, host names and lists in files.
        #[serde(default)]
        add: Vec<String>,
        /// Entries as they are written.
        #[serde(default)]
        del: Vec<String>,
    },
    /// Read the configuration again, and change what differs.
    Reload,
    /// End the daemon.
    Stop {
        /// Also remove the table and with it every ban from the kernel.
        #[serde(default)]
        flush: bool,
    },
}

impl Request {
    /// Whether it changes nothing and asks for no line of a log, so that whoever may only look may send it.
    pub fn only_asks(&self) -> bool {
        match self {
            Self::Ping | Self::Status { .. } | Self::Banned { .. } => true,
            Self::Explain { lines, .. } | Self::Watch { lines, .. } => !lines,
            _ => false,
        }
    }
}
