//! Names of a name system that the test is, files of a directory of its own, and time that only passes when told.

use super::super::file::ListFile;
use super::*;
use std::fs;
use std::sync::Mutex;

/// A watch over two jails: the first has the name and the file, the second the name alone.
struct Scene {
    watch: Watch,
    answers: Arc<Mutex<Vec<Prefix>>>,
    asked: Arc<Mutex<usize>>,
    file: std::path::PathBuf,
    _dir: tempfile::TempDir,
    begin: Instant,
}

fn prefix(text: &str) -> Prefix {
    text.parse().unwrap()
}

impl Scene {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("list");
        let (answers, asked) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(0)));
        let (these, count) = (Arc::clone(&answers), Arc::clone(&asked));
        let lookup = move |name: &str| {
            assert_eq!(name, "host.example");
            *count.lock().unwrap() += 1;
            these.lock().unwrap().clone()
        };
        let name = Entry::Name("host.example".into());
        let fixed = Entry::Id(FailureId::Prefix(prefix("192.0.2.0/24")));
        let listed = ListFile::parse(&format!("//{}", file.display())).unwrap();
        let jails = [
            (JailId(0), vec![fixed, Entry::File(listed), name.clone()]),
            (JailId(1), vec![name]),
        ];
        Self {
            watch: Watch::new(jails, Box::new(lookup)),
            answers,
            asked,
            file,
            _dir: dir,
            begin: Instant::now(),
        }
    }

    /// Looks until there is nothing to ask, and gives what was said: lists by their jail and who of some is found where.
    fn check(&mut self, seconds: u64, expected: &[&str]) {
        let now = self.begin + Duration::from_secs(seconds);
        while self.watch.look(&|| now) {}
        let said: Vec<String> = self.watch.take_said().into_iter().map(shown).collect();
        let dir = self.file.parent().unwrap().display().to_string();
        let said: Vec<String> = said.iter().map(|text| text.replace(&dir, "DIR")).collect();
        assert_eq!(said, expected, "after {seconds} seconds");
    }

    fn answer(&self, addresses: &[&str]) {
        *self.answers.lock().unwrap() = addresses.iter().map(|text| prefix(text)).collect();
    }
}

fn shown(said: Said) -> String {
    match said {
        Said::Note(level, text) => {
            let text = text.split(": ").next().unwrap();
            format!("{level:?} {text}")
        }
        Said::List { jail, list, .. } => {
            let sources: Vec<String> = ["192.0.2.7", "198.51.100.1", "203.0.113.1"]
                .iter()
                .map(|text| match list.find(&FailureId::Prefix(prefix(text))) {
                    Some(source) => source.to_string().split('/').next().unwrap().to_owned(),
                    None => "-".to_owned(),
                })
                .collect();
            format!("{} {}", jail.0, sources.join(" "))
        }
    }
}

#[test]
fn lists_follow_names_and_files() {
    let mut scene = Scene::new();
    fs::write(&scene.file, "203.0.113.1").unwrap();
    scene.answer(&["198.51.100.1"]);
    scene.check(
        0,
        &[
            "Info ignoreip file DIR/list now holds 1 entries",
            "0 ip - file:",
            "0 ip dns file:",
            "1 - dns -",
        ],
    );
    fs::write(&scene.file, "203.0.113.9, 198.51.100.0/24").unwrap();
    scene.check(0, &[]);
    let changed = "Info ignoreip file DIR/list now holds 2 entries";
    scene.check(1, &[changed, "0 ip file: -"]);
    scene.answer(&["203.0.113.1"]);
    scene.check(299, &[]);
    scene.check(300, &["0 ip file: dns", "1 - - dns"]);
    scene.check(600, &[]);
    assert_eq!(*scene.asked.lock().unwrap(), 3);
}

