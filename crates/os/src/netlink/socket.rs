//! One netlink socket: send a request, collect everything the kernel answered.
//!
//! The kernel handles a netlink request inside `send`, so all answers are queued when it returns; reading until the
//! queue is empty is exact and needs no waiting. A dump is the exception that proves it: each read makes the kernel
//! queue the next part. So nothing here can hang.

use super::message::{self, ACK_TLVS, Attributes, CAPPED, HEADER, Message, TooLong};
use rustix::io::Errno;
use rustix::net::netlink::{self, SocketAddrNetlink};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, bind, getsockname, recv, send,
    socket_with, sockopt,
};
use std::fmt;
use std::os::fd::{AsRawFd, OwnedFd};

/// What went wrong between us and the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// A system call failed.
    Call {
        /// Its name.
        call: &'static str,
        /// Its error.
        errno: Errno,
    },
    /// The kernel refused the request, for these messages of it; never empty.
    Refused(Vec<Refusal>),
    /// The kernel answered less than it must.
    Unanswered,
    /// What was listed kept changing under the listing.
    Interrupted,
    /// A message did not fit its length field.
    TooLong,
}

/// One message of a request that the kernel refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The number of the message.
    pub seq: u32,
    /// The error.
    pub errno: Errno,
    /// The kernel's own words, often empty.
    pub text: String,
    /// Where in the message the offending attribute begins, in bytes.
    pub offset: Option<u32>,
}

