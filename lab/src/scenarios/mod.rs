//! What is promised, one function each.

mod services;
mod sshd;

use crate::{Done, Stop};
use std::path::Path;

/// A scenario: gets the program under test.
pub(crate) type Scenario = fn(&Path) -> Done;

/// All of them, in the order they run.
pub(crate) const ALL: &[(&str, Scenario)] = &[
    ("sshd-file", sshd::through_a_log_file),
    ("mariadb", services::mariadb),
    ("postgresql", services::postgresql),
    ("nginx", services::nginx),
    ("vsftpd", services::vsftpd),
];
