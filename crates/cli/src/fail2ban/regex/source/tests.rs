//! What REGEX is taken for.

use super::*;
use conf::MemoryFiles;

const FILTER: &str =
    "[Definition]\nfailregex = ^<mode> <HOST>$\nmode = one\nmaxlines = 2\nusedns = no\n";

fn files() -> MemoryFiles {
    let mut files = MemoryFiles::default();
    files.insert(
        "/c/jail.conf",
        "[DEFAULT]\nmode = normal\n[both]\nfilter = both[mode=%(mode)s]\n[own]\nfilter = plain\nfailregex = own <HOST>\n\
         maxlines = 3\n",
    );
    for name in ["plain", "both"] {
        files.insert(format!("/c/filter.d/{name}.conf"), FILTER);
    }
    files.insert("/c/filter.d/plain.local", "[Definition]\nmode = layered\n");
    files.insert("/c/filter.d/only.local", FILTER);
    files.insert(
        "/o/alone.conf",
        "[INCLUDES]\nbefore = part.inc\n[Definition]\nfailregex = <x> <HOST>\n",
    );
    files.insert("/o/alone.local", "[Definition]\nfailregex = no <HOST>\n");
    files.insert("/o/part.inc", "[Definition]\nx = included\n");
    files
}

/// REGEX, the first line that is told, and the first failregex.
fn check(text: &str, head: &str, failregex: &str) {
    let source = read(&files(), Path::new("/c"), text, "polling", false).unwrap();
    assert_eq!(source.head[0], head, "{text}");
    assert_eq!(source.failregex, [failregex], "{text}");
}

#[test]
fn jails_go_before_filters_and_filters_before_literals() {
    check("both", "Use             jail : both", "^normal <HOST>$");
    check("both[mode=x]", "Use             jail : both", "^x <HOST>$");
    check("own", "Use             jail : own", "own <HOST>");
    let filter = "Use      filter file : both, basedir: /c";
    check("both.conf", filter, "^one <HOST>$");
    check("/c/filter.d/both.conf", filter, "^one <HOST>$");
    check("filter.d/both", filter, "^one <HOST>$");
    check("/c/filter.d/both[mode='a b']", filter, "^a b <HOST>$");
    check(
        "plain",
        "Use      filter file : plain, basedir: /c",
        "^layered <HOST>$",
    );
    check(
        "only",
        "Use      filter file : only, basedir: /c",
        "^one <HOST>$",
    );
    check("none", "Use   failregex line : none", "none");
    check("DEFAULT", "Use   failregex line : DEFAULT", "DEFAULT");
    check("a <HOST>", "Use   failregex line : a <HOST>", "a <HOST>");
    check("both[", "Use   failregex line : both[", "both[");
}

#[test]
fn a_file_elsewhere_stands_alone() {
    check(
        "/o/alone.conf",
        "Use      filter file : /o/alone.conf",
        "included <HOST>",
    );
    check(
        "/o/alone",
        "Use      filter file : /o/alone.conf",
        "included <HOST>",
    );
}

#[test]
fn options_are_told_and_kept() {
    let source = read(
        &files(),
        Path::new("/c"),
        "plain[mode=\"it's\", b=2]",
        "systemd",
        true,
    );
    let source = source.unwrap();
    assert_eq!(
        source.head,
        [
            "Use      filter file : plain, basedir: /c",
            "Use   filter options : {'mode': \"it's\", 'b': '2'}",
            "Real  filter options : {'logtype': 'journal', 'mode': \"it's\", 'b': '2'}",
        ]
    );
    assert_eq!(source.maxlines, Some(2));
    assert_eq!(source.usedns, Some(UseDns::No));
    let jail = read(&files(), Path::new("/c"), "own", "polling", false).unwrap();
    assert_eq!(jail.maxlines, Some(3));
}

#[test]
fn what_cannot_be_read_is_an_error() {
    let message = |text| {
        read(&files(), Path::new("/c"), text, "polling", false)
            .unwrap_err()
            .1
    };
    assert!(message("both[mode x]").starts_with("Wrong filter name or options"));
    let mut files = files();
    files.insert(
        "/c/filter.d/bad.conf",
        "[Definition]\nfailregex = %(nothing)s <HOST>\n",
    );
    let (head, told) = read(&files, Path::new("/c"), "bad", "polling", false).unwrap_err();
    assert_eq!(head, ["Use      filter file : bad, basedir: /c"]);
    assert!(
        told.contains("nothing") && told.contains("bad.conf:2"),
        "{told}"
    );
}
