//! What is promised, one function each.

mod bare;
mod database;
mod ignored;
mod journal;
mod life;
mod names;
mod package;
mod published;
mod refusals;
mod reload;
mod samples;
mod services;
mod sources;
mod sshd;
mod storm;
mod survival;
mod systemd;
mod trees;

use crate::Done;
use std::path::Path;

/// A promise and its proof.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    /// False if any user can run it.
    pub(crate) needs_root: bool,
    /// Gets the program under test.
    pub(crate) prove: fn(&Path) -> Done,
}

const fn rootless(name: &'static str, prove: fn(&Path) -> Done) -> Scenario {
    Scenario {
        name,
        needs_root: false,
        prove,
    }
}

const fn real(name: &'static str, prove: fn(&Path) -> Done) -> Scenario {
    Scenario {
        name,
        needs_root: true,
        prove,
    }
}

/// All of them, in the order they run.
pub(crate) const ALL: &[Scenario] = &[
    rootless("scan-samples", samples::every_sample),
    rootless("scan-attack-texts", samples::no_innocent),
    rootless("scan-arguments", samples::arguments),
    real("sshd-file", sshd::through_a_log_file),
    real("sshd-journal", journal::without_configuration),
    real("sshd-forged-user", journal::forged_user_in_a_file),
    real("mariadb", services::mariadb),
    real("postgresql", services::postgresql),
    real("nginx", services::nginx),
    real("vsftpd", services::vsftpd),
    real("published-port", published::is_closed),
    real("flush-owned-table", survival::flush_of_an_owned_table),
    real("flush-plain-table", survival::flush_of_a_plain_table),
    real("kill-between-bans", survival::kill_between_bans),
    real("kill-during-attack", survival::kill_during_an_attack),
    real("reload-changes", reload::changes_what_differs),
    real("reload-storm", reload::loses_no_line),
    real("reload-actions", reload::hands_bans_to_new_actions),
    real("ineffective-ban", life::ineffective_ban),
    real("stop-and-start", life::stop_and_start),
    real("terminate", life::terminate),
    real("orders", life::orders),
    real("dry-run", life::dry_run),
    real("admins-own-session", life::the_admins_own_session),
    real("recidive", life::recidive),
    real("ignored", ignored::names_files_and_commands),
    real("missing-log", sources::missing_log),
    real("log-created-by-attack", sources::log_created_by_the_attack),
    real("rotation-rename", sources::rotation_by_rename),
    real("rotation-truncate", sources::rotation_by_truncation),
    real("undecodable-bytes", sources::undecodable_bytes),
    real("unreadable-log", sources::unreadable_log),
    real("refusal-capability", refusals::without_the_capability),
    real("refusal-no-nf-tables", refusals::without_nf_tables),
    real("refusal-second-daemon", refusals::second_daemon),
    real("refusal-live-fail2ban", refusals::live_fail2ban),
    real("unknown-port", refusals::unknown_port),
    real("wrong-configuration-line", refusals::wrong_line),
    real("corrupt-store", refusals::corrupt_store),
    real("full-disk", refusals::full_disk),
    real("action-restored", database::action_is_told),
    real("disk-comes-back", database::disk_comes_back),
    real("kill-storm", storm::kills),
    real("database-takeover", database::takeover),
    real("database-import", database::import),
    real("fail2ban-tree", trees::fail2ban_tree),
    real("shell-actions", trees::shell_actions),
    real("fail2ban-names", names::a_day),
    real("fail2ban-hostile-clients", names::hostile_clients),
    real("fail2ban-foreign-programs", names::foreign_programs),
    real("bare-container", bare::container),
    real("systemd", systemd::unit),
    real("package-native", package::native),
    real("package-stand-in", package::stand_in),
    real("package-alone", package::alone),
];
