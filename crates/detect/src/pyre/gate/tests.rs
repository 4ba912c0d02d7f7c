//! The gate against the searches that it saves.

use super::*;
use crate::pyre::generated::{pattern, text};
use crate::pyre::{Engine, Outcome, Sampling};
use proptest::prelude::*;

/// A prefregex with its content, and expressions.
struct Rule {
    prefix: Option<Regex>,
    regexes: Vec<Regex>,
}

impl Rule {
    fn new(prefix: Option<&str>, regexes: &[String]) -> Self {
        let compile = |pattern: &str| Regex::new(pattern, false).unwrap();
        Self {
            prefix: prefix.map(compile),
            regexes: regexes.iter().map(|pattern| compile(pattern)).collect(),
        }
    }

    fn gated(&self) -> Gated<'_> {
        let content = |prefix: &Regex| prefix.group_index("content");
        Gated {
            prefix: self.prefix.as_ref().map(|prefix| (prefix, content(prefix))),
            regexes: self.regexes.iter().collect(),
            spans_lines: false,
        }
    }

    /// Whether a detector would find anything, as it searches: the prefregex, then any of the others in its content.
    fn matches(&self, text: &str) -> bool {
        let mut searched = text.to_owned();
        if let Some(prefix) = &self.prefix {
            let mut slots = Vec::new();
            if prefix.search(&mut prefix.new_cache(), text, &mut slots) != Outcome::Match {
                return false;
            }
            let content = prefix
                .group_index("content")
                .map(|group| (slots[2 * group], slots[2 * group + 1]));
            if let Some((Some(start), Some(end))) = content
                && start < end
            {
                searched = format!("{}\n", &text[start..end]);
            }
        }
        self.regexes
            .iter()
            .any(|regex| regex.is_match(&mut regex.new_cache(), &searched))
    }

    /// Whether the gate has no reason to name it in vain.
    fn is_exact(&self) -> bool {
        self.prefix.is_none()
            && self
                .regexes
                .iter()
                .all(|regex| regex.engine() == Engine::Linear)
    }
}

/// The rules that a gate names, sorted.
fn named(gate: &Gate, cache: &mut GateCache, selection: usize, text: &str) -> Option<Vec<usize>> {
    let mut hits = Vec::new();
    let whole = Searched {
        text,
        has_feed: false,
        is_ascii: text.is_ascii(),
        part_of: None,
    };
    gate.search(cache, selection, whole, &mut hits).ok()?;
    hits.sort_unstable();
    check_silence(gate, cache, selection, whole)?;
    // It is all the same whether a line feed stands in the text or is said to.
    if let Some(text) = text.strip_suffix('\n') {
        let (has_feed, mut again) = (true, Vec::new());
        let unended = Searched {
            text,
            has_feed,
            ..whole
        };
        let by_needle = cache.by_needle.clone();
        gate.search(cache, selection, unended, &mut again).ok()?;
        again.sort_unstable();
        assert!(again == hits || by_needle != cache.by_needle, "{text:?}");
    }
    let count = hits.len();
    hits.dedup();
    assert_eq!(hits.len(), count, "a rule was named twice");
    Some(hits)
}

/// Of texts that begin as the last one the automaton names nothing either, if so much of that told.
fn check_silence(
    gate: &Gate,
    cache: &mut GateCache,
    selection: usize,
    last: Searched<'_>,
) -> Option<()> {
    let letters = cache.silent_after().filter(|_| last.is_ascii);
    let Some(beginning) = letters.and_then(|letters| last.text.get(..letters)) else {
        return Some(());
    };
    for behind in ["", "\n", "a", "b a", "é", last.text] {
        let text = &format!("{beginning}{behind}");
        let by_needle = cache.by_needle.clone();
        let mut hits = Vec::new();
        let other = Searched {
            text,
            is_ascii: text.is_ascii(),
            ..last
        };
        gate.search(cache, selection, other, &mut hits).ok()?;
        // The end of the trial may lie between the two.
        let is_steady = by_needle == cache.by_needle;
        let is_other =
            |rule: &usize| by_needle.get(*rule) == Some(&true) || cache.always.contains(rule);
        assert!(!is_steady || hits.iter().all(is_other), "{text:?}");
    }
    Some(())
}

