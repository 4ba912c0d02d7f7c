//! The engine with a model kernel, a model store and a clock that a script moves.

use super::T0;
use base::{FailureId, JailName, NamedTexts, Prefix, Span, Texts, Timestamp};
use engine::formula::{self, Formula};
use engine::{
    Answer, BanOutcome, BanRecord, Effect, Enforceable, Engine, Event, Failure, Growth, GrowthRule,
    IgnoreList, IgnoreReason, Input, JailId, JailPolicy, Request, RequestId, StoreWrite,
    USUAL_FORMULA,
};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

pub(super) struct World {
    policies: Vec<JailPolicy>,
    /// The jails' options as the configuration has them, to which a start returns.
    options: Map<String, Value>,
    engine: Engine,
    rows: BTreeMap<(u32, FailureId), BanRecord>,
    /// Seconds since 1970.
    now: i64,
    /// What happened in the step at hand.
    events: Vec<Value>,
    answer: Option<Answer>,
    /// Moments at which the original has something to do besides.
    timers: Vec<i64>,
}

impl World {
    pub(super) fn new(jails: &Value) -> Result<Self, String> {
        let options = jails.as_object().ok_or("no jails")?.clone();
        let policies = policies(&options)?;
        Ok(Self {
            engine: Engine::new(policies.clone()).as_fail2ban(),
            policies,
            options,
            rows: BTreeMap::new(),
            now: T0,
            events: Vec::new(),
            answer: None,
            timers: Vec::new(),
        })
    }

    /// Does one step; gives what came of it.
    pub(super) fn take(&mut self, step: &Value) -> Result<Value, String> {
        let op = super::super::text(step, "op")?;
        let at = T0 + step["at"].as_i64().ok_or("a step without a time")?;
        if op != "start" {
            self.pass_until(at);
        }
        self.now = at;
        match op {
            "line" => self.lines(step)?,
            "tick" | "stop" => self.perform(Input::Tick),
            "purge" => self.purge(),
            "restart" | "start" => self.start(&step["set"])?,
            "banip" => {
                let request = Request::Ban {
                    jail: self.jail(step)?,
                    ids: ids(&step["ips"])?,
                    time: None,
                    force: true,
                };
                self.ask(request);
            }
            "unbanip" => {
                let request = Request::Unban {
                    jail: Some(self.jail(step)?),
                    ids: ids(&step["ips"])?,
                };
                self.ask(request);
            }
            "unban_all" => self.ask(Request::UnbanAll),
            "attempt" => {
                let id = super::super::text(step, "ip")?.parse();
                let matches = step["matches"].as_array().into_iter().flatten();
                let request = Request::Attempt {
                    jail: self.jail(step)?,
                    id: FailureId::Prefix(id.map_err(|_| "an id that is no address")?),
                    matches: matches.filter_map(Value::as_str).collect(),
                };
                self.ask(request);
            }
            "set" | "addignoreip" | "delignoreip" => self.change(step)?,
            other => return Err(format!("unknown step '{other}'")),
        }
        Ok(json!({
            "events": std::mem::take(&mut self.events),
            "status": self.status(),
            "returned": self.answer.take().as_ref().and_then(changed),
        }))
    }

    fn jail(&self, step: &Value) -> Result<JailId, String> {
        let name = step["jail"].as_str().unwrap_or("j");
        let place = self
            .policies
            .iter()
            .position(|jail| jail.name.as_str() == name);
        let place = place.ok_or(format!("no jail '{name}'"))?;
        Ok(JailId(place as u32))
    }

    fn policy(&self, jail: JailId) -> &JailPolicy {
        &self.policies[jail.0 as usize]
    }

    fn name(&self, jail: JailId) -> &str {
        self.policy(jail).name.as_str()
    }

    /// The clock stops one second after each end of a ban, as it is listed, and when the original would tell its
    /// actions of a ban that has grown.
    fn pass_until(&mut self, at: i64) {
        loop {
            let ends = self.engine.bans().filter_map(|ban| ban.until);
            let ends = ends.map(|until| until.as_secs() + 1);
            let stops = ends.chain(self.timers.iter().copied());
            let next = stops.filter(|stop| *stop > self.now).min();
            let Some(next) = next.filter(|next| *next <= at) else {
                return;
            };
            self.now = next;
            self.perform(Input::Tick);
        }
    }

