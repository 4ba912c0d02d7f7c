//! What the hub knows of somebody: sources, ignore, count, ban, and what the kernel says of it.
//!
//! The kernel is asked through the enforcer, as in a doubt; meanwhile the answer waits here, and after a while goes out
//! without it. Nothing is changed but by the enforcer, which puts back what it finds missing.

use super::Hub;
use super::requests::{failed, send};
use crate::enforce::{Command, Held, Inspection};
use crate::explain::{after, ago, conclude, enough, ignored, protected, step};
use crate::plan::{Backend, Jail};
use crate::source::SourceState;
use crate::{clock, log};
use base::{FailureId, JailName, Prefix, Span, Timestamp};
use engine::{BanView, Enforceable};
use std::sync::mpsc::SyncSender;
use wire::explain::{Chain, ExplainAnswer, Outcome, Stage, Step};

/// How long the kernel may take; much less than a client's patience.
const PATIENCE: Span = Span::from_secs(5);
/// Lines that an explanation tells of one id.
const MOST_LINES: usize = 20;
/// Sources that are told one by one.
const MOST_SOURCES: usize = 5;

/// An answer that waits for the kernel.
pub(super) struct Explaining {
    reply: SyncSender<String>,
    answer: ExplainAnswer,
    /// The bans that the enforcer was asked about.
    awaited: Vec<(JailName, Prefix)>,
    since: Timestamp,
}

impl Hub {
    /// Answers at once, or when the kernel has said what it holds.
    pub(super) fn explain(
        &mut self,
        ip: Option<&str>,
        jails: &[String],
        lines: bool,
        reply: SyncSender<String>,
    ) {
        let now = clock::now();
        let id = ip.map(|text| match text.parse() {
            Ok(prefix) => FailureId::Prefix(prefix),
            Err(_) => FailureId::Raw(text.into()),
        });
        let is_asked = |name: &str| jails.is_empty() || jails.iter().any(|jail| jail == name);
        let mut answer = ExplainAnswer {
            v: wire::VERSION,
            now: now.as_secs(),
            ip: id.as_ref().map(ToString::to_string),
            live: true,
            ..ExplainAnswer::default()
        };
        let mut awaited = Vec::new();
        let known = self.jails.iter().filter(|jail| !jail.is_removed);
        for jail in known.filter(|jail| is_asked(jail.name.as_str())) {
            let (chain, ban) = self.chain_of(jail, id.as_ref(), lines, now);
            answer.jails.push(chain);
            if let Some(prefix) = ban.filter(|_| jail.enforce.is_some()) {
                awaited.push((jail.name.clone(), prefix));
            }
        }
        for (name, diagnostic) in &self.board.broken {
            let is_told = |chain: &Chain| chain.jail == name.as_str();
            if is_asked(name.as_str()) && !answer.jails.iter().any(is_told) {
                let text = format!("it does not run: {}", diagnostic.message);
                answer.jails.push(Chain {
                    jail: name.to_string(),
                    steps: vec![step(Stage::Jail, Outcome::Stop, text)],
                    ..Chain::default()
                });
            }
        }
        if let Some(missing) = jails.iter().find(|name| {
            let mut told = answer.jails.iter();
            !told.any(|chain| chain.jail == **name)
        }) {
            let why = format!("the daemon runs no jail '{missing}'");
            return send(&reply, failed(&why, Some("see: stockade status")));
        }
        for (jail, prefix) in &awaited {
            self.enforce(Command::Inspect {
                jail: jail.clone(),
                prefix: *prefix,
                after: Inspection::ON_DEMAND,
            });
        }
        let explaining = Explaining {
            reply,
            answer,
            awaited,
            since: now,
        };
        match explaining.awaited.is_empty() {
            true => explaining.tell(),
            // One for each client at most: their number is bounded.
            false => self.explaining.push(explaining),
        }
    }

