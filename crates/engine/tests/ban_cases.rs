//! Scripted time-lines with fail2ban's own decisions, run through the engine.
//!
//! The cases are not part of this repository: they stand in `shared/cases/ban-cases` beside it, and without them
//! the test says that it ran nothing. Left out, because the engine has no such feature yet: growing ban times
//! (`increment`, `overalljails` and the random cases with them), and the rest of a case from its first `set`,
//! `addignoreip`, `delignoreip` or `attempt` on. Left out for good: a negative `findtime`, which makes
//! fail2ban fail with an exception, and `norestored`, a word of shell actions. At a stop fail2ban lifts its bans, while ours stand: `Repeal Ban` is skipped.
//! The model store is fail2ban's: it forgets that a ban was made longer, and knows no marks of ours.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a panic in a test is its report, and the cases are files"
)]

use base::{FailureId, JailName, Prefix, PrefixSet, Span, Timestamp};
use engine::{
    Answer, BanOutcome, BanRecord, Effect, Engine, Event, Failure, IgnoreReason, Input, JailId,
    JailPolicy, Request, RequestId, StoreWrite,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;

const T0: i64 = 1_700_000_000;

#[test]
fn decides_as_fail2ban() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/cases/ban-cases/cases.master.jsonl");
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("SKIPPED: no cases at {}", path.display());
        return;
    };
    let (mut cases, mut steps, mut failed) = (0, 0, Vec::new());
    for line in text.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        if left_out(&case) {
            continue;
        }
        cases += 1;
        match run(&case) {
            Ok(done) => steps += done,
            Err(why) => failed.push(format!("{}: {why}", case["id"])),
        }
    }
    eprintln!("{cases} cases, {steps} steps, {} failed", failed.len());
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert!(
        steps > 1000,
        "only {steps} steps: has the form of the cases changed?"
    );
}

fn left_out(case: &Value) -> bool {
    let jails = case["jails"].as_object().unwrap();
    jails.values().any(|jail| {
        jail["bantime.increment"] == json!(true)
            || jail["findtime"] == json!(-1)
            || jail["norestored"] == json!(true)
    })
}

struct World {
    jails: Vec<(String, JailPolicy)>,
    engine: Engine,
    rows: BTreeMap<(u32, Prefix), BanRecord>,
    now: i64,
    /// What happened in this step, as texts that compare.
    log: Vec<String>,
    answer: Option<Answer>,
}

fn run(case: &Value) -> Result<usize, String> {
    let jails: Vec<(String, JailPolicy)> = case["jails"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, options)| (name.clone(), policy(name, options)))
        .collect();
    let mut world = World {
        engine: engine_of(&jails),
        jails,
        rows: BTreeMap::new(),
        now: T0,
        log: Vec::new(),
        answer: None,
    };
    let steps = case["steps"].as_array().unwrap();
    for (number, step) in steps.iter().enumerate() {
        let op = step["op"].as_str().unwrap();
        if matches!(op, "set" | "addignoreip" | "delignoreip" | "attempt") {
            return Ok(number);
        }
        world.take(op, step);
        let expect = &step["expect"];
        let told = std::mem::take(&mut world.log);
        same(told, expected_log(expect), "events", number)?;
        if op != "stop" {
            let status: Vec<String> = vec![world.status().to_string()];
            same(
                status,
                vec![normal_status(&expect["status"])],
                "status",
                number,
            )?;
        }
        if let (Some(returned), Some(answer)) = (expect["returned"].as_u64(), world.answer.take()) {
            same(vec![changed(&answer)], vec![returned], "returned", number)?;
        }
    }
    let expected: Vec<String> = case["final_db"]["bips"]
        .as_array()
        .unwrap()
        .iter()
        .map(Value::to_string)
        .collect();
    same(world.bips(), expected, "final_db", steps.len())?;
    Ok(steps.len())
}

fn same<T: Ord + std::fmt::Debug>(
    mut got: Vec<T>,
    mut expected: Vec<T>,
    what: &str,
    step: usize,
) -> Result<(), String> {
    got.sort();
    expected.sort();
    if got == expected {
        return Ok(());
    }
    Err(format!(
        "step {step}: {what}\n  got      {got:?}\n  expected {expected:?}"
    ))
}

