//! Differences that are right, each with its reason.

use std::ops::RangeInclusive;

/// What one run printed.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) code: Option<i32>,
    pub(crate) page: String,
    /// Seconds since 1970 from the start to the end of the run.
    pub(crate) while_it_ran: RangeInclusive<i64>,
    /// It ended by an exception that nobody caught.
    pub(crate) died: bool,
}

/// What is done to an answer before the two are compared.
struct Rule {
    reason: &'static str,
    apply: fn(&mut Answer),
}

#[rustfmt::skip]
const RULES: &[Rule] = &[
    Rule { reason: "the time that it took is another one each time", apply: time },
    Rule { reason: "a line without a date happens now, which is another moment for each", apply: present },
    Rule { reason: "the help is in our own words", apply: help },
    Rule { reason: "the version is another one", apply: version },
    Rule { reason: "1.1.1 names a filter in another way at the head of the page, and takes jails before filters", apply: head },
    Rule { reason: "the options that a filter really gets hold names of the original's inside", apply: real_options },
    Rule { reason: "an expression that cannot be used is shown as it is written, with the place in that, instead of what its tags stand for", apply: bad_expression },
    Rule { reason: "what is wrong with a date pattern, a zone or a name is said in our own words", apply: own_words },
    Rule { reason: "addresses are matched by other expressions of the same meaning", apply: addresses },
    Rule { reason: "the expression of a date format says in other words what the format takes", apply: date_expression },
    Rule { reason: "1.1.1 also takes a dash and colons within the last format of ISO 8601", apply: colons },
    Rule { reason: "the members of a set stand in any order", apply: sets },
];

/// Both answers without their right differences.
pub(crate) fn normal(mut theirs: Answer, mut ours: Answer) -> (Answer, Answer) {
    for answer in [&mut theirs, &mut ours] {
        for rule in RULES {
            assert!(!rule.reason.is_empty());
            (rule.apply)(answer);
        }
    }
    // Where the original dies of an exception, ours goes on or says what is wrong.
    if theirs.died && !ours.died && matches!(ours.code, Some(0 | 255)) {
        theirs = ours.clone();
    }
    (theirs, ours)
}

fn each_line(answer: &mut Answer, change: impl Fn(&str) -> Option<String>) {
    let lines = answer.page.split('\n');
    let lines = lines.map(|line| change(line).unwrap_or_else(|| line.to_owned()));
    answer.page = lines.collect::<Vec<_>>().join("\n");
}

/// Lines that begin so are cut behind it.
fn cut_behind(answer: &mut Answer, start: &str) {
    each_line(answer, |line| {
        line.starts_with(start).then(|| start.to_owned())
    });
}

fn time(answer: &mut Answer) {
    cut_behind(answer, "[processed in ");
}

fn present(answer: &mut Answer) {
    for second in answer.while_it_ran.clone() {
        let shown = jiff::Timestamp::from_second(second)
            .unwrap()
            .strftime("%a %b %d %H:%M:%S %Y")
            .to_string();
        answer.page = answer.page.replace(&shown, "(now)");
        answer.page = answer.page.replace(&second.to_string(), "(now)");
    }
}

fn help(answer: &mut Answer) {
    if answer.page.contains("Usage: ") {
        answer.page = "(help)".to_owned();
    }
}

fn version(answer: &mut Answer) {
    each_line(answer, |line| match line {
        "1.0.2" => Some("1.1.1".to_owned()),
        "fail2ban-regex 1.0.2" => Some("fail2ban-regex 1.1.1".to_owned()),
        _ => None,
    });
}

fn head(answer: &mut Answer) {
    each_line(answer, |line| {
        let file = "Use      filter file :";
        if let Some(name) = line.strip_prefix("Use             jail : ") {
            return Some(format!("{file} {name}, basedir: /etc/fail2ban"));
        }
        let filter = line.strip_prefix("Use   failregex filter file :");
        let filter = filter.or_else(|| line.strip_prefix("Use   failregex file :"))?;
        Some(format!("{file}{filter}"))
    });
}

fn real_options(answer: &mut Answer) {
    cut_behind(answer, "Real  filter options : ");
}

fn bad_expression(answer: &mut Answer) {
    const START: &str = "ERROR: Unable to compile regular expression";
    let mut lines: Vec<&str> = answer.page.split('\n').collect();
    let Some(start) = lines.iter().position(|line| line.starts_with(START)) else {
        return;
    };
    let length = lines[start..].iter().position(|line| line.ends_with("':"));
    lines.splice(start..=start + length.unwrap_or(0), [START]);
    if let Some(message) = lines.get_mut(start + 1) {
        for place in [" at position ", " as group "] {
            *message = message.split(place).next().unwrap_or_default();
        }
    }
    answer.page = lines.join("\n");
}

fn own_words(answer: &mut Answer) {
    cut_behind(answer, "ERROR: Failed to set datepattern ");
    cut_behind(answer, "ERROR: Unknown or unsupported time zone: ");
    cut_behind(answer, "ERROR: Wrong filter name or options: ");
}

fn addresses(answer: &mut Answer) {
    for (theirs, ours) in [
        (
            r"(?P<ip4>(?:\d{1,3}\.){3}\d{1,3})",
            r"(?P<ip4>\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})",
        ),
        (
            "(?:[0-9a-fA-F]{1,4}::?|::){1,7}",
            "(?:[0-9a-fA-F]{1,4}::?|:){1,7}",
        ),
        // The same in the address of a page.
        (
            "%28%3FP%3Cip4%3E%28%3F%3A%5Cd%7B1%2C3%7D%5C.%29%7B3%7D%5Cd%7B1%2C3%7D%29",
            "%28%3FP%3Cip4%3E%5Cd%7B1%2C3%7D%5C.%5Cd%7B1%2C3%7D%5C.%5Cd%7B1%2C3%7D%5C.%5Cd%7B1%2C3%7D%29",
        ),
        (
            "%3A%3A%3F%7C%3A%3A%29%7B1%2C7%7D",
            "%3A%3A%3F%7C%3A%29%7B1%2C7%7D",
        ),
    ] {
        answer.page = answer.page.replace(theirs, ours);
    }
}

fn date_expression(answer: &mut Answer) {
    cut_behind(answer, "|      # regex:   ");
}

fn colons(answer: &mut Answer) {
    for (theirs, ours) in [
        (
            "ExDay(?:T|  ?)Ex24hourExMinuteExSecond",
            "ExDay(?:-|T|  ?)Ex24hour:?ExMinute:?ExSecond",
        ),
        (
            "%Exd(?:T|  ?)%ExH%ExM%ExS",
            "%Exd(?:-|T|  ?)%ExH:?%ExM:?%ExS",
        ),
    ] {
        answer.page = answer.page.replace(theirs, ours);
    }
}

fn sets(answer: &mut Answer) {
    each_line(answer, |line| {
        let (before, rest) = line.split_once("'users': {")?;
        let (users, after) = rest.split_once('}')?;
        let mut users: Vec<&str> = users.split(", ").collect();
        users.sort_unstable();
        let users = users.join(", ");
        Some(format!("{before}'users': {{{users}}}{after}"))
    });
}
