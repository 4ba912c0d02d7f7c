//! Sets of characters as Python understands them.
//!
//! Python's `\w`, `\s` and case folding differ from those of the Rust regex crates (marks and connectors are no
//! word characters, the separators U+001C to U+001F are blanks, `(?i)` folds through simple lower case), so the
//! sets are defined here and nowhere else.

use std::sync::{Arc, OnceLock};

/// The largest code point.
pub(super) const MAX: u32 = 0x10_FFFF;

/// Sorted, disjoint, non-adjacent inclusive ranges of code points.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct CharSet {
    ranges: Vec<(u32, u32)>,
}

impl CharSet {
    /// The set of all code points in `ranges`, in any order.
    pub(super) fn new(mut ranges: Vec<(u32, u32)>) -> Self {
        // Most lists are a few sorted ones, one behind the other, which this sort makes use of.
        ranges.sort();
        let mut merged: Vec<(u32, u32)> = Vec::with_capacity(ranges.len());
        for (low, high) in ranges {
            match merged.last_mut() {
                Some(last) if low <= last.1.saturating_add(1) => last.1 = last.1.max(high),
                _ => merged.push((low, high)),
            }
        }
        Self { ranges: merged }
    }

    pub(super) fn single(c: u32) -> Self {
        Self {
            ranges: vec![(c, c)],
        }
    }

    pub(super) fn all() -> Self {
        Self {
            ranges: vec![(0, MAX)],
        }
    }

    pub(super) fn ranges(&self) -> &[(u32, u32)] {
        &self.ranges
    }

    pub(super) fn contains(&self, c: u32) -> bool {
        let after = self.ranges.partition_point(|&(low, _)| low <= c);
        after > 0 && c <= self.ranges[after - 1].1
    }

    /// Whether the two have a character in common.
    pub(super) fn meets(&self, other: &Self) -> bool {
        let (mut a, mut b) = (self.ranges(), other.ranges());
        while let (Some(first), Some(second)) = (a.first(), b.first()) {
            if first.1 < second.0 {
                a = &a[1..];
            } else if second.1 < first.0 {
                b = &b[1..];
            } else {
                return true;
            }
        }
        false
    }

    pub(super) fn negated(&self) -> Self {
        let mut ranges = Vec::with_capacity(self.ranges.len() + 1);
        let mut next = 0;
        for &(low, high) in &self.ranges {
            if low > next {
                ranges.push((next, low - 1));
            }
            next = high + 1;
        }
        if next <= MAX {
            ranges.push((next, MAX));
        }
        Self { ranges }
    }

    /// What a set written under `(?i)` matches: every character whose simple lower case is in the set, after the
    /// written members were replaced by their lower case and its equivalents.
    ///
    /// `categories` (`\w` and its kin) are not folded, as in Python; only the character that is tested is.
    pub(super) fn fold(written: &Self, categories: &Self, ascii: bool) -> Self {
        let counts = |upper: u32| !ascii || upper < 0x80;
        let cased = Cased::all();
        // Members that are no fixed points of lower-casing count only through their lower case.
        let mut lowered = written.ranges.clone();
        for (upper, lower) in within(&cased.by_upper, written) {
            if counts(upper) {
                lowered.push((lower, lower));
            }
        }
        if !ascii {
            let known = Self::new(lowered.clone());
            for &class in EQUIVALENT {
                if class.iter().any(|&c| known.contains(c)) {
                    lowered.extend(class.iter().map(|&c| (c, c)));
                }
            }
        }
        lowered.extend_from_slice(&categories.ranges);
        let targets = Self::new(lowered);
        // A character matches when its lower case does; most are their own lower case.
        let add = within(&cased.by_lower, &targets).filter(|(_, upper)| counts(*upper));
        let drop = within(&cased.by_upper, &targets)
            .filter(|(upper, lower)| counts(*upper) && !targets.contains(*lower));
        let mut drop: Vec<(u32, u32)> = drop.map(|(upper, _)| (upper, upper)).collect();
        let mut matching: Vec<(u32, u32)> = add.map(|(_, upper)| (upper, upper)).collect();
        if drop.is_empty() {
            matching.extend_from_slice(&targets.ranges);
        } else {
            drop.extend(targets.negated().ranges);
            matching.extend(Self::new(drop).negated().ranges);
        }
        Self::new(matching)
    }
}

/// Those of `pairs` whose first part is in the set; both ascend.
fn within<'a>(
    mut pairs: &'a [(u32, u32)],
    set: &'a CharSet,
) -> impl Iterator<Item = (u32, u32)> + 'a {
    set.ranges.iter().flat_map(move |&(low, high)| {
        let before = pairs.partition_point(|&(first, _)| first < low);
        let rest = &pairs[before..];
        let (found, after) = rest.split_at(rest.partition_point(|&(first, _)| first <= high));
        pairs = after;
        found.iter().copied()
    })
}