    /// All steps but the kernel's, and the ban that the kernel should hold.
    fn chain_of(
        &self,
        jail: &Jail,
        id: Option<&FailureId>,
        lines: bool,
        now: Timestamp,
    ) -> (Chain, Option<Prefix>) {
        let mut steps = self.source_steps(jail, now);
        let mut banned = None;
        if let Some(id) = id {
            let ban = self.engine.ban_around(jail.id, id);
            banned = ban.as_ref().and_then(|ban| ban.id.prefix());
            steps.push(match self.engine.why_ignored(jail.id, id) {
                Some(why) => ignored(&jail.ignore, id, &why),
                None => step(
                    Stage::Ignore,
                    Outcome::Ok,
                    match &jail.ignore_command {
                        Some(_) => "neither ignoreself nor ignoreip holds it; its ignorecommand is asked at each failure",
                        None => "neither ignoreself nor ignoreip holds it",
                    },
                ),
            });
            steps.push(self.count_step(jail, id, lines, now));
            steps.extend(match &ban {
                Some(ban) => self.ban_steps(jail, ban, id),
                None => vec![self.no_ban(jail, id, now)],
            });
        }
        let chain = Chain {
            jail: jail.name.to_string(),
            id: id.map(ToString::to_string),
            steps,
            ..Chain::default()
        };
        (chain, banned)
    }

    fn source_steps(&self, jail: &Jail, now: Timestamp) -> Vec<Step> {
        if jail.backend == Backend::Bans {
            let text = "it hears of the bans of the other jails";
            return vec![step(Stage::Source, Outcome::Ok, text)];
        }
        let all: Vec<_> = self.board.sources_of(jail.id).collect();
        let last = match self.board.last_failure(jail.id) {
            Some(time) => format!("its last failure was {}", ago(now, time)),
            None => "it has found no failure since the start".to_owned(),
        };
        let mut steps = Vec::new();
        // One source that is read is enough.
        let is_read = all.iter().any(|(_, _, standing)| {
            matches!(
                standing.state,
                SourceState::Following | SourceState::CatchingUp
            )
        });
        for (path, kind, standing) in all.iter().take(MOST_SOURCES) {
            let text = match (*kind, &standing.state) {
                ("journal", state) => format!("the daemon reads the journal ({state}): {path}"),
                (_, SourceState::Following) => {
                    format!(
                        "the daemon follows {path}, read up to byte {}",
                        standing.position
                    )
                }
                (_, SourceState::CatchingUp) => format!(
                    "the daemon is catching up with {path}, at byte {}",
                    standing.position
                ),
                (_, state) => format!("{path}: {state}"),
            };
            let outcome = match standing.state {
                SourceState::Following | SourceState::CatchingUp => Outcome::Ok,
                _ if is_read => Outcome::Doubt,
                _ => Outcome::Stop,
            };
            let mut source = step(Stage::Source, outcome, text);
            source.facts.file = (*kind == "file").then(|| (*path).to_owned());
            source.facts.position = (*kind == "file").then_some(standing.position);
            steps.push(source);
        }
        if all.is_empty() {
            let text = "the daemon reads nothing for it yet: none of its logs is there";
            steps.push(step(Stage::Source, Outcome::Stop, text));
        }
        if let Some(first) = steps.first_mut() {
            first.text = format!("{}; {last}", first.text);
        }
        steps
    }