fn changed(answer: &Answer) -> u64 {
    match answer {
        Answer::Ban(outcomes) => outcomes
            .iter()
            .filter(|(_, outcome)| *outcome == BanOutcome::Banned)
            .count() as u64,
        Answer::Unban { lifted, .. } => lifted.len() as u64,
        _ => u64::MAX,
    }
}

fn seconds(value: &Value) -> Option<Span> {
    let seconds = match value {
        Value::String(text) => text.split(' ').map(unit).sum(),
        other => other.as_f64().unwrap(),
    };
    (seconds != -1.0).then(|| Span::from_secs_f64(seconds))
}

fn unit(word: &str) -> f64 {
    let (number, unit) = word.split_at(word.len() - 1);
    let factor = match unit {
        "h" => 3600.0,
        "m" => 60.0,
        _ => return word.parse().unwrap(),
    };
    number.parse::<f64>().unwrap() * factor
}

fn policy(name: &str, options: &Value) -> JailPolicy {
    let mut policy = JailPolicy {
        name: JailName::new(name),
        maxretry: options["maxretry"].as_u64().unwrap() as u32,
        maxmatches: options["maxmatches"].as_u64().unwrap_or(5) as u32,
        findtime: seconds(&options["findtime"]).unwrap(),
        bantime: seconds(&options["bantime"]),
        ignoreself: options["ignoreself"] == json!(true),
        ignoreip: PrefixSet::default(),
        ipv4_prefix: 32,
        ipv6_prefix: 128,
        fed_by_bans: false,
        enforceable: true,
    };
    set_ignoreip(&mut policy, &options["ignoreip"]);
    policy
}

fn set_ignoreip(policy: &mut JailPolicy, list: &Value) {
    if let Some(list) = list.as_array() {
        policy.ignoreip = list.iter().map(prefix).collect();
    }
}

fn engine_of(jails: &[(String, JailPolicy)]) -> Engine {
    Engine::new(jails.iter().map(|(_, policy)| policy.clone()).collect())
}

fn prefix(text: &Value) -> Prefix {
    text.as_str().unwrap().parse().unwrap()
}

impl World {
    fn take(&mut self, op: &str, step: &Value) {
        let at = T0 + step["at"].as_i64().unwrap();
        if op != "start" {
            self.pass_until(at);
        }
        self.now = at;
        match op {
            "line" => self.lines(step),
            "tick" | "stop" => self.perform(Input::Tick),
            "purge" => self.purge(),
            "restart" | "start" => self.start(step),
            "banip" => {
                let request = Request::Ban {
                    jail: self.jail(step),
                    prefixes: step["ips"].as_array().unwrap().iter().map(prefix).collect(),
                    time: None,
                    force: true,
                };
                self.ask(request);
            }
            "unbanip" => {
                let request = Request::Unban {
                    jail: Some(self.jail(step)),
                    prefixes: step["ips"].as_array().unwrap().iter().map(prefix).collect(),
                };
                self.ask(request);
            }
            "unban_all" => self.ask(Request::UnbanAll),
            other => panic!("unknown op {other}"),
        }
    }

    fn jail(&self, step: &Value) -> JailId {
        let name = step["jail"].as_str().unwrap_or("j");
        JailId(self.jails.iter().position(|(n, _)| n == name).unwrap() as u32)
    }

    /// The clock stops one second after each end of a ban.
    fn pass_until(&mut self, at: i64) {
        while let Some(deadline) = self.engine.next_deadline() {
            // The deadline is the end and one microsecond.
            let stop = deadline.as_secs() + 1;
            if stop > at {
                break;
            }
            self.now = stop;
            self.perform(Input::Tick);
        }
    }

