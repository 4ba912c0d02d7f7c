//! The operating system: netlink, inotify, the journal, processes, sessions. The only home of unsafe code.
pub mod netlink;
