//! Lines known to hang engines that try alternatives, each for a stock pattern; some were an advisory, one is what
//! rsyslog writes on any day.

use crate::trees::Stock;
use detect::pyre::Regex;

/// A line for a pattern.
pub(crate) struct Famous {
    pub(crate) name: &'static str,
    /// The filter's name, and what the pattern contains.
    filter: &'static str,
    part: &'static str,
    /// How often the evil part comes.
    pub(crate) count: usize,
    /// What stands before the evil part, that part, and what comes after it.
    parts: [&'static str; 3],
}

pub(crate) const FAMOUS: &[Famous] = &[
    Famous {
        name: "domino-smtp of 1.0.2, words before the address (GHSA-33wh-ccjc-p397)",
        filter: "domino-smtp",
        part: r"smtp: (?:[^\[]+ )*",
        count: 40,
        parts: ["smtp: ", "a ", "!\n"],
    },
    Famous {
        name: "dovecot of 1.0.2, reasons of a disconnection (GHSA-33wh-ccjc-p397)",
        filter: "dovecot",
        part: r"Disconnected|Remote closed connection|Client has quit the connection)(?:: ",
        count: 40,
        parts: ["Disconnected", ": a", " !\n"],
    },
    Famous {
        name: "exim mode=aggressive, 25 quotes in an SMTP command",
        filter: "exim",
        part: "SMTP protocol error in",
        count: 25,
        parts: [" SMTP protocol error in \"AUTH ", "\"", "x [192.0.2.1] !\n"],
    },
    Famous {
        name: "lighttpd-auth, 800 blanks in the user",
        filter: "lighttpd-auth",
        part: "digest: auth failed",
        count: 800,
        parts: [
            ": (mod_auth.c.1) password doesn't match for /x username:",
            " ",
            "!\n",
        ],
    },
    Famous {
        name: "grafana, 30 keys",
        filter: "grafana",
        part: "Invalid username or password",
        count: 30,
        parts: [" msg=\"Invalid username or password\"", " a=\"b\"", " !\n"],
    },
    Famous {
        name: "prefix of rfc5424 logs, rsyslog's timeQuality",
        filter: "asterisk[logtype=rfc5424]",
        part: r#"(?:\[(?:[^\]"]*|"[^"]*")*\])+"#,
        count: 1,
        parts: [
            " host asterisk 123 - ",
            "[timeQuality tzKnown=\"1\" isSynced=\"0\"]",
            " hello world\n",
        ],
    },
];

impl Famous {
    /// The line, with the evil part this many times.
    pub(crate) fn line(&self, count: usize) -> String {
        let [before, evil, after] = self.parts;
        format!("{before}{}{after}", evil.repeat(count))
    }

    /// The patterns that it is for, among those at hand.
    pub(crate) fn patterns<'s>(&self, stock: &'s [Stock]) -> Vec<(&'s str, &'s Regex)> {
        let named = stock.iter().filter(|one| one.name.contains(self.filter));
        let all = named.flat_map(|one| one.regexes().map(|regex| (one.name.as_str(), regex)));
        all.filter(|(_, regex)| regex.pattern().contains(self.part))
            .collect()
    }
}
