//! The inputs that fuzzing has kept, once more.

#![expect(clippy::disallowed_methods, reason = "a test reads its cases")]

use std::path::Path;

#[test]
fn kept_inputs_panic_nowhere() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/ini");
    let mut count = 0;
    for entry in std::fs::read_dir(corpus).unwrap() {
        conf::fuzz::fuzz_ini(&std::fs::read(entry.unwrap().path()).unwrap());
        count += 1;
    }
    assert!(count > 0);
}
