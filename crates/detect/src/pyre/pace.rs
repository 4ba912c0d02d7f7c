//! Whether a lazy automaton is worth its cache: not while texts need new transitions at nearly every letter.

/// After thrashing, the next searches are given up at once: first one, then twice as many each time, up to this.
const MAX_PAUSE: u32 = 1_024;
/// Fewer letters than this per transition made since the cache was last emptied is thrashing.
const MIN_LETTERS_PER_TRANSITION: usize = 10;

#[derive(Debug, Default)]
pub(super) struct Pace {
    /// Transitions made and letters read since the cache was last emptied.
    made: usize,
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

    /// One more transition was made.
    pub(super) fn make(&mut self) {
        self.made += 1;
    }

    /// So many more letters were read.
    pub(super) fn read(&mut self, letters: usize) {
        self.read += letters;
    }

    /// The cache is emptied; whether that came too soon, so that the search is to be given up.
    pub(super) fn thrashes(&mut self) -> bool {
        let thrashes = self.read < MIN_LETTERS_PER_TRANSITION * self.made;
        (self.made, self.read) = (0, 0);
        self.last_pause = match thrashes {
            true => (2 * self.last_pause).clamp(1, MAX_PAUSE),
            false => 0,
        };
        self.pause = self.last_pause;
        thrashes
    }

    /// Transitions made since the cache was last emptied.
    #[cfg(test)]
    pub(super) fn made(&self) -> usize {
        self.made
    }
}