    fn lines(&mut self, step: &Value) -> Result<(), String> {
        let jail = self.jail(step)?;
        let told = step["time"].as_i64().map_or(self.now, |time| T0 + time);
        // What detect does with old and future lines.
        let time = if step["init"] == true {
            if told < self.now - self.policy(jail).findtime.as_secs() {
                return Ok(());
            }
            told
        } else if (told - self.now).abs() > 60 {
            self.now
        } else {
            told
        };
        let ip = super::super::text(step, "ip")?;
        let id = FailureId::Prefix(ip.parse().map_err(|_| "an id that is no address")?);
        let user = step["user"].as_str();
        let shown = user.map_or(String::new(), |user| format!(" user={user}"));
        let matches = [format!("{told} fail from {ip}{shown}")]
            .into_iter()
            .collect();
        self.perform(Input::Tick);
        self.perform(Input::ReadBegins { jail });
        for _ in 0..step["n"].as_u64().ok_or("no number 'n'")? {
            let failure = Failure {
                id: &id,
                time: Timestamp::from_secs(time),
                user,
                users: &Texts::default(),
                matches: &matches,
                captures: &NamedTexts::default(),
            };
            self.perform(Input::Failure { jail, failure });
        }
        self.perform(Input::ReadEnds);
        Ok(())
    }

    /// Changes a jail's rules while it runs.
    fn change(&mut self, step: &Value) -> Result<(), String> {
        let jail = self.jail(step)?;
        let policy = self
            .policies
            .get_mut(jail.0 as usize)
            .ok_or("no such jail")?;
        let value = &step["value"];
        let named = || prefixes(&step["ips"]);
        match (step["op"].as_str(), step["key"].as_str()) {
            (Some("addignoreip"), _) => {
                let list = policy.ignoreip.prefixes().copied().chain(named()?);
                policy.ignoreip = list.collect();
            }
            (Some("delignoreip"), _) => {
                let gone = named()?;
                let list = policy.ignoreip.prefixes().copied();
                policy.ignoreip = list.filter(|prefix| !gone.contains(prefix)).collect();
            }
            (_, Some("maxretry")) => {
                policy.maxretry = value.as_u64().ok_or("no number")? as u32;
            }
            (_, Some("findtime")) => policy.findtime = seconds(value)?,
            (_, Some("bantime")) => policy.bantime = bantime_of(value)?,
            (_, key) => return Err(format!("unknown option {key:?}")),
        }
        let policy = Box::new(policy.clone());
        self.perform(Input::Tick);
        self.perform(Input::Policy { jail, policy });
        Ok(())
    }

    /// A new process: what was changed at run time is as the configuration has it again.
    fn start(&mut self, set: &Value) -> Result<(), String> {
        for (key, value) in set.as_object().into_iter().flatten() {
            for options in self.options.values_mut() {
                options[key] = value.clone();
            }
        }
        self.policies = policies(&self.options)?;
        self.engine = Engine::new(self.policies.clone()).as_fail2ban();
        for jail in (0..self.policies.len() as u32).map(JailId) {
            let rows = self.rows.iter().filter(|((of, _), _)| *of == jail.0);
            let bans = rows.map(|(_, row)| row.clone()).collect();
            self.perform(Input::Restored { jail, bans });
        }
        Ok(())
    }

    fn ask(&mut self, request: Request) {
        self.perform(Input::Tick);
        let id = RequestId(1);
        self.perform(Input::Request { id, request });
    }

    fn purge(&mut self) {
        const AGE: i64 = 86_400;
        let before = self.now - AGE;
        let old = |row: &BanRecord| {
            let time = row.time.as_secs();
            row.length
                .is_some_and(|length| time < before && time + 3 * length.as_secs() < before)
        };
        self.rows.retain(|_, row| !old(row));
        self.perform(Input::Purge {
            before: Timestamp::from_secs(before),
        });
        self.perform(Input::Tick);
    }

