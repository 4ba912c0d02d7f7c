//! What a start needs: the bans that still stand, who was banned before, and the positions.

use crate::row::lines;
use crate::{Ban, Held, JournalPosition, LogPosition, Past, Store, StoreError};
use base::{FailureId, Span, Timestamp};
use rusqlite::Row;

/// Where the last ban of each one stands and the column that names it: single addresses and other ids, and networks.
const TABLES: [(&str, &str); 2] = [("bips", "ip"), ("stockade_prefix_bans", "prefix")];

impl Store {
    /// Everything that a start at `now` needs.
    pub fn held(&self, now: Timestamp) -> Result<Held, StoreError> {
        let (bans, passed_over) = self.current_bans(now)?;
        let (logs, bad_logs) = self.log_positions()?;
        let (journal, bad_journal) = self.journal_positions()?;
        Ok(Held {
            bans,
            of_unknown_length: self.bans_of_unknown_length()?,
            past: self.past()?,
            passed_over,
            logs,
            journal,
            bad_positions: bad_logs + bad_journal,
        })
    }

    /// The bans that have not ended at `now`, of all jails, oldest first, without their lines. Rows that name nobody
    /// who can be banned are passed over; their number comes second.
    pub fn current_bans(&self, now: Timestamp) -> Result<(Vec<Ban>, usize), StoreError> {
        let now = now.as_secs();
        self.bans(&format!("bantime = -1 OR timeofban + bantime > {now}"))
    }

    /// Last bans whose length nobody wrote down, told with a length of zero.
    fn bans_of_unknown_length(&self) -> Result<Vec<Ban>, StoreError> {
        Ok(self.bans("bantime = -2")?.0)
    }

    fn bans(&self, which: &str) -> Result<(Vec<Ban>, usize), StoreError> {
        let mut bans = Vec::new();
        let mut skipped = 0;
        for (table, column) in TABLES {
            let sql = format!(
                "SELECT jail, {column}, timeofban, bantime, bancount, data FROM {table}
                    WHERE {which} ORDER BY timeofban, jail, {column}"
            );
            let mut statement = self.reader()?.prepare(&sql)?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                // A value that is no id or no number costs its own row only.
                match ban(row, table) {
                    Ok(Some(ban)) => bans.push(ban),
                    Ok(None) | Err(_) => skipped += 1,
                }
            }
        }
        Ok((bans, skipped))
    }

    /// The last ban of everybody in each jail, whether it stands or is over, in order of table and row: what longer
    /// bans of old acquaintances need to know. Rows that name nobody who can be banned are passed
    /// over.
    pub fn past(&self) -> Result<Vec<Past>, StoreError> {
        let mut past = Vec::new();
        for (table, column) in TABLES {
            let sql = format!("SELECT jail, {column}, timeofban, bantime, bancount FROM {table}");
            let mut statement = self.reader()?.prepare(&sql)?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                // `current_bans` has counted what is left out here.
                if let Ok(Some(one)) = one_past(row, table) {
                    past.push(one);
                }
            }
        }
        Ok(past)
    }

    /// Fills in the lines that led to each of these bans, the last `most` of them; what has no row stays as it is.
    /// A start reads bans without their lines, since these are the bulk of a store and few jails have a use for them.
    pub fn read_lines(&self, bans: &mut [Ban], most: usize) -> Result<(), StoreError> {
        for ban in bans {
            let [others, networks] = TABLES;
            let (table, column) = if ban.id.is_network() {
                networks
            } else {
                others
            };
            let sql = format!("SELECT data FROM {table} WHERE jail = ?1 AND {column} = ?2");
            let mut statement = self.reader()?.prepare_cached(&sql)?;
            let mut rows = statement.query([&ban.jail, &ban.id.to_string()])?;
            if let Some(row) = rows.next()?
                && let Ok(data) = row.get_ref(0)?.as_bytes()
            {
                ban.matches = lines(data);
                let surplus = ban.matches.len().saturating_sub(most);
                ban.matches.drain(..surplus);
            }
        }
        Ok(())
    }

    /// How far the files were read, all jails; and how many rows make no sense and were left out.
    pub fn log_positions(&self) -> Result<(Vec<LogPosition>, usize), StoreError> {
        let sql =
            "SELECT jail, path, firstlinemd5, lastfilepos FROM logs WHERE path <> 'systemd-journal'
            ORDER BY jail, path";
        self.positions(sql, |row| {
            Ok(LogPosition {
                jail: row.get(0)?,
                path: row.get(1)?,
                first_line_hash: row.get::<_, Option<String>>(2)?.unwrap_or_default(),
                offset: row.get::<_, f64>(3)?.max(0.0) as u64,
            })
        })
    }

    /// How far the journal was read, all jails; and how many rows make no sense and were left out. Where fail2ban was
    /// the last to run only its time is known.
    pub fn journal_positions(&self) -> Result<(Vec<JournalPosition>, usize), StoreError> {
        let sql =
            "SELECT logs.jail, coalesce(cursor, ''), coalesce(micros, 0), coalesce(lastfilepos, 0)
            FROM logs LEFT JOIN stockade_journal ON stockade_journal.jail = logs.jail
            WHERE path = 'systemd-journal' ORDER BY logs.jail";
        self.positions(sql, |row| {
            let ours = Timestamp::from_micros(row.get(2)?);
            let theirs = Timestamp::from_micros((row.get::<_, f64>(3)? * 1e6).round() as i64);
            // Whoever ran last has the later time; a cursor of an older run would read entries twice.
            let is_ours = ours >= theirs;
            Ok(JournalPosition {
                jail: row.get(0)?,
                cursor: if is_ours { row.get(1)? } else { String::new() },
                time: ours.max(theirs),
            })
        })
    }

    /// What each row tells. A value that is none costs its own row only: its log is read from `findtime` on.
    fn positions<T>(
        &self,
        sql: &str,
        tell: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<(Vec<T>, usize), StoreError> {
        let mut statement = self.reader()?.prepare(sql)?;
        let mut rows = statement.query([])?;
        let mut told = Vec::new();
        let mut skipped = 0;
        while let Some(row) = rows.next()? {
            match tell(row) {
                Ok(position) => told.push(position),
                Err(_) => skipped += 1,
            }
        }
        Ok((told, skipped))
    }
}

fn ban(row: &Row<'_>, table: &str) -> rusqlite::Result<Option<Ban>> {
    let Some(past) = one_past(row, table)? else {
        return Ok(None);
    };
    let mut ban = Ban {
        jail: past.jail,
        id: past.id,
        time: past.time,
        length: past.length,
        count: past.count.max(1),
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

/// The first five columns; `None` where nobody is named who can be banned: a text that was meant as an address, or one
/// that is none in our own table of networks.
fn one_past(row: &Row<'_>, table: &str) -> rusqlite::Result<Option<Past>> {
    let id = FailureId::from(row.get_ref(1)?.as_str()?);
    let [(any, _), _] = TABLES;
    if id.is_malformed_address() || id.prefix().is_none() && table != any {
        return Ok(None);
    }
    // Times may be REAL: fail2ban's growing ban times give fractions.
    let length = row.get::<_, f64>(3)?;
    Ok(Some(Past {
        jail: row.get(0)?,
        id,
        time: Timestamp::from_micros((row.get::<_, f64>(2)? * 1e6) as i64),
        // −1 is for ever; −2, "unknown", comes from tables of old versions and is long over.
        length: (length != -1.0).then(|| Span::from_secs_f64(length.max(0.0))),
        count: row.get::<_, i64>(4)?.clamp(0, u32::MAX.into()) as u32,
    }))
}
