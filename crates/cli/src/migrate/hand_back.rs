//! What Stockade's own database has come to hold, for fail2ban to go on with: bans of addresses with their ends, those
//! that were lifted, and how far logs were read. Neither daemon runs meanwhile.

use super::bans::Bans;
use base::{FailureId, Timestamp};
use std::collections::BTreeMap;
use std::path::Path;
use store::{Held, Store, StoreError, Write};

/// What went over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Handed {
    /// Bans that fail2ban did not have, or that end otherwise now.
    pub(super) bans: usize,
    /// Bans that it had and that were lifted since.
    pub(super) lifted: usize,
    pub(super) positions: usize,
}

/// Lines that fail2ban keeps with a ban, unless it is told otherwise; those of the bans here stay where they are.
const LINES: usize = 10;

pub(super) fn hand_back(
    own: &Path,
    theirs: &Path,
    jails: &[&str],
    live: &Bans,
    stamp: &str,
    now: Timestamp,
) -> Result<Handed, String> {
    if !own.exists() {
        return Ok(Handed::default());
    }
    let ours = held(own, jails, now)?;
    let mut theirs = Store::open(theirs, stamp, now, LINES);
    if let Some(why) = theirs.store.trouble() {
        return Err(why.to_string());
    }
    let (writes, handed) = changes(&ours, &theirs.held, jails, live);
    theirs
        .store
        .write(&writes)
        .map_err(|error| error.to_string())?;
    Ok(handed)
}

/// Whom our own database bans in these jails.
pub(super) fn stored(own: &Path, jails: &[&str], now: Timestamp) -> Result<Bans, String> {
    if !own.exists() {
        return Ok(Bans::default());
    }
    let mut bans = Bans::default();
    for ban in held(own, jails, now)?.bans {
        bans.add(&ban.jail, &ban.id.to_string(), ban.until());
    }
    Ok(bans)
}

/// Only read, in memory: it lies in a directory that is not root's, and this is root.
fn held(own: &Path, jails: &[&str], now: Timestamp) -> Result<Held, String> {
    let told = |error: StoreError| format!("{}: {error}", own.display());
    let mut ours = Store::memory();
    ours.import(own, jails, now).map_err(told)?;
    ours.held(now).map_err(told)
}

/// What makes one the other, in the jails that we guarded.
fn changes(ours: &Held, theirs: &Held, jails: &[&str], live: &Bans) -> (Vec<Write>, Handed) {
    let is_ours = |jail: &str| jails.contains(&jail);
    let by_whom = |held: &Held| {
        let bans = held.bans.iter().filter(|ban| is_ours(&ban.jail));
        let bans = bans.map(|ban| ((ban.jail.clone(), ban.id.clone()), ban.clone()));
        bans.collect::<BTreeMap<_, _>>()
    };
    let (now, before) = (by_whom(ours), by_whom(theirs));
    let mut handed = Handed::default();
    let enabled = jails
        .iter()
        .map(|jail| Write::JailEnabled((*jail).to_owned()));
    let mut writes: Vec<Write> = enabled.collect();
    // A ban that stood to the end was not lifted, even if its row never came to the disk.
    let is_lifted = |whom: &(String, FailureId)| {
        !now.contains_key(whom) && !live.holds(&whom.0, &whom.1.to_string())
    };
    for ((jail, id), _) in before.iter().filter(|(whom, _)| is_lifted(whom)) {
        handed.lifted += 1;
        let (jail, id) = (jail.clone(), id.clone());
        writes.push(Write::Unban { jail, id });
    }
    for (whom, ban) in &now {
        match before.get(whom) {
            Some(same) if same.time == ban.time && same.length == ban.length => continue,
            Some(same) if same.time == ban.time => writes.push(Write::Prolong(ban.clone())),
            _ => writes.push(Write::Ban(ban.clone())),
        }
        handed.bans += 1;
    }
    let logs = ours.logs.iter().filter(|log| is_ours(&log.jail));
    let positions: Vec<Write> = logs.cloned().map(Write::LogPosition).collect();
    handed.positions = positions.len();
    writes.extend(positions);
    (writes, handed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::Span;
    use store::Ban;

    fn ban(jail: &str, ip: &str, begin: i64, length: i64) -> Write {
        Write::Ban(Ban {
            jail: jail.into(),
            id: FailureId::from(ip),
            time: Timestamp::from_secs(begin),
            length: Some(Span::from_secs(length)),
            count: 1,
            failures: 5,
            users: Vec::new(),
            matches: vec!["line".into()],
            captures: Vec::new(),
        })
    }

    #[test]
    fn theirs_becomes_what_ours_is_in_the_jails_that_we_guarded() {
        let dir = tempfile::tempdir().unwrap();
        let (own, theirs) = (dir.path().join("own"), dir.path().join("theirs"));
        let now = Timestamp::from_secs(1000);
        let sshd = Write::JailEnabled("sshd".into());
        let open = |path: &Path| Store::open(path, "x", now, 10);
        let other = Write::JailEnabled("other".into());
        let same = ban("sshd", "192.0.2.1", 900, 600);
        let mut before = open(&theirs);
        let writes = [
            sshd.clone(),
            other,
            same.clone(),
            ban("sshd", "192.0.2.2", 900, 600),
            ban("sshd", "192.0.2.3", 900, 600),
            ban("sshd", "192.0.2.4", 900, 600),
            ban("other", "192.0.2.9", 900, 600),
        ];
        before.store.write(&writes).unwrap();
        drop(before);
        let mut after = open(&own);
        let writes = [
            sshd,
            same,
            ban("sshd", "192.0.2.2", 900, 6000),
            ban("sshd", "2001:db8::1", 950, 600),
        ];
        after.store.write(&writes).unwrap();
        drop(after);
        // One that still stood, though its row never came to our disk.
        let mut live = Bans::default();
        live.add("sshd", "192.0.2.4", None);
        let handed = hand_back(&own, &theirs, &["sshd"], &live, "x", now).unwrap();
        assert_eq!((handed.bans, handed.lifted, handed.positions), (2, 1, 0));
        let mut held: Vec<String> = open(&theirs)
            .held
            .bans
            .iter()
            .map(|ban| {
                format!(
                    "{} {} {:?}",
                    ban.jail,
                    ban.id,
                    ban.until().map(Timestamp::as_secs)
                )
            })
            .collect();
        held.sort();
        assert_eq!(
            held,
            [
                "other 192.0.2.9 Some(1500)",
                "sshd 192.0.2.1 Some(1500)",
                "sshd 192.0.2.2 Some(6900)",
                "sshd 192.0.2.4 Some(1500)",
                "sshd 2001:db8::1 Some(1550)",
            ]
        );
        assert_eq!(
            hand_back(&own, &theirs, &["sshd"], &live, "x", now).unwrap(),
            Handed::default()
        );
    }

    #[test]
    fn without_a_store_there_is_nothing_to_hand_back() {
        let dir = tempfile::tempdir().unwrap();
        let (own, theirs) = (dir.path().join("own"), dir.path().join("theirs"));
        let now = Timestamp::from_secs(1000);
        let handed = hand_back(&own, &theirs, &[], &Bans::default(), "x", now).unwrap();
        assert_eq!(handed, Handed::default());
        assert!(!theirs.exists());
    }
}