/// The set of one character; ASCII ones are shared, since a pattern has thousands of them.
pub(super) fn literal(c: u32) -> Arc<CharSet> {
    static ASCII: OnceLock<Vec<Arc<CharSet>>> = OnceLock::new();
    let ascii = ASCII.get_or_init(|| (0..0x80).map(|c| Arc::new(CharSet::single(c))).collect());
    ascii
        .get(c as usize)
        .map_or_else(|| Arc::new(CharSet::single(c)), Arc::clone)
}

/// The set of one character written under `(?i)`; as [`literal`], and because folding goes through all cased letters.
pub(super) fn folded(c: u32, ascii: bool) -> Arc<CharSet> {
    let fold = || {
        let none = CharSet::new(Vec::new());
        Arc::new(CharSet::fold(&CharSet::single(c), &none, ascii))
    };
    type Sets = [OnceLock<Arc<CharSet>>; 0x80];
    static ASCII: [Sets; 2] = [const { [const { OnceLock::new() }; 0x80] }; 2];
    let known = ASCII[usize::from(ascii)].get(c as usize);
    known.map_or_else(fold, |set| Arc::clone(set.get_or_init(fold)))
}

/// `\d`, `\s`, `\w`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Category {
    Digit,
    Space,
    Word,
}

/// The members of a category; `ascii` is Python's `(?a)`.
pub(super) fn category(category: Category, ascii: bool) -> Arc<CharSet> {
    static SETS: OnceLock<[Arc<CharSet>; 6]> = OnceLock::new();
    let sets = SETS.get_or_init(|| {
        let set = |ranges: &[(u32, u32)]| Arc::new(CharSet::new(ranges.to_vec()));
        let mut word = property(r"[\p{L}\p{N}]");
        word.push((0x5F, 0x5F));
        [
            Arc::new(CharSet::new(property(r"\p{Nd}"))),
            set(SPACES),
            Arc::new(CharSet::new(word)),
            set(&[(0x30, 0x39)]),
            set(&[(0x09, 0x0D), (0x20, 0x20)]),
            set(&[(0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A)]),
        ]
    });
    Arc::clone(&sets[category.place(ascii)])
}

/// `\D`, `\S`, `\W`: all other characters. They are large, and stand in most patterns.
pub(super) fn complement(of: Category, ascii: bool) -> Arc<CharSet> {
    static SETS: [OnceLock<Arc<CharSet>>; 6] = [const { OnceLock::new() }; 6];
    let make = || Arc::new(category(of, ascii).negated());
    Arc::clone(SETS[of.place(ascii)].get_or_init(make))
}

impl Category {
    fn place(self, ascii: bool) -> usize {
        self as usize + if ascii { 3 } else { 0 }
    }
}

/// Everything `str.isspace()` accepts.
const SPACES: &[(u32, u32)] = &[
    (0x09, 0x0D),
    (0x1C, 0x20),
    (0x85, 0x85),
    (0xA0, 0xA0),
    (0x1680, 0x1680),
    (0x2000, 0x200A),
    (0x2028, 0x2029),
    (0x202F, 0x202F),
    (0x205F, 0x205F),
    (0x3000, 0x3000),
];

/// Lower-case characters that `(?i)` takes for one another because they share an upper case.
const EQUIVALENT: &[&[u32]] = &[
    &[0x69, 0x131],
    &[0x73, 0x17F],
    &[0xB5, 0x3BC],
    &[0x345, 0x3B9, 0x1FBE],
    &[0x390, 0x1FD3],
    &[0x3B0, 0x1FE3],
    &[0x3B2, 0x3D0],
    &[0x3B5, 0x3F5],
    &[0x3B8, 0x3D1],
    &[0x3BA, 0x3F0],
    &[0x3C0, 0x3D6],
    &[0x3C1, 0x3F1],
    &[0x3C2, 0x3C3],
    &[0x3C6, 0x3D5],
    &[0x432, 0x1C80],
    &[0x434, 0x1C81],
    &[0x43E, 0x1C82],
    &[0x441, 0x1C83],
    &[0x442, 0x1C84, 0x1C85],
    &[0x44A, 0x1C86],
    &[0x463, 0x1C87],
    &[0x1C88, 0xA64B],
    &[0x1E61, 0x1E9B],
    &[0xFB05, 0xFB06],
];

/// The ranges of a Unicode property.
fn property(pattern: &str) -> Vec<(u32, u32)> {
    use regex_syntax::hir::{Class, HirKind};
    match regex_syntax::parse(pattern).map(|hir| hir.into_kind()) {
        Ok(HirKind::Class(Class::Unicode(class))) => class
            .ranges()
            .iter()
            .map(|r| (u32::from(r.start()), u32::from(r.end())))
            .collect(),
        _ => Vec::new(),
    }
}

