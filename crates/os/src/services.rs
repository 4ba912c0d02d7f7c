//! Names of ports.

use std::collections::BTreeMap;
use std::fs;

/// The names of `/etc/services`, over those that every mail, web or database server needs: containers and small
/// systems have no such file.
#[derive(Clone, Debug)]
pub struct Services(BTreeMap<String, u16>);

const BUILT_IN: &[(&str, u16)] = &[
    ("ftp-data", 20),
    ("ftp", 21),
    ("ssh", 22),
    ("telnet", 23),
    ("smtp", 25),
    ("domain", 53),
    ("http", 80),
    ("www", 80),
    ("pop3", 110),
    ("imap2", 143),
    ("imap", 143),
    ("ldap", 389),
    ("https", 443),
    ("submissions", 465),
    ("smtps", 465),
    ("ssmtp", 465),
    ("urd", 465),
    ("submission", 587),
    ("ldaps", 636),
    ("ftps-data", 989),
    ("ftps", 990),
    ("imaps", 993),
    ("pop3s", 995),
    ("socks", 1080),
    ("openvpn", 1194),
    ("mysql", 3306),
    ("svn", 3690),
    ("sieve", 4190),
    ("sip", 5060),
    ("sip-tls", 5061),
    ("sips", 5061),
    ("xmpp-client", 5222),
    ("xmpp-server", 5269),
    ("postgresql", 5432),
    ("http-alt", 8080),
    ("webmin", 10000),
    ("zabbix-agent", 10050),
    ("mongodb", 27017),
];

impl Services {
    /// Reads this machine's file; none is like an empty one.
    pub fn of_this_machine() -> Self {
        Self::parse(&fs::read_to_string("/etc/services").unwrap_or_default())
    }

    /// Reads the text of such a file: `name port/protocol aliases…`, `#` begins a comment. Where a name has
    /// several ports the first one counts.
    pub fn parse(text: &str) -> Self {
        let mut names = BTreeMap::new();
        for line in text.lines() {
            let line = line.split('#').next().unwrap_or_default();
            let mut words = line.split_whitespace();
            let (Some(name), Some(port)) = (words.next(), words.next()) else {
                continue;
            };
            let Some(port) = port.split('/').next().and_then(|port| port.parse().ok()) else {
                continue;
            };
            for name in std::iter::once(name).chain(words) {
                names.entry(name.to_owned()).or_insert(port);
            }
        }
        for (name, port) in BUILT_IN {
            names.entry((*name).to_owned()).or_insert(*port);
        }
        Self(names)
    }

    /// The port that a number or a name stands for.
    pub fn port(&self, text: &str) -> Option<u16> {
        text.parse().ok().or_else(|| self.0.get(text).copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machines_names_beat_the_built_in_ones() {
        let services = Services::parse(
            "# comment\nssh 2222/tcp secure-shell # mine\nssh 22/udp\nbroken\nother x/tcp\n",
        );
        assert_eq!(services.port("ssh"), Some(2222));
        assert_eq!(services.port("secure-shell"), Some(2222));
        assert_eq!(services.port("imaps"), Some(993));
        assert_eq!(services.port("8080"), Some(8080));
        assert_eq!(services.port("65536"), None);
        assert_eq!(services.port("sssh"), None);
        assert_eq!(services.port("-1"), None);
    }
}
