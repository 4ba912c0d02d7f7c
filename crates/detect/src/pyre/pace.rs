//! Whether a lazy automaton is worth its cache: not while texts need new transitions all the time that cost more than
//! another way.

/// After thrashing, the next searches are given up at once: first one, then twice as many each time, up to this.
const MAX_PAUSE: u32 = 1_024;
/// More steps than this for each letter since the cache was last emptied is thrashing. So many take about as long as
/// the Pike machine, which follows all places without a memory, does for a letter in such a state.
const MAX_STEPS_PER_LETTER: usize = 64;
/// For so many steps a transition counts where several patterns are followed at once, however many it took: each by
/// itself has far fewer states. One at every tenth letter is too much.
pub(super) const OF_SEVERAL: usize = 10 * MAX_STEPS_PER_LETTER;

#[derive(Debug, Default)]
pub(super) struct Pace {
    /// Steps that transitions took, and letters read, since the cache was last emptied.
    steps: usize,
    read: usize,
    /// How many of the next searches are given up at once because the last ones thrashed, and how many that were.
    pause: u32,
    last_pause: u32,
}

impl Pace {
    /// Begins a search; whether it is to be given up at once.
    pub(super) fn is_paused(&mut self) -> bool {
        let is_paused = self.pause > 0;
        self.pause = self.pause.saturating_sub(1);
        is_paused
    }

    /// A transition was made, in so many steps.
    pub(super) fn make(&mut self, steps: usize) {
        self.steps += steps;
    }

    /// So many more letters were read.
    pub(super) fn read(&mut self, letters: usize) {
        self.read += letters;
    }

    /// The cache is emptied; whether that came too soon, so that the search is to be given up.
    pub(super) fn thrashes(&mut self) -> bool {
        let thrashes = self.steps > MAX_STEPS_PER_LETTER * self.read;
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

    /// Whether transitions that take so many steps are too many for so many letters.
    fn check(transitions: &[usize], letters: usize, expected: bool) {
        let mut pace = Pace::default();
        transitions.iter().for_each(|steps| pace.make(*steps));
        pace.read(letters);
        assert_eq!(pace.thrashes(), expected, "{transitions:?} for {letters}");
        assert_eq!(pace.is_paused(), expected);
        // What was before the cache was emptied counts no more.
        pace.read(1);
        assert!(!pace.thrashes());
    }

    #[test]
    fn what_transitions_cost_is_weighed_against_the_letters_that_were_read() {
        check(&[], 1, false);
        check(&[4; 100], 100, false);
        check(&[64; 100], 100, false);
        check(&[65; 100], 100, true);
        check(&[640; 10], 100, false);
        check(&[640; 11], 100, true);
        check(&[OF_SEVERAL; 10], 100, false);
        check(&[OF_SEVERAL; 11], 100, true);
    }
}
