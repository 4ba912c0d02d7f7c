//! Entrance for fuzzing: bytes in, nothing out, a panic where something is wrong. What no user of the crate needs.

use crate::{Choice, Manner, MemoryFiles, Tree, ini, load};
use std::path::Path;

/// What parts the files.
const BORDER: &str = "\n----\n";
const FILES: [&str; 4] = [
    "jail.conf",
    "filter.d/f.conf",
    "action.d/a.conf",
    "jail.local",
];

/// Takes up to four files of a tree: the jails, a filter `f`, an action `a`, and what the admin changes; loads it all.
///
/// # Panics
/// When a message cites what is not there.
pub fn fuzz_ini(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut files = MemoryFiles::default();
    for (name, content) in FILES.iter().zip(text.split(BORDER)) {
        let (sections, faults) = ini::parse(name, content);
        // A lone carriage return ends a line, too.
        let lines = content.split(['\n', '\r']).count() as u32;
        let origins = sections.iter().map(|section| &section.origin);
        let cited = faults.iter().filter_map(|fault| fault.origin.as_ref());
        assert!(
            origins
                .chain(cited)
                .all(|origin| (1..=lines).contains(&origin.line))
        );
        files.insert(Path::new("/c").join(name), content);
    }
    let tree = Tree::find(&files, Some(Path::new("/c")), Manner::Fail2ban);
    let (config, faults) = load(&files, &tree, Choice::All);
    for fault in faults
        .iter()
        .chain(config.broken.iter().map(|(_, fault)| fault))
    {
        assert!(!fault.to_string().is_empty());
    }
}
