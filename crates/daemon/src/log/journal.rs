//! Lines for the systemd journal, in its native protocol: one datagram of fields.

use super::Level;

/// The name by which `journalctl -t` finds us.
const IDENTIFIER: &str = "fail2ban";

/// One entry.
pub(super) fn entry(level: Level, module: &str, line: &str) -> Vec<u8> {
    let mut entry = Vec::with_capacity(line.len() + 100);
    field(&mut entry, "MESSAGE", line);
    field(&mut entry, "PRIORITY", &level.priority().to_string());
    field(&mut entry, "SYSLOG_IDENTIFIER", IDENTIFIER);
    field(&mut entry, "LOGGER", &format!("fail2ban.{module}"));
    entry
}

/// Without a line end in the value it is `NAME=value`; with one, the length in binary tells where the value ends.
fn field(entry: &mut Vec<u8>, name: &str, value: &str) {
    entry.extend_from_slice(name.as_bytes());
    match value.contains('\n') {
        false => entry.push(b'='),
        true => {
            entry.push(b'\n');
            entry.extend_from_slice(&(value.len() as u64).to_le_bytes());
        }
    }
    entry.extend_from_slice(value.as_bytes());
    entry.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_in_the_journals_protocol() {
        let check = |level, line: &str, expected: &[u8]| {
            let entry = entry(level, "actions", line);
            let tail = b"SYSLOG_IDENTIFIER=fail2ban\nLOGGER=fail2ban.actions\n";
            assert_eq!(entry, [expected, tail].concat());
        };
        check(
            Level::Notice,
            "[sshd] Ban 192.0.2.1",
            b"MESSAGE=[sshd] Ban 192.0.2.1\nPRIORITY=5\n",
        );
        check(
            Level::Error,
            "a\nPRIORITY=0",
            b"MESSAGE\n\x0c\0\0\0\0\0\0\0a\nPRIORITY=0\nPRIORITY=3\n",
        );
    }
}
