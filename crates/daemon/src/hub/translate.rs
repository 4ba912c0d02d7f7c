//! Between the words of the parts: detect's failures, the engine's records, the store's rows.

use crate::plan::Jail;
use engine::{BanRecord, StoreWrite};
use store::Write;

/// detect's failure as the engine takes it.
pub(crate) fn failure(found: detect::Failure) -> engine::Failure {
    engine::Failure {
        id: found.id,
        time: found.time,
        users: found.users,
        matches: found.matches,
        captures: found.captures,
    }
}

/// The store's row as the engine takes it.
pub(crate) fn restored(ban: store::Ban) -> BanRecord {
    BanRecord {
        prefix: ban.prefix,
        time: ban.time,
        length: ban.length,
        count: ban.count,
        failures: ban.failures,
        users: ban.users,
        matches: ban.matches,
        captures: ban.captures.into_iter().collect(),
    }
}

/// The engine's write as the store takes it, and its number.
pub(crate) fn store_ban(jails: &[Jail], write: StoreWrite) -> (Write, u64) {
    let name = |jail: engine::JailId| jails[jail.0 as usize].name.to_string();
    match write {
        StoreWrite::Ban { seq, jail, record } => (Write::Ban(row(name(jail), record)), seq),
        StoreWrite::Prolong { seq, jail, record } => (Write::Prolong(row(name(jail), record)), seq),
        StoreWrite::Delete { seq, jail, prefix } => (Write::Unban { jail: name(jail), prefix }, seq),
        StoreWrite::DeleteAll { seq } => (Write::UnbanAll, seq),
    }
}

fn row(jail: String, record: BanRecord) -> store::Ban {
    store::Ban {
        jail,
        prefix: record.prefix,
        time: record.time,
        length: record.length,
        count: record.count,
        failures: record.failures,
        users: record.users,
        matches: record.matches,
        captures: record.captures.into_iter().collect(),
    }
}
