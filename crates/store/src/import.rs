//! Taking over from fail2ban once, when Stockade keeps a store of its own.

use crate::open::memory_copy;
use crate::{Store, StoreError};
use base::Timestamp;
use rusqlite::ErrorCode::ConstraintViolation;
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, Params, Row, Statement, Transaction, params, params_from_iter};
use std::path::Path;

/// What came from another file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Bans that stand.
    pub bans: usize,
    /// Positions in log files and the journal.
    pub positions: usize,
    /// Rows that make no sense and stayed behind.
    pub left_out: usize,
}

impl Store {
    /// Takes over what fail2ban's file at `path` holds: the last ban of each one with its count, also where it is
    /// over, and how far logs were read. What stands here already and is younger stays. Counted is what came for
    /// `jails`; the rest waits for its jail to run, or to be too old. Happens once for each file: `None` if it was
    /// done before. The other file is only read, whatever its version.
    pub fn import(
        &mut self,
        path: &Path,
        jails: &[&str],
        now: Timestamp,
    ) -> Result<Option<Imported>, StoreError> {
        let name = path.canonicalize()?.to_string_lossy().into_owned();
        let transaction = self.writer()?.transaction()?;
        let done = "SELECT EXISTS(SELECT 1 FROM stockade_imports WHERE path = ?1)";
        if transaction.query_row(done, [&name], |row| row.get(0))? {
            return Ok(None);
        }
        let theirs = memory_copy(path)?;
        let mut imported = Imported::default();
        import_all(&theirs, &transaction, jails, now, &mut imported)?;
        let note = "INSERT INTO stockade_imports(path, time) VALUES(?1, ?2)";
        transaction.execute(note, params![name, now.as_secs()])?;
        transaction.commit()?;
        Ok(Some(imported))
    }
}

fn import_all(
    theirs: &Connection,
    ours: &Transaction<'_>,
    jails: &[&str],
    now: Timestamp,
    imported: &mut Imported,
) -> Result<(), StoreError> {
    let mut insert = ours.prepare("INSERT OR IGNORE INTO jails(name, enabled) VALUES(?, 0)")?;
    // Also those that only their rows tell of: references to `jails` need not have been kept over there.
    let names = "SELECT name FROM jails UNION SELECT jail FROM bips UNION SELECT jail FROM logs";
    copy(theirs, names, [], &mut insert, |_| Ok(()))?;
    let bans = "SELECT ip, jail, timeofban, bantime, bancount, CAST(data AS BLOB),
            bantime < 0 OR timeofban + bantime > ?1
        FROM bips";
    let mut insert = ours.prepare(
        "INSERT INTO bips(ip, jail, timeofban, bantime, bancount, data) VALUES(?, ?, ?, ?, ?, ?)
            ON CONFLICT(ip, jail) DO UPDATE SET timeofban = excluded.timeofban, bantime = excluded.bantime,
                bancount = excluded.bancount, data = excluded.data
            WHERE excluded.timeofban > bips.timeofban",
    )?;
    let is_ours = |jail: ValueRef<'_>| jail.as_str().is_ok_and(|jail| jails.contains(&jail));
    let bans_left = copy(theirs, bans, [now.as_secs()], &mut insert, |row| {
        let counts = is_ours(row.get_ref(1)?) && row.get(6)?;
        imported.bans += usize::from(counts);
        Ok(())
    })?;
    let logs = "SELECT jail, path, firstlinemd5, lastfilepos FROM logs";
    let mut insert = ours.prepare(
        "INSERT OR IGNORE INTO logs(jail, path, firstlinemd5, lastfilepos) VALUES(?, ?, ?, ?)",
    )?;
    let logs_left = copy(theirs, logs, [], &mut insert, |row| {
        imported.positions += usize::from(is_ours(row.get_ref(0)?));
        Ok(())
    })?;
    imported.left_out = bans_left + logs_left;
    Ok(())
}

/// Copies each row that the query gives; those that changed something here are told. A row that makes no sense, or that
/// the tables refuse, costs only itself: gives how many did.
pub(crate) fn copy(
    from: &Connection,
    query: &str,
    parameters: impl Params,
    insert: &mut Statement<'_>,
    mut arrived: impl FnMut(&Row<'_>) -> rusqlite::Result<()>,
) -> Result<usize, StoreError> {
    let mut select = from.prepare(query)?;
    let mut rows = select.query(parameters)?;
    let columns = insert.parameter_count();
    let mut left_out = 0;
    while let Some(row) = rows.next()? {
        let values: rusqlite::Result<Vec<Value>> = (0..columns).map(|n| row.get(n)).collect();
        let Ok(values) = values else {
            left_out += 1;
            continue;
        };
        match insert.execute(params_from_iter(values)) {
            Ok(0) => {}
            Ok(_) => arrived(row)?,
            Err(error) if error.sqlite_error_code() == Some(ConstraintViolation) => left_out += 1,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(left_out)
}
