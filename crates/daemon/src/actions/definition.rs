//! One action of a jail as its files define it: what it runs when, for which family, within which time.
//!
//! Everything that is the same for all bans is worked out here, once: the tags of the action's own options are replaced
//! for each family, and what is left are texts with places for a ban's values. A command whose tags go in a circle is
//! noted as unusable and the others are as good as ever.

use super::template::Template;
use base::{Family, Span, parse_duration};
use conf::ActionSpec;
use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Duration;

/// The occasions on which an action does something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Command {
    /// Before the first ban.
    Start,
    /// The last one.
    Stop,
    /// Is everything that the start made still there?
    Check,
    /// Makes again what is missing.
    Repair,
    /// A ban.
    Ban,
    /// A ban that stands was made longer.
    Prolong,
    /// The same ban once more, after a repair.
    Reban,
    /// The end of a ban.
    Unban,
    /// The end of all bans.
    Flush,
    /// The configuration was read anew.
    Reload,
}

impl Command {
    const ALL: [Self; 10] = [
        Self::Start,
        Self::Stop,
        Self::Check,
        Self::Repair,
        Self::Ban,
        Self::Prolong,
        Self::Reban,
        Self::Unban,
        Self::Flush,
        Self::Reload,
    ];

    /// The option that holds it.
    pub(crate) fn option(self) -> &'static str {
        match self {
            Self::Start => "actionstart",
            Self::Stop => "actionstop",
            Self::Check => "actioncheck",
            Self::Repair => "actionrepair",
            Self::Ban => "actionban",
            Self::Prolong => "actionprolong",
            Self::Reban => "actionreban",
            Self::Unban => "actionunban",
            Self::Flush => "actionflush",
            Self::Reload => "actionreload",
        }
    }
}

/// For whom a command runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum For {
    /// Whomever, in an action without options that hang on the family.
    Any,
    /// Addresses of this family.
    Family(Family),
    /// An id that is no address.
    NoAddress,
}

impl For {
    pub(crate) const INET4: Self = Self::Family(Family::Inet4);
    pub(crate) const INET6: Self = Self::Family(Family::Inet6);

    /// fail2ban's word for it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Any => "",
            Self::INET4 => "inet4",
            Self::INET6 => "inet6",
            Self::NoAddress => "None",
        }
    }
}

/// How long a command may run where the action does not say, in seconds.
const USUAL_TIMEOUT: u64 = 60;
/// The longest that it can say: a day.
const LONGEST_TIMEOUT: f64 = 86_400.0;

/// What the machine adds to every action.
#[derive(Debug)]
pub(crate) struct Machine {
    /// IPv6 is in use here.
    has_ipv6: bool,
    /// The full name: few actions ask for it, and where no name server answers that takes ten seconds. So nobody does
    /// before the first of them, and nobody twice.
    full_name: LazyLock<String>,
    /// The short name.
    short_name: fn() -> String,
}

impl Machine {
    /// This machine.
    pub(crate) fn new(has_ipv6: bool) -> Self {
        Self {
            has_ipv6,
            full_name: LazyLock::new(os::full_name),
            short_name: os::own_name,
        }
    }
}

/// One action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Definition {
    /// The jail.
    pub(crate) jail: String,
    /// What the action is called in this jail.
    pub(crate) name: String,
    /// The families that it knows apart; `Any` if it knows none.
    pub(crate) families: Vec<For>,
    /// It starts with the first ban of a family.
    pub(crate) on_demand: bool,
    /// A failing unban is worth a repair.
    pub(crate) repairs_on_unban: bool,
    /// Bans of an earlier run are not told to it again.
    pub(crate) norestored: bool,
    /// How long each command may run.
    pub(crate) timeout: Duration,
    /// How long the jail's bans last; `None` for ever.
    pub(crate) bantime: Option<Span>,
    commands: BTreeMap<(Command, For), Result<Template, String>>,
}

