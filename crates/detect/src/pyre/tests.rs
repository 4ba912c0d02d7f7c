use super::*;

fn groups(pattern: &str, text: &str) -> Option<Vec<(usize, usize)>> {
    let regex = Regex::new(pattern, false).unwrap();
    let mut slots = Vec::new();
    match regex.search(&mut regex.new_cache(), text, &mut slots) {
        Outcome::Match => Some(
            slots
                .chunks(2)
                .filter_map(|p| Some((p[0]?, p[1]?)))
                .collect(),
        ),
        Outcome::NoMatch => None,
        Outcome::OverBudget => panic!("over budget: {pattern}"),
    }
}

#[test]
fn finds_the_leftmost_match_with_named_groups() {
    assert_eq!(groups("b+", "aabbb"), Some(vec![(2, 5)]));
    assert_eq!(
        groups("(?P<x>a|ab)(?P<y>c|bcd)", "abcd"),
        Some(vec![(0, 4), (0, 1), (1, 4)])
    );
}
