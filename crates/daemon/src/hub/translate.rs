//! Between the words of the parts: detect's failures, the engine's records, the store's rows.

use crate::plan::Jail;
use base::FailureId;
use engine::{BanRecord, BanView, StoreWrite};
use store::Write;

/// detect's failure of `id` as the engine takes it: more than one where the line says that it stands for several, which
/// fail2ban counts as one.
pub(crate) fn failures<'a>(
    id: &'a FailureId,
    found: &'a detect::Failure,
) -> impl Iterator<Item = engine::Failure<'a>> {
    let one = engine::Failure {
        id,
        time: found.time,
        user: found.user(),
        users: &found.users,
        matches: &found.matches,
        captures: &found.captures,
    };
    std::iter::repeat_n(one, found.weight as usize)
}

/// The store's row as the engine takes it.
pub(crate) fn restored(ban: store::Ban) -> BanRecord {
    BanRecord {
        id: ban.id,
        time: ban.time,
        length: ban.length,
        count: ban.count,
        failures: ban.failures,
        users: ban.users,
        matches: ban.matches,
        captures: ban
            .captures
            .iter()
            .map(|(name, text)| (name.as_str(), text.as_str()))
            .collect(),
    }
}

/// That somebody was banned before, as the engine takes it.
pub(crate) fn remembered(jail: engine::JailId, past: &store::Past) -> engine::Input<'static> {
    engine::Input::Remembered {
        jail,
        id: past.id.clone(),
        past: engine::Past {
            count: past.count,
            time: past.time,
            length: past.length,
        },
    }
}

/// The engine's write as the store takes it, and its number.
pub(crate) fn store_ban(jails: &[Jail], write: StoreWrite) -> (Write, u64) {
    let name = |jail: engine::JailId| jails[jail.0 as usize].name.to_string();
    match write {
        StoreWrite::Ban { seq, jail, record } => (Write::Ban(row(name(jail), record)), seq),
        StoreWrite::Prolong { seq, jail, record } => (Write::Prolong(row(name(jail), record)), seq),
        StoreWrite::Length {
            seq,
            jail,
            id,
            length,
        } => {
            let jail = name(jail);
            (Write::Length { jail, id, length }, seq)
        }
        StoreWrite::Delete {
            seq,
            jail,
            id,
            inside,
        } => {
            let jail = name(jail);
            match id.prefix().filter(|_| inside) {
                Some(prefix) => (Write::UnbanInside { jail, prefix }, seq),
                None => (Write::Unban { jail, id }, seq),
            }
        }
        StoreWrite::DeleteAll { seq } => (Write::UnbanAll, seq),
    }
}

/// A ban that stands, as a row for a store that does not know it yet; the lines that led to it are not kept.
pub(crate) fn standing_row(jails: &[Jail], ban: &BanView<'_>) -> store::Ban {
    store::Ban {
        jail: jails[ban.jail.0 as usize].name.to_string(),
        id: ban.id.clone(),
        time: ban.time,
        length: ban.until.map(|until| until.since(ban.time)),
        count: ban.count,
        failures: ban.failures,
        users: ban.users.to_vec(),
        matches: Vec::new(),
        captures: Vec::new(),
    }
}

fn row(jail: String, record: BanRecord) -> store::Ban {
    store::Ban {
        jail,
        id: record.id,
        time: record.time,
        length: record.length,
        count: record.count,
        failures: record.failures,
        users: record.users,
        matches: record.matches,
        captures: record
            .captures
            .iter()
            .map(|(name, text)| (name.to_owned(), text.to_owned()))
            .collect(),
    }
}
