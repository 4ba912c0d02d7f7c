//! Many commands at once: what fail2ban's client makes of a configuration, at the start or for a reload.
//!
//! The original applies them one by one and leaves everything half done at the first mistake. Here a mistake costs the
//! jail that it is in, which stays as it was; what the configuration does not mention and a client has set stays, too.

use super::words::text;
use super::{Configured, Setup, options};
use base::JailName;
use std::collections::{BTreeMap, BTreeSet};
use wire::fail2ban::{Exception, Value};

/// What a stream is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reload<'a> {
    /// All jails: those that it does not name are gone.
    All,
    /// This one alone.
    Jail(&'a str),
}

/// What came of a stream.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Applied {
    /// Commands that concern no jail, in their order; they are for somebody else.
    pub(crate) others: Vec<Vec<Value>>,
    /// Jails whose new form is wrong; they are as before, if they were there.
    pub(crate) wrong: BTreeMap<JailName, Exception>,
}

impl Setup {
    /// Goes over to what the commands say.
    pub(crate) fn apply(&mut self, what: Reload<'_>, commands: &[Value]) -> Applied {
        let before = self.clone();
        let mut applied = Applied::default();
        let mut named = BTreeSet::new();
        for command in commands {
            let Some(words) = command.items() else {
                continue;
            };
            let Some(jail) = jail_of(words) else {
                applied.others.push(words.to_vec());
                continue;
            };
            if applied.wrong.contains_key(&JailName::new(&jail)) {
                continue;
            }
            let is_first = named.insert(jail.clone());
            if let Err(wrong) = self.apply_one(&jail, words, is_first) {
                self.undo(&before, &jail);
                applied.wrong.insert(JailName::new(&jail), wrong);
            }
        }
        self.jails.retain(|jail| match what {
            Reload::All => named.contains(jail.spec.name.as_str()),
            Reload::Jail(_) => true,
        });
        applied
    }

    /// Back to what a jail was.
    pub(crate) fn undo(&mut self, before: &Self, jail: &str) {
        match before.jail(jail) {
            Ok(known) => self.replace(known.clone()),
            Err(_) => self.jails.retain(|one| one.spec.name.as_str() != jail),
        }
    }

    fn apply_one(&mut self, name: &str, words: &[Value], is_first: bool) -> Result<(), Exception> {
        if is_first && let Ok(jail) = self.jail_mut(name) {
            jail.forget_lists();
        }
        match text(words, 0)?.as_str() {
            "add" => match self.jail_mut(name) {
                Ok(jail) => {
                    let backend = text(words, 2)?;
                    jail.spec.backend = options::backend(&backend)?;
                }
                Err(_) => drop(self.add(&words[1..])?),
            },
            "start" => drop(self.start(name)?),
            "multi-set" => self.jail_mut(name)?.set_many(&words[2..])?,
            _ => self.jail_mut(name)?.set_unchecked(&words[2..])?,
        }
        Ok(())
    }
}

impl Configured {
    /// What a stream says anew, whole.
    fn forget_lists(&mut self) {
        let spec = &mut self.spec;
        spec.filter.failregex.clear();
        spec.filter.ignoreregex.clear();
        spec.filter.journalmatch.clear();
        spec.ignoreip.clear();
        spec.logpath.clear();
        spec.actions.clear();
        self.is_idle = false;
    }
}

/// The jail that a command of a stream is about.
fn jail_of(words: &[Value]) -> Option<String> {
    let command = text(words, 0).ok()?;
    let about = match command.as_str() {
        "add" | "start" => 2,
        // With two words it would set something of the server.
        "set" | "multi-set" => 4,
        _ => return None,
    };
    let is_servers = command == "set" && words.len() < about;
    (words.len() >= about.min(2) && !is_servers)
        .then(|| text(words, 1).ok())
        .flatten()
}
