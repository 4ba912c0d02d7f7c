//! fail2ban's `smtp.py`, natively: a letter when a jail starts, when it stops, and for each new ban.
//!
//! The options, subjects and which letters there are fail2ban's; the words are ours. A host without a port means port 25.
//! Bans of an earlier run and the ends of bans are not written about.

use super::hands::Tools;
use super::life::Done;
use super::queue::Job;
use super::ticket::Ticket;
use super::values::Past;
use crate::clock;
use crate::log::Level;
use base::{JailName, Span, Timestamp};
use conf::ActionSpec;
use std::sync::Arc;

mod letter;
mod smtp;
mod wire;

use letter::Letter;
use smtp::{Login, Server};

/// The port of a host that names none.
const PORT: u16 = 25;

/// Which lines a letter about a ban cites.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cited {
    Nothing,
    /// Those of this ban.
    Ban,
    /// Those of all bans of the address.
    Address,
    /// Those of all its bans in this jail.
    AddressInJail,
}

/// What a jail says of its letters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Letters {
    pub(crate) jail: String,
    pub(crate) name: String,
    server: Server,
    from: String,
    sender: String,
    recipients: Vec<String>,
    cited: Cited,
}

impl Letters {
    /// Reads the arguments of the action.
    ///
    /// # Errors
    /// Why no letter could ever be sent.
    pub(crate) fn new(jail: &JailName, action: &ActionSpec) -> Result<Self, String> {
        let get = |key: &str| {
            let value = action.params.get(key).map(|text| text.trim());
            value.filter(|text| !text.is_empty())
        };
        let known = [
            "name",
            "host",
            "ssl",
            "user",
            "password",
            "sendername",
            "sender",
            "dest",
            "matches",
        ];
        if let Some(unknown) = action
            .params
            .keys()
            .find(|key| !known.contains(&key.as_str()))
        {
            return Err(format!("smtp.py has no option {unknown}"));
        }
        let is_yes = |word: &str| {
            let words = ["1", "on", "true", "yes"];
            words.iter().any(|yes| word.eq_ignore_ascii_case(yes))
        };
        let host = get("host").unwrap_or("localhost");
        let (host, port) = host_and_port(host)
            .ok_or_else(|| format!("host = '{host}' is neither a host nor a host and a port"))?;
        let login = get("user").map(|user| Login {
            user: user.to_owned(),
            password: get("password").unwrap_or_default().to_owned(),
        });
        let plain = |text: &str| text.replace(|c: char| c.is_control() || "<>".contains(c), "");
        let sender = plain(get("sender").unwrap_or("fail2ban"));
        let recipients: Vec<String> = get("dest")
            .unwrap_or("root")
            .split(',')
            .map(|one| plain(one.trim()))
            .filter(|one| !one.is_empty())
            .collect();
        if recipients.is_empty() {
            return Err("dest names nobody".into());
        }
        Ok(Self {
            jail: jail.to_string(),
            name: action.actname.clone(),
            server: Server {
                host,
                port,
                encrypts: get("ssl").is_some_and(is_yes),
                login,
            },
            from: plain(get("sendername").unwrap_or("Fail2Ban")),
            sender,
            recipients,
            cited: match get("matches") {
                Some("matches") => Cited::Ban,
                Some("ipmatches") => Cited::Address,
                Some("ipjailmatches") => Cited::AddressInJail,
                _ => Cited::Nothing,
            },
        })
    }

    fn letter(&self, now: Timestamp, subject: &str, body: String) -> Letter {
        Letter {
            from: format!("{} <{}>", self.from, self.sender),
            to: self.recipients.join(", "),
            subject: format!("[Fail2Ban] {}: {subject}", self.jail),
            time: now,
            body,
        }
    }

    fn started(&self, now: Timestamp, machine: &str) -> Letter {
        let body = format!("The jail {} on {machine} has started.\n", self.jail);
        self.letter(now, &format!("started on {machine}"), body)
    }

    fn stopped(&self, now: Timestamp, machine: &str) -> Letter {
        let body = format!("The jail {} on {machine} has stopped.\n", self.jail);
        self.letter(now, &format!("stopped on {machine}"), body)
    }

    fn banned(&self, now: Timestamp, machine: &str, ticket: &Ticket, past: Option<Past>) -> Letter {
        let ip = ticket.ip();
        let length = match ticket.length.map(Span::as_secs) {
            Some(seconds) => format!("for {seconds} seconds"),
            None => "for ever".to_owned(),
        };
        let mut body = format!(
            "{ip} is banned on {machine} {length}, after {} failures in the jail {}.\n",
            ticket.failures, self.jail
        );
        let lines = past.map_or_else(|| ticket.matches.clone(), |past| past.matches);
        let title = match self.cited {
            Cited::Nothing => None,
            Cited::Ban => Some("Lines that led to this ban:".to_owned()),
            Cited::Address => Some(format!("Lines of all bans of {ip}:")),
            Cited::AddressInJail => Some(format!(
                "Lines of all bans of {ip} in the jail {}:",
                self.jail
            )),
        };
        if let Some(title) = title {
            body.push_str(&format!("\n{title}\n{}\n", lines.join("\n")));
        }
        self.letter(now, &format!("banned {ip} from {machine}"), body)
    }
}

/// Writes the letters of one action.
#[derive(Debug)]
pub(crate) struct Mailer {
    letters: Arc<Letters>,
}

impl Mailer {
    pub(crate) fn new(letters: Arc<Letters>) -> Self {
        Self { letters }
    }

    pub(crate) fn letters(&self) -> &Arc<Letters> {
        &self.letters
    }

    /// Writes the letter of a job, if it has one.
    ///
    /// # Errors
    /// What the server said, or why it could not be reached.
    pub(crate) fn perform(&mut self, job: &Job, tools: &Tools) -> Done {
        let letters = &self.letters;
        let (now, machine) = (clock::now(), os::own_name());
        let letter = match job {
            Job::Start => letters.started(now, &machine),
            Job::Stop => letters.stopped(now, &machine),
            Job::Ban(ticket, _) => {
                let jail = (letters.cited == Cited::AddressInJail).then_some(letters.jail.as_str());
                let asks = matches!(letters.cited, Cited::Address | Cited::AddressInJail);
                let past = asks.then(|| tools.history.past(&ticket.ip().to_string(), jail));
                letters.banned(now, &machine, ticket, past.flatten())
            }
            _ => return Ok(()),
        };
        if tools.is_dry_run {
            let text = format!(
                "[{}] dry run: '{}' would send '{}' to {}",
                letters.jail, letters.name, letter.subject, letter.to
            );
            tools.tell(Level::Notice, "actions", &text);
            return Ok(());
        }
        letters.server.send(
            wire::system_roots,
            &machine,
            &letters.sender,
            &letters.recipients,
            &letter.text(),
        )
    }
}

/// A host, with or without a port; an IPv6 address with a port is in brackets.
fn host_and_port(text: &str) -> Option<(String, u16)> {
    if let Some(rest) = text.strip_prefix('[') {
        let (host, port) = rest.split_once(']')?;
        return match port.strip_prefix(':') {
            Some(port) => Some((host.to_owned(), port.parse().ok()?)),
            None if port.is_empty() => Some((host.to_owned(), PORT)),
            None => None,
        };
    }
    match text.split_once(':') {
        Some((host, port)) if !port.contains(':') => {
            Some((host.to_owned(), port.parse().ok()?)).filter(|_| !host.is_empty())
        }
        // No colon, or the colons of an IPv6 address.
        _ => Some((text.to_owned(), PORT)),
    }
}

#[cfg(test)]
pub(crate) mod tests;