    fn count_step(&self, jail: &Jail, id: &FailureId, lines: bool, now: Timestamp) -> Step {
        let lines = if lines { MOST_LINES } else { 0 };
        let policy = &jail.policy;
        let counted = self.engine.counted(jail.id, id, lines);
        // What is old is forgotten at the next read only.
        let counted = counted.filter(|counted| counted.last >= now - policy.findtime);
        let count = counted.as_ref().map_or(0, |counted| counted.estimate);
        let mut told = step(Stage::Count, Outcome::Wait, enough(count, policy));
        told.help = Some(after(count, policy));
        if count >= i64::from(policy.maxretry) {
            (told.outcome, told.help) = (Outcome::Ok, None);
        }
        if let Some(counted) = counted {
            told.text = format!(
                "{}, the last one {}, counted since {}",
                told.text,
                ago(now, counted.last),
                log::local(counted.first, &self.zone)
            );
            told.facts.time = Some(counted.last.as_secs());
            told.facts.since = Some(counted.first.as_secs());
            told.facts.lines = counted.lines;
        }
        if let FailureId::Prefix(prefix) = id
            && let Some(past) = self.engine.past_of(jail.id, prefix)
        {
            told.text = format!("{}; banned {} times before", told.text, past.count);
            told.facts.bans = Some(past.count);
        }
        told.facts.count = Some(count);
        told.facts.maxretry = Some(policy.maxretry);
        told.facts.findtime = Some(policy.findtime.as_secs());
        told
    }

    fn ban_steps(&self, jail: &Jail, ban: &BanView<'_>, asked: &FailureId) -> Vec<Step> {
        let until = match ban.until {
            Some(until) => format!("until {}", log::local(until, &self.zone)),
            None => "for ever".to_owned(),
        };
        let around = match ban.id == asked {
            true => String::new(),
            false => format!(" with {}", ban.id),
        };
        let mut told = step(
            Stage::Ban,
            Outcome::Ok,
            format!(
                "banned{around} since {}, {until}, for {} failures; its ban number {}",
                log::local(ban.time, &self.zone),
                ban.failures,
                ban.count
            ),
        );
        told.facts.banned = Some(ban.id.to_string());
        told.facts.since = Some(ban.time.as_secs());
        told.facts.until = ban.until.map(Timestamp::as_secs);
        told.facts.bans = Some(ban.count);
        let mut steps = vec![told];
        let reports = self.acting.reports(jail.id);
        let failing = reports.iter().find(|report| report.is_failing);
        if let Some(report) = failing {
            let error = report.last_error.as_deref().unwrap_or("no more is known");
            let mut doubt = step(
                Stage::Kernel,
                match jail.enforce {
                    Some(_) => Outcome::Unknown,
                    None => Outcome::Stop,
                },
                format!("its action '{}' fails: {error}", report.name),
            );
            doubt.help = Some("see the daemon's log for what the command said".into());
            steps.push(doubt);
        }
        if let Some(cause) = self.board.doubt_of(jail.id, ban.id) {
            let text = format!("the ban keeps nobody out: {cause}");
            steps.push(step(Stage::Kernel, Outcome::Stop, text));
        }
        if jail.enforce.is_none() {
            let text = "the bans of this jail are those of its actions: the kernel is not asked";
            steps.push(step(Stage::Kernel, Outcome::Unknown, text));
        } else if self.is_dry_run {
            let text = "a dry run: nothing reaches the kernel";
            steps.push(step(Stage::Kernel, Outcome::Stop, text));
        }
        steps
    }

    fn no_ban(&self, jail: &Jail, id: &FailureId, now: Timestamp) -> Step {
        if let FailureId::Prefix(prefix) = id
            && let Some(why) = self.engine.why_protected(now, jail.id, prefix)
        {
            return protected(prefix, why);
        }
        match jail.policy.enforceable {
            enforceable if enforceable.covers(id) => {
                step(Stage::Ban, Outcome::Ok, "not banned; nothing protects it")
            }
            Enforceable::Nobody => {
                let text = "none of the jail's actions bans anybody: it only detects";
                step(Stage::Ban, Outcome::Stop, text)
            }
            Enforceable::Addresses | Enforceable::AnyId => {
                let text = "it is no address, and the jail bans by the kernel alone";
                step(Stage::Ban, Outcome::Stop, text)
            }
        }
    }

