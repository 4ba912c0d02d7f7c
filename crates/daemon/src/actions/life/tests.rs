//! The life cycle without a process: which scripts run, in which order, and what is said.
//!
//! The orders of scripts are fail2ban's, seen by running 1.0.2 with the same actions; where ours differ the test says so.

use super::super::definition::tests::action;
use super::super::values::{Counters, NoHistory, Values};
use super::*;
use std::collections::VecDeque;

/// Hands that write down what they are asked for. A script fails if it begins with one of the texts, so many times, and is cut
/// short if it begins with another.
#[derive(Default)]
struct Notes {
    seen: Vec<String>,
    fails: VecDeque<(&'static str, usize)>,
    cut: Option<&'static str>,
    now: i64,
}

impl Hands for Notes {
    fn fill(
        &mut self,
        action: &Definition,
        template: &Template,
        ticket: Option<&Ticket>,
        family: For,
    ) -> Script {
        let values = Values {
            jail: &action.jail,
            ticket,
            family,
            bantime: action.bantime,
            now: self.now(),
            counters: Counters::default(),
            history: &NoHistory,
            host_of: &|_| None,
        };
        template.fill(&mut |tag| values.of(tag))
    }

    fn run(&mut self, _action: &Definition, script: &Script) -> Outcome {
        self.seen.push(script.text.clone());
        if self.cut.is_some_and(|start| script.text.starts_with(start)) {
            return Outcome::CutShort;
        }
        let fails =
            |(start, left): &&mut (&str, usize)| *left > 0 && script.text.starts_with(*start);
        match self.fails.iter_mut().find(fails) {
            Some((_, left)) => {
                *left -= 1;
                Outcome::Failed
            }
            None => Outcome::Well,
        }
    }

