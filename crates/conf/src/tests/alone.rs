//! Filters by themselves.

use super::*;

const TREE: &[(&str, &str)] = &[
    (
        "jail.conf",
        "[DEFAULT]\nmode = normal\nbackend = systemd\n[one]\nfilter = f[mode=%(mode)s, a=1]\nusedns = no\n[two]\nfilter = f\n\
         failregex = own <HOST>\n",
    ),
    (
        "filter.d/f.conf",
        "[Definition]\nfailregex = <mode> <a> <logtype>\nmode = first\na = 0\n",
    ),
    ("filter.d/f.local", "[Definition]\nmode = layered\n"),
];

/// The failregex of a filter with these options.
fn check(from: FilterFrom<'_>, options: &[(&str, &str)], expected: Option<&str>) {
    let files = files(TREE);
    let tree = Tree::find(&files, Some(Path::new("/c")), Manner::Fail2ban);
    let options: Vec<(String, String)> = options
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    let loaded = load_rules(&files, &tree, from, &options, "polling");
    let text = loaded.map(|(spec, _)| match spec {
        Ok(spec) => spec.failregex[0].text.clone(),
        Err(fault) => fault.message,
    });
    assert_eq!(text.as_deref(), expected, "{from:?} {options:?}");
}

#[test]
fn a_filter_comes_from_its_tree_a_file_or_a_jail() {
    check(FilterFrom::Tree("f"), &[], Some("layered 0 file"));
    check(
        FilterFrom::Tree("f"),
        &[("mode", "it's 100%")],
        Some("it's 100% 0 file"),
    );
    check(
        FilterFrom::Tree("f"),
        &[("a", "say \"x\", y")],
        Some("layered say \"x\", y file"),
    );
    check(
        FilterFrom::File(Path::new("/c/filter.d/f.conf")),
        &[],
        Some("first 0 file"),
    );
    check(
        FilterFrom::File(Path::new("/c/filter.d/none.conf")),
        &[],
        Some("cannot read /c/filter.d/none.conf"),
    );
    check(FilterFrom::Jail("one"), &[], Some("normal 1 file"));
    check(
        FilterFrom::Jail("one"),
        &[("mode", "x"), ("logtype", "journal")],
        Some("x 1 journal"),
    );
    check(FilterFrom::Jail("two"), &[], Some("own <HOST>"));
    check(FilterFrom::Jail("none"), &[], None);
    check(
        FilterFrom::Tree("none"),
        &[],
        Some("there is no readable filter.d/none.conf"),
    );
}

#[test]
fn a_call_is_parted_into_name_and_options() {
    let parted = parse_call("f[a=1, b='x y']").unwrap();
    assert_eq!(parted.0, "f");
    let expected =
        [("a", "1"), ("b", "x y")].map(|(key, value)| (key.to_owned(), value.to_owned()));
    assert_eq!(parted.1, expected);
    assert!(parse_call("f[a b]").is_err());
}