/// Every text is searched by a gate with room, by one whose cache is emptied all the time, and for half of the rules.
fn check(rules: &[Rule], texts: &[String]) {
    let gated: Vec<Gated<'_>> = rules.iter().map(Rule::gated).collect();
    for bound in [1 << 20, 1_500] {
        let Some(gate) = Gate::new(&gated, bound) else {
            return;
        };
        let mut cache = GateCache::default();
        let all = gate.select(&mut cache, 0..rules.len());
        let half = gate.select(&mut cache, (0..rules.len()).filter(|rule| rule % 2 == 1));
        // Beginnings come again, as in a log, with the same and with other letters behind them.
        let again = texts.iter().map(|text| format!("{}{text}", texts[0]));
        for text in texts
            .iter()
            .cloned()
            .chain(again)
            .chain(texts.iter().cloned())
        {
            let text = format!("{text}\n");
            let found = named(&gate, &mut cache, all, &text);
            let of_half = named(&gate, &mut cache, half, &text);
            for (place, rule) in rules
                .iter()
                .enumerate()
                .filter(|(place, _)| !gate.is_open(*place))
            {
                let matches = rule.matches(&text);
                let asked = || {
                    format!(
                        "rule {place}: {:?} after {:?} on {text:?}",
                        rule.regexes, rule.prefix
                    )
                };
                if let Some(found) = &found {
                    let names = found.contains(&place);
                    assert!(names || !matches, "missed: {}", asked());
                    assert!(
                        !names || matches || !rule.is_exact(),
                        "in vain: {}",
                        asked()
                    );
                }
                if let (Some(found), Some(of_half)) = (&found, &of_half) {
                    assert_eq!(
                        of_half.contains(&place),
                        found.contains(&place) && place % 2 == 1,
                        "{}",
                        asked()
                    );
                }
            }
        }
    }
}

