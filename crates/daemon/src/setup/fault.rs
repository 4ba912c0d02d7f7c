//! What is wrong with a command, as fail2ban's server raises it: clients look at the class and print the arguments.

use std::io;
use wire::fail2ban::{Exception, Value};

pub(crate) fn exception(text: impl Into<String>) -> Exception {
    Exception::new("Exception", text.into())
}

pub(crate) fn value(text: impl Into<String>) -> Exception {
    Exception::new("ValueError", text.into())
}

pub(crate) fn runtime(text: impl Into<String>) -> Exception {
    Exception::new("RuntimeError", text.into())
}

/// A word is missing; fail2ban's client knows this class and says that the command is invalid.
pub(crate) fn too_few() -> Exception {
    Exception::new("IndexError", "list index out of range")
}

pub(crate) fn unknown_jail(name: &str) -> Exception {
    Exception::new("fail2ban.exceptions.UnknownJailException", name)
}

pub(crate) fn duplicate_jail(name: &str) -> Exception {
    Exception::new("fail2ban.exceptions.DuplicateJailException", name)
}

pub(super) fn regex(text: impl Into<String>) -> Exception {
    Exception::new("fail2ban.server.failregex.RegexException", text.into())
}

pub(super) fn encoding(name: &str) -> Exception {
    Exception::new("LookupError", format!("unknown encoding: {name}"))
}

pub(super) fn no_property(name: &str) -> Exception {
    let text = format!("'CommandAction' object has no attribute '{name}'");
    Exception::new("AttributeError", text)
}

pub(super) fn no_action(name: &str) -> Exception {
    Exception::new("KeyError", format!("Invalid Action name: {name}"))
}

/// A file cannot be read: Python's class, number and text of the error.
pub(crate) fn file(error: &io::Error) -> Exception {
    let class = match error.kind() {
        io::ErrorKind::NotFound => "FileNotFoundError",
        io::ErrorKind::PermissionDenied => "PermissionError",
        _ => "OSError",
    };
    let number = i64::from(error.raw_os_error().unwrap_or_default());
    let told = error.to_string();
    // The standard library writes the number behind the text.
    let text = told.split(" (os error").next().unwrap_or_default();
    Exception {
        class: class.to_owned(),
        args: vec![Value::Int(number), Value::from(text)],
    }
}
