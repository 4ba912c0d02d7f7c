//! Options that concern no single jail: fail2ban.conf and our own stockade.conf, the former over the latter.

use crate::interp::{Scope, fault};
use crate::layers::{self, Merged};
use crate::options::is_true;
use crate::spec::{Globals, Value};
use crate::tree::Source;
use base::{Diagnostic, Severity, Span, parse_duration};
use std::rc::Rc;

/// Levels of fail2ban's log, besides plain numbers.
const LEVELS: &[&str] = &[
    "CRITICAL",
    "ERROR",
    "WARNING",
    "NOTICE",
    "INFO",
    "DEBUG",
    "TRACEDEBUG",
    "HEAVYDEBUG",
    "MSG",
];

const DAY: Span = Span::from_secs(86_400);

/// Reads them; what cannot be used is replaced by its default, and said.
pub(crate) fn read(source: Source<'_>, faults: &mut Vec<Diagnostic>) -> Globals {
    let layers = ["stockade", "fail2ban"];
    let layers = layers
        .iter()
        .filter_map(|name| layers::read(source, name, faults))
        .collect();
    let mut reader = Reader { layers, faults };
    Globals {
        loglevel: reader
            .checked("loglevel", "INFO", |text| {
                let is_number = text.parse::<u32>().is_ok();
                let known = is_number || LEVELS.contains(&text.to_uppercase().as_str());
                known.then(|| text.to_owned())
            })
            .unwrap_or_else(|| "INFO".into()),
        logtarget: reader.text("logtarget"),
        syslogsocket: reader.text("syslogsocket"),
        allowipv6: reader.text("allowipv6").unwrap_or_else(|| "auto".into()),
        dbpurgeage: reader
            .checked("dbpurgeage", "1d", |text| {
                let seconds = parse_duration(text).ok()?;
                seconds.is_finite().then(|| Span::from_secs_f64(seconds))
            })
            .unwrap_or(DAY),
        dbmaxmatches: reader
            .checked("dbmaxmatches", "10", |text| text.parse().ok())
            .unwrap_or(10),
        dbfile: reader.text("dbfile"),
        socket: reader.text("socket"),
        table_owner: reader.is_not_denied("table_owner"),
        banaction_native: reader.is_not_denied("banaction_native"),
        bans_in_name: false,
        embedded: source.tree.embedded,
    }
}

impl Globals {
    /// What fail2ban's server begins with, before anybody has told it anything.
    pub fn of_server() -> Self {
        Self {
            loglevel: "INFO".into(),
            logtarget: None,
            syslogsocket: None,
            allowipv6: "auto".into(),
            dbpurgeage: DAY,
            dbmaxmatches: 10,
            dbfile: None,
            socket: None,
            table_owner: true,
            banaction_native: false,
            bans_in_name: true,
            embedded: false,
        }
    }
}

struct Reader<'a> {
    layers: Vec<Rc<Merged>>,
    faults: &'a mut Vec<Diagnostic>,
}

impl Reader<'_> {
    fn value(&mut self, key: &str) -> Option<Value> {
        let mut found = None;
        for merged in &self.layers {
            match Scope::new(merged, "Definition").get(key) {
                Ok(Some(text)) => found = Some(text.value()),
                Ok(None) => {}
                Err(fault) => {
                    let message = format!("{}; the default is taken instead", fault.message);
                    self.faults.push(Diagnostic {
                        severity: Severity::Warning,
                        message,
                        ..fault
                    });
                }
            }
        }
        found.filter(|value| !value.text.trim().is_empty())
    }

    fn text(&mut self, key: &str) -> Option<String> {
        self.value(key).map(|value| value.text)
    }

    fn is_not_denied(&mut self, key: &str) -> bool {
        self.text(key).is_none_or(|text| is_true(&text))
    }

    fn checked<T>(
        &mut self,
        key: &str,
        instead: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let value = self.value(key)?;
        let text = value.text.trim();
        let parsed = parse(text);
        if parsed.is_none() {
            let message = format!("{key} = '{text}' cannot be used; {instead} is taken instead");
            self.faults.push(Diagnostic {
                severity: Severity::Warning,
                help: Some("correct the value, or delete the line".into()),
                ..fault(&message, &value.origin, Some(text))
            });
        }
        parsed
    }
}
