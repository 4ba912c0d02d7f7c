//! The known name that was meant.

/// Slips in one name.
const MOST: usize = 2;

/// The candidate with the fewest slips, the first of several; short names must be closer.
pub(super) fn nearest<'a>(
    name: &str,
    candidates: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    let wanted: Vec<char> = name.to_lowercase().chars().collect();
    let most = match wanted.len() {
        0..=2 => return None,
        3..=5 => 1,
        _ => MOST,
    };
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        let chars: Vec<char> = candidate.to_lowercase().chars().collect();
        if chars.len().abs_diff(wanted.len()) > most || chars.len() < 3 {
            continue;
        }
        let slips = distance(&wanted, &chars);
        if slips <= most && best.is_none_or(|(fewest, _)| slips < fewest) {
            best = Some((slips, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// Letters that were left out, added, replaced, or exchanged with their neighbour.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut rows = [vec![0; b.len() + 1], (0..=b.len()).collect(), Vec::new()];
    for (i, &x) in a.iter().enumerate() {
        let [before, last, _] = &rows;
        let mut row = vec![i + 1];
        for (j, &y) in b.iter().enumerate() {
            let mut least = (last[j] + usize::from(x != y))
                .min(last[j + 1] + 1)
                .min(row[j] + 1);
            if i > 0 && j > 0 && x == b[j - 1] && a[i - 1] == y {
                least = least.min(before[j - 1] + 1);
            }
            row.push(least);
        }
        rows[2] = row;
        rows.rotate_left(1);
    }
    rows[1].last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_known_name_is_found() {
        let known = [
            "maxretry",
            "findtime",
            "bantime",
            "port",
            "logpath",
            "ignoreip",
            "enabled",
            "filter",
            "failregex",
            "bantime.increment",
        ];
        for (name, meant) in [
            ("maxrety", Some("maxretry")),
            ("maxretries", None),
            ("maxretrys", Some("maxretry")),
            ("max_retry", Some("maxretry")),
            ("fintdime", Some("findtime")),
            ("findtme", Some("findtime")),
            ("ban_time", Some("bantime")),
            ("ports", Some("port")),
            ("prot", Some("port")),
            ("pory", Some("port")),
            ("pxxt", None),
            ("enable", Some("enabled")),
            ("enalbed", Some("enabled")),
            ("ignore_ip", Some("ignoreip")),
            ("Ignoreips", Some("ignoreip")),
            ("failregx", Some("failregex")),
            ("bantime.incremnt", Some("bantime.increment")),
            ("ip", None),
            ("", None),
            ("destemail", None),
            ("lopgath", Some("logpath")),
        ] {
            assert_eq!(nearest(name, known.into_iter()), meant, "{name}");
        }
    }

    #[test]
    fn an_exchange_is_one_slip() {
        let chars = |text: &str| text.chars().collect::<Vec<_>>();
        for (a, b, slips) in [
            ("", "", 0),
            ("abc", "abc", 0),
            ("abc", "acb", 1),
            ("abc", "ab", 1),
            ("abc", "axbc", 1),
            ("abcd", "badc", 2),
            ("kitten", "sitting", 3),
            ("", "abc", 3),
        ] {
            assert_eq!(distance(&chars(a), &chars(b)), slips, "{a} {b}");
        }
    }
}
