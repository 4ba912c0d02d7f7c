//! Letters that an automaton never tells apart are one class: its tables have an entry for each class, not each letter.

use super::alphabet::{ByteSet, has};
use crate::hash::QuickMap;

/// The class of each letter. The class after the last stands for the end of the text.
#[derive(Debug)]
pub(super) struct ByteClasses {
    class_of: [u8; 256],
    /// One letter of each class.
    representatives: Box<[u8]>,
}

impl ByteClasses {
    /// The classes that none of `sets` parts.
    pub(super) fn new<'a>(sets: impl Iterator<Item = &'a ByteSet> + Clone) -> Self {
        let mut seen: QuickMap<Vec<bool>, u8> = QuickMap::default();
        let (mut class_of, mut representatives) = ([0; 256], Vec::new());
        for letter in 0..=255_u8 {
            let signature: Vec<bool> = sets.clone().map(|set| has(set, letter)).collect();
            class_of[usize::from(letter)] = *seen.entry(signature).or_insert_with(|| {
                representatives.push(letter);
                (representatives.len() - 1) as u8
            });
        }
        Self {
            class_of,
            representatives: representatives.into(),
        }
    }

    pub(super) fn of(&self, letter: u8) -> usize {
        self.class_of[usize::from(letter)].into()
    }

    /// A letter of the class; none stands for the end of the text.
    pub(super) fn representative(&self, class: usize) -> Option<u8> {
        self.representatives.get(class).copied()
    }

    /// How many there are, without the end of the text.
    pub(super) fn count(&self) -> usize {
        self.representatives.len()
    }
}