/// The simple lower case of `c`.
pub(super) fn lower(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    let mut full = c.to_lowercase();
    match (full.next(), full.next()) {
        (Some(only), None) => only,
        // Only U+0130 has a longer full mapping; its simple one is the plain letter.
        (Some(first), Some(_)) => first,
        _ => c,
    }
}

/// Every character that is not its own lower case.
struct Cased {
    /// With its lower case; ascending.
    by_upper: Vec<(u32, u32)>,
    /// The other way round.
    by_lower: Vec<(u32, u32)>,
}

impl Cased {
    fn all() -> &'static Self {
        static ALL: OnceLock<Cased> = OnceLock::new();
        ALL.get_or_init(|| {
            // To ask all characters takes a millisecond at every start.
            let cased = property(r"\p{Changes_When_Lowercased}").into_iter();
            let by_upper: Vec<(u32, u32)> = cased
                .flat_map(|(first, last)| first..=last)
                .filter_map(char::from_u32)
                .map(|c| (u32::from(c), u32::from(lower(c))))
                .filter(|(upper, lower)| upper != lower)
                .collect();
            let mut by_lower: Vec<(u32, u32)> = by_upper
                .iter()
                .map(|&(upper, lower)| (lower, upper))
                .collect();
            by_lower.sort_unstable();
            Self { by_upper, by_lower }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn kept_sets_are_those_that_folding_gives() {
        let none = CharSet::new(Vec::new());
        // The second round finds what the first one kept.
        for c in (0..0x250).chain(0..0x100) {
            for ascii in [false, true] {
                let long_way = CharSet::fold(&CharSet::single(c), &none, ascii);
                assert_eq!(*folded(c, ascii), long_way, "{c:x} {ascii}");
            }
        }
    }

    /// The characters that the tables of properties know. Those of lower cases may be of a later year.
    fn assigned() -> CharSet {
        CharSet::new(property(r"\P{Cn}"))
    }

    #[test]
    fn all_cased_characters_are_known() {
        let assigned = assigned();
        let all = (0..=MAX).filter(|c| assigned.contains(*c));
        let all = all.filter_map(char::from_u32);
        let cased = all.map(|c| (u32::from(c), u32::from(lower(c))));
        let cased: Vec<(u32, u32)> = cased.filter(|(upper, lower)| upper != lower).collect();
        assert!(Cased::all().by_upper == cased, "{} are cased", cased.len());
    }

    /// What a set matches, character by character.
    fn plain(written: &CharSet, categories: &CharSet, ascii: bool) -> CharSet {
        let assigned = assigned();
        let lower = |c: u32| match char::from_u32(c) {
            Some(letter) if assigned.contains(c) && (!ascii || letter.is_ascii()) => {
                u32::from(lower(letter))
            }
            _ => c,
        };
        let mut wanted = written.ranges.clone();
        for c in (0..0x1_F000).filter(|c| written.contains(*c)) {
            wanted.push((lower(c), lower(c)));
        }
        for class in EQUIVALENT.iter().filter(|_| !ascii) {
            let is_wanted = |c: &u32| wanted.iter().any(|&(low, high)| low <= *c && *c <= high);
            if class.iter().any(is_wanted) {
                wanted.extend(class.iter().map(|&c| (c, c)));
            }
        }
        wanted.extend_from_slice(&categories.ranges);
        let wanted = CharSet::new(wanted);
        let matching = (0..0x1_F000).filter(|&c| wanted.contains(lower(c)));
        let mut matching: Vec<(u32, u32)> = matching.map(|c| (c, c)).collect();
        let above = wanted.ranges.iter().filter(|(_, high)| *high >= 0x1_F000);
        matching.extend(above.map(|&(low, high)| (low.max(0x1_F000), high)));
        CharSet::new(matching)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]
        #[test]
        fn a_folded_set_matches_what_its_members_say(
            written in prop::collection::vec(
                (prop_oneof![0..0x250_u32, 0x370..0x600_u32, 0x1c80..0x2200_u32, 0..MAX], 0..60_u32),
                0..6,
            ),
            category in prop::option::of(prop::sample::select(vec![
                Category::Digit, Category::Space, Category::Word,
            ])),
            negated: bool,
            ascii: bool,
        ) {
            let written = written.iter().map(|&(low, more)| (low, (low + more).min(MAX)));
            let written = CharSet::new(written.collect());
            let categories = category.map(|kind| super::category(kind, ascii));
            let categories = categories.map_or(CharSet::new(Vec::new()), |set| (*set).clone());
            let categories = if negated { categories.negated() } else { categories };
            let expected = plain(&written, &categories, ascii);
            prop_assert_eq!(CharSet::fold(&written, &categories, ascii), expected);
        }
    }
}