#[test]
fn what_was_last_known_stays_and_is_told_once() {
    let mut scene = Scene::new();
    scene.answer(&["198.51.100.1"]);
    fs::write(&scene.file, "203.0.113.1").unwrap();
    let begin = scene.begin;
    while scene.watch.look(&|| begin) {}
    scene.watch.take_said();
    scene.answer(&[]);
    fs::remove_file(&scene.file).unwrap();
    scene.check(
        300,
        &[
            "Warning ignoreip file DIR/list cannot be read",
            "Warning Unable to find a corresponding IP address for host.example of ignoreip",
        ],
    );
    scene.check(360, &[]);
    scene.answer(&["198.51.100.1"]);
    fs::write(&scene.file, "203.0.113.1").unwrap();
    scene.check(
        420,
        &[
            "Info ignoreip file DIR/list now holds 1 entries",
            "0 ip dns file:",
        ],
    );
    scene.answer(&[]);
    let lost = "Warning Unable to find a corresponding IP address for host.example of ignoreip";
    scene.check(720, &[lost]);
}

#[test]
fn waits_for_what_is_due_first() {
    let mut scene = Scene::new();
    let begin = scene.begin;
    assert_eq!(scene.watch.next_look(begin), Duration::ZERO);
    while scene.watch.look(&|| begin) {}
    assert_eq!(scene.watch.next_look(begin), LOOK_AGAIN);
    let name = Entry::Name("n".into());
    let mut names = Watch::new([(JailId(0), vec![name])], Box::new(|_| Vec::new()));
    while names.look(&|| begin) {}
    assert_eq!(names.next_look(begin), TRY_AGAIN);
    assert!(Watch::new([], Box::new(|_| Vec::new())).is_idle());
}

/// Who is asked in so many looks, where each question takes so many seconds; a dot where there is nothing to ask.
fn asked(names: &[&str], seconds: u64, looks: usize) -> String {
    let begin = Instant::now();
    let now = Arc::new(Mutex::new(begin));
    let asked = Arc::new(Mutex::new(String::new()));
    let (clock, list) = (Arc::clone(&now), Arc::clone(&asked));
    let lookup = move |name: &str| {
        *clock.lock().unwrap() += Duration::from_secs(seconds);
        list.lock().unwrap().push_str(name);
        Vec::new()
    };
    let names = names.iter().map(|name| Entry::Name((*name).into()));
    let mut watch = Watch::new([(JailId(0), names.collect())], Box::new(lookup));
    for _ in 0..looks {
        if !watch.look(&|| *now.lock().unwrap()) {
            let at = *now.lock().unwrap();
            let wait = watch.next_look(at);
            *now.lock().unwrap() += wait;
            asked.lock().unwrap().push('.');
        }
    }
    asked.lock().unwrap().clone()
}

#[test]
fn slow_names_hold_up_nobody_for_ever() {
    assert_eq!(asked(&["a", "b"], 0, 6), "ab.ab.");
    assert_eq!(asked(&["a", "b", "c"], 20, 7), "abc.abc");
    // So slow that one is always due.
    assert_eq!(asked(&["a", "b", "c", "d"], 20, 10), "abcdabcdab");
    assert_eq!(asked(&["a", "b", "c", "d"], 90, 9), "abcdabcda");
}

#[test]
fn a_list_tells_of_what_nothing_is_known() {
    let dir = tempfile::tempdir().unwrap();
    let list = |name: &str| {
        let path = format!("//{}", dir.path().join(name).display());
        Entry::File(ListFile::parse(&path).unwrap())
    };
    fs::write(dir.path().join("empty"), "").unwrap();
    let names = ["known", "unknown"].map(|name| Entry::Name(name.into()));
    let mut entries = names.to_vec();
    entries.extend(["empty", "missing"].map(list));
    let lookup = |name: &str| match name {
        "known" => vec![prefix("192.0.2.1")],
        _ => Vec::new(),
    };
    let mut watch = Watch::new([(JailId(0), entries)], Box::new(lookup));
    let begin = Instant::now();
    while watch.look(&|| begin) {}
    let silent = watch.take_said().into_iter().filter_map(|said| match said {
        Said::List { silent, .. } => Some(silent),
        Said::Note(..) => None,
    });
    let missing = dir.path().join("missing").display().to_string();
    let expected = [
        IgnoreSource::Dns("unknown".into()),
        IgnoreSource::File(missing.into()),
    ];
    assert_eq!(silent.last().unwrap(), expected);
}
