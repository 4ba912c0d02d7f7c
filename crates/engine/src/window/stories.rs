//! What failures told, of all entries in one ring of bytes: the newest lines and user names, however many ids
//! there are.
//!
//! Each text is followed by a mark: its kind and length, and how far back the text of the same entry before it
//! ends. An entry therefore keeps one number, the end of its newest text, and its story is read backwards from
//! there. Once the ring is full, a new text overwrites the oldest ones, whoever's they are, and a story read later
//! ends where the overwritten part begins. Nothing is ever searched or moved, and nothing is allocated for a
//! failure once the ring has its size.

use std::borrow::Cow;

/// Bytes of the mark behind each text.
const MARK: usize = 8;

/// Of what kind a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Line,
    User,
}

/// The ring.
#[derive(Debug)]
pub(crate) struct Stories {
    /// Grows up to `room`; a byte that is the n-th ever written lies at n mod `room`.
    bytes: Vec<u8>,
    room: usize,
    /// How many bytes were ever written.
    end: u64,
    /// The same, mod `room`.
    at: usize,
}

impl Stories {
    /// A ring of at most so many bytes.
    pub(crate) fn new(room: usize) -> Self {
        Self {
            bytes: Vec::new(),
            // What a mark can tell.
            room: room.clamp(1, u32::MAX as usize >> 1),
            end: 0,
            at: 0,
        }
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Empties the ring and frees its memory: no story of before may be read any more.
    pub(crate) fn clear(&mut self) {
        *self = Self::new(self.room);
    }

    /// Appends a text to the story that ends at `story`, 0 for a new one, and gives the new end. A text for which
    /// the whole ring is too small is left out.
    pub(crate) fn tell(&mut self, story: u64, kind: Kind, text: &str) -> u64 {
        if text.len() + MARK > self.room {
            return story;
        }
        let end = self.end + (text.len() + MARK) as u64;
        // A story that ended so long ago is overwritten, and so are the texts before it.
        let back = match story {
            0 => 0,
            story => u32::try_from(end - story).unwrap_or(0),
        };
        let length = (text.len() as u32) << 1 | u32::from(kind == Kind::User);
        let mark = (u64::from(back) << 32 | u64::from(length)).to_le_bytes();
        self.write(text.as_bytes(), mark);
        end
    }

    /// The texts of the story that ends at `story`, the newest first, as far as they are kept.
    pub(crate) fn read(&self, mut story: u64) -> impl Iterator<Item = (Kind, Cow<'_, [u8]>)> {
        std::iter::from_fn(move || {
            let mark = self.bytes(story.checked_sub(MARK as u64)?, MARK)?;
            let mark = u64::from_le_bytes(mark.as_ref().try_into().ok()?);
            let (back, length) = (mark >> 32, mark as u32);
            let kind = if length & 1 == 1 {
                Kind::User
            } else {
                Kind::Line
            };
            let length = (length >> 1) as usize;
            let start = story.checked_sub((length + MARK) as u64)?;
            let text = self.bytes(start, length)?;
            story = match back {
                0 => 0,
                back => story.checked_sub(back)?,
            };
            Some((kind, text))
        })
    }

    /// Bytes from the n-th ever written; `None` if they were overwritten. They are copied where the ring ends
    /// within them.
    fn bytes(&self, start: u64, length: usize) -> Option<Cow<'_, [u8]>> {
        let back = self.end - start;
        if back > self.bytes.len() as u64 {
            return None;
        }
        // A division would cost more than all the rest.
        let back = back as usize;
        let at = match self.at.checked_sub(back) {
            Some(at) => at,
            None => self.at + self.room - back,
        };
        if let Some(bytes) = self.bytes.get(at..at + length) {
            return Some(bytes.into());
        }
        let (first, rest) = (
            self.bytes.get(at..)?,
            self.bytes.get(..at + length - self.room)?,
        );
        Some([first, rest].concat().into())
    }

    fn write(&mut self, text: &[u8], mark: [u8; MARK]) {
        self.end += (text.len() + MARK) as u64;
        let until = self.at + text.len() + MARK;
        if until >= self.room {
            self.write_around(text);
            self.write_around(&mark);
            return;
        }
        if self.bytes.len() < until {
            // Not full yet: the ring ends where it is written.
            self.bytes.resize(until, 0);
        }
        let old = self.bytes.get_mut(self.at..until);
        if let Some((old, last)) = old.and_then(|old| old.split_last_chunk_mut()) {
            old.copy_from_slice(text);
            *last = mark;
        }
        self.at = until;
    }

    /// The same for one part of what does not fit in before the end of the ring.
    fn write_around(&mut self, bytes: &[u8]) {
        let first = bytes.len().min(self.room - self.at);
        for part in [&bytes[..first], &bytes[first..]] {
            let until = self.at + part.len();
            match self.bytes.get_mut(self.at..until) {
                Some(old) => old.copy_from_slice(part),
                None => self.bytes.extend_from_slice(part),
            }
            self.at = if until == self.room { 0 } else { until };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Each story is what a plain list of all texts has of it, back to the first byte that is overwritten.
        #[test]
        fn keeps_the_newest_texts(
            room in 1usize..200,
            texts in proptest::collection::vec((0usize..4, any::<bool>(), "[aé]{0,12}"), 0..80),
        ) {
            let mut ring = Stories::new(room);
            let mut ends = [0; 4];
            // Whose, which, and how many bytes were written up to its end.
            let mut plain: Vec<(usize, Kind, String, usize)> = Vec::new();
            let mut written = 0;
            for (whose, is_user, text) in texts {
                let kind = if is_user { Kind::User } else { Kind::Line };
                ends[whose] = ring.tell(ends[whose], kind, &text);
                if text.len() + MARK <= room {
                    written += text.len() + MARK;
                    plain.push((whose, kind, text, written));
                }
                prop_assert!(ring.bytes.len() <= room);
                for (whose, end) in ends.iter().enumerate() {
                    let kept: Vec<(Kind, Cow<'_, [u8]>)> = plain
                        .iter()
                        .rev()
                        .filter(|(of, ..)| *of == whose)
                        .take_while(|(.., text, until)| written - (until - text.len() - MARK) <= room)
                        .map(|(_, kind, text, _)| (*kind, text.as_bytes().into()))
                        .collect();
                    prop_assert_eq!(ring.read(*end).collect::<Vec<_>>(), kept);
                }
            }
        }
    }
}
