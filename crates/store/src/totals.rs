//! How many failures and bans a jail has had since the file was begun, for counters that do not go back with a restart.

use crate::{Store, StoreError};
use rusqlite::Transaction;
use std::collections::BTreeMap;

/// The totals of a jail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Failures that were counted.
    pub failures: u64,
    /// Bans that were made.
    pub bans: u64,
}

impl Store {
    /// The totals of all jails that had any.
    pub fn totals(&self) -> Result<BTreeMap<String, Totals>, StoreError> {
        let mut statement = self
            .reader()?
            .prepare("SELECT jail, failures, bans FROM stockade_totals")?;
        let mut rows = statement.query([])?;
        let mut totals = BTreeMap::new();
        while let Some(row) = rows.next()? {
            // A row that makes no sense costs itself.
            let read = (row.get(0), row.get::<_, i64>(1), row.get::<_, i64>(2));
            if let (Ok(jail), Ok(failures), Ok(bans)) = read {
                let of = |number: i64| u64::try_from(number).unwrap_or(0);
                totals.insert(
                    jail,
                    Totals {
                        failures: of(failures),
                        bans: of(bans),
                    },
                );
            }
        }
        Ok(totals)
    }
}

/// Adds what came since it was last told.
pub(crate) fn add(
    transaction: &Transaction<'_>,
    jail: &str,
    more: Totals,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO stockade_totals(jail, failures, bans) VALUES(?1, ?2, ?3)
        ON CONFLICT(jail) DO UPDATE SET failures = failures + ?2, bans = bans + ?3";
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let row = (jail, number(more.failures), number(more.bans));
    transaction.prepare_cached(sql)?.execute(row)?;
    Ok(())
}
