//! The tables: fail2ban's five of version 4 and four of ours.

use crate::StoreError;
use rusqlite::Connection;

/// The version that fail2ban 0.11 and later writes.
pub(crate) const VERSION: i64 = 4;

/// Whether tables of this version can be brought up to date.
pub(crate) fn is_old(version: i64) -> bool {
    (1..VERSION).contains(&version)
}

/// fail2ban's tables and indexes by their names and columns (behaviour §8.1).
const JAILS: &str = "
CREATE TABLE fail2banDb(version INTEGER);
CREATE TABLE jails(
    name TEXT NOT NULL UNIQUE,
    enabled INTEGER NOT NULL DEFAULT 1);
CREATE INDEX jails_name ON jails(name);
";

/// How far log files were read. The name `firstlinemd5` is historic; the value is a SHA-1.
pub(crate) const LOGS: &str = "
CREATE TABLE logs(
    jail TEXT NOT NULL,
    path TEXT,
    firstlinemd5 TEXT,
    lastfilepos INTEGER DEFAULT 0,
    FOREIGN KEY(jail) REFERENCES jails(name) ON DELETE CASCADE,
    UNIQUE(jail, path),
    UNIQUE(jail, path, firstlinemd5));
CREATE INDEX logs_path ON logs(path);
CREATE INDEX logs_jail_path ON logs(jail, path);
";

/// The history: a row for each ban.
pub(crate) const BANS: &str = "
CREATE TABLE bans(
    jail TEXT NOT NULL,
    ip TEXT,
    timeofban INTEGER NOT NULL,
    bantime INTEGER NOT NULL,
    bancount INTEGER NOT NULL DEFAULT 1,
    data JSON,
    FOREIGN KEY(jail) REFERENCES jails(name));
CREATE INDEX bans_jail_timeofban_ip ON bans(jail, timeofban);
CREATE INDEX bans_jail_ip ON bans(jail, ip);
CREATE INDEX bans_ip ON bans(ip);
";

/// The last ban of each address in each jail.
pub(crate) const BIPS: &str = "
CREATE TABLE bips(
    ip TEXT NOT NULL,
    jail TEXT NOT NULL,
    timeofban INTEGER NOT NULL,
    bantime INTEGER NOT NULL,
    bancount INTEGER NOT NULL DEFAULT 1,
    data JSON,
    PRIMARY KEY(ip, jail),
    FOREIGN KEY(jail) REFERENCES jails(name));
CREATE INDEX bips_timeofban ON bips(timeofban);
CREATE INDEX bips_ip ON bips(ip);
";

/// Ours: no reference to fail2ban's tables, so that neither program can break the other's rows.
const STOCKADE: &str = "
CREATE TABLE IF NOT EXISTS stockade_prefix_bans(
    prefix TEXT NOT NULL,
    jail TEXT NOT NULL,
    timeofban INTEGER NOT NULL,
    bantime INTEGER NOT NULL,
    bancount INTEGER NOT NULL DEFAULT 1,
    data JSON,
    PRIMARY KEY(prefix, jail));
CREATE TABLE IF NOT EXISTS stockade_journal(
    jail TEXT NOT NULL PRIMARY KEY,
    cursor TEXT NOT NULL,
    micros INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS stockade_totals(
    jail TEXT NOT NULL PRIMARY KEY,
    failures INTEGER NOT NULL,
    bans INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS stockade_imports(
    path TEXT NOT NULL PRIMARY KEY,
    time INTEGER NOT NULL);
";

/// The version of the file's tables; `None` for an empty database.
pub(crate) fn version(connection: &Connection) -> Result<Option<i64>, StoreError> {
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if tables == 0 {
        return Ok(None);
    }
    let sql = "SELECT max(version) FROM fail2banDb";
    let version = connection.query_row(sql, [], |row| Ok(row.get_ref(0)?.as_i64().ok()))?;
    let none = || StoreError::of_content("its tables tell no version".to_owned());
    version.ok_or_else(none).map(Some)
}

/// Makes all tables in an empty database.
pub(crate) fn create(connection: &mut Connection) -> Result<(), StoreError> {
    let transaction = connection.transaction()?;
    for tables in [JAILS, LOGS, BANS, BIPS] {
        transaction.execute_batch(tables)?;
    }
    transaction.execute("INSERT INTO fail2banDb(version) VALUES(?1)", [VERSION])?;
    Ok(transaction.commit()?)
}

/// Makes our tables where fail2ban's already are.
pub(crate) fn add_ours(connection: &Connection) -> Result<(), StoreError> {
    Ok(connection.execute_batch(STOCKADE)?)
}
