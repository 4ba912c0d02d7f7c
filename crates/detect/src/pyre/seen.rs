//! Which places a closure has been at. To begin a new one costs nothing: marks of earlier ones are out of date.

#[derive(Debug, Default)]
pub(super) struct Seen {
    /// For each place the closure that was there last.
    marks: Vec<u32>,
    closure: u32,
}

impl Seen {
    /// Begins a closure over so many places, always the same number.
    pub(super) fn begin(&mut self, places: usize) {
        if self.closure == u32::MAX || self.marks.is_empty() {
            self.marks.clear();
            self.marks.resize(places, 0);
            self.closure = 0;
        }
        self.closure += 1;
    }

    /// Notes that the closure is at a place; false if it was there before.
    pub(super) fn is_new(&mut self, place: u32) -> bool {
        std::mem::replace(&mut self.marks[place as usize], self.closure) != self.closure
    }
}
