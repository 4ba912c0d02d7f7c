//! Rows at random, as both programs may have to deal with.

use base::{Span, Timestamp};
use proptest::prelude::*;
use rusqlite::{Connection, params};
use std::path::Path;
use store::{Ban, LogPosition};

/// The time that all of it is about.
pub(crate) const NOW: Timestamp = Timestamp::from_secs(1_700_000_000);

fn address() -> impl Strategy<Value = String> {
    prop_oneof![
        (1..5_u8).prop_map(|n| format!("192.0.2.{n}")),
        (1..5_u8).prop_map(|n| format!("2001:db8::{n}")),
        any::<[u8; 4]>().prop_map(|bytes| std::net::Ipv4Addr::from(bytes).to_string()),
        any::<[u16; 8]>().prop_map(|groups| std::net::Ipv6Addr::from(groups).to_string()),
    ]
}

/// Ids that are no address. fail2ban can read none back with a slash or a NUL in it.
fn no_address() -> impl Strategy<Value = String> {
    prop_oneof![
        "mallory|a b|é'\"x|192\\.0\\.2|%s|NULL|1e3",
        "[A-Za-z][ -.0-~éß🕴]{0,9}",
    ]
}

fn jail() -> impl Strategy<Value = String> {
    prop_oneof![Just("a".to_owned()), Just("b".to_owned())]
}

fn length() -> impl Strategy<Value = Option<Span>> {
    prop_oneof![
        2 => Just(None),
        5 => (1..4000_i64).prop_map(|secs| Some(Span::from_secs(secs))),
        3 => (1..4_000_000_000_i64).prop_map(|micros| Some(Span::from_micros(micros))),
        1 => Just(Some(Span::from_secs(629_145_600))),
    ]
}

prop_compose! {
    /// A ban of a single address or another id in one of two jails, whose last failure was within 4,000 seconds.
    pub(crate) fn any_ban()(
        jail in jail(),
        id in prop_oneof![4 => address(), 1 => no_address()],
        ago in 0..4_000_000_000_i64,
        half in any::<bool>(),
        length in length(),
        count in 1..40_u32,
        failures in 0..1000_u32,
        users in proptest::collection::btree_map(".{0,8}", 1..50_u32, 0..4),
        matches in proptest::collection::vec(any::<String>(), 0..15),
        captures in proptest::collection::btree_map("[a-z][a-z0-9_]{0,6}", any::<String>(), 0..4),
        ip in proptest::option::of(address()),
    ) -> Ban {
        // Halves of a second are where rounding shows.
        let ago = if half { ago / 500_000 * 500_000 } else { ago };
        // Names with a meaning of their own; `ip` is the address that was seen with another id.
        let own = ["matches", "failures", "user", "users", "ip", "fid"];
        Ban {
            jail,
            id: id.as_str().into(),
            time: Timestamp::from_micros(NOW.as_micros() - ago),
            length,
            count,
            failures,
            users: users.into_iter().collect(),
            matches,
            captures: {
                let mut captures = captures;
                captures.retain(|name, _| !own.contains(&name.as_str()));
                captures.extend(ip.map(|ip| ("ip".to_owned(), ip)));
                captures.into_iter().collect()
            },
        }
    }
}

prop_compose! {
    /// A position in one of few files, so that some come more than once.
    pub(crate) fn any_log()(
        jail in jail(),
        path in "/(one|two|dir/three)",
        hash in "[0-9a-f]{40}|aa",
        offset in 0..u64::from(u32::MAX) * 1000,
    ) -> LogPosition {
        LogPosition { jail, path, first_line_hash: hash, offset }
    }
}

/// A file of an old version.
#[derive(Clone, Debug)]
pub(crate) struct Old {
    version: i64,
    jails: Vec<(String, bool)>,
    logs: Vec<OldLog>,
    bans: Vec<OldBan>,
}

/// Jail, path, hash, offset.
type OldLog = (usize, String, Option<String>, i64);
/// Jail, address, time, length, count, data, and whether that is text and not bytes.
type OldBan = (usize, String, i64, f64, i64, Option<String>, bool);

