//! Entrance for fuzzing: bytes in, nothing out, a panic where something is wrong. What no user of the crate needs.

use super::{END, Frame, Frames, decode, decode_reply, encode, encode_message};

/// Takes the bytes as a pickle and as a stream of messages, whose first byte says how reads cut it.
///
/// # Panics
/// When a value is not the same once it was written and read again, when what is good in a request is not in an answer,
/// or when messages depend on where reads end.
pub fn fuzz_pickle(data: &[u8]) {
    match decode(data) {
        Ok(value) => {
            // Of what is no number the text is compared, as nan is not equal to itself.
            let shown = format!("{value:?}");
            let again = decode(&encode(&value)).map(|value| format!("{value:?}"));
            assert_eq!(again.as_ref(), Ok(&shown));
            assert!(!value.repr().is_empty());
            let message = encode_message(&value);
            let pickle = message[..message.len() - END.len()].to_vec();
            assert_eq!(
                frames(&message, message.len(), message.len()),
                [Frame::Pickle(pickle)]
            );
        }
        Err(error) => {
            assert!(error.at <= data.len());
            assert!(!error.to_string().is_empty());
        }
    }
    match decode_reply(data) {
        Ok(reply) => assert!(!reply.value.repr().is_empty()),
        Err(error) => drop(error.to_string()),
    }
    if let Some((first, stream)) = data.split_first() {
        let whole = frames(stream, LIMIT, stream.len().max(1));
        assert_eq!(frames(stream, LIMIT, usize::from(*first) + 1), whole);
    }
}

/// Short enough that inputs go beyond it.
const LIMIT: usize = 256;

/// The messages, of at most so many bytes, of a stream that is read in pieces of this size; an end of what may be read is
/// one more.
fn frames(stream: &[u8], limit: usize, size: usize) -> Vec<Frame> {
    let mut frames = Frames::with_limit(limit);
    let mut found = Vec::new();
    for piece in stream.chunks(size) {
        frames.push(piece);
        loop {
            match frames.next_frame() {
                Ok(Some(frame)) => found.push(frame),
                Ok(None) => break,
                Err(error) => {
                    found.push(Frame::Pickle(error.to_string().into_bytes()));
                    return found;
                }
            }
        }
    }
    found
}
