//! From the bytes of a socket to whole messages.
//!
//! A message ends with a mark, but a text inside of it may hold the mark as well, for whoever bans by a regex that does.
//! So the border is not searched for: the instructions of the pickle are walked along, texts are stepped over by their
//! lengths, and the mark counts behind the last instruction. Only where that walk finds something else than a pickle
//! the next mark is looked for, so that each piece of nonsense is one message and gets one answer. A pickle that says to
//! be longer than it is waits for the rest, as everything does that is not whole.
//!
//! Every byte is looked at once, wherever reads cut the stream.

use super::opcode::{Argument, opcode, unsigned};
use super::{CLOSE, END, MAX_REPLY, MAX_REQUEST};
use std::fmt;

/// Cuts a stream into messages.
#[derive(Debug)]
pub struct Frames {
    limit: usize,
    buffer: Vec<u8>,
    /// Where the unfinished message begins in the buffer.
    start: usize,
    /// Up to where it was walked.
    at: usize,
    step: Step,
}

/// One message, without its mark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// What should be a pickle.
    Pickle(Vec<u8>),
    /// The client's last one: it wants no answer.
    Close,
}

/// A message is longer than it may be; nothing behind it can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong {
    /// What would have been allowed, in bytes.
    pub limit: usize,
}

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a message is longer than {} bytes", self.limit)
    }
}

impl std::error::Error for TooLong {}

/// What the walk expects next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Opcode,
    /// The length of an argument, so many bytes.
    Length(u8),
    /// So many bytes of an argument.
    Skip(u64),
    /// So many lines of an argument.
    Lines(u8),
    /// The mark behind the last instruction.
    Mark,
    /// This is no pickle, but ends with the next mark all the same.
    Lost,
}

impl Frames {
    /// For what clients send.
    pub fn of_requests() -> Self {
        Self::with_limit(MAX_REQUEST)
    }

    /// For what a server answers.
    pub fn of_replies() -> Self {
        Self::with_limit(MAX_REPLY)
    }

    /// For messages of at most so many bytes.
    pub fn with_limit(limit: usize) -> Self {
        Self {
            limit,
            buffer: Vec::new(),
            start: 0,
            at: 0,
            step: Step::Opcode,
        }
    }

    /// Takes what was read. It is kept until [`Self::next_frame`] has given it, so read pieces of bounded size.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.at -= self.start;
            self.start = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole message; `None` until more was read.
    ///
    /// # Errors
    /// If it is too long or says that it will be; from then on always.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, TooLong> {
        let whole = self.walk()?;
        if !whole {
            return Ok(None);
        }
        let message = &self.buffer[self.start..self.at];
        let frame = match message == CLOSE {
            true => Frame::Close,
            false => Frame::Pickle(message.to_vec()),
        };
        self.at += END.len();
        self.start = self.at;
        self.step = Step::Opcode;
        Ok(Some(frame))
    }

    /// Whether a message has begun and is not whole.
    pub fn is_within(&self) -> bool {
        self.start < self.buffer.len()
    }

    /// Goes on until the mark, and stays in front of it: true, or to the end of what there is.
    fn walk(&mut self) -> Result<bool, TooLong> {
        loop {
            let there = self.buffer.len() - self.at;
            let rest = &self.buffer[self.at..];
            let next = match self.step {
                Step::Mark if rest.starts_with(END) => {
                    self.check(0)?;
                    return Ok(true);
                }
                Step::Mark if END.starts_with(rest) => None,
                Step::Mark => Some((0, Step::Lost)),
                Step::Lost => {
                    if let Some(found) = find(rest, END) {
                        self.at += found;
                        self.check(0)?;
                        return Ok(true);
                    }
                    // A part of the mark may be the last that there is.
                    self.at += (there + 1).saturating_sub(END.len());
                    None
                }
                Step::Opcode => rest.first().map(|code| after_opcode(*code)),
                Step::Length(width) => rest
                    .get(..usize::from(width))
                    .map(|length| (length.len(), Step::Skip(unsigned(length)))),
                Step::Skip(length) => {
                    self.check(length)?;
                    // What lies within the limit fits.
                    match (length as usize) <= there {
                        true => Some((length as usize, Step::Opcode)),
                        false => None,
                    }
                }
                Step::Lines(left) => match rest.iter().position(|byte| *byte == b'\n') {
                    Some(end) if left > 1 => Some((end + 1, Step::Lines(left - 1))),
                    Some(end) => Some((end + 1, Step::Opcode)),
                    None => {
                        self.at += there;
                        None
                    }
                },
            };
            let Some((length, step)) = next else {
                self.check(0)?;
                return Ok(false);
            };
            self.at += length;
            self.step = step;
        }
    }

    /// Whether the message may be at least so much longer than it was walked.
    fn check(&self, more: u64) -> Result<(), TooLong> {
        let length = (self.at - self.start) as u64;
        match length.saturating_add(more) > self.limit as u64 {
            true => Err(TooLong { limit: self.limit }),
            false => Ok(()),
        }
    }
}

/// What comes behind the byte of an instruction, and how long that is.
fn after_opcode(code: u8) -> (usize, Step) {
    match (code, opcode(code)) {
        (_, None) => (0, Step::Lost),
        (b'.', _) => (1, Step::Mark),
        (_, Some((_, Argument::None))) => (1, Step::Opcode),
        (_, Some((_, Argument::Fixed(length)))) => (1, Step::Skip(length.into())),
        (_, Some((_, Argument::Counted(width)))) => (1, Step::Length(width)),
        (_, Some((_, Argument::Line))) => (1, Step::Lines(1)),
        (_, Some((_, Argument::TwoLines))) => (1, Step::Lines(2)),
    }
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}