    /// What the kernel says of a ban that somebody asked about.
    pub(super) fn explain_inspected(&mut self, inspection: &Inspection) {
        let is_it = |(jail, prefix): &(JailName, Prefix)| {
            *jail == inspection.jail && *prefix == inspection.prefix
        };
        let is_dry_run = self.is_dry_run;
        for explaining in &mut self.explaining {
            let Some(at) = explaining.awaited.iter().position(is_it) else {
                continue;
            };
            explaining.awaited.remove(at);
            let mut chains = explaining.answer.jails.iter_mut();
            let chain = chains.find(|chain| chain.jail == inspection.jail.as_str());
            if let (Some(chain), false) = (chain, is_dry_run) {
                chain.steps.push(held(inspection));
            }
        }
        let all = std::mem::take(&mut self.explaining);
        for explaining in all {
            match explaining.awaited.is_empty() {
                true => explaining.tell(),
                false => self.explaining.push(explaining),
            }
        }
    }

    /// Answers that have waited for the kernel long enough go out without it.
    pub(super) fn explain_late(&mut self, now: Timestamp) {
        let is_late = |one: &Explaining| now.since(one.since) >= PATIENCE || now < one.since;
        let all = std::mem::take(&mut self.explaining);
        for mut explaining in all {
            if !is_late(&explaining) {
                self.explaining.push(explaining);
                continue;
            }
            for (jail, _) in std::mem::take(&mut explaining.awaited) {
                let mut chains = explaining.answer.jails.iter_mut();
                if let Some(chain) = chains.find(|chain| chain.jail == jail.as_str()) {
                    let text = "the enforcer has not answered within 5 s";
                    chain.steps.push(step(Stage::Kernel, Outcome::Doubt, text));
                }
            }
            explaining.tell();
        }
    }
}

impl Explaining {
    fn tell(mut self) {
        for chain in &mut self.answer.jails {
            chain.steps.sort_by_key(|step| step.step);
            conclude(chain);
        }
        send(&self.reply, wire::encode(&self.answer));
    }
}

fn held(inspection: &Inspection) -> Step {
    let packets = match inspection.dropped {
        Some(packets) => format!(
            "; the rules of the jail have dropped {packets} packets since they were laid (the kernel counts them for all its bans together)"
        ),
        None => "; how many packets were dropped is not known".to_owned(),
    };
    let ports: Vec<String> = inspection.ports.iter().map(u16::to_string).collect();
    let connected = match ports.is_empty() {
        true => String::new(),
        false => format!(
            "; it is connected to port {} at this moment",
            ports.join(", ")
        ),
    };
    let (outcome, text) = match &inspection.held {
        Held::Yes => (Outcome::Ok, "the kernel's set holds it".to_owned()),
        Held::PutBack => (
            Outcome::Doubt,
            "the kernel's set had lost it, and holds it again: something else changes the table"
                .to_owned(),
        ),
        Held::Failing(error) => (
            Outcome::Stop,
            format!("the kernel does not take it: {error}"),
        ),
        Held::Unknown => (
            Outcome::Unknown,
            "the kernel cannot be asked, or the ban is just over".to_owned(),
        ),
    };
    let mut told = step(
        Stage::Kernel,
        outcome,
        format!("{text}{packets}{connected}"),
    );
    told.facts.packets = inspection.dropped;
    told
}

#[cfg(test)]
mod tests {
    use super::super::tests::{ask, hub_with};
    use super::*;
    use wire::Request;
    use wire::explain::Verdict;

