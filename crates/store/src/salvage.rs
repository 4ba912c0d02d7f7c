//! What can still be read of a damaged file goes into the fresh one.
//!
//! A damaged page costs the rows on it. The rest is reached one by one: the rows' numbers are gathered from both ends
//! of the table and from its smallest index, as far as each of them leads, and each row is then looked up by
//! itself. Nothing that fails here stops anything.

use crate::upgrade::{BIPS_FROM_BANS, MISSING_JAILS};
use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags, params_from_iter};
use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

/// How much was saved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Saved {
    /// Last bans of addresses and networks, those that stand and those that are over.
    pub(crate) bans: usize,
    /// Positions in log files and the journal.
    pub(crate) positions: usize,
}

impl fmt::Display for Saved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self {
                bans: 0,
                positions: 0,
            } => f.write_str("nothing of it, since nothing could be read"),
            Self { bans, positions } => write!(
                f,
                "the {bans} last bans and {positions} positions of it that could be read"
            ),
        }
    }
}

/// A table, its columns, and what stands for a column that old versions have not.
type Table = (&'static str, &'static [(&'static str, &'static str)]);

const JAILS: Table = ("jails", &[("name", ""), ("enabled", "1")]);
const LOGS: Table = (
    "logs",
    &[
        ("jail", ""),
        ("path", ""),
        ("firstlinemd5", ""),
        ("lastfilepos", ""),
    ],
);
const JOURNAL: Table = (
    "stockade_journal",
    &[("jail", ""), ("cursor", ""), ("micros", "")],
);
const IMPORTS: Table = ("stockade_imports", &[("path", ""), ("time", "")]);
const BANS: Table = (
    "bans",
    &[
        ("jail", ""),
        ("ip", ""),
        ("timeofban", ""),
        ("bantime", "-2"),
        ("bancount", "1"),
        ("data", ""),
    ],
);
const BIPS: Table = ("bips", BANS.1);
const NETWORKS: Table = (
    "stockade_prefix_bans",
    &[
        ("jail", ""),
        ("prefix", ""),
        ("timeofban", ""),
        ("bantime", ""),
        ("bancount", ""),
        ("data", ""),
    ],
);

/// Of a long history the newest rows are enough; the start must not wait for all of it.
const MOST_ROWS: usize = 200_000;

/// Copies the readable rows of the file `from` into the tables of `to`.
pub(crate) fn salvage(from: &Path, to: &mut Connection) -> Saved {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(from, flags)
        .and_then(|from| copy_all(&from, to))
        .unwrap_or_default()
}

fn copy_all(from: &Connection, to: &mut Connection) -> rusqlite::Result<Saved> {
    to.pragma_update(None, "foreign_keys", false)?;
    let saved = within_transaction(from, to);
    to.pragma_update(None, "foreign_keys", true)?;
    saved
}

fn within_transaction(from: &Connection, to: &mut Connection) -> rusqlite::Result<Saved> {
    let to = to.transaction()?;
    for table in [JAILS, IMPORTS, JOURNAL, BANS] {
        copy_table(from, &to, table);
    }
    let positions = copy_table(from, &to, LOGS);
    let mut bans = copy_table(from, &to, BIPS);
    if bans == 0 && columns(from, "bips").is_empty() {
        bans = to.execute(BIPS_FROM_BANS, [])?;
    }
    bans += copy_table(from, &to, NETWORKS);
    to.execute_batch(MISSING_JAILS)?;
    to.execute(
        "INSERT OR IGNORE INTO jails(name, enabled) SELECT jail, 0 FROM bips",
        [],
    )?;
    to.commit()?;
    Ok(Saved { bans, positions })
}

/// Gives the number of rows that arrived.
fn copy_table(from: &Connection, to: &Connection, (table, wanted): Table) -> usize {
    let present = columns(from, table);
    let terms: Vec<String> = wanted
        .iter()
        .map(|(name, otherwise)| match *name {
            // Bytes or text, and text that is none: a ban must not be lost for its story.
            "data" => "CAST(data AS BLOB)".to_owned(),
            name if present.contains(name) || otherwise.is_empty() => name.to_owned(),
            _ => (*otherwise).to_owned(),
        })
        .collect();
    let names: Vec<&str> = wanted.iter().map(|(name, _)| *name).collect();
    let places = vec!["?"; names.len()].join(", ");
    let select = format!("SELECT {} FROM {table} WHERE rowid = ?", terms.join(", "));
    let insert = format!(
        "INSERT OR IGNORE INTO {table}({}) VALUES({places})",
        names.join(", ")
    );
    let (Ok(mut select), Ok(mut insert)) = (from.prepare(&select), to.prepare(&insert)) else {
        return 0;
    };
    let all = rowids(from, table);
    let surplus = all.len().saturating_sub(MOST_ROWS);
    let mut arrived = 0;
    for rowid in all.into_iter().skip(surplus) {
        let row = select.query_row([rowid], |row| {
            (0..names.len())
                .map(|column| row.get(column))
                .collect::<Result<Vec<Value>, _>>()
        });
        if let Ok(row) = row {
            arrived += insert.execute(params_from_iter(row)).unwrap_or(0);
        }
    }
    arrived
}

fn columns(connection: &Connection, table: &str) -> BTreeSet<String> {
    let read = || -> rusqlite::Result<BTreeSet<String>> {
        let mut statement = connection.prepare("SELECT name FROM pragma_table_info(?1)")?;
        let names = statement.query_map([table], |row| row.get(0))?;
        names.collect()
    };
    read().unwrap_or_default()
}

/// The numbers of a table's rows, by every way that leads to some.
fn rowids(from: &Connection, table: &str) -> BTreeSet<i64> {
    let mut found = BTreeSet::new();
    for order in [
        "NOT INDEXED ORDER BY rowid",
        "NOT INDEXED ORDER BY rowid DESC",
        // Without an order SQLite takes the smallest index.
        "",
    ] {
        let Ok(mut statement) = from.prepare(&format!("SELECT rowid FROM {table} {order}")) else {
            continue;
        };
        let Ok(mut rows) = statement.query([]) else {
            continue;
        };
        let mut all = true;
        loop {
            match rows.next() {
                Ok(Some(row)) => {
                    if let Ok(rowid) = row.get(0) {
                        found.insert(rowid);
                    }
                }
                Ok(None) => break,
                Err(_) => {
                    all = false;
                    break;
                }
            }
        }
        if all {
            break;
        }
    }
    found
}
