//! Questions to `ignorecommand`: each in a thread of its own, which the hub does not wait for.

use super::cache::Cache;
use super::command::{Command, Question, Verdict};
use super::line::{About, Line, Whom};
use crate::actions::newest;
use crate::clock;
use crate::hub::Message;
use crate::last_words::LastWords;
use crate::plan::Jail;
use base::{FailureId, Texts};
use engine::JailId;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

/// How long the end waits for scripts that are told to end: TERM, and KILL a moment later.
const FAREWELL: Duration = Duration::from_secs(2);

/// The answer to one question.
pub(crate) struct Answer {
    pub(crate) whom: Whom,
    /// Where the cache keeps it.
    key: Option<String>,
    pub(crate) verdict: Verdict,
}

/// What became of the next question.
pub(crate) enum Begun {
    /// It runs; the answer comes as a message.
    Runs,
    /// Its answer is known.
    Known(Whom, bool),
}

/// The commands of all jails and the questions to them. The hub owns it.
pub(crate) struct Questions {
    /// By the jail's number.
    commands: Vec<Option<(String, Arc<Command>)>>,
    caches: HashMap<JailId, Cache>,
    line: Line<detect::Failure>,
    hub: Sender<Message>,
    hurry: Arc<AtomicBool>,
    /// Each question's thread holds the one end, so that the other one hears when all are gone.
    alive: (Sender<()>, Receiver<()>),
}

fn commands(jails: &[Jail]) -> Vec<Option<(String, Arc<Command>)>> {
    let command = |jail: &Jail| {
        let command = jail.ignore_command.clone()?;
        Some((jail.name.to_string(), command))
    };
    jails.iter().map(command).collect()
}

impl Questions {
    pub(crate) fn new(jails: &[Jail], hub: Sender<Message>) -> Self {
        Self {
            commands: commands(jails),
            caches: HashMap::new(),
            line: Line::default(),
            hub,
            hurry: Arc::default(),
            alive: channel(),
        }
    }

    /// These are the jails from now on. What was answered is forgotten, as in fail2ban.
    pub(crate) fn change(&mut self, jails: &[Jail]) {
        self.commands = commands(jails);
        self.caches.clear();
    }

    /// True if the jail has a command.
    pub(crate) fn concern(&self, jail: JailId) -> bool {
        self.command(jail).is_some()
    }

    fn command(&self, jail: JailId) -> Option<&(String, Arc<Command>)> {
        self.commands.get(jail.0 as usize)?.as_ref()
    }

    /// Lines a failure up, with as much text as a ban keeps. If too many wait, gives one that nobody is asked about.
    pub(crate) fn push(
        &mut self,
        jail: JailId,
        id: &FailureId,
        found: &detect::Failure,
    ) -> Option<(Whom, detect::Failure)> {
        let short = |texts: &Texts| -> Texts {
            let from = newest(texts.iter().map(str::len));
            texts.iter().skip(from).collect()
        };
        let failure = detect::Failure {
            id: found.id.clone(),
            address: found.address,
            hostname: found.hostname.clone(),
            time: found.time,
            rule: found.rule,
            users: short(&found.users),
            captures: found.captures.clone(),
            matches: short(&found.matches),
            weight: found.weight,
        };
        self.line.push((jail, id.clone()), failure)
    }

    /// Lines up a ban that stood at the start.
    pub(crate) fn push_stored(&mut self, jail: JailId, id: FailureId) {
        self.line.push_stored(jail, id);
    }

    /// Begins the next question, if a hand is free. Whose ban stands need not be asked about when failing again.
    pub(crate) fn begin(
        &mut self,
        is_banned: impl Fn(JailId, &FailureId) -> bool,
    ) -> Option<Begun> {
        let now = clock::now();
        let (whom, about) = self.line.next()?;
        let (jail, id) = &whom;
        if matches!(about, About::Failures(_)) && is_banned(*jail, id) {
            return Some(Begun::Known(whom, false));
        }
        let command = self.commands.get(jail.0 as usize).and_then(Option::as_ref);
        let Some((name, command)) = command else {
            // The configuration has lost it meanwhile.
            return Some(Begun::Known(whom, false));
        };
        let failure = match about {
            About::Failures(failures) => failures.first(),
            About::Ban => None,
        };
        let (name, command) = (name.clone(), Arc::clone(command));
        let question = Question::new(command, name, id.clone(), failure, now);
        let key = question.cache_key();
        if let (Some(rules), Some(key)) = (&question.command.cache, &key)
            && let Some(cache) = self.caches.get(jail)
            && let Some(ignored) = cache.find(rules, now, key)
        {
            return Some(Begun::Known(whom, ignored));
        }
        let part = format!("ignorecommand's thread of [{}]", question.jail);
        let words = LastWords::new(part, self.hub.clone());
        let hurry = Arc::clone(&self.hurry);
        let (of, place) = (whom.clone(), key.clone());
        let alive = self.alive.0.clone();
        let started = thread::Builder::new()
            .name("ignorecommand".into())
            .spawn(move || {
                let _alive = alive;
                let verdict = question.answer(&|| hurry.load(Ordering::Relaxed));
                let (whom, key) = (of, place);
                words.tell(Message::IgnoreAnswer(Answer { whom, key, verdict }));
            });
        if let Err(error) = started {
            let verdict = Verdict::Failed(format!("cannot be asked: {error}"));
            // The hub hears itself: it lives.
            drop(
                self.hub
                    .send(Message::IgnoreAnswer(Answer { whom, key, verdict })),
            );
        }
        Some(Begun::Runs)
    }

    /// Remembers an answer.
    pub(crate) fn keep(&mut self, answer: &Answer) {
        let ignored = match answer.verdict {
            Verdict::Ignored => true,
            Verdict::NotIgnored => false,
            Verdict::Failed(_) => return,
        };
        let jail = answer.whom.0;
        let Some((_, command)) = self.command(jail) else {
            return;
        };
        if let (Some(rules), Some(key)) = (command.cache.clone(), &answer.key) {
            let cache = self.caches.entry(jail).or_default();
            cache.keep(&rules, clock::now(), key.clone(), ignored);
        }
    }

    /// The question about this one is settled: gives what it was.
    pub(crate) fn settle(&mut self, whom: Whom) -> Option<About<detect::Failure>> {
        self.line.answered(whom)
    }

    /// Ends what runs, which shall not outlive the daemon. Gives the number of failures that nobody will answer for.
    pub(crate) fn finish(self) -> usize {
        self.hurry.store(true, Ordering::Relaxed);
        let (own, gone) = self.alive;
        drop(own);
        // Nobody says anything: this ends when the last thread has, or when the time is up.
        gone.recv_timeout(FAREWELL).ok();
        self.line.failures()
    }
}