    /// Steps the engine; kernel and store answer at once.
    fn perform(&mut self, input: Input<'_>) {
        let now = Timestamp::from_secs(self.now);
        let mut out = Vec::new();
        self.engine.step(now, input, &mut out);
        for effect in out {
            let result = Ok(());
            match effect {
                Effect::Ban { seq, .. } | Effect::Unban { seq, .. } => {
                    self.perform(Input::Applied { seq, result });
                }
                Effect::Persist(write) => {
                    let seq = self.store(write);
                    self.perform(Input::Committed { seq, result });
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
                self.events.push(json!({
                    "t": self.now - T0,
                    "matches of": record.id.to_string(),
                    "are": record.matches,
                }));
                self.rows.insert((jail.0, record.id.clone()), record);
                seq
            }
            StoreWrite::Prolong { seq, .. } | StoreWrite::Length { seq, .. } => seq,
            StoreWrite::Delete { seq, jail, id, .. } => {
                self.rows.remove(&(jail.0, id));
                seq
            }
            StoreWrite::DeleteAll { seq } => {
                self.rows.clear();
                seq
            }
        }
    }

    /// An event as fail2ban's log has it, and a ban as its actions see it.
    fn tell(&mut self, event: &Event) {
        if let Event::BannedBefore { usual, length, .. } = event {
            let longer = length.value - usual.as_secs_f64() - 5.0;
            self.timers.push(self.now + longer.clamp(0.0, 10.0) as i64);
        }
        let line = match event {
            Event::Found { jail, id, .. } => format!("[{}] Found {id} - @TIME", self.name(*jail)),
            Event::Attempted { jail, id, .. } => {
                format!("[{}] Attempt {id} - @TIME", self.name(*jail))
            }
            Event::FoundAgain {
                jail,
                id,
                bans,
                weight,
                cut,
                enough,
                ..
            } => {
                let point = if *cut { "" } else { ".0" };
                let ban = if *enough { ", Ban" } else { "" };
                let jail = self.name(*jail);
                format!("[{jail}] Found {id}, bad - @TIME, {bans} # -> {weight}{point}{ban}")
            }
            Event::BannedBefore {
                jail,
                id,
                bans,
                last,
                usual,
                length,
            } => {
                let jail = self.name(*jail);
                let (usual, length) = (words(*usual), base::format_seconds(*length));
                let last = last.as_secs() - T0;
                format!(
                    "[{jail}] IP {id} is bad: {bans} # last @T+{last} - incr {usual} to {length}"
                )
            }
            Event::Grown {
                jail,
                id,
                length,
                count,
                until,
            } => {
                let (jail, length) = (self.name(*jail), base::format_seconds(*length));
                let until = until.as_secs() - T0;
                format!("[{jail}] Increase Ban {id} ({count} # {length} -> @T+{until})")
            }
            Event::Ignored { jail, id, why } => {
                let rule = match why {
                    IgnoreReason::OwnAddress => "ignoreself rule".to_owned(),
                    IgnoreReason::Listed(source) => source.to_string(),
                    IgnoreReason::Command => "command".to_owned(),
                };
                format!("[{}] Ignore {id} by {rule}", self.name(*jail))
            }
            Event::Banned {
                jail,
                id,
                time,
                until,
                failures,
                count,
                restored,
                ..
            } => {
                // An action may ask to be spared restored bans.
                let spared = *restored && self.options[self.name(*jail)]["norestored"] == true;
                let call = json!({
                    "t": self.now - T0,
                    "ban of": id.to_string(),
                    "jail": self.name(*jail),
                    "time": time.as_secs() - T0,
                    "bantime": until.map_or(-1, |until| until.since(*time).as_secs()),
                    "failures": failures,
                    // What a restored ban's action sees of it counts the restoring.
                    "count": count + u32::from(*restored),
                    "restored": restored,
                });
                self.events.extend((!spared).then_some(call));
                let how = if *restored { "Restore Ban" } else { "Ban" };
                format!("[{}] {how} {id}", self.name(*jail))
            }
            Event::Unbanned { jail, id, .. } => {
                format!("[{}] Unban {id}", self.name(*jail))
            }
            Event::AlreadyBanned {
                jail, id, after, ..
            } => match after.as_secs() {
                ..3 => return,
                after => {
                    let level = if after < 60 { "NOTICE" } else { "WARNING" };
                    format!("{level} [{}] {id} already banned", self.name(*jail))
                }
            },
            Event::ExpiredIgnored { jail, id } => {
                format!("[{}] Ignore {id}, expired bantime", self.name(*jail))
            }
            // The original has no such thing.
            Event::Ineffective { .. } => return,
            other => format!("unexpected {other:?}"),
        };
        self.events.push(json!({ "t": self.now - T0, "log": line }));
    }

    fn status(&self) -> Value {
        let mut all = Map::new();
        for status in self.engine.status() {
            let failing = self.engine.failing(status.jail).into_iter();
            let failing: Map<String, Value> = failing
                .map(|(id, retry)| (id.to_string(), retry.into()))
                .collect();
            let bans = self.engine.bans().filter(|ban| ban.jail == status.jail);
            let banned: Map<String, Value> = bans
                .map(|ban| {
                    let end = ban.until.map(|until| until.as_secs() - T0);
                    let end = end.map_or(json!("permanent"), |end| end.into());
                    (ban.id.to_string(), end)
                })
                .collect();
            let shown = json!({
                "failed": failing,
                "fail_total": status.failed_total,
                "banned": banned,
                "ban_total": status.banned_total,
            });
            all.insert(status.name.as_str().to_owned(), shown);
        }
        Value::Object(all)
    }

    /// The rows of the model store: jail, address, start, length, count.
    pub(super) fn bips(&self) -> Vec<Value> {
        let rows = self.rows.iter().map(|((jail, id), row)| {
            let length = row.length.map_or(json!(-1), |length| {
                let whole = Span::from_secs(length.as_secs()) == length;
                match whole {
                    true => json!(length.as_secs()),
                    false => json!(length.as_secs_f64()),
                }
            });
            let time = row.time.as_secs() - T0;
            json!([
                self.name(JailId(*jail)),
                id.to_string(),
                time,
                length,
                row.count
            ])
        });
        rows.collect()
    }
}

/// How many addresses an order changed something for.
fn changed(answer: &Answer) -> Option<u64> {
    match answer {
        Answer::Ban(outcomes) => {
            let done = outcomes
                .iter()
                .filter(|(_, outcome)| *outcome == BanOutcome::Banned);
            Some(done.count() as u64)
        }
        Answer::Unban { lifted, .. } => Some(lifted.len() as u64),
        Answer::Attempt(counted) => Some(u64::from(*counted)),
        _ => None,
    }
}

fn policies(jails: &Map<String, Value>) -> Result<Vec<JailPolicy>, String> {
    jails
        .iter()
        .map(|(name, options)| policy(name, options))
        .collect()
}

fn policy(name: &str, options: &Value) -> Result<JailPolicy, String> {
    let count = |key: &str| options[key].as_u64().map(|number| number as u32);
    let findtime = seconds(&options["findtime"])?;
    let mut policy = JailPolicy {
        name: JailName::new(name),
        maxretry: count("maxretry").ok_or("no number 'maxretry'")?,
        maxmatches: count("maxmatches").unwrap_or(5),
        findtime,
        bantime: bantime_of(&options["bantime"])?,
        growth: growth(options)?,
        ignoreself: options["ignoreself"] == true,
        ignoreip: IgnoreList::default(),
        ipv4_prefix: 32,
        ipv6_prefix: 128,
        aggregate: Vec::new(),
        fed_by_bans: false,
        enforceable: Enforceable::Addresses,
    };
    set_ignoreip(&mut policy, &options["ignoreip"])?;
    Ok(policy)
}

/// How bans grow, where a jail lets them.
fn growth(options: &Value) -> Result<Option<Growth>, String> {
    if options["bantime.increment"] != true {
        return Ok(None);
    }
    let text = |key: &str| options[key].as_str();
    let time = |key: &str| text(key).map(|_| seconds(&options[key])).transpose();
    let rule = match text("bantime.multipliers") {
        Some(list) => {
            let numbers = list.split(' ').map(|word| word.parse().ok());
            let numbers = numbers.collect::<Option<_>>();
            GrowthRule::Multipliers(numbers.ok_or("a multiplier that is no number")?)
        }
        None => {
            let formula = Formula::parse(text("bantime.formula").unwrap_or(USUAL_FORMULA));
            GrowthRule::Formula(formula.map_err(|error| error.to_string())?)
        }
    };
    let factor = formula::factor(text("bantime.factor").unwrap_or("1"), 0);
    Ok(Some(Growth {
        rule,
        factor: factor.map_err(|error| error.to_string())?,
        longest: time("bantime.maxtime")?,
        spread: time("bantime.rndtime")?,
        over_all_jails: options["bantime.overalljails"] == true,
    }))
}

/// A length as the original's log has it.
fn words(length: Span) -> String {
    base::format_duration(length.as_secs())
}

fn set_ignoreip(policy: &mut JailPolicy, list: &Value) -> Result<(), String> {
    if list.is_array() {
        policy.ignoreip = prefixes(list)?.into_iter().collect();
    }
    Ok(())
}

/// Nothing for a ban without end, which is written below zero.
fn bantime_of(value: &Value) -> Result<Option<Span>, String> {
    Ok(Some(seconds(value)?).filter(|length| *length >= Span::from_secs(0)))
}

/// A number or a time expression.
fn seconds(value: &Value) -> Result<Span, String> {
    let seconds = match value.as_str() {
        Some(text) => base::parse_duration(text).map_err(|error| error.to_string())?,
        None => value.as_f64().ok_or("a time that is none")?,
    };
    Ok(Span::from_secs_f64(seconds))
}

fn ids(list: &Value) -> Result<Vec<FailureId>, String> {
    Ok(prefixes(list)?.into_iter().map(FailureId::Prefix).collect())
}

fn prefixes(list: &Value) -> Result<Vec<Prefix>, String> {
    let texts = list.as_array().ok_or("no list of addresses")?.iter();
    let parsed = texts.map(|text| text.as_str()?.parse().ok());
    parsed
        .collect::<Option<_>>()
        .ok_or("an address that is none".into())
}
