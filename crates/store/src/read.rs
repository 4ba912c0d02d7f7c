//! What a start needs: the bans that still stand and the positions.

use crate::{Ban, Held, JournalPosition, LogPosition, Store, StoreError};
use base::{Prefix, Span, Timestamp};
use rusqlite::{OptionalExtension, Row};

impl Store {
    /// Everything that a start needs.
    pub(crate) fn held(&self, now: Timestamp) -> Result<Held, StoreError> {
        let (bans, passed_over) = self.current_bans(now)?;
        let (logs, journal) = (self.log_positions()?, self.journal_positions()?);
        Ok(Held {
            bans,
            passed_over,
            logs,
            journal,
        })
    }

    /// The bans that have not ended at `now`, of all jails, oldest first, without their lines. Rows that hold no address (another
    /// program's ids of other kinds) are passed over; their number comes second.
    pub fn current_bans(&self, now: Timestamp) -> Result<(Vec<Ban>, usize), StoreError> {
        let mut bans = Vec::new();
        let mut skipped = 0;
        for (table, column) in [("bips", "ip"), ("stockade_prefix_bans", "prefix")] {
            let sql = format!(
                "SELECT jail, {column}, timeofban, bantime, bancount, data FROM {table}
                    WHERE bantime = -1 OR timeofban + bantime > ?1 ORDER BY timeofban, jail, {column}"
            );
            let mut statement = self.connection.prepare(&sql)?;
            let mut rows = statement.query([now.as_secs()])?;
            while let Some(row) = rows.next()? {
                // A value that is no address or no number costs its own row only.
                match ban(row) {
                    Ok(Some(ban)) => bans.push(ban),
                    Ok(None) | Err(_) => skipped += 1,
                }
            }
        }
        Ok((bans, skipped))
    }

    /// How often each one was banned in a jail, for longer bans of old acquaintances; 0 if never.
    pub fn ban_count(&self, jail: &str, prefix: &Prefix) -> Result<u32, StoreError> {
        let (table, column) = if prefix.is_host() {
            ("bips", "ip")
        } else {
            ("stockade_prefix_bans", "prefix")
        };
        let sql = format!("SELECT bancount FROM {table} WHERE jail = ?1 AND {column} = ?2");
        let count: Option<i64> = self
            .connection
            .prepare_cached(&sql)?
            .query_row([jail, &prefix.to_string()], |row| row.get(0))
            .optional()?;
        Ok(count.unwrap_or(0).clamp(0, u32::MAX.into()) as u32)
    }

    /// How far the files were read, all jails.
    pub fn log_positions(&self) -> Result<Vec<LogPosition>, StoreError> {
        let mut statement = self.connection.prepare(
            "SELECT jail, path, firstlinemd5, lastfilepos FROM logs WHERE path <> 'systemd-journal' ORDER BY jail, path",
        )?;
        let rows = statement.query_map([], |row| {
            Ok(LogPosition {
                jail: row.get(0)?,
                path: row.get(1)?,
                first_line_hash: row.get::<_, Option<String>>(2)?.unwrap_or_default(),
                offset: row.get::<_, f64>(3)?.max(0.0) as u64,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// How far the journal was read, all jails. Where fail2ban was the last to run only its time is known.
    pub fn journal_positions(&self) -> Result<Vec<JournalPosition>, StoreError> {
        let mut statement = self.connection.prepare(
            "SELECT logs.jail, coalesce(cursor, ''), coalesce(micros, 0), coalesce(lastfilepos, 0)
                FROM logs LEFT JOIN stockade_journal ON stockade_journal.jail = logs.jail
                WHERE path = 'systemd-journal' ORDER BY logs.jail",
        )?;
        let rows = statement.query_map([], |row| {
            let ours = Timestamp::from_micros(row.get(2)?);
            let theirs = Timestamp::from_micros((row.get::<_, f64>(3)? * 1e6) as i64);
            // Whoever ran last has the later time; a cursor of an older run would read entries twice.
            let is_ours = ours.as_secs() >= theirs.as_secs();
            Ok(JournalPosition {
                jail: row.get(0)?,
                cursor: if is_ours { row.get(1)? } else { String::new() },
                time: ours.max(theirs),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

fn ban(row: &Row<'_>) -> rusqlite::Result<Option<Ban>> {
    let Ok(prefix) = row.get::<_, String>(1)?.parse() else {
        return Ok(None);
    };
    // Times may be REAL: fail2ban's growing ban times give fractions.
    let length = row.get::<_, f64>(3)?;
    let mut ban = Ban {
        jail: row.get(0)?,
        prefix,
        time: Timestamp::from_micros((row.get::<_, f64>(2)? * 1e6) as i64),
        length: (length >= 0.0).then(|| Span::from_secs_f64(length)),
        count: row.get::<_, i64>(4)?.clamp(1, u32::MAX.into()) as u32,
        failures: 0,
        users: Vec::new(),
        matches: Vec::new(),
        captures: Vec::new(),
    };
    let data = row.get_ref(5)?;
    if let Ok(bytes) = data.as_bytes() {
        ban.set_data(bytes);
    }
    Ok(Some(ban))
}
