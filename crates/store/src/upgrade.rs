//! Bringing the tables of fail2ban's versions 1 to 3 up to version 4 (behaviour §8.5).
//!
//! 0.9 wrote the first two, 0.10 and early 0.11 the third. One transaction does it all, so that whatever happens in
//! the middle leaves the tables of one version or the other, and before it the file is copied.

use crate::aside::free_name;
use crate::{StoreError, schema};
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, TransactionBehavior};
use std::fs::{self, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Before version 2 a log file belonged to one jail only: the same rows under other rules of uniqueness.
const TO_2: &str = "
ALTER TABLE logs RENAME TO stockade_old_logs;
DROP INDEX IF EXISTS logs_path;
DROP INDEX IF EXISTS logs_jail_path;
{LOGS}
INSERT INTO logs(rowid, jail, path, firstlinemd5, lastfilepos)
    SELECT rowid, jail, path, firstlinemd5, lastfilepos FROM stockade_old_logs;
DROP TABLE stockade_old_logs;
";

/// Before version 3 nobody wrote down how long a ban lasts: −2 says so, and each counts as a first one.
const TO_3: &str = "
ALTER TABLE bans RENAME TO stockade_old_bans;
DROP INDEX IF EXISTS bans_jail_timeofban_ip;
DROP INDEX IF EXISTS bans_jail_ip;
DROP INDEX IF EXISTS bans_ip;
{BANS}
INSERT INTO bans(rowid, jail, ip, timeofban, bantime, bancount, data)
    SELECT rowid, jail, ip, timeofban, -2, 1, data FROM stockade_old_bans;
DROP TABLE stockade_old_bans;
";

/// Before version 4 there was only history: the last ban of each one is the one that may stand.
pub(crate) const BIPS_FROM_BANS: &str = "
INSERT OR REPLACE INTO bips(ip, jail, timeofban, bantime, bancount, data)
    SELECT ip, jail, timeofban, bantime, bancount, data FROM bans WHERE ip IS NOT NULL ORDER BY timeofban, rowid
";

/// Rows of jails that nobody knows would be refused by the new tables' references.
pub(crate) const MISSING_JAILS: &str = "
INSERT OR IGNORE INTO jails(name, enabled) SELECT jail, 0 FROM logs;
INSERT OR IGNORE INTO jails(name, enabled) SELECT jail, 0 FROM bans;
";

/// Copies the file of `connection` to a name of its own beside it; gives the name.
pub(crate) fn back_up(
    connection: &Connection,
    path: &Path,
    stamp: &str,
) -> Result<PathBuf, StoreError> {
    let name = free_name(path, stamp);
    // Of its owner alone from the first moment, as the file itself.
    OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(&name)?;
    let copied = Connection::open(&name)
        .map_err(StoreError::from)
        .and_then(|mut to| copy(connection, &mut to));
    if let Err(error) = copied {
        // Half a copy is none.
        drop(fs::remove_file(&name));
        return Err(error.while_doing("its tables are old and no copy of it can be made"));
    }
    Ok(name)
}

/// Copies every page, whatever the tables.
pub(crate) fn copy(from: &Connection, to: &mut Connection) -> Result<(), StoreError> {
    let all = -1;
    match Backup::new(from, to)?.step(all)? {
        StepResult::Done => Ok(()),
        // SQLite has waited for as long as the connection's patience lasts.
        _ => Err(StoreError::of_the_moment("database is locked".to_owned())),
    }
}

/// Brings the tables from version `from` to the present one, all or nothing.
pub(crate) fn upgrade(connection: &mut Connection, from: i64) -> Result<(), StoreError> {
    // Unlike the daily writes this one is not to be risked for a moment's time.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", false)?;
    // References in other tables are left alone when a table gets another name for a while.
    connection.pragma_update(None, "legacy_alter_table", true)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(MISSING_JAILS)?;
    if from < 2 {
        transaction.execute_batch(&TO_2.replace("{LOGS}", schema::LOGS))?;
    }
    if from < 3 {
        transaction.execute_batch(&TO_3.replace("{BANS}", schema::BANS))?;
    }
    transaction.execute_batch(schema::BIPS)?;
    transaction.execute_batch(BIPS_FROM_BANS)?;
    transaction.execute("UPDATE fail2banDb SET version = ?1", [schema::VERSION])?;
    Ok(transaction.commit()?)
}
