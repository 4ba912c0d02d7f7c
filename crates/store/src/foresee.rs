//! What will be held of some jails once the writes that wait for a disk are written.
//!
//! The very same writes, on a copy of the jails' rows in memory: what is foreseen is what will be.

use crate::import::copy;
use crate::{Store, StoreError, Write};

/// Where the last ban of each one stands.
const LAST: [(&str, &str); 2] = [("bips", "ip"), ("stockade_prefix_bans", "prefix")];

impl Store {
    /// The last bans of these jails as they will be after these writes, in a store of their own. A file that cannot be
    /// had at the moment counts as empty.
    pub fn foreseen(&self, jails: &[&str], waiting: &[Write]) -> Result<Self, StoreError> {
        let mut foreseen = Self::memory();
        foreseen.most_lines = self.most_lines;
        if let Ok(file) = self.reader() {
            let jails = jails.iter();
            let enabled = jails.clone().map(|jail| Write::JailEnabled((*jail).into()));
            let enabled: Vec<_> = enabled.collect();
            foreseen.write(&enabled)?;
            let ours = foreseen.reader()?;
            for (table, column) in LAST {
                let columns = format!("{column}, jail, timeofban, bantime, bancount, data");
                let select = format!("SELECT {columns} FROM {table} WHERE jail = ?1");
                let insert = format!("INSERT INTO {table}({columns}) VALUES(?, ?, ?, ?, ?, ?)");
                let mut insert = ours.prepare(&insert)?;
                for jail in jails.clone() {
                    copy(file, &select, [jail], &mut insert, |_| Ok(()))?;
                }
            }
        }
        foreseen.write(waiting)?;
        Ok(foreseen)
    }
}
