//! Lines for a syslog daemon, as Python's `logging` sends them: priority, line, NUL.

use super::Level;

/// Which part of a system speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Facility(u8);

/// Python's words and syslog's numbers.
const FACILITIES: [(&str, u8); 24] = [
    ("AUTH", 4),
    ("AUTHPRIV", 10),
    ("CONSOLE", 14),
    ("CRON", 9),
    ("DAEMON", 3),
    ("FTP", 11),
    ("KERN", 0),
    ("LOCAL0", 16),
    ("LOCAL1", 17),
    ("LOCAL2", 18),
    ("LOCAL3", 19),
    ("LOCAL4", 20),
    ("LOCAL5", 21),
    ("LOCAL6", 22),
    ("LOCAL7", 23),
    ("LPR", 6),
    ("MAIL", 2),
    ("NEWS", 7),
    ("NTP", 12),
    ("SECURITY", 13),
    ("SOLCRON", 15),
    ("SYSLOG", 5),
    ("USER", 1),
    ("UUCP", 8),
];

impl Facility {
    pub(super) const DAEMON: Self = Self(3);

    /// `AUTH` and its like, in whatever case.
    pub(super) fn parse(word: &str) -> Option<Self> {
        let word = word.to_uppercase();
        let known = FACILITIES.iter().find(|(known, _)| *known == word);
        known.map(|(_, number)| Self(*number))
    }
}

/// The socket that a `syslogsocket` means.
pub(super) fn place<'a>(socket: &'a str, auto: &'a str) -> &'a str {
    match socket.eq_ignore_ascii_case("auto") {
        true => auto,
        false => socket,
    }
}

/// What is sent.
pub(super) fn message(facility: Facility, level: Level, line: &str) -> Vec<u8> {
    let priority = facility.0 * 8 + level.priority();
    format!("<{priority}>{line}\0").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_pythons() {
        let check = |facility: &str, level, expected: &str| {
            let facility = Facility::parse(facility).unwrap();
            let message = message(facility, level, "text");
            assert_eq!(String::from_utf8(message).unwrap(), expected);
        };
        check("DAEMON", Level::Info, "<30>text\0");
        check("daemon", Level::Notice, "<29>text\0");
        check("AuthPriv", Level::Error, "<83>text\0");
        check("LOCAL7", Level::Debug, "<191>text\0");
        check("kern", Level::Critical, "<2>text\0");
        assert_eq!(Facility::parse("nope"), None);
        assert_eq!(Facility::parse("DAEMON"), Some(Facility::DAEMON));
    }
}
