//! Answers of a daemon, for tests of what is made of them.

use wire::{Ban, Enforcement, JailStatus, Source, Status, Store, User};

pub(crate) fn jail(name: &str, failed: u64, banned: u64) -> JailStatus {
    JailStatus {
        name: name.into(),
        state: "running".into(),
        reason: None,
        sources: vec![Source {
            kind: "file".into(),
            path: format!("/var/log/{name}.log"),
            state: "following".into(),
            position: 10,
            errors: 0,
            truncations: 0,
        }],
        failing: 2,
        failed_total: failed,
        evicted: 0,
        lost_lines: 0,
        ineffective: 0,
        banned,
        banned_total: banned,
        failed_ever: failed,
        banned_ever: banned,
        actions: Vec::new(),
        bans: Vec::new(),
    }
}

pub(crate) fn status(jails: Vec<JailStatus>) -> Status {
    Status {
        health: "ok".into(),
        problems: Vec::new(),
        pid: 1,
        started: 1_000_000,
        config: "/etc/stockade".into(),
        jails,
        enforcement: Enforcement {
            backend: "nft".into(),
            table: "inet stockade".into(),
            owner: true,
            in_sync: true,
            elements: 3,
        },
        store: Store {
            path: "/var/lib/stockade/stockade.sqlite3".into(),
            state: "ok".into(),
        },
    }
}

pub(crate) fn ban(ip: &str, time: i64, failures: u64) -> Ban {
    Ban {
        jail: "sshd".into(),
        ip: ip.into(),
        time,
        until: Some(time + 600),
        failures,
        users: vec![User {
            name: "root".into(),
            count: failures,
        }],
    }
}
