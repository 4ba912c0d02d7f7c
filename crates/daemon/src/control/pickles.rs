//! A conversation in fail2ban's protocol: pickled commands, each with a mark behind it, and pickled answers.
//!
//! What is no pickle, or one of something else than plain data, gets the answer that the original gives, a text in place
//! of a pair, and the conversation goes on; what is too long ends it.

use super::Answer;
use super::clients::Place;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use wire::fail2ban::{Frame, Frames, Value, decode, encode_message, encode_reply};

/// Answers until the client says that no more comes, or goes.
pub(super) fn converse(
    mut reader: BufReader<&UnixStream>,
    place: &Place,
    answer: &dyn Answer,
) -> io::Result<()> {
    let mut writer = *reader.get_ref();
    let mut frames = Frames::with_limit(answer.longest_command());
    loop {
        let bytes = reader.fill_buf()?;
        if bytes.is_empty() {
            return Ok(());
        }
        frames.push(bytes);
        let read = bytes.len();
        reader.consume(read);
        loop {
            match frames.next_frame() {
                Ok(None) => break,
                Ok(Some(Frame::Close)) => return Ok(()),
                Ok(Some(Frame::Pickle(pickle))) => {
                    let _answering = place.answering();
                    writer.write_all(&reply(&pickle, answer))?;
                }
                Err(too_long) => return writer.write_all(&wrong(&too_long)),
            }
        }
    }
}

fn reply(pickle: &[u8], answer: &dyn Answer) -> Vec<u8> {
    match decode(pickle) {
        Ok(command) => match answer.command(command) {
            Some(Ok(value)) => encode_reply(0, &value),
            Some(Err(why)) => encode_reply(1, &Value::from(why)),
            None => encode_message(&Value::list(["SHUTDOWN"])),
        },
        Err(error) => wrong(&error),
    }
}

fn wrong(why: &dyn std::fmt::Display) -> Vec<u8> {
    encode_message(&Value::from(format!("ERROR: {why}")))
}