impl Error {
    /// The error number that a call or the first refusal came with.
    pub fn errno(&self) -> Option<Errno> {
        match self {
            Self::Call { errno, .. } => Some(*errno),
            Self::Refused(refusals) => refusals.first().map(|r| r.errno),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call { call, errno } => write!(f, "{call}: {errno}"),
            Self::Refused(refusals) => match refusals.as_slice() {
                [] => f.write_str("refused by the kernel"),
                [only] => only.fmt(f),
                [first, rest @ ..] => write!(f, "{first} (and {} more)", rest.len()),
            },
            Self::Unanswered => f.write_str("the kernel gave no answer"),
            Self::Interrupted => f.write_str("the list kept changing while it was read"),
            Self::TooLong => TooLong.fmt(f),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "message {}: {}", self.seq, self.errno)?;
        if !self.text.is_empty() {
            write!(f, ": {}", self.text)?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

impl From<TooLong> for Error {
    fn from(_: TooLong) -> Self {
        Self::TooLong
    }
}

/// The subsystems that are spoken to here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subsystem {
    /// nf_tables and its relatives.
    Netfilter,
    /// Listing and closing sockets.
    SockDiag,
}

/// A bound netlink socket.
#[derive(Debug)]
pub struct Socket {
    fd: OwnedFd,
    port: u32,
    send_buffer: usize,
    receive: Vec<u8>,
}

const SEND_BUFFER: usize = 8 << 20;
const RECEIVE_BUFFER: usize = 4 << 20;
/// The kernel never makes a datagram of more than 32 KiB for a reader that offers at least that much.
const DATAGRAM: usize = 64 << 10;

impl Socket {
    /// Opens and binds. Without CAP_NET_ADMIN the buffers stay small, but it opens.
    pub fn open(subsystem: Subsystem) -> Result<Self, Error> {
        let protocol = match subsystem {
            Subsystem::Netfilter => netlink::NETFILTER,
            Subsystem::SockDiag => netlink::SOCK_DIAG,
        };
        let fd = socket_with(
            AddressFamily::NETLINK,
            SocketType::RAW,
            SocketFlags::CLOEXEC,
            Some(protocol),
        )
        .map_err(|errno| called("socket", errno))?;
        bind(&fd, &SocketAddrNetlink::new(0, 0)).map_err(|errno| called("bind", errno))?;
        let name = getsockname(&fd).map_err(|errno| called("getsockname", errno))?;
        let port = SocketAddrNetlink::try_from(name)
            .map_err(|errno| called("getsockname", errno))?
            .pid();
        // Both only make errors more telling and shorter; a kernel before 4.12 has neither.
        for option in [libc::NETLINK_EXT_ACK, libc::NETLINK_CAP_ACK] {
            enable(&fd, option).or_else(|errno| match errno {
                Errno::NOPROTOOPT => Ok(()),
                errno => Err(called("setsockopt", errno)),
            })?;
        }
        let mut socket = Self {
            fd,
            port,
            send_buffer: 0,
            receive: vec![0; DATAGRAM],
        };
        socket.allow_sending(SEND_BUFFER)?;
        match sockopt::set_socket_recv_buffer_size_force(&socket.fd, RECEIVE_BUFFER) {
            Ok(()) | Err(Errno::PERM) => Ok(socket),
            Err(errno) => Err(called("setsockopt", errno)),
        }
    }

    /// The number by which the kernel knows this socket: the owner of tables made through it.
    pub fn port(&self) -> u32 {
        self.port
    }

    /// Sends `request` and hands every message of the answer to `each`, acknowledgements and errors excepted.
    /// Returns how many messages were acknowledged.
    pub fn request(
        &mut self,
        request: &[u8],
        mut each: impl FnMut(&Message<'_>),
    ) -> Result<usize, Error> {
        self.exchange(request, &mut each)?.acknowledged()
    }

    /// Like [`request`](Self::request) for a dump: fails if its end did not come or if the listed changed meanwhile.
    pub fn dump(
        &mut self,
        request: &[u8],
        mut each: impl FnMut(&Message<'_>),
    ) -> Result<(), Error> {
        let tally = self.exchange(request, &mut each)?;
        let (done, interrupted) = (tally.done, tally.interrupted);
        tally.acknowledged()?;
        match (done, interrupted) {
            (_, true) => Err(Error::Interrupted),
            (false, _) => Err(Error::Unanswered),
            (true, false) => Ok(()),
        }
    }

    fn exchange(
        &mut self,
        request: &[u8],
        each: &mut impl FnMut(&Message<'_>),
    ) -> Result<Tally, Error> {
        self.send(request)?;
        let mut tally = Tally::default();
        while let Some(length) = self.receive()? {
            for message in message::messages(self.receive.get(..length).unwrap_or_default()) {
                tally.take(&message, each);
            }
        }
        Ok(tally)
    }

    fn send(&mut self, request: &[u8]) -> Result<(), Error> {
        // The kernel charges the request's length plus some bookkeeping against the send buffer.
        self.allow_sending(request.len() + request.len() / 4 + 65_536)?;
        let mut result = send(&self.fd, request, SendFlags::empty());
        if result == Err(Errno::INTR) {
            result = send(&self.fd, request, SendFlags::empty());
        }
        match result {
            Ok(sent) if sent == request.len() => Ok(()),
            Ok(_) => Err(called("send", Errno::MSGSIZE)),
            Err(errno) => Err(called("send", errno)),
        }
    }

    fn allow_sending(&mut self, bytes: usize) -> Result<(), Error> {
        let bytes = bytes.min(1 << 30);
        if bytes <= self.send_buffer {
            return Ok(());
        }
        match sockopt::set_socket_send_buffer_size_force(&self.fd, bytes) {
            // Without the right, the default buffer carries small requests, and large ones fail by name.
            Ok(()) | Err(Errno::PERM) => {
                self.send_buffer = bytes;
                Ok(())
            }
            Err(errno) => Err(called("setsockopt", errno)),
        }
    }

    fn receive(&mut self) -> Result<Option<usize>, Error> {
        let flags = RecvFlags::DONTWAIT | RecvFlags::TRUNC;
        loop {
            match recv(&self.fd, self.receive.as_mut_slice(), flags) {
                Ok((kept, whole)) if kept == whole => return Ok(Some(kept)),
                Ok(_) => return Err(called("recv", Errno::MSGSIZE)),
                Err(Errno::AGAIN) => return Ok(None),
                Err(Errno::INTR) => {}
                Err(errno) => return Err(called("recv", errno)),
            }
        }
    }
}

fn called(call: &'static str, errno: Errno) -> Error {
    Error::Call { call, errno }
}

/// What the answers to one request amount to.
#[derive(Default)]
struct Tally {
    acknowledged: usize,
    refused: Vec<Refusal>,
    done: bool,
    interrupted: bool,
}

impl Tally {
    fn take(&mut self, message: &Message<'_>, each: &mut impl FnMut(&Message<'_>)) {
        self.interrupted |= message.flags & message::DUMP_INTERRUPTED != 0;
        match message.kind {
            message::TYPE_ERROR => match refusal(message) {
                Some(refusal) => self.refused.push(refusal),
                None => self.acknowledged += 1,
            },
            // A dump that failed half-way says so at its end.
            message::TYPE_DONE => {
                self.done = true;
                self.refused.extend(refusal(message));
            }
            _ => each(message),
        }
    }

    fn acknowledged(self) -> Result<usize, Error> {
        if self.refused.is_empty() {
            Ok(self.acknowledged)
        } else {
            Err(Error::Refused(self.refused))
        }
    }
}

/// The refusal in an error message; `None` for an acknowledgement.
fn refusal(message: &Message<'_>) -> Option<Refusal> {
    let code = message::ne32(message.payload, 0)?.cast_signed();
    if code == 0 {
        return None;
    }
    let mut found = Refusal {
        seq: message.seq,
        errno: Errno::from_raw_os_error(code.saturating_neg()),
        text: String::new(),
        offset: None,
    };
    if message.flags & ACK_TLVS != 0 {
        // Behind the number comes the refused message, whole or only its header.
        let whole = message::ne32(message.payload, 4).unwrap_or_default() as usize;
        let quoted = if message.flags & CAPPED != 0 {
            HEADER
        } else {
            whole
        };
        let extra = message.payload.get(4 + quoted.next_multiple_of(4)..);
        let extra = Attributes::of(extra.unwrap_or_default());
        found.text = extra.text(1).unwrap_or_default();
        found.offset = extra.find(2).and_then(|value| message::ne32(value, 0));
    }
    Some(found)
}

#[expect(
    unsafe_code,
    reason = "netlink's own socket options have no safe wrapper"
)]
fn enable(fd: &OwnedFd, option: libc::c_int) -> Result<(), Errno> {
    let on: libc::c_int = 1;
    let length = size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: the descriptor is open, `on` lives over the call, and `length` is its size.
    let result = unsafe {
        libc::setsockopt(
            fd.as_raw_fd(),
            libc::SOL_NETLINK,
            option,
            (&raw const on).cast(),
            length,
        )
    };
    if result == 0 {
        Ok(())
    } else {
        let error = std::io::Error::last_os_error();
        Err(Errno::from_io_error(&error).unwrap_or(Errno::INVAL))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netlink::message::{Builder, TYPE_ERROR, messages};

    fn error_message(code: i32, flags: u16, extra: impl FnOnce(&mut Builder)) -> Vec<u8> {
        let mut builder = Builder::new();
        builder.message(TYPE_ERROR, flags, 41);
        builder.raw(&code.to_ne_bytes());
        builder.raw(&20u32.to_ne_bytes());
        builder.raw(&[0; 12]);
        if flags & CAPPED == 0 {
            builder.raw(&[0; 4]);
        }
        extra(&mut builder);
        builder.finish().unwrap()
    }

    fn check(bytes: &[u8], expected: Option<(Errno, &str, Option<u32>)>) {
        let got = refusal(&messages(bytes).next().unwrap());
        let got = got.as_ref().map(|r| (r.errno, r.text.as_str(), r.offset));
        assert_eq!(got, expected);
    }

    #[test]
    fn reads_refusals_and_the_kernels_words() {
        let words = |b: &mut Builder| {
            b.text(1, "no such set");
            b.bytes(2, &36u32.to_ne_bytes());
        };
        check(&error_message(0, CAPPED, |_| ()), None);
        check(
            &error_message(-2, CAPPED, |_| ()),
            Some((Errno::NOENT, "", None)),
        );
        let expected = Some((Errno::NOENT, "no such set", Some(36)));
        check(&error_message(-2, CAPPED | ACK_TLVS, words), expected);
        check(&error_message(-2, ACK_TLVS, words), expected);
    }
}
