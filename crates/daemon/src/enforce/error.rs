//! Why nothing can be enforced at all, for the person who starts the daemon.

use os::netlink::{Errno, Error};
use std::fmt;

/// What is missing and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnforceError {
    /// What is wrong, one sentence without a full stop.
    pub what: String,
    /// What to do, one sentence without a full stop.
    pub help: String,
}

impl fmt::Display for EnforceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for EnforceError {}

impl EnforceError {
    /// What a failure to begin with nf_tables means.
    pub(super) fn opening(error: &Error) -> Self {
        let dry = "or use --dry-run to see what would be banned";
        match (error, error.errno()) {
            (
                Error::Call { call: "socket", .. },
                Some(Errno::PERM | Errno::ACCESS | Errno::NOSYS),
            ) => Self {
                what: format!("this process may not open a netlink socket ({error})"),
                help: format!("allow AF_NETLINK in the service's sandbox or seccomp filter, {dry}"),
            },
            (
                Error::Call { call: "socket", .. },
                Some(Errno::PROTONOSUPPORT | Errno::AFNOSUPPORT | Errno::INVAL),
            )
            | (
                Error::Refused(_),
                Some(
                    Errno::OPNOTSUPP
                    | Errno::INVAL
                    | Errno::PROTONOSUPPORT
                    | Errno::AFNOSUPPORT
                    | Errno::NOENT,
                ),
            ) => Self {
                what: format!("this kernel has no nf_tables ({error})"),
                help: format!(
                    "load the module with `modprobe nf_tables` or use a kernel with CONFIG_NF_TABLES, {dry}"
                ),
            },
            (Error::Refused(_), Some(Errno::PERM | Errno::ACCESS)) => Self {
                what: format!(
                    "the right to change the firewall, CAP_NET_ADMIN, is missing ({error})"
                ),
                help: format!("run as root or give the process CAP_NET_ADMIN, {dry}"),
            },
            _ => Self {
                what: format!("cannot speak with the kernel's firewall ({error})"),
                help: dry.trim_start_matches("or ").to_owned(),
            },
        }
    }

    /// The table belongs to another process that runs.
    pub(super) fn owned(table: &str, port: u32) -> Self {
        Self {
            what: format!(
                "another running process owns the firewall table `{table}`: is a second daemon running? (netlink port {port}, often its process id)"
            ),
            help: "stop the other one first, or give this one a table of its own with --table NAME"
                .to_owned(),
        }
    }

    /// The table cannot be made or taken over.
    pub(super) fn installing(table: &str, error: &dyn fmt::Display) -> Self {
        Self {
            what: format!("the kernel refused the firewall table `{table}` ({error})"),
            help: "check that the kernel has the nf_tables expressions fib, reject and counter, or use --dry-run to see what would be banned".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use os::netlink::Refusal;

    #[test]
    fn names_what_is_missing() {
        let refused = |errno| {
            Error::Refused(vec![Refusal {
                seq: 1,
                errno,
                text: String::new(),
                offset: None,
            }])
        };
        let socket = |errno| Error::Call {
            call: "socket",
            errno,
        };
        let check = |error: Error, what: &str, help: &str| {
            let got = EnforceError::opening(&error);
            assert!(got.what.contains(what), "{got:?}");
            assert!(
                got.help.contains(help) && got.help.contains("--dry-run"),
                "{got:?}"
            );
        };
        check(refused(Errno::PERM), "CAP_NET_ADMIN", "root");
        check(refused(Errno::OPNOTSUPP), "no nf_tables", "modprobe");
        check(refused(Errno::INVAL), "no nf_tables", "modprobe");
        check(socket(Errno::PROTONOSUPPORT), "no nf_tables", "modprobe");
        check(socket(Errno::AFNOSUPPORT), "no nf_tables", "modprobe");
        check(socket(Errno::PERM), "may not open", "AF_NETLINK");
        check(Error::Unanswered, "cannot speak", "use");
    }
}