    /// What is said of an address after these failures of it, the last one a minute ago.
    fn check(
        options: &str,
        failures: usize,
        ip: &str,
        result: Verdict,
        step: Option<Stage>,
        text: &str,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let (mut hub, sender, inbox) = hub_with(dir.path(), "stockade[port=22]", options);
        let prefix: Prefix = ip.parse().unwrap();
        let named = hub.jails.iter().find(|jail| jail.name.as_str() == "one");
        let jail = named.unwrap().id;
        let mut failure = detect::Failure {
            id: FailureId::Prefix(prefix),
            address: Some(prefix),
            hostname: None,
            time: clock::now() - Span::from_secs(60),
            rule: 0,
            users: base::Texts::default(),
            captures: base::NamedTexts::default(),
            matches: base::Texts::default(),
            weight: 1,
        };
        failure.matches.push("bad line");
        for _ in 0..failures {
            hub.read(vec![super::super::Read::Failure(jail, failure.clone())]);
            hub.perform();
        }
        let running = std::thread::spawn(move || hub.run(&inbox));
        let request = Request::Explain {
            ip: Some(ip.into()),
            jails: Vec::new(),
            lines: true,
        };
        let line = ask(&sender, request);
        let answer: ExplainAnswer = wire::decode(line.as_bytes()).unwrap();
        let mut chains = answer.jails.iter();
        let chain = chains.find(|chain| chain.jail == "one").unwrap();
        let cause = chain.cause.as_ref();
        assert_eq!(
            (chain.result, cause.map(|cause| cause.step)),
            (result, step),
            "{chain:?}"
        );
        assert!(
            chain.steps.iter().any(|step| step.text.contains(text)),
            "{text}: {chain:?}"
        );
        let shown = chain
            .steps
            .iter()
            .flat_map(|step| &step.facts.lines)
            .count();
        let counted = failures > 0 && result == Verdict::Stopped && step == Some(Stage::Source);
        assert_eq!(shown > 0, counted, "{chain:?}");
        let request = Request::Explain {
            ip: None,
            jails: vec!["none".into()],
            lines: false,
        };
        assert!(ask(&sender, request).contains("runs no jail 'none'"));
        sender.send(super::super::Message::Stop).unwrap();
        running.join().unwrap();
    }

    #[test]
    fn tells_how_somebody_stands_in_a_jail() {
        let ip = "203.0.113.7";
        // Nothing is read in this test, which is the first cause wherever nobody is banned.
        let unread = Some(Stage::Source);
        check(
            "",
            0,
            ip,
            Verdict::Stopped,
            unread,
            "0 of maxretry = 5 failures within findtime = 10m",
        );
        check(
            "",
            2,
            ip,
            Verdict::Stopped,
            unread,
            "2 of maxretry = 5 failures within findtime = 10m, the last one 1m ago",
        );
        check("", 5, ip, Verdict::Banned, Some(Stage::Kernel), "a dry run");
        check(
            "ignoreip = 203.0.113.0/24\n",
            0,
            ip,
            Verdict::Stopped,
            unread,
            "ignoreip of the jail has 203.0.113.0/24",
        );
        check(
            "",
            0,
            "127.0.0.1",
            Verdict::Stopped,
            unread,
            "must not be banned: it is or holds an address of this machine",
        );
        check(
            "ipv4_prefix = 24\n",
            5,
            ip,
            Verdict::Banned,
            Some(Stage::Kernel),
            "banned with 203.0.113.0/24",
        );
    }

    #[test]
    fn the_kernels_answer_is_told_as_it_is() {
        let check = |held, dropped, outcome, text: &str| {
            let told = super::held(&Inspection {
                jail: JailName::new("j"),
                prefix: "203.0.113.7".parse().unwrap(),
                after: Inspection::ON_DEMAND,
                held,
                ports: vec![22],
                dropped,
            });
            assert_eq!(told.outcome, outcome);
            assert!(told.text.contains(text), "{}", told.text);
        };
        check(Held::Yes, Some(7), Outcome::Ok, "dropped 7 packets");
        check(Held::Yes, None, Outcome::Ok, "is not known");
        check(Held::PutBack, None, Outcome::Doubt, "had lost it");
        check(
            Held::Failing("x".into()),
            None,
            Outcome::Stop,
            "does not take it: x",
        );
    }
}
