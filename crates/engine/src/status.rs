//! What the engine shows of itself.

use crate::JailId;
use base::{FailureId, JailName, Timestamp};

/// One jail's counters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JailStatus {
    /// The jail.
    pub jail: JailId,
    /// Its name.
    pub name: JailName,
    /// Ids with counted failures now.
    pub failing: usize,
    /// Failures counted since the start.
    pub failed_total: u64,
    /// Bans that stand now.
    pub banned: usize,
    /// Bans begun since the start, restored ones included.
    pub banned_total: u64,
    /// The restored ones among them.
    pub restored_total: u64,
    /// Ids forgotten because there were too many at a time.
    pub evicted: u64,
    /// Lines that bans would have told if newer ones had not taken their room.
    pub lost_lines: u64,
    /// Bans that stand and do not keep their owners out.
    pub ineffective: usize,
    /// Texts that look like an address and are none.
    pub malformed: u64,
    /// Times that somebody would have been banned, but it is no address or the jail has no action.
    pub not_enforceable: u64,
}

/// One ban that stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BanView<'a> {
    /// The jail.
    pub jail: JailId,
    /// Who.
    pub id: &'a FailureId,
    /// When it began.
    pub time: Timestamp,
    /// Its last moment; `None` for ever.
    pub until: Option<Timestamp>,
    /// Failures that led to it.
    pub failures: u32,
    /// Users that were tried and how often, most frequent first; at most 20.
    pub users: &'a [(String, u32)],
    /// Which ban of this one it is, from 1.
    pub count: u32,
    /// It comes from the store or was found in the kernel.
    pub restored: bool,
    /// The kernel holds it and the store answered.
    pub acknowledged: bool,
    /// A failure came through although it should hold.
    pub ineffective: bool,
}
