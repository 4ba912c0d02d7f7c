//! Taking over from fail2ban once, when Stockade keeps a store of its own.

use crate::open::memory_copy;
use crate::{Store, StoreError};
use base::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Connection, Transaction, params, params_from_iter};
use std::path::Path;

/// What came from another file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Bans that stand, of addresses.
    pub bans: usize,
    /// Positions in log files and the journal.
    pub positions: usize,
}

impl Store {
    /// Takes over what fail2ban's file at `path` holds for `jails`: the last ban of each address with its count, also
    /// where it is over, and how far logs were read. What stands here already and is younger stays. Happens once
    /// for each file: `None` if it was done before. The other file is only read, whatever its version.
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
        for jail in jails {
            import_jail(&theirs, &transaction, jail, now, &mut imported)?;
        }
        let note = "INSERT INTO stockade_imports(path, time) VALUES(?1, ?2)";
        transaction.execute(note, params![name, now.as_secs()])?;
        transaction.commit()?;
        Ok(Some(imported))
    }
}

fn import_jail(
    theirs: &Connection,
    ours: &Transaction<'_>,
    jail: &str,
    now: Timestamp,
    imported: &mut Imported,
) -> Result<(), StoreError> {
    ours.execute("INSERT OR IGNORE INTO jails(name) VALUES(?1)", [jail])?;
    let mut bans = theirs.prepare(
        "SELECT ip, jail, timeofban, bantime, bancount, CAST(data AS BLOB), bantime < 0 OR timeofban + bantime > ?2
            FROM bips WHERE jail = ?1",
    )?;
    let mut insert = ours.prepare(
        "INSERT INTO bips(ip, jail, timeofban, bantime, bancount, data) VALUES(?, ?, ?, ?, ?, ?)
            ON CONFLICT(ip, jail) DO UPDATE SET timeofban = excluded.timeofban, bantime = excluded.bantime,
                bancount = excluded.bancount, data = excluded.data
            WHERE excluded.timeofban > bips.timeofban",
    )?;
    let mut rows = bans.query(params![jail, now.as_secs()])?;
    while let Some(row) = rows.next()? {
        let values: Vec<Value> = (0..6).map(|i| row.get(i)).collect::<Result<_, _>>()?;
        let arrived = insert.execute(params_from_iter(values))?;
        if row.get(6)? {
            imported.bans += arrived;
        }
    }
    let mut logs =
        theirs.prepare("SELECT jail, path, firstlinemd5, lastfilepos FROM logs WHERE jail = ?1")?;
    let mut insert = ours.prepare(
        "INSERT OR IGNORE INTO logs(jail, path, firstlinemd5, lastfilepos) VALUES(?, ?, ?, ?)",
    )?;
    let mut rows = logs.query([jail])?;
    while let Some(row) = rows.next()? {
        let values: Vec<Value> = (0..4).map(|i| row.get(i)).collect::<Result<_, _>>()?;
        imported.positions += insert.execute(params_from_iter(values))?;
    }
    Ok(())
}