    fn lines(&mut self, step: &Value) {
        let jail = self.jail(step);
        let told = step["time"].as_i64().map_or(self.now, |time| T0 + time);
        let findtime = self.jails[jail.0 as usize].1.findtime.as_secs();
        // What detect does with old and future lines.
        let time = if step["init"] == json!(true) {
            if told < self.now - findtime {
                return;
            }
            told
        } else if (told - self.now).abs() > 60 {
            self.now
        } else {
            told
        };
        let ip = step["ip"].as_str().unwrap();
        self.perform(Input::Tick);
        self.perform(Input::ReadBegins { jail });
        for _ in 0..step["n"].as_u64().unwrap() {
            let user = step["user"].as_str();
            let user_part = user.map_or(String::new(), |user| format!(" user={user}"));
            let failure = Failure {
                id: FailureId::Prefix(ip.parse().unwrap()),
                time: Timestamp::from_secs(time),
                users: user.map(str::to_owned).into_iter().collect(),
                matches: vec![format!("{told} fail from {ip}{user_part}")],
                captures: BTreeMap::new(),
            };
            self.perform(Input::Failure { jail, failure });
        }
    }

    fn start(&mut self, step: &Value) {
        if let Some(set) = step["set"].as_object() {
            for (_, policy) in &mut self.jails {
                if let Some(bantime) = set.get("bantime") {
                    policy.bantime = seconds(bantime);
                }
                set_ignoreip(policy, set.get("ignoreip").unwrap_or(&Value::Null));
            }
        }
        self.engine = engine_of(&self.jails);
        for jail in (0..self.jails.len() as u32).map(JailId) {
            let rows = self.rows.iter().filter(|((of, _), _)| *of == jail.0);
            let bans = rows.map(|(_, row)| row.clone()).collect();
            self.perform(Input::Restored { jail, bans });
        }
    }

    fn ask(&mut self, request: Request) {
        self.perform(Input::Tick);
        let id = RequestId(1);
        self.perform(Input::Request { id, request });
        assert!(self.answer.is_some(), "no reply");
    }

    fn purge(&mut self) {
        let before = Timestamp::from_secs(self.now - 86400);
        let old = |row: &BanRecord| {
            row.length.is_some_and(|length| {
                row.time < before && row.time.as_secs() + 3 * length.as_secs() < before.as_secs()
            })
        };
        self.rows.retain(|_, row| !old(row));
        self.perform(Input::Tick);
    }

    /// Steps the engine with a kernel and a store that answer at once.
    fn perform(&mut self, input: Input) {
        let now = Timestamp::from_secs(self.now);
        let mut out = Vec::new();
        self.engine.step(now, input, &mut out);
        for effect in out {
            match effect {
                Effect::Ban { seq, .. } | Effect::Unban { seq, .. } => {
                    self.perform(Input::Applied {
                        seq,
                        result: Ok(()),
                    });
                }
                Effect::Persist(write) => {
                    let seq = self.store(write);
                    self.perform(Input::Committed {
                        seq,
                        result: Ok(()),
                    });
                }
                Effect::Notify(event) => self.tell(&event),
                Effect::Reply { answer, .. } => self.answer = Some(answer),
            }
        }
    }

    fn store(&mut self, write: StoreWrite) -> u64 {
        match write {
            StoreWrite::Ban {
                seq,
                jail,
                mut record,
            } => {
                record.captures.clear();
                let t = self.now - T0;
                let matches = json!(record.matches);
                self.log
                    .push(format!("{t} matches {} {matches}", record.prefix));
                self.rows.insert((jail.0, record.prefix), record);
                seq
            }
            StoreWrite::Prolong { seq, .. } => seq,
            StoreWrite::Delete { seq, jail, prefix } => {
                self.rows.remove(&(jail.0, prefix));
                seq
            }
            StoreWrite::DeleteAll { seq } => {
                self.rows.clear();
                seq
            }
        }
    }