    fn tell(&mut self, level: Level, module: &'static str, text: &str) {
        self.seen.push(format!("{level:?} {module} {text}"));
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_secs(self.now)
    }
}

/// What happens to an action.
enum Step {
    Start,
    Ban(&'static str),
    Again(&'static str),
    Prolong(&'static str),
    Unban(&'static str),
    Flush,
    Stop,
    Reload(&'static [(&'static str, &'static str)]),
    /// Scripts that begin so fail from now on, so many times.
    Fail(&'static str, usize),
    /// Scripts that begin so are cut short from now on; none if that is nothing.
    Cut(&'static str),
    /// So many seconds go by.
    Wait(i64),
}
use Step::*;

const ONE: &[(&str, &str)] = &[
    ("actionstart", "S <x>"),
    ("actionstop", "T <x>"),
    ("actionban", "B <x> <ip>"),
    ("actionunban", "U <x> <ip>"),
    ("actionflush", "F <x>"),
    ("actioncheck", "C <x>"),
    ("actionprolong", "P <x> <ip>"),
    ("actionreload", "L <x>"),
    ("x", "4"),
];

const SIX: (&str, &str) = ("x?family=inet6", "6");

/// The options, the later ones above the earlier.
fn with(more: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    let given = |key: &str| more.iter().any(|(other, _)| *other == key);
    let base = ONE.iter().filter(|(key, _)| !given(key));
    base.chain(more).copied().collect()
}

fn run(params: &[(&'static str, &'static str)], steps: &[Step]) -> Vec<String> {
    let mut life = Life::new(Arc::new(action(params).0));
    let mut notes = Notes::default();
    for step in steps {
        let ticket = |ip: &str| Arc::new(Ticket::bare(ip.into(), Timestamp::from_secs(0)));
        let done = match step {
            Start => life.start(&mut notes),
            Ban(ip) => life.ban(&mut notes, &ticket(ip)),
            Again(ip) => life.again(&mut notes, &ticket(ip)),
            Prolong(ip) => life.prolong(&mut notes, &ticket(ip)),
            Unban(ip) => life.unban(&mut notes, &ticket(ip)),
            Flush => life.flush(&mut notes).map(|done| {
                if !done {
                    notes.seen.push("no flush".into());
                }
            }),
            Stop => life.stop(&mut notes),
            Reload(more) => life.reload(&mut notes, Arc::new(action(&with(more)).0)),
            Fail(start, times) => {
                notes.fails.push_back((start, *times));
                Ok(())
            }
            Cut(start) => {
                notes.cut = Some(*start).filter(|start| !start.is_empty());
                Ok(())
            }
            Wait(seconds) => {
                notes.now += seconds;
                Ok(())
            }
        };
        if let Err(error) = done {
            notes.seen.push(format!("Err {error}"));
        }
    }
    notes.seen
}

fn check(params: &[(&'static str, &'static str)], steps: &[Step], expected: &str) {
    let seen = run(params, steps);
    let expected: Vec<&str> = expected
        .split('|')
        .map(str::trim)
        .filter(|one| !one.is_empty())
        .collect();
    assert_eq!(seen, expected);
}

const FLUSHED: &str = "Notice actions [j1] Flush ticket(s) with a";
const MISSING: &str =
    "Error CommandAction Invariant check failed. Trying to restore a sane environment";

#[test]
fn one_family_starts_at_once() {
    let params = with(&[]);
    check(
        &params,
        &[
            Start,
            Ban("1.1.1.1"),
            Ban("2001::1"),
            Unban("2001::1"),
            Flush,
            Stop,
        ],
        &format!("S 4 | B 4 1.1.1.1 | B 4 2001::1 | U 4 2001::1 | {FLUSHED} | F 4 | T 4"),
    );
    check(&params, &[Start, Stop], "S 4 | T 4");
    // Nothing is undone that was never done.
    check(
        &params,
        &[Start, Unban("1.1.1.1"), Prolong("1.1.1.1"), Flush],
        &format!("S 4 | {FLUSHED}"),
    );
    check(
        &with(&[("actionflush", " ")]),
        &[Start, Ban("1.1.1.1"), Flush],
        "S 4 | B 4 1.1.1.1 | no flush",
    );
}

#[test]
fn two_families_start_with_their_first_ban() {
    let params = with(&[SIX]);
    check(
        &params,
        &[
            Start,
            Ban("1.1.1.1"),
            Ban("1.1.1.2"),
            Unban("1.1.1.1"),
            Ban("2001::1"),
            Flush,
            Stop,
        ],
        &format!(
            "S 4 | B 4 1.1.1.1 | B 4 1.1.1.2 | U 4 1.1.1.1 | S 6 | B 6 2001::1 | {FLUSHED} | F 4 | F 6 | T 4 | T 6"
        ),
    );
    check(
        &params,
        &[
            Ban("2001::1"),
            Ban("1.1.1.1"),
            Flush,
            Ban("1.1.1.3"),
            Flush,
            Stop,
        ],
        &format!(
            "S 6 | B 6 2001::1 | S 4 | B 4 1.1.1.1 | {FLUSHED} | F 6 | F 4 | B 4 1.1.1.3 | {FLUSHED} | F 4 | T 6 | T 4"
        ),
    );
    check(&params, &[Start, Flush, Stop], FLUSHED);
    // After a flush a family holds nothing.
    check(
        &params,
        &[Ban("1.1.1.1"), Flush, Unban("1.1.1.1")],
        &format!("S 4 | B 4 1.1.1.1 | {FLUSHED} | F 4"),
    );
    let at_once = with(&[SIX, ("actionstart_on_demand", "false")]);
    check(
        &at_once,
        &[Start, Ban("2001::1"), Stop],
        "S 4 | S 6 | B 6 2001::1 | T 4 | T 6",
    );
}

#[test]
fn the_same_command_runs_once() {
    let same = [
        SIX,
        ("actionstart_on_demand", "false"),
        ("actionstart", "S"),
        ("actionstop", "T"),
        ("actionflush", "F"),
    ];
    check(
        &with(&same),
        &[Start, Ban("1.1.1.1"), Ban("2001::1"), Flush, Stop],
        &format!("S | B 4 1.1.1.1 | B 6 2001::1 | {FLUSHED} | F | T"),
    );
    let on_demand = with(&[("actionstart_on_demand", "true")]);
    check(
        &on_demand,
        &[Start, Ban("1.1.1.1"), Ban("2001::1"), Stop],
        "S 4 | B 4 1.1.1.1 | B 4 2001::1 | T 4",
    );
    // Commands that name the family differ by it, also where no option does.
    let named = with(&[
        ("actionstart", "S [<family>]"),
        ("actionstop", "T [<family>]"),
        ("actionflush", "F [<family>]"),
    ]);
    check(
        &named,
        &[Start, Ban("2001::1"), Ban("1.1.1.1"), Flush, Stop],
        &format!(
            "S [] | B 4 2001::1 | B 4 1.1.1.1 | {FLUSHED} | F [inet6] | F [inet4] | T [] | T [inet6] | T [inet4]"
        ),
    );
}

/// As fail2ban does: all that the action has is started for it, and what is undone is undone for it alone.
#[test]
fn an_id_that_is_no_address() {
    check(
        &with(&[SIX]),
        &[
            Ban("mallory"),
            Ban("eve"),
            Prolong("eve"),
            Unban("eve"),
            Flush,
            Stop,
        ],
        &format!(
            "S 4 | S 6 | B 4 mallory | B 4 eve | P 4 eve | U 4 eve | {FLUSHED} | F 4 | T 4 | T 6"
        ),
    );
    // Who comes later finds it started, and so does who came before: there fail2ban starts it once more.
    check(
        &with(&[SIX]),
        &[Ban("1.1.1.1"), Ban("mallory"), Ban("2001::1"), Flush, Stop],
        &format!(
            "S 4 | B 4 1.1.1.1 | S 6 | B 4 mallory | B 6 2001::1 | {FLUSHED} | F 4 | F 6 | T 4 | T 6"
        ),
    );
    let named = with(&[
        ("actionstart", "S [<family>]"),
        ("actionban", "B [<family>] <ip>"),
        ("actionstop", "T [<family>]"),
        ("actionflush", "F [<family>]"),
    ]);
    check(
        &named,
        &[Start, Ban("mallory"), Flush, Stop],
        &format!("S [] | B [None] mallory | {FLUSHED} | F [None] | T []"),
    );
    let mut both = named;
    both.push(SIX);
    check(
        &both,
        &[Start, Ban("mallory"), Flush, Stop],
        &format!(
            "S [inet4] | S [inet6] | B [None] mallory | {FLUSHED} | F [None] | T [inet4] | T [inet6] | T [None]"
        ),
    );
    check(
        &with(&[SIX]),
        &[Ban("mallory"), Ban("2001::1"), Fail("B", 1), Fail("C", 1), Ban("eve")],
        &format!(
            "S 4 | S 6 | B 4 mallory | B 6 2001::1 | B 4 eve | C 4 | {MISSING} | T 4 | T 6 | S 4 | S 6 | C 4 |
             Notice actions [j1] Reban 2001::1, action 'a' | B 6 2001::1 |
             Notice actions [j1] Reban mallory, action 'a' | B 4 mallory | B 4 eve"
        ),
    );
}

#[test]
fn a_failed_start() {
    let error = "Err Error starting action Jail('j1')/a: 'Script error'";
    check(
        &with(&[]),
        &[Fail("S", 1), Start, Stop],
        &format!("S 4 | {error}"),
    );
    // Bans go on; fail2ban does not start it for them either.
    check(
        &with(&[]),
        &[Fail("S", 1), Start, Ban("1.1.1.1"), Unban("1.1.1.1"), Stop],
        &format!("S 4 | {error} | B 4 1.1.1.1 | U 4 1.1.1.1 | T 4"),
    );
    check(
        &with(&[SIX]),
        &[Fail("S", 1), Ban("1.1.1.1"), Ban("1.1.1.2"), Stop],
        &format!("S 4 | {error} | S 4 | B 4 1.1.1.2 | T 4"),
    );
}

#[test]
fn a_failed_ban_is_tried_once_more() {
    let params = with(&[SIX]);
    check(
        &params,
        &[Fail("B", 1), Ban("1.1.1.1")],
        "S 4 | B 4 1.1.1.1 | C 4 | B 4 1.1.1.1",
    );
    check(
        &params,
        &[Fail("B", 2), Ban("1.1.1.1"), Unban("1.1.1.1"), Flush, Stop],
        &format!(
            "S 4 | B 4 1.1.1.1 | C 4 | B 4 1.1.1.1 | Err Error banning 1.1.1.1 | {FLUSHED} | T 4"
        ),
    );
    check(
        &with(&[("actioncheck", "")]),
        &[Fail("B", 1), Ban("1.1.1.1")],
        "B 4 1.1.1.1 | B 4 1.1.1.1",
    );
    check(
        &params,
        &[Ban("1.1.1.1"), Fail("P", 1), Prolong("1.1.1.1")],
        "S 4 | B 4 1.1.1.1 | P 4 1.1.1.1 | C 4 | P 4 1.1.1.1",
    );
    check(
        &params,
        &[Ban("1.1.1.1"), Fail("U", 2), Unban("1.1.1.1")],
        "S 4 | B 4 1.1.1.1 | U 4 1.1.1.1 | C 4 | U 4 1.1.1.1 | Err Error unbanning 1.1.1.1",
    );
}

#[test]
fn what_a_check_misses_is_made_again() {
    let params = with(&[SIX]);
    check(
        &params,
        &[Fail("B", 1), Fail("C", 1), Ban("1.1.1.1"), Stop],
        &format!("S 4 | B 4 1.1.1.1 | C 4 | {MISSING} | T 4 | S 4 | C 4 | B 4 1.1.1.1 | T 4"),
    );
    check(
        &params,
        &[Fail("B", 1), Fail("C", 9), Ban("1.1.1.1")],
        &format!(
            "S 4 | B 4 1.1.1.1 | C 4 | {MISSING} | T 4 | S 4 | C 4 | Critical CommandAction Unable to restore environment | Err Error banning 1.1.1.1"
        ),
    );
    check(
        &with(&[SIX, ("actionrepair", "R <x>")]),
        &[Fail("B", 1), Fail("C", 1), Ban("1.1.1.1")],
        &format!("S 4 | B 4 1.1.1.1 | C 4 | {MISSING} | R 4 | C 4 | B 4 1.1.1.1"),
    );
    check(
        &with(&[SIX, ("actionrepair", "R <x>")]),
        &[Fail("B", 1), Fail("C", 1), Fail("R", 1), Ban("1.1.1.1")],
        &format!(
            "S 4 | B 4 1.1.1.1 | C 4 | {MISSING} | R 4 | Critical CommandAction Unable to restore environment | Err Error banning 1.1.1.1"
        ),
    );
    // fail2ban 1.0.2 stops an action of one family and then does not start it.
    check(
        &with(&[]),
        &[Start, Fail("B", 1), Fail("C", 1), Ban("1.1.1.1")],
        &format!("S 4 | B 4 1.1.1.1 | C 4 | {MISSING} | T 4 | S 4 | C 4 | B 4 1.1.1.1"),
    );
}

#[test]
fn what_was_lost_with_it_is_banned_again() {
    // fail2ban does this when one of the lost is seen again; we at once, and only what was lost.
    let again = |ip: &str| format!("Notice actions [j1] Reban {ip}, action 'a'");
    let (one, two) = (again("1.1.1.1"), again("2001::1"));
    check(
        &with(&[SIX, ("actionreban", "RB <ip>")]),
        &[
            Ban("1.1.1.1"),
            Ban("2001::1"),
            Fail("B", 1),
            Fail("C", 1),
            Ban("1.1.1.2"),
            Unban("2001::1"),
        ],
        &format!(
            "S 4 | B 4 1.1.1.1 | S 6 | B 6 2001::1 | B 4 1.1.1.2 | C 4 | {MISSING} | T 4 | S 4 | C 4 | {one} | RB 1.1.1.1 | B 4 1.1.1.2 | U 6 2001::1"
        ),
    );
    check(
        &with(&[]),
        &[
            Ban("1.1.1.1"),
            Ban("2001::1"),
            Fail("B", 1),
            Fail("C", 1),
            Ban("1.1.1.2"),
        ],
        &format!(
            "B 4 1.1.1.1 | B 4 2001::1 | B 4 1.1.1.2 | C 4 | {MISSING} | T 4 | S 4 | C 4 | {one} | B 4 1.1.1.1 | {two} | B 4 2001::1 | B 4 1.1.1.2"
        ),
    );
    // What is broken for three is not tried for a thousand.
    let many: Vec<Step> = ["1.0.0.1", "1.0.0.2", "1.0.0.3", "1.0.0.4", "1.0.0.5"]
        .map(Ban)
        .into_iter()
        .collect();
    let steps: Vec<Step> = many
        .into_iter()
        .chain([Fail("C", 1), Fail("B", 9), Again("1.0.0.1")])
        .collect();
    let tried = run(&with(&[]), &steps);
    assert_eq!(
        tried
            .iter()
            .filter(|line| line.starts_with("Notice"))
            .count(),
        4,
        "{tried:?}"
    );
}

#[test]
fn an_unban_that_finds_nothing() {
    let params = with(&[SIX]);
    let steps = [Ban("1.1.1.1"), Fail("U", 1), Fail("C", 1), Unban("1.1.1.1")];
    check(
        &params,
        &steps,
        "S 4 | B 4 1.1.1.1 | U 4 1.1.1.1 | C 4 | Error CommandAction Invariant check failed. Unban is impossible. | Err Error unbanning 1.1.1.1",
    );
    check(
        &with(&[SIX, ("actionrepair_on_unban", "true")]),
        &steps,
        &format!("S 4 | B 4 1.1.1.1 | U 4 1.1.1.1 | C 4 | {MISSING} | T 4 | S 4 | C 4"),
    );
}

#[test]
fn who_is_seen_again_makes_one_look() {
    let params = with(&[SIX]);
    check(
        &params,
        &[
            Ban("1.1.1.1"),
            Again("1.1.1.1"),
            Wait(2),
            Again("1.1.1.1"),
            Wait(1),
            Again("1.1.1.1"),
        ],
        "S 4 | B 4 1.1.1.1 | C 4 | C 4",
    );
    check(
        &with(&[("actioncheck", "")]),
        &[Ban("1.1.1.1"), Again("1.1.1.1")],
        "B 4 1.1.1.1",
    );
    let again = "Notice actions [j1] Reban 1.1.1.1, action 'a'";
    check(
        &params,
        &[
            Ban("1.1.1.1"),
            Ban("2001::1"),
            Fail("C 4", 1),
            Again("1.1.1.1"),
        ],
        &format!(
            "S 4 | B 4 1.1.1.1 | S 6 | B 6 2001::1 | C 4 | {MISSING} | T 4 | S 4 | C 4 | {again} | B 4 1.1.1.1 | C 6"
        ),
    );
    // A repair of the admin's own: each is told when it is seen.
    check(
        &with(&[SIX, ("actionrepair", "R"), ("actionreban", "RB <ip>")]),
        &[
            Ban("1.1.1.1"),
            Fail("C", 1),
            Again("1.1.1.1"),
            Wait(9),
            Again("1.1.1.1"),
        ],
        &format!("S 4 | B 4 1.1.1.1 | C 4 | {MISSING} | R | C 4 | {again} | RB 1.1.1.1 | C 4"),
    );
    // A ban that failed is tried again when its address is seen again.
    check(
        &params,
        &[Fail("B", 2), Ban("1.1.1.1"), Again("1.1.1.1")],
        &format!(
            "S 4 | B 4 1.1.1.1 | C 4 | B 4 1.1.1.1 | Err Error banning 1.1.1.1 | C 4 | {again} | B 4 1.1.1.1"
        ),
    );
}

#[test]
fn failures_of_the_end_are_told_and_the_rest_goes_on() {
    check(
        &with(&[SIX]),
        &[
            Ban("1.1.1.1"),
            Ban("2001::1"),
            Fail("F", 1),
            Flush,
            Fail("T", 1),
            Stop,
        ],
        &format!(
            "S 4 | B 4 1.1.1.1 | S 6 | B 6 2001::1 | {FLUSHED} | F 4 | F 6 | Err Error flushing action Jail('j1')/a: 'Script error' | T 4 | T 6 | Err Error stopping action Jail('j1')/a: 'Script error'"
        ),
    );
}

#[test]
fn what_there_is_no_time_for_is_no_failure() {
    // A check that cannot run says nothing: no repair, and what may be there is undone.
    let no_time = "Err there is no time left";
    check(
        &with(&[SIX]),
        &[Cut("B"), Ban("1.1.1.1"), Cut(""), Flush, Stop],
        &format!("S 4 | B 4 1.1.1.1 | {no_time} | {FLUSHED} | F 4 | T 4"),
    );
    check(
        &with(&[SIX]),
        &[
            Ban("1.1.1.1"),
            Fail("B", 1),
            Cut("C"),
            Ban("1.1.1.2"),
            Again("1.1.1.1"),
            Cut(""),
            Flush,
            Stop,
        ],
        &format!(
            "S 4 | B 4 1.1.1.1 | B 4 1.1.1.2 | C 4 | {no_time} | C 4 | {no_time} | {FLUSHED} | F 4 | T 4"
        ),
    );
    // In the middle of a repair.
    check(
        &with(&[]),
        &[
            Start,
            Ban("1.1.1.1"),
            Fail("C", 1),
            Cut("S"),
            Again("1.1.1.1"),
            Cut(""),
            Stop,
        ],
        &format!("S 4 | B 4 1.1.1.1 | C 4 | {MISSING} | T 4 | S 4 | {no_time} | T 4"),
    );
    // Half a start is undone, too.
    check(
        &with(&[]),
        &[Cut("S"), Start, Cut(""), Stop],
        &format!("S 4 | {no_time} | T 4"),
    );
    check(
        &with(&[("actionflush", "")]),
        &[
            Start,
            Ban("1.1.1.1"),
            Cut("U"),
            Unban("1.1.1.1"),
            Cut(""),
            Unban("1.1.1.1"),
        ],
        &format!("S 4 | B 4 1.1.1.1 | U 4 1.1.1.1 | {no_time} | U 4 1.1.1.1"),
    );
}

#[test]
fn a_reload_takes_the_new_commands() {
    check(
        &with(&[SIX]),
        &[
            Ban("1.1.1.1"),
            Reload(&[SIX, ("actionban", "NB <ip>")]),
            Ban("1.1.1.2"),
            Stop,
        ],
        "S 4 | B 4 1.1.1.1 | L 4 | NB 1.1.1.2 | T 4",
    );
}

#[test]
fn a_command_without_an_end_is_an_error_of_that_command() {
    let seen = run(
        &with(&[("actionban", "B <y>"), ("y", "<y>")]),
        &[Start, Ban("1.1.1.1"), Stop],
    );
    assert!(seen[1].starts_with("Err Error in actionban: "), "{seen:?}");
    assert_eq!((seen[0].as_str(), seen[2].as_str()), ("S 4", "T 4"));
}
