//! The values of tags that a ban has (behaviour §5.5).
//!
//! A value is worked out only if a command has a place for it: to ask for a host's name or the history of an address
//! takes time.

use super::definition::For;
use super::ticket::Ticket;
use base::{Family, Prefix, Span, Timestamp};
use conf::literal;
use std::net::IpAddr;

/// What is known of an address from earlier bans.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Past {
    /// Failures of all bans.
    pub(crate) failures: u64,
    /// Their matched lines, oldest first.
    pub(crate) matches: Vec<String>,
}

/// Who remembers earlier bans. It may wait for a disk: only an action's own thread asks.
pub(crate) trait History: Send + Sync {
    /// What is known of this id, in one jail or in all; nothing if nobody knows, and then the ban speaks for itself.
    fn past(&self, id: &str, jail: Option<&str>) -> Option<Past>;
}

/// Nobody remembers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NoHistory;

impl History for NoHistory {
    fn past(&self, _id: &str, _jail: Option<&str>) -> Option<Past> {
        None
    }
}

/// The counters of a jail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counters {
    pub(crate) banned: u64,
    pub(crate) banned_total: u64,
    pub(crate) found: u64,
    pub(crate) found_total: u64,
}

/// Where values come from.
pub(crate) struct Values<'a> {
    pub(crate) jail: &'a str,
    /// `None` where the command is about no ban.
    pub(crate) ticket: Option<&'a Ticket>,
    /// For whom the command runs, where it is about no ban.
    pub(crate) family: For,
    /// How long the jail's bans last; `None` for ever.
    pub(crate) bantime: Option<Span>,
    pub(crate) now: Timestamp,
    pub(crate) counters: Counters,
    pub(crate) history: &'a dyn History,
    /// The name of an address, if somebody knows one.
    pub(crate) host_of: &'a dyn Fn(IpAddr) -> Option<String>,
}

/// True for a tag that needs the counters of the jail.
pub(crate) fn is_counter(tag: &str) -> bool {
    tag.starts_with("jail.")
}

/// True for a tag that needs the lines of a ban.
pub(crate) fn is_lines(tag: &str) -> bool {
    matches!(
        tag,
        "matches" | "ipmatches" | "ipjailmatches" | "raw-ticket" | "F-MATCHES" | "F-*"
    )
}

impl Values<'_> {
    /// The value of a tag; `None` for what is none of a ban's.
    pub(crate) fn of(&self, tag: &str) -> Option<String> {
        if let Some(name) = tag.strip_prefix("F-") {
            return self.captured(name);
        }
        if let Some(counter) = tag.strip_prefix("jail.") {
            let Counters {
                banned,
                banned_total,
                found,
                found_total,
            } = self.counters;
            return match counter {
                "name" => Some(self.jail.to_owned()),
                "banned" => Some(banned.to_string()),
                "banned_total" => Some(banned_total.to_string()),
                "found" => Some(found.to_string()),
                "found_total" => Some(found_total.to_string()),
                _ => None,
            };
        }
        let Some(ticket) = self.ticket else {
            return self.without_ban(tag);
        };
        Some(match tag {
            "ip" => ticket.ip().to_string(),
            "fid" => ticket.id.to_string(),
            "family" => ticket.family().word().to_owned(),
            "ip-rev" => ticket.prefix().map_or_else(String::new, reversed),
            "ip-host" => {
                let host = ticket.prefix().filter(Prefix::is_host);
                let name = host.and_then(|host| (self.host_of)(host.address()));
                name.unwrap_or_else(|| "None".into())
            }
            "failures" => ticket.failures.to_string(),
            "time" => time(ticket.time, ticket.restored),
            "bantime" => seconds(ticket.length).to_string(),
            "bancount" => ticket.count.to_string(),
            "restored" => u8::from(ticket.restored).to_string(),
            "matches" => ticket.matches.join("\n"),
            "ipmatches" | "ipjailmatches" => match self.past(ticket, tag == "ipjailmatches") {
                Some(past) => past.matches.join("\n"),
                None => ticket.matches.join("\n"),
            },
            "ipfailures" | "ipjailfailures" => match self.past(ticket, tag == "ipjailfailures") {
                Some(past) => past.failures.to_string(),
                None => ticket.failures.to_string(),
            },
            "raw-ticket" => raw(ticket),
            _ => return None,
        })
    }

    fn past(&self, ticket: &Ticket, in_jail: bool) -> Option<Past> {
        let jail = in_jail.then_some(self.jail);
        self.history.past(&ticket.ip().to_string(), jail)
    }

    /// The same where there is no ban: at a start, a stop, a check.
    fn without_ban(&self, tag: &str) -> Option<String> {
        Some(match tag {
            "ip" | "fid" | "ip-rev" | "matches" | "ipmatches" | "ipjailmatches" => String::new(),
            "family" => self.family.word().to_owned(),
            "ip-host" => "None".to_owned(),
            "failures" | "ipfailures" | "ipjailfailures" | "bancount" | "restored" => {
                "0".to_owned()
            }
            "time" => time(self.now, false),
            "bantime" => seconds(self.bantime).to_string(),
            "raw-ticket" => {
                let time = time(self.now, false);
                format!("BanTicket: ip= time={time} bantime=None bancount=0 #attempts=0 matches=[]")
            }
            _ => return None,
        })
    }

    /// A capture by the name in its tag; none is the empty text, and what is no name stays as it is.
    fn captured(&self, name: &str) -> Option<String> {
        let is_name = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || "_-".contains(c);
        if name != "*" && (name.is_empty() || !name.chars().all(is_name)) {
            return None;
        }
        let Some(ticket) = self.ticket else {
            return Some(String::new());
        };
        Some(match name {
            "*" => all(ticket),
            "USER" => ticket.users.first().cloned().unwrap_or_default(),
            "USERS" if ticket.users.len() > 1 => set(&ticket.users),
            "MATCHES" => list(&ticket.matches),
            "FAILURES" => ticket.failures.to_string(),
            name => {
                let value = ticket.captures.get(&capture_key(name));
                value.unwrap_or_default().to_owned()
            }
        })
    }
}

