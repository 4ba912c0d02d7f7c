//! Lines of a server, and the filter that reads them.

use detect::{Rule, RuleSource, UseDns};
use jiff::tz::TimeZone;

/// 24 November 2026, 12:00.
pub(crate) const NOW: i64 = 1_795_521_600;
pub(crate) static UTC: TimeZone = TimeZone::UTC;

const CRON: &str =
    "CRON[1529]: pam_unix(cron:session): session opened for user root(uid=0) by (uid=0)";
const SUDO: &str = "sudo:   alice : TTY=pts/0 ; PWD=/home/alice ; USER=root ; COMMAND=/usr/bin/systemctl status nginx";
const PAM: &str = "sshd[2066]: pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= \
                   rhost=192.0.2.17  user=root";
const FAILED: &str = "sshd[2066]: Failed password for root from 192.0.2.17 port 51234 ssh2";
const INVALID: &str = "sshd[2067]: Invalid user oracle from 192.0.2.18 port 51235";
const BANNER: &str =
    "sshd[2068]: banner exchange: Connection from 192.0.2.19 port 51236: invalid format";

/// A line without its date, by a short name.
pub(crate) fn line(name: &str) -> &'static str {
    let known = [
        ("cron", CRON),
        ("pam", PAM),
        ("failed", FAILED),
        ("invalid", INVALID),
        ("banner", BANNER),
    ];
    known.iter().find(|(known, _)| *known == name).unwrap().1
}

const FILTER: &str = include_str!("../../../../config/filter.d/sshd.conf");

/// The built-in filter for sshd in its usual mode, compiled.
pub(crate) fn rule() -> Rule {
    let option = |name: &str| -> Vec<&str> {
        let begin = FILTER.find(&format!("\n{name} =")).unwrap() + name.len() + 3;
        let values = FILTER[begin..].lines().enumerate();
        let values = values.take_while(|(n, line)| *n == 0 || line.starts_with(' '));
        let values = values.map(|(_, line)| line.trim());
        values
            .filter(|value| !value.starts_with("<more-"))
            .collect()
    };
    let (prefregex, failregex) = (option("prefregex"), option("failregex"));
    let source = RuleSource {
        prefregex: prefregex.first().copied(),
        failregex: &failregex,
        ignoreregex: &[],
        maxlines: 1,
        datepattern: Some("{^LN-BEG}\n^<\\d{1,3}>1 {DATE}"),
        logtimezone: None,
        usedns: UseDns::Warn,
        start_year: 2026,
    };
    Rule::compile(&source).unwrap()
}

/// The same text at the seconds of one hour, from 10:00 on.
pub(crate) fn seconds(count: usize, text: &str) -> Vec<String> {
    let stamped = |n: usize| format!("Nov 24 10:{:02}:{:02} host {text}", n / 60 % 60, n % 60);
    (0..count).map(stamped).collect()
}

/// A mix of lines, ten a second.
pub(crate) fn log(count: usize) -> Vec<String> {
    let mix = [CRON, CRON, PAM, SUDO, CRON, FAILED, SUDO, CRON, PAM, CRON];
    let stamped = |n: usize| {
        let second = n / mix.len();
        let (minute, second) = (second / 60 % 60, second % 60);
        format!(
            "Nov 24 10:{minute:02}:{second:02} host {}",
            mix[n % mix.len()]
        )
    };
    (0..count).map(stamped).collect()
}
