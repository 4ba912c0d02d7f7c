//! Names of users and groups to numbers, and what systemd's unit files say of services.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

/// The users of `/etc/passwd`.
#[derive(Clone, Debug, Default)]
pub struct Users(BTreeMap<String, u32>);

impl Users {
    /// Reads this machine's file; none is like an empty one.
    pub fn of_this_machine() -> Self {
        Self::parse(&fs::read_to_string("/etc/passwd").unwrap_or_default())
    }

    /// Reads the text of such a file; lines that are none are passed over.
    pub fn parse(text: &str) -> Self {
        let user = |line: &str| {
            let mut fields = line.split(':');
            Some((fields.next()?.to_owned(), fields.nth(1)?.parse().ok()?))
        };
        Self(text.lines().filter_map(user).collect())
    }

    /// The number of a user, given by name or as a number.
    pub fn uid(&self, user: &str) -> Option<u32> {
        user.parse().ok().or_else(|| self.0.get(user).copied())
    }
}

/// The number of a group of `/etc/group`.
pub fn group_id(name: &str) -> Option<u32> {
    // Its lines begin as those of `/etc/passwd` do.
    let groups = Users::parse(&fs::read_to_string("/etc/group").unwrap_or_default());
    groups.0.get(name).copied()
}

/// Where unit files are, the strongest first.
const UNITS: [&str; 4] = [
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
];

/// Whether this machine has such a unit; an instance `name@x.service` has its template.
pub fn unit_exists(unit: &str) -> bool {
    unit_file(unit).is_some()
}

/// The user that a service runs as; `None` if there is no such unit or it says nothing (then it is root).
pub fn unit_user(unit: &str) -> Option<String> {
    user_of(&fs::read_to_string(unit_file(unit)?).ok()?)
}

fn unit_file(unit: &str) -> Option<PathBuf> {
    // A unit's name is one name: whatever else stands there is no file of ours.
    if unit.is_empty() || unit.contains('/') {
        return None;
    }
    let template = unit.split_once('@').and_then(|(name, rest)| {
        let (_, suffix) = rest.rsplit_once('.')?;
        Some(format!("{name}@.{suffix}"))
    });
    let names = [Some(unit.to_owned()), template];
    names
        .iter()
        .flatten()
        .flat_map(|name| UNITS.map(|dir| PathBuf::from(dir).join(name)))
        .find(|path| path.exists())
}

fn user_of(unit: &str) -> Option<String> {
    let value = unit
        .lines()
        .rev()
        .find_map(|line| line.trim().strip_prefix("User="))?;
    Some(value.trim().to_owned()).filter(|user| !user.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_by_name_and_number() {
        let users = Users::parse(
            "root:x:0:0:root:/root:/bin/bash\nmysql:x:107:115::/nonexistent:/bin/false\nbad line\n",
        );
        assert_eq!(users.uid("root"), Some(0));
        assert_eq!(users.uid("mysql"), Some(107));
        assert_eq!(users.uid("1000"), Some(1000));
        assert_eq!(users.uid("nobody"), None);
        assert_eq!(users.uid("-1"), None);
        let groups = Users::parse("root:x:0:\nadm:x:4:syslog,me\n");
        assert_eq!(groups.uid("adm"), Some(4));
    }

    #[test]
    fn a_units_user_is_its_last_word_on_it() {
        assert_eq!(user_of("[Service]\nUser=mysql\n"), Some("mysql".into()));
        assert_eq!(user_of("[Service]\n User=a\nUser=b\n"), Some("b".into()));
        assert_eq!(user_of("[Service]\nUser=\n"), None);
        assert!(
            !unit_exists("../passwd")
                && !unit_exists("")
                && !unit_exists("no-such-unit-here.service")
        );
    }
}