impl Definition {
    /// Works the action out. `notes` gets a sentence for each thing that was put right or cannot be used.
    pub(crate) fn new(
        jail: &str,
        bantime: Option<Span>,
        spec: &ActionSpec,
        machine: &Machine,
        notes: &mut Vec<String>,
    ) -> Self {
        let params = &spec.params;
        let is_conditional = params.keys().any(|key| key.contains("?family="));
        let families = match (is_conditional, machine.has_ipv6) {
            (true, true) => vec![For::INET4, For::INET6],
            (true, false) => vec![For::INET4],
            (false, _) => vec![For::Any],
        };
        let seconds = timeout(spec, notes);
        let on_demand = params.get("actionstart_on_demand");
        let mut commands = BTreeMap::new();
        for command in Command::ALL {
            // A ban may be of a family that the machine does not use, or of no address.
            let known = match is_conditional {
                true => &[For::INET4, For::INET6, For::NoAddress][..],
                false => &[For::Any],
            };
            for &family in known {
                let text = resolve(spec, command, family, machine, seconds);
                let template = text.map(|text| Template::new(&text));
                commands.insert((command, family), template);
            }
            let mut made = families
                .iter()
                .filter_map(|family| commands.get(&(command, *family)));
            if let Some(Err(why)) = made.find(|made| made.is_err()) {
                notes.push(format!(
                    "its action '{}' cannot use {}: {why}",
                    spec.actname,
                    command.option()
                ));
            }
        }
        Self {
            jail: jail.to_owned(),
            name: spec.actname.clone(),
            families,
            on_demand: on_demand.map_or(is_conditional, |text| is_true(text)),
            repairs_on_unban: has(params, "actionrepair_on_unban"),
            norestored: has(params, "norestored"),
            timeout: Duration::from_secs(seconds),
            bantime,
            commands,
        }
    }

    /// What to run; an error if its tags go in a circle.
    pub(crate) fn template(&self, command: Command, family: For) -> Result<&Template, &str> {
        let is_conditional = self.families != [For::Any];
        let family = if is_conditional { family } else { For::Any };
        match self.commands.get(&(command, family)) {
            Some(Ok(template)) => Ok(template),
            Some(Err(why)) => Err(why),
            None => Ok(Template::nothing()),
        }
    }

    /// True if the command says something for any family.
    pub(crate) fn has(&self, command: Command) -> bool {
        self.families
            .iter()
            .any(|family| !matches!(self.template(command, *family), Ok(template) if template.is_blank()))
    }

    /// True if one of these commands has a place for a value that `asks` knows.
    pub(crate) fn asks_for(&self, commands: &[Command], asks: impl Fn(&str) -> bool) -> bool {
        let wanted = self
            .commands
            .iter()
            .filter(|((command, _), _)| commands.contains(command));
        let templates = wanted.filter_map(|(_, template)| template.as_ref().ok());
        let mut tags = templates.flat_map(Template::tags);
        tags.any(asks)
    }
}

fn has(params: &BTreeMap<String, String>, key: &str) -> bool {
    params.get(key).is_some_and(|text| is_true(text))
}

/// fail2ban's words for true; all others are false.
fn is_true(text: &str) -> bool {
    let words = ["1", "on", "true", "yes"];
    words
        .iter()
        .any(|word| text.trim().eq_ignore_ascii_case(word))
}

fn timeout(spec: &ActionSpec, notes: &mut Vec<String>) -> u64 {
    let Some(text) = spec.params.get("timeout") else {
        return USUAL_TIMEOUT;
    };
    match parse_duration(text) {
        Ok(seconds) if seconds >= 1.0 => seconds.min(LONGEST_TIMEOUT) as u64,
        _ => {
            notes.push(format!(
                "its action '{}' has timeout = '{text}', which is no time above a second: {USUAL_TIMEOUT} seconds are taken",
                spec.actname
            ));
            USUAL_TIMEOUT
        }
    }
}

/// A command with everything replaced that no ban is needed for (behaviour §5.4): an option for the family first, then
/// the option, then what every action has.
fn resolve(
    spec: &ActionSpec,
    command: Command,
    family: For,
    machine: &Machine,
    timeout: u64,
) -> Result<String, String> {
    let params = &spec.params;
    let find = |tag: &str| -> Option<String> {
        let twin = matches!(family, For::Family(_))
            .then(|| params.get(&format!("{tag}?family={}", family.word())));
        let twin = twin.flatten();
        if let Some(value) = twin {
            return Some(value.clone());
        }
        match tag {
            // Only a ban knows it, whatever an option of that name says.
            "bantime" => None,
            "timeout" => Some(timeout.to_string()),
            _ => params.get(tag).cloned().or_else(|| match tag {
                "br" => Some("\n".into()),
                "sp" => Some(" ".into()),
                "fq-hostname" => Some(machine.full_name.clone()),
                "sh-hostname" => Some((machine.short_name)()),
                _ => None,
            }),
        }
    };
    let own = command.option();
    let Some(text) = find(own) else {
        return Ok(String::new());
    };
    conf::replace_tags(own, &text, &spec.origin, &find).map_err(|fault| fault.message)
}

#[cfg(test)]
pub(crate) mod tests;
