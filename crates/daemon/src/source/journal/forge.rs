//! Which alternatives of a `journalmatch` every local user can satisfy.
//!
//! `_COMM` is the name of any program that one calls so, `SYSLOG_IDENTIFIER` and the text are what the writer says.
//! Only a unit, a user, or the kernel as the writer bind an entry to a service.

use super::expression::{Expression, Group};

/// Fields of which journald says who wrote, in a way that a plain user cannot choose.
const BINDING: [&str; 6] = [
    "_UID",
    "_SYSTEMD_UNIT",
    "_SYSTEMD_CGROUP",
    "_SYSTEMD_INVOCATION_ID",
    "_AUDIT_LOGINUID",
    "_PID",
];

/// The alternatives that bind nothing, as they would be written; no match at all takes every entry, and is one.
///
/// # Errors
/// The match cannot be read.
pub(crate) fn forgeable(lines: &[String]) -> Result<Vec<String>, String> {
    let expression = Expression::parse(lines).map_err(|error| error.to_string())?;
    if expression.alternatives.is_empty() {
        return Ok(vec!["every entry".to_owned()]);
    }
    let open = expression.alternatives.iter().filter(|group| !binds(group));
    Ok(open
        .map(|group| group.terms().collect::<Vec<_>>().join(" "))
        .collect())
}

fn binds(group: &Group) -> bool {
    BINDING
        .iter()
        .any(|field| group.values(field).next().is_some())
        || group.values("_TRANSPORT").eq(["kernel"])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(lines: &[&str], open: &[&str]) {
        let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        assert_eq!(forgeable(&lines).unwrap(), open, "{lines:?}");
    }

    #[test]
    fn only_what_names_the_writer_binds() {
        check(&["_SYSTEMD_UNIT=ssh.service"], &[]);
        check(&["_SYSTEMD_UNIT=ssh.service _COMM=sshd"], &[]);
        check(&["_SYSTEMD_UNIT=ssh.service + _COMM=sshd"], &["_COMM=sshd"]);
        check(
            &["_COMM=sshd _COMM=sshd-session"],
            &["_COMM=sshd _COMM=sshd-session"],
        );
        check(
            &["SYSLOG_IDENTIFIER=dovecot"],
            &["SYSLOG_IDENTIFIER=dovecot"],
        );
        check(&["_UID=0 _COMM=sshd"], &[]);
        check(&["_TRANSPORT=kernel"], &[]);
        check(
            &["_TRANSPORT=kernel _TRANSPORT=syslog"],
            &["_TRANSPORT=kernel _TRANSPORT=syslog"],
        );
        check(
            &["_COMM=a", "_COMM=b _UID=0", "PRIORITY=3"],
            &["_COMM=a", "PRIORITY=3"],
        );
        check(&[], &["every entry"]);
    }

    #[test]
    fn a_match_that_is_none_is_an_error() {
        assert!(forgeable(&["sshd".to_owned()]).is_err());
    }
}
