//! `ignorecommand`: a shell command whose exit code says who is ignored (behaviour §4.4).

use super::cache::CacheRules;
use crate::actions::{Counters, For, NoHistory, Template, Ticket, Values};
use base::{Diagnostic, FailureId, Timestamp};
use conf::JailSpec;
use os::ScriptEnd;
use std::ffi::OsStr;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// Bytes of its complaints that our log gets.
const MOST_SHOWN: usize = 200;

/// A jail's command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Command {
    template: Template,
    pub(crate) cache: Option<CacheRules>,
}

/// What came of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Exit code 0.
    Ignored,
    /// Exit code 1.
    NotIgnored,
    /// Anything else, and why; nobody is ignored by it.
    Failed(String),
}

impl Command {
    /// The command of a jail, if it has one.
    pub(crate) fn read(spec: &JailSpec, diagnostics: &mut Vec<Diagnostic>) -> Option<Self> {
        let value = spec.ignorecommand.as_ref()?;
        let cache = CacheRules::read(spec, diagnostics);
        let template = Template::new(&value.text);
        (!template.is_blank()).then_some(Self { template, cache })
    }
}

/// One question, with all that the tags of its command may ask for.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) command: Arc<Command>,
    pub(crate) jail: String,
    ticket: Ticket,
}

impl Question {
    /// About a failure, or about a ban that is known by its id alone.
    pub(crate) fn new(
        command: Arc<Command>,
        jail: String,
        id: FailureId,
        failure: Option<&detect::Failure>,
        now: Timestamp,
    ) -> Self {
        let mut ticket = Ticket::bare(id, now);
        if let Some(failure) = failure {
            ticket.time = failure.time;
            ticket.failures = 1;
            ticket.users = failure.user().map(str::to_owned).into_iter().collect();
            ticket.matches = failure.matches.iter().map(str::to_owned).collect();
            ticket.captures = failure.captures.clone();
        }
        Self {
            command,
            jail,
            ticket,
        }
    }

    /// What the cache knows it by. Nobody is asked for a host's name for it.
    pub(crate) fn cache_key(&self) -> Option<String> {
        let rules = self.command.cache.as_ref()?;
        Some(rules.key(&mut |tag| self.value(tag, &|_| None)))
    }

    fn value(&self, tag: &str, host_of: &dyn Fn(IpAddr) -> Option<String>) -> Option<String> {
        let values = Values {
            jail: &self.jail,
            ticket: Some(&self.ticket),
            family: For::Any,
            bantime: None,
            now: self.ticket.time,
            counters: Counters::default(),
            history: &NoHistory,
            host_of,
        };
        values.of(tag)
    }

    /// Runs the command and waits for its answer, a minute at most.
    pub(crate) fn answer(&self, hurry: &dyn Fn() -> bool) -> Verdict {
        let template = &self.command.template;
        let script = template.fill(&mut |tag| self.value(tag, &os::host_of));
        let values = script.arguments();
        let values: Vec<&OsStr> = values.iter().map(AsRef::as_ref).collect();
        let ran = match os::run_script(script.text.as_ref(), &values, PATIENCE, hurry) {
            Ok(ran) => ran,
            Err(error) => return Verdict::Failed(format!("cannot be started: {error}")),
        };
        let how = match ran.end {
            _ if ran.timed_out => "had no answer within 60 seconds".to_owned(),
            ScriptEnd::Code(0) => return Verdict::Ignored,
            ScriptEnd::Code(1) => return Verdict::NotIgnored,
            ScriptEnd::Code(code) => format!("returned {code}, which is neither 0 (ignored) nor 1"),
            ScriptEnd::Signal(signal) => format!("was ended by signal {signal}"),
        };
        let said = String::from_utf8_lossy(&ran.stderr);
        let said: String = said.trim().chars().take(MOST_SHOWN).collect();
        Verdict::Failed(if said.is_empty() {
            how
        } else {
            format!("{how}: {said}")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(command: &str, id: &str, expected: Verdict) {
        let id = id.into();
        let command = Command {
            template: Template::new(command),
            cache: None,
        };
        let now = Timestamp::from_secs(7);
        let question = Question::new(Arc::new(command), "j".to_owned(), id, None, now);
        let text = &question.command.template;
        assert_eq!(question.answer(&|| false), expected, "{text:?}");
    }

    #[test]
    fn the_exit_code_is_the_answer() {
        let address = "192.0.2.1";
        check("exit 0", address, Verdict::Ignored);
        check("test <ip> = 192.0.2.1", address, Verdict::Ignored);
        let tags = "test <fid>-<jail.name>-<family> = 192.0.2.1-j-inet4";
        check(tags, address, Verdict::Ignored);
        check("test <ip> = 192.0.2.2", address, Verdict::NotIgnored);
        check("test \"<F-USER>\" = ''", address, Verdict::Ignored);
        let failed = |text: &str| Verdict::Failed(text.to_owned());
        let told = failed("returned 3, which is neither 0 (ignored) nor 1: oh");
        check("echo oh >&2; exit 3", address, told);
        check("kill -9 $$", address, failed("was ended by signal 9"));
    }

    #[test]
    fn an_id_is_no_part_of_the_script() {
        check(
            "test \"<fid>\" = '$(exit 3)'",
            "$(exit 3)",
            Verdict::Ignored,
        );
        check("test \"<ip>\" = 'a;b'", "a;b", Verdict::Ignored);
        check(
            "test '<family>-<ip-rev>-' = None--",
            "mallory",
            Verdict::Ignored,
        );
    }
}
