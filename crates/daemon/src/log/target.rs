//! `logtarget`: where lines go, and in which form (behaviour §6.8).

use super::line::Format;
use super::syslog::Facility;
use std::path::PathBuf;

/// Where lines go. Two of one text are equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// As it was named, without its options: what who asks is told.
    pub(super) name: String,
    pub(super) place: Place,
    pub(super) format: Format,
    /// A facility that syslog does not know.
    pub(super) unknown_facility: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    File(PathBuf),
    Stdout,
    Stderr,
    Syslog(Facility),
    Journal,
}

impl Target {
    /// The standard error output.
    pub(crate) fn stderr() -> Self {
        Self::usual("STDERR".into(), Place::Stderr)
    }

    /// A file, appended to, its owner's alone; whatever its name looks like.
    pub(crate) fn file(path: PathBuf) -> Self {
        Self::usual(path.display().to_string(), Place::File(absolute(path)))
    }

    fn usual(name: String, place: Place) -> Self {
        Self {
            name,
            place,
            format: Format::usual(true, true),
            unknown_facility: None,
        }
    }

    /// Reads `SYSLOG[facility=AUTH, padding=on]` and its like. Reserved words have no case; whatever else is a file.
    ///
    /// # Errors
    /// What is wrong, in fail2ban's words where it has some.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (name, options) = conf::parse_call(text)?;
        let option = |wanted: &str| {
            let given = options.iter().find(|(name, _)| name == wanted);
            given.map(|(_, value)| value.as_str())
        };
        let mut unknown_facility = None;
        // Whether the date and the columns are usual there.
        let (place, datetime, padding) = match name.to_uppercase().as_str() {
            "STDOUT" => (Place::Stdout, true, true),
            "STDERR" => (Place::Stderr, true, true),
            "SYSOUT" => (Place::Stdout, false, true),
            "SYSLOG" => {
                let word = option("facility").unwrap_or("DAEMON");
                let facility = Facility::parse(word).unwrap_or_else(|| {
                    unknown_facility = Some(word.to_owned());
                    Facility::DAEMON
                });
                (Place::Syslog(facility), false, false)
            }
            "SYSTEMD-JOURNAL" => (Place::Journal, false, false),
            "" => return Err("the log's target is empty".into()),
            _ => (Place::File(absolute(name.clone().into())), true, true),
        };
        let switch = |name: &str, usual: bool| option(name).map_or(usual, is_on);
        let format = match option("format").filter(|format| !format.is_empty()) {
            Some(format) => Format::parse(format)?,
            None if place == Place::Journal => Format::bare(),
            None => Format::usual(switch("datetime", datetime), switch("padding", padding)),
        };
        Ok(Self {
            name,
            place,
            format,
            unknown_facility,
        })
    }
}

/// A file stays where it is, wherever we go.
fn absolute(path: PathBuf) -> PathBuf {
    std::path::absolute(&path).unwrap_or(path)
}

/// fail2ban's words for yes; all others mean no.
fn is_on(value: &str) -> bool {
    ["1", "on", "true", "yes"].contains(&value.to_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_fail2bans() {
        let usual = Format::usual;
        let check = |text: &str, name: &str, place: Place, format: Format| {
            let expected = Target {
                name: name.into(),
                place,
                format,
                unknown_facility: None,
            };
            assert_eq!(Target::parse(text), Ok(expected), "{text}");
        };
        let file = |path: &str| Place::File(path.into());
        let syslog = |word| Place::Syslog(Facility::parse(word).unwrap());
        let own = Format::parse("%(message)s").unwrap();
        check("/a.log", "/a.log", file("/a.log"), usual(true, true));
        check(
            "/a b.log[padding=off]",
            "/a b.log",
            file("/a b.log"),
            usual(true, false),
        );
        check("/a[datetime=0]", "/a", file("/a"), usual(false, true));
        check("/a[datetime=Yes]", "/a", file("/a"), usual(true, true));
        check("/a[datetime=maybe]", "/a", file("/a"), usual(false, true));
        check("/a[colour=red]", "/a", file("/a"), usual(true, true));
        check(
            "/a[format=\"%(message)s\", datetime=on]",
            "/a",
            file("/a"),
            own.clone(),
        );
        check("/a[format=]", "/a", file("/a"), usual(true, true));
        check("STDOUT", "STDOUT", Place::Stdout, usual(true, true));
        check("stdOut", "stdOut", Place::Stdout, usual(true, true));
        check("StdErr", "StdErr", Place::Stderr, usual(true, true));
        check("SYSOUT", "SYSOUT", Place::Stdout, usual(false, true));
        check(
            "sysout[datetime=on,padding=off]",
            "sysout",
            Place::Stdout,
            usual(true, false),
        );
        check("SYSLOG", "SYSLOG", syslog("DAEMON"), usual(false, false));
        check(
            "syslog[facility=authpriv][datetime=on, padding=on]",
            "syslog",
            syslog("AUTHPRIV"),
            usual(true, true),
        );
        check(
            "SYSTEMD-JOURNAL",
            "SYSTEMD-JOURNAL",
            Place::Journal,
            Format::bare(),
        );
        check(
            "systemd-journal[format='%(message)s']",
            "systemd-journal",
            Place::Journal,
            own,
        );
        let unknown = Target::parse("SYSLOG[facility=nope]").unwrap();
        assert_eq!(unknown.place, syslog("DAEMON"));
        assert_eq!(unknown.unknown_facility.as_deref(), Some("nope"));
    }

    #[test]
    fn what_cannot_be_read_is_told() {
        let check = |text: &str, expected: &str| {
            assert_eq!(Target::parse(text).unwrap_err(), expected, "{text}");
        };
        check("", "the log's target is empty");
        check("/a[datetime=off", "unexpected option syntax");
        check("[padding=on]", "unexpected option syntax");
        check(
            "/a[padding on]",
            "expected option, wrong syntax at 0: padding on",
        );
        check(
            "/a[format=\"short\"]",
            "Invalid format 'short' for '%' style",
        );
        check(
            "STDOUT[format='%(nope)s']",
            "unknown name %(nope) (known are asctime, created, levelname, levelno, message, msecs, name, process, processName, threadName) in the log's format '%(nope)s'",
        );
    }

    #[test]
    fn a_file_given_as_such_is_no_word() {
        let stdout = Target::file("/x/STDOUT[a".into());
        assert_eq!(stdout.place, Place::File("/x/STDOUT[a".into()));
        assert_eq!(stdout.name, "/x/STDOUT[a");
        let Place::File(path) = Target::file("STDERR".into()).place else {
            panic!("not a file");
        };
        assert!(path.is_absolute() && path.ends_with("STDERR"));
    }
}
