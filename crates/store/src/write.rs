//! Changes, many at a time in one transaction.

use crate::{Access, Ban, JournalPosition, LogPosition, Store, StoreError, Totals, totals};
use base::{FailureId, Prefix, Span, Timestamp};
use rusqlite::{Transaction, params};

/// One change.
#[derive(Clone, Debug, PartialEq)]
pub enum Write {
    /// A ban began: a row of history and the row of what holds now.
    Ban(Ban),
    /// A standing ban was made longer: only the row of what holds now changes.
    Prolong(Ban),
    /// A standing ban lasts otherwise: only the length in the row of what holds now changes.
    Length {
        /// The jail's name.
        jail: String,
        /// Who is banned.
        id: FailureId,
        /// From the ban's begin; `None` for ever.
        length: Option<Span>,
    },
    /// A ban stands, and the file may not know it: what the file knows of its lines and of former bans stays.
    Stands(Ban),
    /// A ban that the kernel held, of which nothing else is known: what the file knows of it stays as it is, and a
    /// former ban that is over counts.
    Adopted(Ban),
    /// A ban was lifted by hand: its rows go, so that no restart brings it back. `id` must be the ban's own.
    Unban {
        /// The jail's name.
        jail: String,
        /// Who was banned.
        id: FailureId,
    },
    /// The same of a network and of all that lies inside.
    UnbanInside {
        /// The jail's name.
        jail: String,
        /// The network.
        prefix: Prefix,
    },
    /// Every ban of every jail was lifted by hand.
    UnbanAll,
    /// Every jail counts as disabled until a `JailEnabled` comes, as at each start of fail2ban.
    AllJailsDisabled,
    /// A jail exists in the configuration and runs.
    JailEnabled(String),
    /// A jail is no more; its rows stay until they are too old.
    JailDisabled(String),
    /// A file was read so far.
    LogPosition(LogPosition),
    /// The journal was read so far.
    JournalPosition(JournalPosition),
    /// A jail counted so much more.
    Counted {
        /// The jail's name.
        jail: String,
        /// What came since the last time.
        more: Totals,
    },
}

impl Store {
    /// Applies all changes or none.
    pub fn write(&mut self, writes: &[Write]) -> Result<(), StoreError> {
        let most_lines = self.most_lines;
        self.change(|transaction| {
            writes
                .iter()
                .try_for_each(|write| apply(transaction, write, most_lines))
        })
    }

    /// Drops what is too old to matter (behaviour §8.4): history older than `age`, ended bans that are older
    /// than `age` and than three times their own length, and disabled jails without rows.
    pub fn purge(&mut self, now: Timestamp, age: Span) -> Result<(), StoreError> {
        let before = (now - age).as_secs();
        self.change(|transaction| {
            transaction.execute("DELETE FROM bans WHERE timeofban < ?1", [before])?;
            for table in ["bips", "stockade_prefix_bans"] {
                transaction.execute(
                    &format!(
                        "DELETE FROM {table} WHERE timeofban < ?1 AND bantime <> -1 AND timeofban + 3 * bantime < ?1"
                    ),
                    [before],
                )?;
            }
            Ok(transaction.execute_batch(
                "DELETE FROM jails WHERE enabled = 0 AND name NOT IN (SELECT jail FROM bans)
                    AND name NOT IN (SELECT jail FROM bips) AND name NOT IN (SELECT jail FROM stockade_prefix_bans);
                DELETE FROM stockade_journal WHERE jail NOT IN (SELECT name FROM jails);",
            )?)
        })
    }

