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
        while self.watch.look(self.begin + Duration::from_secs(seconds)) {}
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
        Said::List(jail, list) => {
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
    while scene.watch.look(scene.begin) {}
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
    while scene.watch.look(begin) {}
    assert_eq!(scene.watch.next_look(begin), LOOK_AGAIN);
    let name = Entry::Name("n".into());
    let mut names = Watch::new([(JailId(0), vec![name])], Box::new(|_| Vec::new()));
    while names.look(begin) {}
    assert_eq!(names.next_look(begin), TRY_AGAIN);
    assert!(Watch::new([], Box::new(|_| Vec::new())).is_idle());
}
