//! Who may speak for a service.
//!
//! Every local user can write to the journal, under any `SYSLOG_IDENTIFIER`, and from a program of any name. What
//! journald itself notes (`_UID`, `_EXE`, `_SYSTEMD_UNIT`) cannot be chosen by the writer. `_UID` decides; the others
//! close the gap that a program which runs as root for everybody leaves: started under another name, it would speak
//! for that name.

use super::entry::Entry;
use super::expression::{Expression, Group};

/// What an entry is for a jail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// None of its business.
    Foreign,
    /// Of its service.
    Trusted,
    /// It matches, but may not be believed; the reason, the same for all entries of one cause.
    Refused(String),
}

/// Programs that run others' code, none of which can be started with more rights than the caller's.
const INTERPRETERS: [&str; 8] = [
    "python", "perl", "ruby", "node", "php", "java", "bash", "dash",
];
/// journald cuts names of programs here, as the kernel does.
const COMM: usize = 15;

/// Judges an entry for a jail with this match and these trusted users.
pub(super) fn judge(expression: &Expression, trusted_uids: &[u32], entry: &Entry) -> Verdict {
    let Some(group) = expression.matching(entry) else {
        return Verdict::Foreign;
    };
    // The kernel has no user, and only root can write in its name.
    if group.values("_TRANSPORT").eq(["kernel"]) {
        return Verdict::Trusted;
    }
    let uid = entry.text("_UID").and_then(|text| text.parse::<u32>().ok());
    match uid {
        None => return Verdict::Refused("entries match that carry no _UID".into()),
        Some(uid) if !trusted_uids.contains(&uid) => {
            let trusted: Vec<String> = trusted_uids.iter().map(u32::to_string).collect();
            return Verdict::Refused(format!(
                "entries match that user {uid} wrote; only {} may speak for this service",
                if trusted.is_empty() {
                    "nobody".into()
                } else {
                    trusted.join(", ")
                }
            ));
        }
        Some(_) => {}
    }
    match misfit(expression, group, entry) {
        Some(cause) => Verdict::Refused(cause),
        None => Verdict::Trusted,
    }
}

/// What of the entry contradicts the name by which it matches.
fn misfit(expression: &Expression, group: &Group, entry: &Entry) -> Option<String> {
    let comm = group.values("_COMM").next().and(entry.text("_COMM"))?;
    if group.values("_EXE").next().is_none()
        && let Some(exe) = entry.text("_EXE")
        && !exe_fits(exe, comm)
    {
        return Some(format!(
            "entries match that {exe} wrote, started under the name {comm}"
        ));
    }
    if group.values("_SYSTEMD_UNIT").next().is_none()
        && let Some(unit) = entry.text("_SYSTEMD_UNIT")
    {
        let mut named = expression.values("_SYSTEMD_UNIT").peekable();
        if named.peek().is_some()
            && !named.any(|named| unit_fits(unit, named))
            && !unit_fits(unit, comm)
        {
            return Some(format!(
                "entries match that a program {comm} of {unit} wrote"
            ));
        }
    }
    None
}

/// True if a program may have this name: `sshd-session` of `sshd-session`, `smtpd`, `gunicorn` of `python3.11`.
fn exe_fits(exe: &str, comm: &str) -> bool {
    // A program that was replaced while it ran.
    let exe = exe.strip_suffix(" (deleted)").unwrap_or(exe);
    let name = exe.rsplit('/').next().unwrap_or(exe);
    let cut = name.get(..COMM).unwrap_or(name);
    let begins = |long: &str, short: &str| !short.is_empty() && long.starts_with(short);
    begins(name, comm)
        || begins(comm, cut)
        || INTERPRETERS
            .iter()
            .any(|interpreter| name.starts_with(interpreter))
}

/// True if a unit may be the service: its own, an instance or a variant of it (`ssh@…`, `sshd-alt`), or a log-in
/// session, into which such services move their processes.
fn unit_fits(unit: &str, named: &str) -> bool {
    let (unit_stem, named) = (stem(unit), stem(named));
    unit.ends_with(".scope") || unit_stem.contains(named) || named.contains(unit_stem)
}

