//! The engine in a small world of its own: a clock, a kernel with time-outs, a store, both slow and failing, and
//! crashes at any point. Every world follows from a seed alone.
//!
//! What must hold is written down in `laws`. That the laws can be broken is shown as well: each `Fault` makes the
//! world lie in one way, and some seed must notice.

#![expect(clippy::unwrap_used, reason = "a panic in a test is its report")]

mod laws;
mod random;
mod rehearsal;
mod world;

use world::{Fault, World};

const SEEDS: u64 = 10_000;

fn run(seed: u64, fault: Fault) -> Result<u64, String> {
    World::new(seed, fault).run()
}

#[test]
fn holds_its_laws_for_every_seed() {
    for seed in 0..SEEDS {
        if let Err(broken) = run(seed, Fault::None) {
            panic!("seed {seed}: {broken}");
        }
    }
}

#[test]
fn says_the_same_for_the_same_seed() {
    let mut different = 0;
    for seed in 0..SEEDS / 20 {
        assert_eq!(
            run(seed, Fault::None),
            run(seed, Fault::None),
            "seed {seed}"
        );
        different += usize::from(run(seed, Fault::None) != run(seed + 1, Fault::None));
    }
    assert!(different > 400, "the digest does not depend on the seed");
}

#[test]
fn notices_every_fault() {
    for fault in Fault::ALL {
        let noticed = (0..500).filter_map(|seed| run(seed, fault).err()).count();
        assert!(noticed > 0, "{fault:?} went unnoticed in 500 worlds");
        eprintln!("{fault:?}: noticed in {noticed} of 500 worlds");
    }
}
