//! The configuration as it runs: what a reload brings and what the commands of clients change, before it is compiled.
//!
//! fail2ban's server is told by commands what its jails are, at the start and at any time later. Here such a command
//! changes a jail's spec and nothing else; whoever holds the setup compiles the spec and goes over to it as with a
//! reload, so that there is one road for every change. Pure: no file, no clock, no channel.

use base::{JailName, Origin, Span};
use conf::{
    ActionSpec, BackendSpec, Config, Enabled, FilterSpec, Globals, Increment, JailSpec,
    Value as Written,
};
use std::collections::BTreeMap;
use wire::fail2ban::{Exception, Value};

mod action;
mod command;
pub(crate) mod fault;
mod filter;
mod global;
mod options;
mod stream;
mod words;

pub(crate) use stream::Reload;
pub(crate) use words::seconds;

/// What runs, and what was added and does not run yet.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    /// What concerns no single jail.
    pub(crate) globals: Globals,
    jails: Vec<Configured>,
}

/// One jail, as commands see it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Configured {
    /// What it is.
    pub(crate) spec: JailSpec,
    /// It was told to start; one that was only added waits for that.
    pub(crate) is_started: bool,
    /// It was told to read nothing for now.
    pub(crate) is_idle: bool,
    /// `bantime.*` as it was given, the prefix left out: clients get it back so.
    growth: BTreeMap<String, Value>,
}

impl Setup {
    /// What a configuration that was read says.
    pub(crate) fn of(config: &Config) -> Self {
        let jails = config.jails.iter().map(|spec| Configured {
            growth: options::growth_of(&spec.increment),
            spec: spec.clone(),
            is_started: true,
            is_idle: false,
        });
        Self {
            globals: config.globals.clone(),
            jails: jails.collect(),
        }
    }

    /// No jail yet.
    pub(crate) fn empty(globals: Globals) -> Self {
        Self {
            globals,
            jails: Vec::new(),
        }
    }

    /// What is to run.
    pub(crate) fn config(&self) -> Config {
        let started = self.jails.iter().filter(|jail| jail.is_started);
        Config {
            globals: self.globals.clone(),
            jails: started.map(Configured::running).collect(),
            broken: Vec::new(),
        }
    }

    /// All jails, in the order in which they came.
    pub(crate) fn jails(&self) -> &[Configured] {
        &self.jails
    }

    /// The jail of this name.
    pub(crate) fn jail(&self, name: &str) -> Result<&Configured, Exception> {
        let found = self
            .jails
            .iter()
            .find(|jail| jail.spec.name.as_str() == name);
        found.ok_or_else(|| fault::unknown_jail(name))
    }

    pub(crate) fn jail_mut(&mut self, name: &str) -> Result<&mut Configured, Exception> {
        let found = self
            .jails
            .iter_mut()
            .find(|jail| jail.spec.name.as_str() == name);
        found.ok_or_else(|| fault::unknown_jail(name))
    }

    /// `add J BACKEND`.
    pub(crate) fn add(&mut self, words: &[Value]) -> Result<Value, Exception> {
        let name = words::text(words, 0)?;
        if name == "--all" {
            return Err(fault::exception(format!("Reserved name '{name}'")));
        }
        let backend = words
            .get(1)
            .map_or_else(|| "auto".to_owned(), ToString::to_string);
        if self.jail(&name).is_ok() {
            return Err(fault::duplicate_jail(&name));
        }
        let backend = options::backend(&backend)?;
        self.jails.push(Configured::new(&name, backend));
        Ok(Value::Str(name))
    }

    /// `start J`.
    pub(crate) fn start(&mut self, name: &str) -> Result<Value, Exception> {
        self.jail_mut(name)?.is_started = true;
        Ok(Value::None)
    }

    /// `stop J`.
    pub(crate) fn stop(&mut self, name: &str) -> Result<Value, Exception> {
        self.jail(name)?;
        self.jails.retain(|jail| jail.spec.name.as_str() != name);
        Ok(Value::None)
    }

    /// Leaves only these jails.
    pub(crate) fn retain(&mut self, stays: impl FnMut(&Configured) -> bool) {
        self.jails.retain(stays);
    }

    /// `multi-set J OPTION …`; `words` begins with the option.
    pub(crate) fn set_many(&mut self, jail: &str, words: &[Value]) -> Result<Value, Exception> {
        self.jail_mut(jail)?.set_many(words)?;
        Ok(Value::None)
    }

    fn replace(&mut self, jail: Configured) {
        match self.jail_mut(jail.spec.name.as_str()) {
            Ok(now) => *now = jail,
            Err(_) => self.jails.push(jail),
        }
    }
}

impl Configured {
    /// A jail of which nothing is said yet, with the values that fail2ban's server begins with.
    fn new(name: &str, backend: BackendSpec) -> Self {
        let origin = said(name);
        let spec = JailSpec {
            name: JailName::new(name),
            enabled: Enabled::Yes,
            backend,
            logpath: Vec::new(),
            logencoding: written("auto"),
            filter: FilterSpec {
                name: String::new(),
                options: Vec::new(),
                prefregex: None,
                failregex: Vec::new(),
                ignoreregex: Vec::new(),
                maxlines: 1,
                maxlines_given: false,
                datepattern: None,
                journalmatch: Vec::new(),
                usedns: conf::UseDns::Warn,
                logtimezone: None,
                logtype_journal: false,
                needs: None,
            },
            maxretry: 3,
            maxmatches: 5,
            findtime: Span::from_secs(600),
            bantime: Some(Span::from_secs(600)),
            ignoreself: true,
            ignoreip: Vec::new(),
            ignorecommand: None,
            ignorecache: None,
            increment: Increment::default(),
            actions: Vec::new(),
            trusted_uid: Vec::new(),
            ipv6_prefix: 128,
            ipv4_prefix: 32,
            aggregate: Vec::new(),
            origin,
        };
        Self {
            spec,
            is_started: false,
            is_idle: false,
            growth: BTreeMap::new(),
        }
    }

    /// The spec that is compiled: one that is idle has nothing to read.
    fn running(&self) -> JailSpec {
        let mut spec = self.spec.clone();
        for action in &mut spec.actions {
            action.stock = action.stock.take().or_else(|| conf::native_ban(action));
        }
        if self.is_idle {
            spec.logpath.clear();
            spec.filter.journalmatch.clear();
            spec.backend = BackendSpec {
                name: "polling".into(),
                options: Vec::new(),
                ..spec.backend
            };
        }
        spec
    }

    fn action_mut(&mut self, name: &str) -> Result<&mut ActionSpec, Exception> {
        let found = self
            .spec
            .actions
            .iter_mut()
            .find(|action| action.actname == name);
        found.ok_or_else(|| fault::no_action(name))
    }

    fn action(&self, name: &str) -> Result<&ActionSpec, Exception> {
        let found = self
            .spec
            .actions
            .iter()
            .find(|action| action.actname == name);
        found.ok_or_else(|| fault::no_action(name))
    }
}

/// A value that a command gave; it stands in no file.
fn written(text: &str) -> Written {
    Written {
        text: text.to_owned(),
        origin: said(text),
    }
}

fn said(text: &str) -> Origin {
    Origin {
        file: "command".into(),
        line: 0,
        text: text.into(),
    }
}

#[cfg(test)]
mod tests;
