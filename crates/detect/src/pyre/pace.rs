//! Whether a lazy automaton is worth its cache: not while texts need new transitions all the time that cost more than
//! another way.

/// After thrashing, the next searches are given up at once: first one, then twice as many each time, up to this.
const MAX_PAUSE: u32 = 1_024;
/// More steps than this for each letter since the cache was last emptied is thrashing. So many take about as long as
/// the Pike machine, which follows all places without a memory, does for a letter in such a state.
const MAX_STEPS_PER_LETTER: usize = 64;
/// As many steps as this for each letter of a text may be lost before another way is asked, which has to read all of it: an
/// eighth of what that takes. Else a few letters in a row would make a long text slow that is easy but for them.
const MAX_LOST: usize = MAX_STEPS_PER_LETTER / 8;
/// For so many steps a transition counts where several patterns are followed at once, however many it took: each by
/// itself has far fewer states. One at every tenth letter is too much.
pub(super) const OF_SEVERAL: usize = 10 * MAX_STEPS_PER_LETTER;

#[derive(Debug, Default)]
pub(super) struct Pace {
    /// Steps that transitions took, and letters read, since the cache was last emptied.
    steps: usize,
    read: usize,
    /// Steps that transitions took in the search at hand, and the letters of its text.
    lost: usize,
    letters: usize,
    /// How many of the next searches are given up at once because the last ones thrashed, and how many that were.
    pause: u32,
    last_pause: u32,
}

impl Pace {
    /// Begins the search of a text with so many letters; false if it is to be given up at once.
    pub(super) fn begin(&mut self, letters: usize) -> bool {
        (self.lost, self.letters) = (0, letters);
        let is_paused = self.pause > 0;
        self.pause = self.pause.saturating_sub(1);
        !is_paused
    }

    /// A transition was made, in so many steps.
    pub(super) fn make(&mut self, steps: usize) {
        self.steps += steps;
        self.lost += steps;
    }

    /// So many more letters were read.
    pub(super) fn read(&mut self, letters: usize) {
        self.read += letters;
    }

    /// The cache is emptied; whether that came too soon, so that the search is to be given up.
    pub(super) fn thrashes(&mut self) -> bool {
        let thrashes =
            self.steps > MAX_STEPS_PER_LETTER * self.read && self.lost > MAX_LOST * self.letters;
        (self.steps, self.read) = (0, 0);
        self.last_pause = match thrashes {
            true => (2 * self.last_pause).clamp(1, MAX_PAUSE),
            false => 0,
        };
        self.pause = self.last_pause;
        thrashes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether transitions that take so many steps are too many for so many letters of a text.
    fn check(transitions: &[usize], (read, letters): (usize, usize), expected: bool) {
        let mut pace = Pace::default();
        assert!(pace.begin(letters));
        transitions.iter().for_each(|steps| pace.make(*steps));
        pace.read(read);
        let told = format!("{transitions:?} for {read} of {letters}");
        assert_eq!(pace.thrashes(), expected, "{told}");
        assert_eq!(pace.begin(letters), !expected, "{told}");
        // What was before the cache was emptied counts no more.
        pace.read(1);
        assert!(!pace.thrashes());
    }

    #[test]
    fn what_transitions_cost_is_weighed_against_the_letters_that_were_read() {
        check(&[], (1, 1), false);
        check(&[4; 100], (100, 100), false);
        check(&[64; 100], (100, 100), false);
        check(&[65; 100], (100, 100), true);
        check(&[640; 10], (100, 100), false);
        check(&[640; 11], (100, 100), true);
        check(&[OF_SEVERAL; 10], (100, 100), false);
        check(&[OF_SEVERAL; 11], (100, 100), true);
        // Most of the text is still to come.
        check(&[80; 100], (100, 999), true);
        check(&[80; 100], (100, 1_000), false);
    }

    #[test]
    fn what_other_texts_cost_does_not_count_as_lost_in_this_one() {
        let mut pace = Pace::default();
        for _ in 0..9 {
            assert!(pace.begin(100));
            pace.make(100 * MAX_LOST);
            pace.read(10);
        }
        assert!(!pace.thrashes());
    }
}
