//! Which journal is read, and how it is opened: what stands in the brackets of `systemd[…]`.

use std::fmt;
use std::path::PathBuf;

/// With `rotated`, fail2ban opens the system's journal only.
const SYSTEM_ONLY: i32 = 4;

/// Which journal, and how it is opened. Jails with the same one share its reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalSource {
    /// The files in this directory.
    pub directory: Option<PathBuf>,
    /// Only these files: paths or globs.
    pub files: Vec<String>,
    /// The journal of a namespace of journald.
    pub namespace: Option<String>,
    /// Those of libsystemd: 1 this machine's, 2 in memory only, 4 the system's, 8 the user's own.
    pub flags: i32,
}

/// Why the options name no journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaceError {
    /// What is wrong.
    pub message: String,
    /// The part of the options that is meant; empty for all of them.
    pub part: String,
    /// What to write instead.
    pub help: &'static str,
}

impl Default for JournalSource {
    fn default() -> Self {
        Self {
            directory: None,
            files: Vec::new(),
            namespace: None,
            flags: os::JOURNAL_LOCAL_ONLY,
        }
    }
}

impl fmt::Display for JournalSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.directory, &self.namespace) {
            (Some(directory), _) => write!(f, "{}", directory.display()),
            (None, Some(namespace)) => write!(f, "journal of namespace {namespace}"),
            (None, None) if !self.files.is_empty() => f.write_str(&self.files.join(", ")),
            (None, None) => f.write_str("journal"),
        }
    }
}

impl JournalSource {
    /// Reads `journalpath`, `journalfiles`, `journalflags`, `namespace` and `rotated`; `flags` are those of the
    /// environment, which an option goes before.
    ///
    /// # Errors
    /// An option that is not known, a value that is none, or more than one place.
    pub fn of_options(
        options: &[(String, String)],
        flags: Option<i32>,
    ) -> Result<Self, PlaceError> {
        let mut place = Self::default();
        let (mut own_flags, mut rotated) = (None, false);
        for (key, value) in options {
            let wrong = |why: &str, help| PlaceError {
                message: format!("{key} = '{value}' of the backend {why}"),
                part: value.clone(),
                help,
            };
            match key.as_str() {
                "journalpath" => place.directory = Some(value.into()),
                "journalfiles" => {
                    let files = value.split([',', '\n']).map(str::trim);
                    let files = files.filter(|file| !file.is_empty());
                    place.files = files.map(str::to_owned).collect();
                }
                "namespace" => place.namespace = Some(value.clone()),
                "journalflags" => {
                    let help =
                        "add up 1 (this machine), 2 (in memory), 4 (the system), 8 (the user)";
                    let flags = value.parse::<i32>();
                    own_flags = Some(flags.map_err(|_| wrong("is no number", help))?);
                }
                "rotated" => {
                    rotated = match value.to_lowercase().as_str() {
                        "1" | "on" | "true" | "yes" => true,
                        "0" | "off" | "false" | "no" => false,
                        _ => return Err(wrong("is neither on nor off", "write on or off")),
                    };
                }
                _ => {
                    return Err(PlaceError {
                        message: format!("backend 'systemd' has no option '{key}'"),
                        part: key.clone(),
                        help: "use journalpath, journalfiles, journalflags, namespace or rotated",
                    });
                }
            }
        }
        let named = [
            place.directory.is_some(),
            !place.files.is_empty(),
            place.namespace.is_some(),
        ];
        if named.into_iter().filter(|named| *named).count() > 1 {
            let message =
                "the backend names more than one of journalpath, journalfiles and namespace";
            return Err(PlaceError {
                message: message.into(),
                part: String::new(),
                help: "keep one of them",
            });
        }
        let default = if rotated { SYSTEM_ONLY } else { place.flags };
        place.flags = own_flags.or(flags).unwrap_or(default);
        Ok(place)
    }
}
