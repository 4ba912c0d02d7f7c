//! An error as it travels: the class by its name and what was given to it.

use super::Value;

/// An instance of an exception. The stock client looks at `args` and tells three classes apart: `IndexError`,
/// `fail2ban.exceptions.UnknownJailException` and `fail2ban.exceptions.DuplicateJailException`.
#[derive(Clone, Debug, PartialEq)]
pub struct Exception {
    /// The module and the class, `fail2ban.exceptions.UnknownJailException`; for Python's own the class alone.
    pub class: String,
    /// What it was made of: mostly one text; number and text for `OSError` and its kin.
    pub args: Vec<Value>,
}

/// Of `FileNotFoundError`'s kind: a number and a text become `[Errno 2] …`.
const OF_THE_SYSTEM: &[&str] = &[
    "BlockingIOError",
    "BrokenPipeError",
    "ChildProcessError",
    "ConnectionAbortedError",
    "ConnectionError",
    "ConnectionRefusedError",
    "ConnectionResetError",
    "EnvironmentError",
    "FileExistsError",
    "FileNotFoundError",
    "IOError",
    "InterruptedError",
    "IsADirectoryError",
    "NotADirectoryError",
    "OSError",
    "PermissionError",
    "ProcessLookupError",
    "TimeoutError",
];

/// Of `KeyError`'s kind: one argument is shown as a literal.
const OF_KEYS: &[&str] = &["KeyError", "fail2ban.exceptions.UnknownJailException"];

impl Exception {
    /// One with a single text.
    pub fn new(class: &str, message: impl Into<Value>) -> Self {
        Self {
            class: class.to_owned(),
            args: vec![message.into()],
        }
    }

    /// The module and the name of the class.
    pub fn path(&self) -> (&str, &str) {
        self.class
            .rsplit_once('.')
            .unwrap_or(("builtins", &self.class))
    }

    /// What Python's `str` makes of it.
    pub fn message(&self) -> String {
        match self.args.as_slice() {
            [] => String::new(),
            [arg] if OF_KEYS.contains(&self.class.as_str()) => arg.repr(),
            [arg] => arg.to_string(),
            [number, text] if self.is_of_the_system() => format!("[Errno {number}] {text}"),
            [number, text, file] if self.is_of_the_system() => {
                format!("[Errno {number}] {text}: {}", file.repr())
            }
            args => Value::Tuple(args.to_vec()).repr(),
        }
    }

    fn is_of_the_system(&self) -> bool {
        OF_THE_SYSTEM.contains(&self.class.as_str())
    }
}
