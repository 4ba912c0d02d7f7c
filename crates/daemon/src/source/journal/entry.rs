//! A journal entry and the line that it is for a filter.

use base::Timestamp;
use std::ops::Range;

/// What a line is made of and what trust needs; fields of matches come on top.
pub(super) const FIELDS: [&str; 13] = [
    "MESSAGE",
    "SYSLOG_IDENTIFIER",
    "SYSLOG_PID",
    "_COMM",
    "_EXE",
    "_HOSTNAME",
    "_PID",
    "_SOURCE_MONOTONIC_TIMESTAMP",
    "_SOURCE_REALTIME_TIMESTAMP",
    "_SYSTEMD_UNIT",
    "_TRANSPORT",
    "_UID",
    "__MONOTONIC_TIMESTAMP",
];

/// The fields of an entry that are looked at. One is filled again and again, so that reading allocates nothing.
#[derive(Clone, Debug, Default)]
pub(super) struct Entry {
    /// When journald received it.
    pub(super) received: Timestamp,
    /// Name, value, name, value …
    bytes: Vec<u8>,
    fields: Vec<Field>,
}

/// Where in the bytes a field is.
#[derive(Clone, Debug)]
struct Field {
    name: Range<usize>,
    value: Range<usize>,
}

impl Entry {
    #[cfg(test)]
    pub(super) fn of(fields: &[(&str, &str)]) -> Self {
        let mut entry = Self::default();
        for (name, value) in fields {
            entry.set(name, value.as_bytes());
        }
        entry
    }

    /// Forgets everything, to be filled again.
    pub(super) fn clear(&mut self, received: Timestamp) {
        self.received = received;
        self.bytes.clear();
        self.fields.clear();
    }

    pub(super) fn set(&mut self, name: &str, value: &[u8]) {
        let mut add = |part: &[u8]| {
            let from = self.bytes.len();
            self.bytes.extend_from_slice(part);
            from..self.bytes.len()
        };
        let (name, value) = (add(name.as_bytes()), add(value));
        self.fields.push(Field { name, value });
    }

    /// The field's only or first value.
    pub(super) fn get(&self, name: &str) -> Option<&[u8]> {
        self.values(name).next()
    }

    /// Every value of a field: what a writer sends may come several times, what journald notes comes once.
    pub(super) fn values(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        let is_named = move |field: &&Field| self.bytes[field.name.clone()] == *name.as_bytes();
        let fields = self.fields.iter().filter(is_named);
        fields.map(|field| &self.bytes[field.value.clone()])
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        std::str::from_utf8(self.get(name)?).ok()
    }

    /// When its service wrote it, as far as that is known.
    pub(super) fn time(&self) -> Timestamp {
        let micros = self
            .text("_SOURCE_REALTIME_TIMESTAMP")
            .and_then(|text| text.parse().ok());
        micros.map_or(self.received, Timestamp::from_micros)
    }

    /// Makes `line` be `host name[pid]: message`, without a date. Line breaks of the message are shown as `\n`: an
    /// entry is one line whatever is in it.
    pub(super) fn write_line(&self, line: &mut String) {
        line.clear();
        if let Some(host) = self.get("_HOSTNAME") {
            add(line, host);
        }
        if let Some(name) = self.get("SYSLOG_IDENTIFIER").or_else(|| self.get("_COMM")) {
            begin_word(line);
            add(line, name);
            if let Some(pid) = self.get("SYSLOG_PID").or_else(|| self.get("_PID")) {
                line.push('[');
                add(line, pid);
                line.push(']');
            }
            line.push(':');
            if name == b"kernel"
                && let Some(seconds) = self.uptime()
            {
                begin_word(line);
                line.push_str(&format!("[{seconds:12.6}]"));
            }
        }
        for message in self.values("MESSAGE") {
            begin_word(line);
            for (at, row) in message.split(|byte| *byte == b'\n').enumerate() {
                line.push_str(if at > 0 { "\\n" } else { "" });
                add(line, row);
            }
        }
    }

    fn uptime(&self) -> Option<f64> {
        let text = self
            .text("_SOURCE_MONOTONIC_TIMESTAMP")
            .or_else(|| self.text("__MONOTONIC_TIMESTAMP"))?;
        text.parse::<u64>().ok().map(|micros| micros as f64 / 1e6)
    }
}

fn begin_word(line: &mut String) {
    if !line.is_empty() {
        line.push(' ');
    }
}

/// What is no text is shown as U+FFFD.
fn add(line: &mut String, part: &[u8]) {
    match std::str::from_utf8(part) {
        Ok(text) => line.push_str(text),
        Err(_) => line.push_str(&String::from_utf8_lossy(part)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(fields: &[(&str, &str)], expected: &str) {
        let mut line = "of another entry".to_owned();
        Entry::of(fields).write_line(&mut line);
        assert_eq!(line, expected);
    }

    #[test]
    fn an_entry_is_a_syslog_line_without_its_date() {
        let message = ("MESSAGE", "text of it");
        check(
            &[
                ("_HOSTNAME", "h"),
                ("SYSLOG_IDENTIFIER", "sshd"),
                ("_PID", "7"),
                message,
            ],
            "h sshd[7]: text of it",
        );
        check(
            &[
                ("_HOSTNAME", "h"),
                ("_COMM", "c"),
                ("SYSLOG_PID", "8"),
                ("_PID", "7"),
                message,
            ],
            "h c[8]: text of it",
        );
        check(
            &[("SYSLOG_IDENTIFIER", "s"), ("_COMM", "c"), message],
            "s: text of it",
        );
        check(&[message], "text of it");
        check(&[("_HOSTNAME", "h")], "h");
        check(&[("MESSAGE", "a\nb")], "a\\nb");
        check(&[("MESSAGE", "a"), ("_UID", "0"), ("MESSAGE", "b")], "a b");
        check(
            &[
                ("SYSLOG_IDENTIFIER", "kernel"),
                ("__MONOTONIC_TIMESTAMP", "98765432100000"),
                message,
            ],
            "kernel: [98765432.100000] text of it",
        );
        check(
            &[
                ("SYSLOG_IDENTIFIER", "kernel"),
                ("_SOURCE_MONOTONIC_TIMESTAMP", "1234567"),
                message,
            ],
            "kernel: [    1.234567] text of it",
        );
    }

    #[test]
    fn the_time_is_the_services_own_if_known() {
        let mut entry = Entry::of(&[("_SOURCE_REALTIME_TIMESTAMP", "5000000")]);
        entry.received = Timestamp::from_secs(9);
        assert_eq!(entry.time(), Timestamp::from_secs(5));
        entry.clear(Timestamp::from_secs(9));
        assert_eq!(entry.time(), Timestamp::from_secs(9));
    }
}
