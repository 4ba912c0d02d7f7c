//! The operating system: netlink, inotify, the journal, processes, sessions. The only home of unsafe code.
//!
//! Everything here is a thin, safe face of what the kernel and the system offer; nothing here decides anything.

mod activation;
mod detach;
mod file_id;
mod host_name;
mod inotify;
mod interfaces;
mod journal;
mod lock;
mod log_file;
mod log_socket;
mod logins;
pub mod netlink;
mod notify;
mod poll;
mod privileges;
mod services;
mod shell;
mod signals;
mod terminal;
mod users;

pub use activation::activated_socket;
pub use detach::spawn_detached;
pub use file_id::FileId;
pub use host_name::{full_name, host_of, own_name};
pub use inotify::{Change, Inotify, Watch};
pub use interfaces::{default_gateways, has_ipv6, own_addresses};
pub use journal::{JOURNAL_LOCAL_ONLY, Journal, JournalChange, JournalError};
pub use lock::{Lock, LockError};
pub use log_file::open_log_file;
pub use log_socket::LogSocket;
pub use logins::{Login, failed_logins, logins, logins_changed};
pub use notify::Notifier;
pub use poll::{Waker, wait_readable};
pub use privileges::{has_net_admin, is_root, keep_files_private};
pub use services::Services;
pub use shell::{MAX_OUTPUT, Ran, ScriptEnd, run_script};
pub use signals::{Signal, Signals};
pub use terminal::terminal_width;
pub use users::{Users, group_id, unit_exists, unit_user};