    /// All of it or nothing. A file that is no more at its path is let go of: [`Store::retry`] finds what lies there.
    fn change(
        &mut self,
        what: impl FnOnce(&Transaction<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let changed = self.writer().and_then(|connection| {
            let transaction = connection.transaction()?;
            what(&transaction)?;
            Ok(transaction.commit()?)
        });
        if let Err(error) = &changed
            && error.is_moved()
        {
            self.access = Access::None(error.clone());
        }
        changed
    }
}

fn apply(
    transaction: &Transaction<'_>,
    write: &Write,
    most_lines: usize,
) -> Result<(), StoreError> {
    match write {
        Write::Ban(ban) => {
            let data = ban.data(most_lines);
            write_last(transaction, ban, &data, REPLACE)?;
            write_history(transaction, ban, &data)
        }
        Write::Prolong(ban) => {
            write_last(transaction, ban, &ban.data(most_lines), REPLACE)?;
            Ok(())
        }
        Write::Stands(ban) => {
            write_last(transaction, ban, &ban.data(most_lines), KEEP_STORY)?;
            Ok(())
        }
        Write::Adopted(ban) => {
            let data = ban.data(most_lines);
            match write_last(transaction, ban, &data, REPLACE_IF_OVER)? {
                true => write_history(transaction, ban, &data),
                false => Ok(()),
            }
        }
        Write::Length { jail, id, length } => {
            let sql = match id.is_network() {
                true => {
                    "UPDATE stockade_prefix_bans SET bantime = ?3 WHERE jail = ?1 AND prefix = ?2"
                }
                false => "UPDATE bips SET bantime = ?3 WHERE jail = ?1 AND ip = ?2",
            };
            let row = (jail, id.to_string(), bantime(*length));
            transaction.prepare_cached(sql)?.execute(row)?;
            Ok(())
        }
        Write::Unban { jail, id } => {
            let text = id.to_string();
            // fail2ban keeps a network that was banned by hand among the addresses.
            delete(transaction, "bips", "ip", jail, &text)?;
            delete(transaction, "bans", "ip", jail, &text)?;
            delete(transaction, "stockade_prefix_bans", "prefix", jail, &text)
        }
        Write::UnbanInside { jail, prefix } => {
            for (table, column) in [
                ("bips", "ip"),
                ("bans", "ip"),
                ("stockade_prefix_bans", "prefix"),
            ] {
                for text in inside(transaction, table, column, jail, prefix)? {
                    delete(transaction, table, column, jail, &text)?;
                }
            }
            Ok(())
        }
        Write::UnbanAll => Ok(transaction.execute_batch(
            "DELETE FROM bips; DELETE FROM bans; DELETE FROM stockade_prefix_bans;",
        )?),
        Write::Counted { jail, more } => totals::add(transaction, jail, *more),
        Write::AllJailsDisabled => {
            transaction.execute("UPDATE jails SET enabled = 0", [])?;
            Ok(())
        }
        Write::JailEnabled(jail) => {
            let sql = "INSERT INTO jails(name, enabled) VALUES(?1, 1)
                ON CONFLICT(name) DO UPDATE SET enabled = 1";
            transaction.prepare_cached(sql)?.execute([jail])?;
            Ok(())
        }
        Write::JailDisabled(jail) => {
            let sql = "UPDATE jails SET enabled = 0 WHERE name = ?1";
            transaction.prepare_cached(sql)?.execute([jail])?;
            Ok(())
        }
        Write::LogPosition(position) => write_log_position(transaction, position),
        Write::JournalPosition(position) => write_journal_position(transaction, position),
    }
}

/// The texts of a jail's rows that lie inside a network. A table is looked through as a whole: it is rare.
fn inside(
    transaction: &Transaction<'_>,
    table: &str,
    column: &str,
    jail: &str,
    network: &Prefix,
) -> Result<Vec<String>, StoreError> {
    let sql = format!("SELECT DISTINCT {column} FROM {table} WHERE jail = ?1");
    let mut statement = transaction.prepare_cached(&sql)?;
    let mut rows = statement.query([jail])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        // A text that is none is another program's and no address.
        let Ok(text) = row.get::<_, String>(0) else {
            continue;
        };
        if text
            .parse::<Prefix>()
            .is_ok_and(|prefix| network.contains(&prefix))
        {
            found.push(text);
        }
    }
    Ok(found)
}

fn delete(
    transaction: &Transaction<'_>,
    table: &str,
    column: &str,
    jail: &str,
    text: &str,
) -> Result<(), StoreError> {
    let sql = format!("DELETE FROM {table} WHERE jail = ?1 AND {column} = ?2");
    transaction.prepare_cached(&sql)?.execute([jail, text])?;
    Ok(())
}

/// fail2ban's rows refer to a row of `jails`; one that another program purged must not refuse a ban.
fn ensure_jail(transaction: &Transaction<'_>, jail: &str) -> Result<(), StoreError> {
    transaction
        .prepare_cached("INSERT OR IGNORE INTO jails(name) VALUES(?1)")?
        .execute([jail])?;
    Ok(())
}

/// What becomes of the row of a former ban.
const REPLACE: &str =
    "timeofban = excluded.timeofban, bantime = excluded.bantime, bancount = excluded.bancount,
    data = excluded.data";
const KEEP_STORY: &str = "timeofban = excluded.timeofban, bantime = excluded.bantime,
    bancount = max(bancount, excluded.bancount)";
const REPLACE_IF_OVER: &str = "timeofban = excluded.timeofban, bantime = excluded.bantime,
    bancount = max(bancount, excluded.bancount), data = excluded.data
    WHERE bantime <> -1 AND timeofban + bantime <= excluded.timeofban";

