//! The inputs that fuzzing has kept, once more.

#![expect(clippy::disallowed_methods, reason = "a test reads its cases")]

use detect::fuzz::{fuzz_date, fuzz_filter, fuzz_regex, fuzz_split};
use std::path::Path;

type Target = fn(&[u8]);

#[test]
fn kept_inputs_panic_nowhere() {
    let targets: [(&str, Target); 4] = [
        ("date", fuzz_date),
        ("filter", fuzz_filter),
        ("regex", fuzz_regex),
        ("split", fuzz_split),
    ];
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    for (name, target) in targets {
        let mut count = 0;
        for entry in std::fs::read_dir(corpus.join(name)).unwrap() {
            target(&std::fs::read(entry.unwrap().path()).unwrap());
            count += 1;
        }
        assert!(count > 0, "{name}");
    }
}