    fn tell(&mut self, event: &Event) {
        let t = self.now - T0;
        let name = |jail: &JailId| &self.jails[jail.0 as usize].0;
        let line = match event {
            Event::Found { jail, id, .. } => format!("[{}] Found {id} - @TIME", name(jail)),
            Event::Ignored { jail, id, why } => match why {
                IgnoreReason::OwnAddress => {
                    format!("[{}] Ignore {id} by ignoreself rule", name(jail))
                }
                IgnoreReason::IgnoreIp(_) => format!("[{}] Ignore {id} by ip", name(jail)),
            },
            Event::Banned {
                jail,
                prefix,
                time,
                until,
                failures,
                restored,
                ..
            } => {
                let how = if *restored { "Restore Ban" } else { "Ban" };
                let length = until.map_or(-1, |until| until.since(*time).as_secs());
                let start = time.as_secs() - T0;
                let jail = name(jail);
                self.log.push(format!(
                    "{t} ban {jail} {prefix} {start} {length} {failures} {restored}"
                ));
                format!("[{jail}] {how} {prefix}")
            }
            Event::Unbanned { jail, prefix, .. } => format!("[{}] Unban {prefix}", name(jail)),
            Event::AlreadyBanned {
                jail,
                prefix,
                after,
                ..
            } if after.as_secs() >= 3 => {
                let level = if after.as_secs() < 60 {
                    "NOTICE"
                } else {
                    "WARNING"
                };
                format!("{level} [{}] {prefix} already banned", name(jail))
            }
            Event::AlreadyBanned { .. } => return,
            Event::ExpiredIgnored { jail, prefix } => {
                format!("[{}] Ignore {prefix}, expired bantime", name(jail))
            }
            other => format!("unexpected {other:?}"),
        };
        self.log.push(format!("{t} {line}"));
    }

    fn status(&self) -> Value {
        let mut all = json!({});
        for status in self.engine.status() {
            let failed: BTreeMap<String, i64> = self
                .engine
                .failing(status.jail)
                .into_iter()
                .map(|(id, retry)| (id.to_string(), retry))
                .collect();
            assert_eq!(failed.len(), status.failing);
            let bans = self.engine.bans().filter(|ban| ban.jail == status.jail);
            let banned: BTreeMap<String, Value> = bans
                .map(|ban| {
                    let end = ban
                        .until
                        .map_or(json!("permanent"), |u| json!(u.as_secs() - T0));
                    (ban.prefix.to_string(), end)
                })
                .collect();
            assert_eq!(banned.len(), status.banned);
            all[status.name.as_str()] = json!({
                "failed": failed,
                "fail_total": status.failed_total,
                "banned": banned,
                "ban_total": status.banned_total,
            });
        }
        all
    }

    fn bips(&self) -> Vec<String> {
        self.rows
            .iter()
            .map(|((jail, prefix), row)| {
                let name = &self.jails[*jail as usize].0;
                let length = row.length.map_or(-1, Span::as_secs);
                let time = row.time.as_secs() - T0;
                json!([name, prefix.to_string(), time, length, row.count]).to_string()
            })
            .collect()
    }
}

/// The expected events in the form of `World::log`.
fn expected_log(expect: &Value) -> Vec<String> {
    let mut log = Vec::new();
    for event in expect["events"].as_array().unwrap() {
        let t = event["t"].as_i64().unwrap();
        if event["ev"] == json!("ban") {
            let whole = |name: &str| event[name].as_f64().unwrap() as i64;
            let id = event["id"].as_str().unwrap();
            let restored = whole("restored") == 1;
            log.push(format!(
                "{t} ban {} {id} {} {} {} {restored}",
                event["jail"].as_str().unwrap(),
                whole("time"),
                whole("bantime"),
                whole("failures"),
            ));
            if !restored {
                log.push(format!("{t} matches {id} {}", event["matches"]));
            }
            continue;
        }
        let Some(text) = event["msg"].as_str() else {
            continue;
        };
        let skipped = [
            "Repeal Ban",
            "Detected a log entry",
            "Please check a jail",
            "Ignoring all log entries",
        ];
        if skipped.iter().any(|part| text.contains(part)) {
            continue;
        }
        let level = match text.contains("already banned") {
            true => format!("{} ", event["level"].as_str().unwrap()),
            false => String::new(),
        };
        log.push(format!("{t} {level}{text}"));
    }
    log
}

fn normal_status(status: &Value) -> String {
    let mut status = status.clone();
    for jail in status.as_object_mut().unwrap().values_mut() {
        for end in jail["banned"].as_object_mut().unwrap().values_mut() {
            if let Some(seconds) = end.as_f64() {
                *end = json!(seconds as i64);
            }
        }
    }
    status.to_string()
}