/// The row of what holds now. True if it is another one now.
fn write_last(
    transaction: &Transaction<'_>,
    ban: &Ban,
    data: &str,
    former: &str,
) -> Result<bool, StoreError> {
    ensure_jail(transaction, &ban.jail)?;
    let text = ban.id.to_string();
    let (table, column) = if ban.id.is_network() {
        move_network(transaction, &ban.jail, &text)?;
        ("stockade_prefix_bans", "prefix")
    } else {
        ("bips", "ip")
    };
    let sql = format!(
        "INSERT INTO {table}({column}, jail, timeofban, bantime, bancount, data) VALUES(?1, ?2, ?3, ?4, ?5, ?6)
            ON CONFLICT({column}, jail) DO UPDATE SET {former}"
    );
    let (time, length) = numbers(ban);
    // Bytes and not text, as fail2ban's.
    let row = params![text, ban.jail, time, length, ban.count, data.as_bytes()];
    Ok(transaction.prepare_cached(&sql)?.execute(row)? > 0)
}

/// fail2ban keeps a network that was banned by hand among the addresses, where ours must not come to stand beside it.
fn move_network(transaction: &Transaction<'_>, jail: &str, text: &str) -> Result<(), StoreError> {
    let sql = "INSERT OR IGNORE INTO stockade_prefix_bans(prefix, jail, timeofban, bantime, bancount, data)
        SELECT ip, jail, timeofban, bantime, bancount, data FROM bips WHERE jail = ?1 AND ip = ?2";
    transaction.prepare_cached(sql)?.execute([jail, text])?;
    delete(transaction, "bips", "ip", jail, text)
}

/// The row of history; networks have none.
fn write_history(transaction: &Transaction<'_>, ban: &Ban, data: &str) -> Result<(), StoreError> {
    if ban.id.is_network() {
        return Ok(());
    }
    let sql = "INSERT INTO bans(jail, ip, timeofban, bantime, bancount, data) VALUES(?1, ?2, ?3, ?4, ?5, ?6)";
    let (time, length) = numbers(ban);
    let ip = ban.id.to_string();
    let row = params![ban.jail, ip, time, length, ban.count, data.as_bytes()];
    transaction.prepare_cached(sql)?.execute(row)?;
    Ok(())
}

/// When the ban began and how long it lasts.
fn numbers(ban: &Ban) -> (i64, f64) {
    // As Python rounds: the half to the even second.
    let time = ban.time.as_secs_f64().round_ties_even() as i64;
    (time, bantime(ban.length))
}

/// A length as a row has it. The column makes a whole number an INTEGER again.
fn bantime(length: Option<Span>) -> f64 {
    length.map_or(-1.0, Span::as_secs_f64)
}

fn write_log_position(
    transaction: &Transaction<'_>,
    position: &LogPosition,
) -> Result<(), StoreError> {
    ensure_jail(transaction, &position.jail)?;
    let sql = "INSERT INTO logs(jail, path, firstlinemd5, lastfilepos) VALUES(?1, ?2, ?3, ?4)
        ON CONFLICT(jail, path) DO UPDATE SET firstlinemd5 = ?3, lastfilepos = ?4";
    let offset = i64::try_from(position.offset).unwrap_or(i64::MAX);
    transaction.prepare_cached(sql)?.execute(params![
        position.jail,
        position.path,
        position.first_line_hash,
        offset
    ])?;
    Ok(())
}

fn write_journal_position(
    transaction: &Transaction<'_>,
    position: &JournalPosition,
) -> Result<(), StoreError> {
    ensure_jail(transaction, &position.jail)?;
    // fail2ban keeps a time only, under a fixed path; the cursor is exact and ours.
    let theirs = "INSERT INTO logs(jail, path, firstlinemd5, lastfilepos)
            VALUES(?1, 'systemd-journal', strftime('%Y-%m-%dT%H:%M:%S', ?3, 'unixepoch') || ?4, ?2)
        ON CONFLICT(jail, path) DO UPDATE SET firstlinemd5 = excluded.firstlinemd5, lastfilepos = excluded.lastfilepos";
    let (seconds, fraction) = (position.time.as_secs(), fraction(position.time));
    transaction.prepare_cached(theirs)?.execute(params![
        position.jail,
        position.time.as_secs_f64(),
        seconds,
        format!("{fraction}+00:00 ")
    ])?;
    let ours = "INSERT OR REPLACE INTO stockade_journal(jail, cursor, micros) VALUES(?1, ?2, ?3)";
    transaction.prepare_cached(ours)?.execute(params![
        position.jail,
        position.cursor,
        position.time.as_micros()
    ])?;
    Ok(())
}

/// As Python's `isoformat` has it: six digits, or nothing for a whole second.
fn fraction(time: Timestamp) -> String {
    match time.as_micros().rem_euclid(1_000_000) {
        0 => String::new(),
        micros => format!(".{micros:06}"),
    }
}