fn stem(unit: &str) -> &str {
    unit.split(['@', '.']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SSHD: &[&str] = &[
        "_SYSTEMD_UNIT=ssh.service + _COMM=sshd",
        "_COMM=sshd-session",
    ];

    fn verdict(lines: &[&str], trusted: &[u32], fields: &[(&str, &str)]) -> Verdict {
        let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        judge(
            &Expression::parse(&lines).unwrap(),
            trusted,
            &Entry::of(fields),
        )
    }

    #[test]
    fn real_entries_of_sshd_are_trusted() {
        for fields in [
            &[
                ("_UID", "0"),
                ("_COMM", "sshd"),
                ("_EXE", "/usr/sbin/sshd"),
                ("_SYSTEMD_UNIT", "ssh.service"),
            ][..],
            &[
                ("_UID", "0"),
                ("_COMM", "sshd"),
                ("_EXE", "/usr/sbin/sshd"),
                ("_SYSTEMD_UNIT", "sshd.service"),
            ],
            &[
                ("_UID", "0"),
                ("_COMM", "sshd"),
                ("_SYSTEMD_UNIT", "sshd@3-10.0.0.1:22-10.0.0.2:999.service"),
            ],
            &[
                ("_UID", "0"),
                ("_COMM", "sshd"),
                ("_SYSTEMD_UNIT", "sshd-alt.service"),
            ],
            &[
                ("_UID", "0"),
                ("_COMM", "sshd-session"),
                ("_EXE", "/usr/lib/openssh/sshd-session"),
            ],
            &[
                ("_UID", "0"),
                ("_COMM", "sshd"),
                ("_EXE", "/usr/sbin/sshd"),
                ("_SYSTEMD_UNIT", "session-12.scope"),
            ],
            &[
                ("_UID", "0"),
                ("_COMM", "sshd"),
                ("_EXE", "/usr/sbin/sshd (deleted)"),
            ],
            &[("_UID", "0"), ("_COMM", "sshd")],
        ] {
            assert_eq!(verdict(SSHD, &[0], fields), Verdict::Trusted, "{fields:?}");
        }
    }

    #[test]
    fn nobody_else_speaks_for_sshd() {
        for fields in [
            // A copy of logger, named sshd, that a user runs.
            &[
                ("_UID", "1000"),
                ("_COMM", "sshd"),
                ("_EXE", "/home/u/sshd"),
                ("SYSLOG_IDENTIFIER", "sshd"),
            ][..],
            &[
                ("_UID", "1000"),
                ("_COMM", "sshd"),
                ("_SYSTEMD_UNIT", "ssh.service"),
            ],
            &[("_COMM", "sshd")],
            &[("_UID", "-1"), ("_COMM", "sshd")],
            // A program that always runs as root, started through a link named sshd.
            &[
                ("_UID", "0"),
                ("_COMM", "sshd"),
                ("_EXE", "/usr/bin/sudo"),
                ("_SYSTEMD_UNIT", "session-3.scope"),
            ],
            &[
                ("_UID", "0"),
                ("_COMM", "sshd"),
                ("_SYSTEMD_UNIT", "apache2.service"),
            ],
        ] {
            assert!(
                matches!(verdict(SSHD, &[0], fields), Verdict::Refused(_)),
                "{fields:?}"
            );
        }
        assert_eq!(
            verdict(SSHD, &[0], &[("_UID", "0"), ("_COMM", "cron")]),
            Verdict::Foreign
        );
        // A claimed identifier is no match at all.
        assert_eq!(
            verdict(SSHD, &[0], &[("_UID", "0"), ("SYSLOG_IDENTIFIER", "sshd")]),
            Verdict::Foreign
        );
    }

    #[test]
    fn other_services_have_other_users() {
        let database = &["_SYSTEMD_UNIT=mariadb.service"][..];
        let entry = |uid| {
            [
                ("_UID", uid),
                ("_SYSTEMD_UNIT", "mariadb.service"),
                ("_COMM", "mariadbd"),
            ]
        };
        assert_eq!(verdict(database, &[104], &entry("104")), Verdict::Trusted);
        assert!(matches!(
            verdict(database, &[0], &entry("104")),
            Verdict::Refused(_)
        ));
        assert!(matches!(
            verdict(database, &[], &entry("104")),
            Verdict::Refused(_)
        ));
        let scripted = [
            ("_UID", "0"),
            ("_COMM", "gunicorn"),
            ("_EXE", "/usr/bin/python3.11"),
        ];
        assert_eq!(
            verdict(&["_COMM=gunicorn"], &[0], &scripted),
            Verdict::Trusted
        );
        let kernel = [("_TRANSPORT", "kernel")];
        assert_eq!(
            verdict(&["_TRANSPORT=kernel"], &[0], &kernel),
            Verdict::Trusted
        );
        assert!(matches!(verdict(&[], &[0], &kernel), Verdict::Refused(_)));
    }
}