/// Prefregexes as filters have them, and others that the gate cannot join with what comes behind.
fn prefix() -> impl Strategy<Value = Option<String>> {
    let before = prop::sample::select(vec![
        "^",
        "",
        "^(?:a|b )?",
        "^\\w*",
        "(?=.*b)",
        "^(?!ab)\\S* ?",
        "\\b",
    ]);
    let content = prop::sample::select(vec![
        ".+",
        ".+?",
        ".*",
        "[^a]+",
        "\\w+",
        "a.*b?",
        "(?:a|ab)+",
    ]);
    let after = prop::sample::select(vec!["$", "$", "$", "", "\\s*$", " 1$", "\\Z", "(?m:$)"]);
    prop::option::of(
        (before, content, after)
            .prop_map(|(before, content, after)| format!("{before}(?P<content>{content}){after}")),
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_gate_never_misses_a_rule(
        rules in prop::collection::vec((prefix(), prop::collection::vec(pattern(), 0..4)), 1..5),
        texts in prop::collection::vec(text(), 1..8),
    ) {
        let rules: Vec<Rule> = rules.iter().map(|(prefix, regexes)| Rule::new(prefix.as_deref(), regexes)).collect();
        check(&rules, &texts);
    }
}

/// Contents that end before their line does, are empty, hold the line feed, or are found at another place than the first.
#[test]
fn contents_of_every_kind() {
    let befores = ["^", "^\\w*? ?", "^(?:a )?", "\\b", "(?=.*b)"];
    let contents = [
        ".+",
        ".+?",
        ".*",
        ".*?",
        "[^c]+",
        "[^ ]+",
        "(?:a|ab)+",
        "a.*b?",
    ];
    let afters = ["$", "", " ?", "c", "(?:\\s|$)", "\\Z", "(?m:$)", "$|b"];
    let regexes = [
        "^a$",
        "b$",
        "^b",
        "\\ba\\b",
        "a\\s*\\Z",
        "(?<!a)b",
        "^[^c]*\n$",
        "a b",
    ];
    let texts = [
        "a", "ab", "a b", "aa b", "b a", "abc", "a b c", "a\nb", "c a\nb a",
    ]
    .map(str::to_owned);
    for before in befores {
        for content in contents {
            for after in afters {
                let prefix = format!("{before}(?P<content>{content}){after}");
                let rules: Vec<Rule> = regexes
                    .iter()
                    .map(|regex| Rule::new(Some(&prefix), &[(*regex).to_owned()]))
                    .collect();
                check(&rules, &texts);
            }
        }
    }
}

/// So many texts that the gate goes over to literals for rules that stay in the running, and looks no more for one that
/// nearly all are for.
#[test]
fn literals_name_what_the_automaton_named() {
    let regexes = [
        "^.*Failed for (?P<ip4>\\S+)",
        "login by \\w+ denied",
        "^sshd: (?:\\w+ )*gone",
        "(?:from|by) here",
        "^x$",
        "^[^é]*$",
    ];
    let rules: Vec<Rule> = regexes
        .iter()
        .map(|regex| Rule::new(None, &[(*regex).to_owned()]))
        .collect();
    let gated: Vec<Gated<'_>> = rules.iter().map(Rule::gated).collect();
    let gate = Gate::new(&gated, 1 << 20).unwrap();
    let mut cache = GateCache::default();
    let all = gate.select(&mut cache, 0..rules.len());
    let odd = gate.select(&mut cache, [1, 3, 5].into_iter());
    let texts = [
        "a Failed for b\n",
        "login by x denied\n",
        "login by  denied by here\n",
        "sshd: a b gone\n",
        "x\n",
        "Failed for login by é denied from here\n",
        "nothing of any interest, but long enough that it takes some time to see that it is of none\n",
        "neither is this of any interest, but it is nearly as long as the text that stands above it\n",
        "é\n",
        "\n",
    ];
    let mut before = Vec::new();
    for round in 0..400 {
        let found: Vec<_> = texts
            .iter()
            .map(|text| {
                (
                    named(&gate, &mut cache, all, text).unwrap(),
                    named(&gate, &mut cache, odd, text).unwrap(),
                )
            })
            .collect();
        for ((found, of_odd), text) in found.iter().zip(texts) {
            for (place, rule) in rules
                .iter()
                .enumerate()
                .filter(|(_, rule)| rule.matches(text))
            {
                assert!(
                    found.contains(&place),
                    "round {round}: {:?} on {text:?}",
                    rule.regexes
                );
            }
            assert!(of_odd.iter().all(|place| place % 2 == 1));
            // As a part of more its rules are named too, and those whose needles stand before it; also where all that
            // comes was looked at before.
            let more = format!("1 Failed for 2 {}", text.trim_end());
            let ahead = format!("Failed for nobody\n{more}\nlogin by x denied");
            let place = ahead.find(&more);
            for (selection, expected) in [(all, found), (odd, of_odd)] {
                let [hits, looked] = [None, place].map(|place| {
                    let searched = Searched {
                        text,
                        has_feed: false,
                        is_ascii: text.is_ascii(),
                        part_of: Some(Part {
                            whole: &more,
                            place,
                        }),
                    };
                    cache.next_text();
                    cache.look_ahead(&ahead);
                    let mut hits = Vec::new();
                    let searched = gate.search(&mut cache, selection, searched, &mut hits);
                    searched.unwrap();
                    hits.sort_unstable();
                    hits
                });
                // The end of the trial may lie between the two.
                assert!(hits == looked || !cache.trial.is_over());
                assert!(expected.iter().all(|place| hits.contains(place)));
                let is_before = cache.needles.is_some() && selection == all;
                assert_eq!(
                    hits.contains(&0),
                    expected.contains(&0) || is_before,
                    "{text:?}"
                );
            }
        }
        if round == 0 {
            before = found;
        } else if cache.needles.is_none() {
            assert_eq!(found, before);
        }
    }
    let expected = [true, true, false, true, false, false];
    assert_eq!(cache.by_needle, expected, "{:?}", cache.trial);
    assert_eq!(cache.always, [5]);
}

/// What is written by a rule is let pass by its gate.
#[test]
fn every_sample_of_a_rule_is_a_candidate() {
    let prefix = r"^\s*(?:\S+ )?(?:sshd|cron)(?:\[\d+\])?:? (?P<content>.+)$";
    let regexes = [
        r"^Failed \S+ for (?P<user>.*) from (?P<ip4>\d+\.\d+)(?: port \d+)?$",
        r"^(?:[iI]nvalid|[iI]llegal) user (?P<user>\S*) from (?P<ip4>\d+\.\d+)\s*$",
        r"rhost=(?P<ip4>\d+\.\d+)(?:\s+user=(?P<user>\S*))?",
    ];
    let rule = Rule::new(Some(prefix), &regexes.map(str::to_owned));
    let gate = Gate::new(&[rule.gated()], 1 << 16).unwrap();
    let (mut cache, mut seed) = (GateCache::default(), 7_usize);
    let all = gate.select(&mut cache, 0..1);
    let mut below = |bound: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) % bound
    };
    let mut matching = 0;
    for regex in &rule.regexes {
        let sampler = regex.sampler();
        for _ in 0..1_000 {
            let content = sampler
                .sample(Sampling::default(), &mut below)
                .replace('\n', " ");
            let text = format!(" host sshd[{}]: {content}\n", below(100));
            let matches = rule.matches(&text);
            matching += usize::from(matches);
            if let Some(found) = named(&gate, &mut cache, all, &text) {
                assert!(!matches || found == [0], "{text:?}");
            }
        }
    }
    assert!(matching > 2_000, "only {matching} samples match");
}