/// Files of this version.
pub(crate) fn any_old(version: i64) -> impl Strategy<Value = Old> {
    let jails = proptest::collection::btree_map("[a-z]{1,4}", any::<bool>(), 1..4);
    let hash = proptest::option::of("[0-9a-f]{40}");
    let log = (0..4_usize, "/[a-c]", hash, 0..1_i64 << 40);
    let length = prop_oneof![
        Just(-1.0),
        (1..5000_i64).prop_map(|n| n as f64),
        0.5..5000.0
    ];
    let data = proptest::option::of(prop_oneof![
        Just("{}".to_owned()),
        r#"\{"matches": \["[a-z ]{0,9}"\], "failures": [1-9]\}"#,
        any::<String>(),
    ]);
    let address = prop_oneof![address(), "[a-z]{1,5}"];
    let time = NOW.as_secs() - 5000..NOW.as_secs();
    let ban = (
        0..4_usize,
        address,
        time,
        length,
        1..9_i64,
        data,
        any::<bool>(),
    );
    let logs = proptest::collection::vec(log, 0..5);
    let bans = proptest::collection::vec(ban, 0..20);
    (jails, logs, bans).prop_map(move |(jails, logs, bans)| Old {
        version,
        jails: jails.into_iter().collect(),
        logs,
        bans,
    })
}

impl Old {
    /// Writes the file.
    pub(crate) fn make(&self, path: &Path) {
        let mut connection = Connection::open(path).unwrap();
        let transaction = connection.transaction().unwrap();
        transaction.execute_batch(&self.tables()).unwrap();
        let jail = |n: usize| &self.jails[n % self.jails.len()].0;
        for (name, enabled) in &self.jails {
            let sql = "INSERT INTO jails VALUES(?1, ?2)";
            transaction.execute(sql, params![name, enabled]).unwrap();
        }
        for (n, path, hash, offset) in &self.logs {
            let sql = "INSERT OR IGNORE INTO logs VALUES(?1, ?2, ?3, ?4)";
            let row = params![jail(*n), path, hash, offset];
            transaction.execute(sql, row).unwrap();
        }
        for (n, ip, time, length, count, data, is_text) in &self.bans {
            let sql = "INSERT INTO bans(jail, ip, timeofban, data) VALUES(?1, ?2, ?3, ?4)";
            let bytes = data.as_ref().map(|data| data.as_bytes());
            match is_text {
                true => transaction.execute(sql, params![jail(*n), ip, time, data]),
                false => transaction.execute(sql, params![jail(*n), ip, time, bytes]),
            }
            .unwrap();
            if self.version == 3 {
                let sql =
                    "UPDATE bans SET bantime = ?1, bancount = ?2 WHERE rowid = last_insert_rowid()";
                transaction.execute(sql, params![length, count]).unwrap();
            }
        }
        transaction.commit().unwrap();
    }

    fn tables(&self) -> String {
        let (unique, index) = match self.version {
            1 => ("UNIQUE(path)", ""),
            _ => (
                "UNIQUE(jail, path), UNIQUE(jail, path, firstlinemd5)",
                "CREATE INDEX logs_jail_path ON logs(jail, path);",
            ),
        };
        let lengths = match self.version {
            3 => "bantime INTEGER NOT NULL DEFAULT 0, bancount INTEGER NOT NULL DEFAULT 1,",
            _ => "",
        };
        format!(
            "CREATE TABLE fail2banDb(version INTEGER);
            INSERT INTO fail2banDb VALUES({});
            CREATE TABLE jails(name TEXT NOT NULL UNIQUE, enabled INTEGER NOT NULL DEFAULT 1);
            CREATE INDEX jails_name ON jails(name);
            CREATE TABLE logs(jail TEXT NOT NULL, path TEXT, firstlinemd5 TEXT, lastfilepos INTEGER DEFAULT 0,
                FOREIGN KEY(jail) REFERENCES jails(name) ON DELETE CASCADE, {unique});
            CREATE INDEX logs_path ON logs(path);
            {index}
            CREATE TABLE bans(jail TEXT NOT NULL, ip TEXT, timeofban INTEGER NOT NULL, {lengths} data JSON,
                FOREIGN KEY(jail) REFERENCES jails(name));
            CREATE INDEX bans_jail_timeofban_ip ON bans(jail, timeofban);
            CREATE INDEX bans_jail_ip ON bans(jail, ip);
            CREATE INDEX bans_ip ON bans(ip);",
            self.version
        )
    }
}