/// The name of a capture, by the name in its tag.
pub(crate) fn capture_key(name: &str) -> String {
    match name {
        "ID" => "fid".into(),
        "PORT" => "fport".into(),
        name => name.to_ascii_lowercase(),
    }
}

/// Seconds as fail2ban's actions get them: with a fraction, except in a restored ban.
fn time(time: Timestamp, restored: bool) -> String {
    match restored {
        true => time.as_secs().to_string(),
        false => format!("{:?}", time.as_secs_f64()),
    }
}

fn seconds(length: Option<Span>) -> i64 {
    length.map_or(-1, Span::as_secs)
}

/// The address as the reversed zones of the name service have it. Of an IPv4 network the last label keeps its length
/// (`0/24.2.0.192.`), as fail2ban writes it.
fn reversed(prefix: Prefix) -> String {
    let mut labels: Vec<String> = match prefix.address() {
        IpAddr::V4(address) => address.octets().map(|octet| octet.to_string()).to_vec(),
        IpAddr::V6(address) => {
            let halves = |octet: u8| [octet >> 4, octet & 15];
            let nibbles = address.octets().into_iter().flat_map(halves);
            nibbles.map(|nibble| format!("{nibble:x}")).collect()
        }
    };
    if !prefix.is_host()
        && prefix.family() == Family::Inet4
        && let Some(last) = labels.last_mut()
    {
        last.push_str(&format!("/{}", prefix.length()));
    }
    labels.reverse();
    labels.push(String::new());
    labels.join(".")
}

/// The ban in words, for whoever looks for a mistake.
fn raw(ticket: &Ticket) -> String {
    format!(
        "BanTicket: ip={} time={} bantime={} bancount={} #attempts={} matches={}",
        ticket.id,
        time(ticket.time, ticket.restored),
        seconds(ticket.length),
        ticket.count,
        ticket.failures,
        list(&ticket.matches)
    )
}

fn list(texts: &[String]) -> String {
    let quoted: Vec<String> = texts.iter().map(|text| literal(text)).collect();
    format!("[{}]", quoted.join(", "))
}

fn set(texts: &[String]) -> String {
    let quoted: Vec<String> = texts.iter().map(|text| literal(text)).collect();
    format!("{{{}}}", quoted.join(", "))
}

/// Everything captured, as Python would print it.
fn all(ticket: &Ticket) -> String {
    let mut pairs = vec![
        ("matches", list(&ticket.matches)),
        ("failures", ticket.failures.to_string()),
    ];
    match ticket.users.as_slice() {
        [] => {}
        [user] => pairs.push(("user", literal(user))),
        users => pairs.push(("users", set(users))),
    }
    let captures = ticket.captures.iter();
    pairs.extend(captures.map(|(name, value)| (name, literal(value))));
    let pairs: Vec<String> = pairs
        .iter()
        .map(|(name, value)| format!("{}: {value}", literal(name)))
        .collect();
    format!("{{{}}}", pairs.join(", "))
}

#[cfg(test)]
mod tests;
