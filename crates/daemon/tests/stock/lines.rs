//! Lines for a pattern: texts that it says, changed where attackers and other programs would change them.

use detect::pyre::{Sampler, Sampling};

/// A small generator of pseudo-random numbers, so that every run is the same.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        const FACTOR: u64 = 6_364_136_223_846_793_005;
        const SUMMAND: u64 = 1_442_695_040_888_963_407;
        self.0 = self.0.wrapping_mul(FACTOR).wrapping_add(SUMMAND);
        ((self.0 >> 33) as usize) % bound
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }

    /// A place between two characters.
    fn place(&mut self, text: &str) -> usize {
        let mut at = self.below(text.len() + 1);
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    }
}

/// What attackers write into names, and what is not what it looks like.
const TOKENS: &[&str] = &[
    " from ",
    " from 9.9.9.9",
    "\"",
    "'",
    "[",
    "]",
    "(",
    ")",
    "<",
    ">",
    ": ",
    " ",
    "  ",
    "=",
    "user=",
    "rhost=",
    "H=",
    "@",
    ",",
    ";",
    "é",
    "ß",
    "ſ",
    "K",
    "İ",
    "\u{301}",
    "\u{a0}",
    "\u{2028}",
    "\u{1c}",
    "\u{85}",
    "\u{0}",
    "\t",
    "\n",
    "\r",
    "٣",
    "²",
    "_",
    "-",
    "/",
    "\\",
    "%",
    "名前",
    "😀",
    " ssh2",
    " port 22",
    "[preauth]",
    "::",
    ".",
];

/// Addresses in forms that patterns take and in some that they must not.
const ADDRESSES: &[&str] = &[
    "192.0.2.1",
    "1.2.3.256",
    "999.1.1.1",
    "192.0.2",
    "192.030.0.6",
    "::ffff:192.0.2.1",
    "2001:db8::1",
    "::",
    "::1",
    "1::",
    "fe80::1%eth0",
    "[2001:db8::2]",
    "[192.0.2.9]",
    "2001:db8:1:2:3:4:5:6",
    "2001:db8:::1",
    "host.example.com",
    "a-b_c.d",
    "ex\u{e4}mple.org",
    "_",
    "-host",
    "host-",
    "192.0.2.1:22",
    "192.0.2.0/24",
    "٣.1.1.1",
];

/// A text that the pattern says, then changed up to three times, or not at all.
pub(crate) fn line(sampler: &Sampler, random: &mut Random) -> String {
    let mut text = sampler.sample(Sampling::default(), &mut |bound| random.below(bound));
    for _ in 0..random.below(4) {
        change(&mut text, random);
    }
    // What is searched ends with a line feed, nearly always.
    if random.below(8) > 0 && !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

fn change(text: &mut String, random: &mut Random) {
    let (from, to) = (random.place(text), random.place(text));
    let (from, to) = (from.min(to), from.max(to));
    match random.below(9) {
        0 | 1 => text.insert_str(from, random.pick(TOKENS)),
        2 | 3 => change_address(text, random),
        4 => text.truncate(to),
        5 => text.replace_range(
            from..from + text[from..].chars().next().map_or(0, char::len_utf8),
            "",
        ),
        6 => {
            let piece = text[from..to].to_owned();
            text.insert_str(to, &piece);
        }
        7 => *text = format!("{text}{}{text}", random.pick(TOKENS)),
        _ => {
            let other: String = text[from..to].chars().map(swapped).collect();
            text.replace_range(from..to, &other);
        }
    }
}

/// Puts another address where something like one stands, else anywhere.
fn change_address(text: &mut String, random: &mut Random) {
    let is_part = |c: char| c.is_ascii_hexdigit() || c == '.' || c == ':';
    let (mut start, mut found) = (None, Vec::new());
    for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
        match (start, is_part(c)) {
            (None, true) => start = Some(at),
            (Some(from), false) => {
                if at - from >= 5 {
                    found.push(from..at);
                }
                start = None;
            }
            _ => {}
        }
    }
    let range = match found.len() {
        0 => {
            let at = random.place(text);
            at..at
        }
        count => found.swap_remove(random.below(count)),
    };
    text.replace_range(range, random.pick(ADDRESSES));
}

fn swapped(c: char) -> char {
    if c.is_ascii_lowercase() {
        c.to_ascii_uppercase()
    } else {
        c.to_ascii_lowercase()
    }
}

/// A line that makes engines which try alternatives try many: repetitions pumped up, the end spoilt.
pub(crate) fn long_line(sampler: &Sampler, random: &mut Random) -> String {
    let how = Sampling {
        pump: [20, 30, 100, 300, 800][random.below(5)],
        rarely: random.below(4),
    };
    let mut text = sampler.sample(how, &mut |bound| random.below(bound));
    match random.below(4) {
        0 => {}
        1 => drop(text.pop()),
        2 => text.push_str("\u{1}!"),
        _ => change(&mut text, random),
    }
    text.chars().take(1_500).collect()
}
