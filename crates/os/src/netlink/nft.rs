//! nf_tables: one table of our own with sets of banned addresses for each jail.
//!
//! The table (`inet`) has one base chain, `prerouting` at priority -150: before destination NAT, so that ports
//! published for containers are closed as well, and before anyone's `accept`. For each jail it sends the jail's
//! traffic (protocol, ports, scope) to a chain of that jail, which looks the source up in the jail's sets:
//!
//! | set | holds | kind |
//! |---|---|---|
//! | `host4-JAIL`, `host6-JAIL` | single addresses | hash |
//! | `slash64-JAIL` | IPv6 /64 networks, the usual unit of an IPv6 attacker | hash, looked up by the masked source |
//! | `net4-JAIL`, `net6-JAIL` | all other networks | intervals |
//!
//! Hash sets take a ban in microseconds however full they are; an interval set costs time linear in its size at every
//! commit, which is why only uncommon networks go there. Intervals must not overlap: that is the caller's to see to.
//! All elements can have time-outs, which the kernel keeps. A [`Transaction`] takes effect as a whole or not at all.

mod element;
mod layout;
mod name;
mod read;
mod rule;
mod transaction;

pub use element::{Element, SetKind};
pub use layout::{Blocktype, Jail, Protocol, Scope};
pub use name::{chain_name, set_name};
pub use read::{Counter, Shape, Table};
pub use transaction::Transaction;

use super::message::{Builder, DUMP};
use super::socket::{Error, Socket, Subsystem};
use rustix::io::Errno;

/// `NFPROTO_INET`: the family of all our objects.
const INET: u8 = 1;
/// The length of the header that every nf_tables message begins with.
const FAMILY_HEADER: usize = 4;

/// Message types of nf_tables.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Command {
    NewTable = 0,
    GetTable = 1,
    DelTable = 2,
    NewChain = 3,
    GetChain = 4,
    DelChain = 5,
    NewRule = 6,
    GetRule = 7,
    DelRule = 8,
    NewSet = 9,
    GetSet = 10,
    DelSet = 11,
    NewElement = 12,
    GetElement = 13,
    DelElement = 14,
    GetGeneration = 16,
    DestroyElement = 30,
}

impl Command {
    /// The type with the subsystem, NFNL_SUBSYS_NFTABLES, in its upper byte.
    const fn kind(self) -> u16 {
        (10 << 8) | self as u16
    }
}

/// The table survives the process that owns it, and only that process may change it.
pub const OWNED: u32 = FLAG_OWNER | FLAG_PERSIST;
/// `NFT_TABLE_F_OWNER`.
pub const FLAG_OWNER: u32 = 2;
/// `NFT_TABLE_F_PERSIST`.
pub const FLAG_PERSIST: u32 = 4;

/// What this kernel can do beyond the basics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// Tables that are owned and yet outlive their owner (Linux 6.9).
    pub owner_persist: bool,
    /// Deleting an element that may be absent (Linux 6.3).
    pub destroy_element: bool,
}

/// A session with nf_tables: the socket that owns what is made through it.
#[derive(Debug)]
pub struct Nft {
    socket: Socket,
    capabilities: Capabilities,
}

impl Nft {
    /// Opens the socket and finds out what the kernel can do by transactions that leave nothing behind.
    pub fn open() -> Result<Self, Error> {
        let mut nft = Self {
            socket: Socket::open(Subsystem::Netfilter)?,
            capabilities: Capabilities::default(),
        };
        // The plainest one must pass; its error says what is missing: the right, or nf_tables.
        nft.commit(nft.probe(|_| ()))?;
        nft.capabilities = Capabilities {
            owner_persist: nft.passes(nft.probe(|t| t.create_table(OWNED)))?,
            destroy_element: nft.passes(nft.probe(Transaction::probe_destroy))?,
        };
        Ok(nft)
    }

    /// What the kernel can do.
    pub fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    /// Forgoes capabilities, as if the kernel were older.
    pub fn restrict(&mut self, to: Capabilities) {
        self.capabilities.owner_persist &= to.owner_persist;
        self.capabilities.destroy_element &= to.destroy_element;
    }

    /// The number that the kernel knows our socket by.
    pub fn port(&self) -> u32 {
        self.socket.port()
    }

    /// An empty transaction on `table`.
    pub fn transaction(&self, table: &str) -> Transaction {
        Transaction::new(table, self.capabilities)
    }

    /// Carries a transaction out as a whole. On an error nothing of it was done.
    pub fn commit(&mut self, transaction: Transaction) -> Result<(), Error> {
        let bytes = transaction.finish()?;
        match self.socket.request(&bytes, |_| ())? {
            0 => Err(Error::Unanswered),
            _ => Ok(()),
        }
    }

    /// The number of the ruleset's generation: one more with every commit of anybody.
    pub fn generation(&mut self) -> Result<u32, Error> {
        let request = single(Command::GetGeneration, 0, |_| ())?;
        let mut found = None;
        self.socket.request(&request, |message| {
            found = found.or(message.attributes(FAMILY_HEADER).be32(1));
        })?;
        found.ok_or(Error::Unanswered)
    }

    fn probe(&self, content: impl FnOnce(&mut Transaction)) -> Transaction {
        let mut transaction = self.transaction(&format!("stockade-probe-{}", self.port()));
        let before = transaction.len();
        content(&mut transaction);
        if transaction.len() == before {
            transaction.create_table(0);
        }
        transaction.delete_table();
        transaction
    }

    fn passes(&mut self, probe: Transaction) -> Result<bool, Error> {
        match self.commit(probe) {
            Ok(()) => Ok(true),
            Err(Error::Refused(refusals)) if refusals.iter().all(|r| r.errno != Errno::PERM) => {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }
}

/// One message outside a transaction.
fn single(
    command: Command,
    flags: u16,
    content: impl FnOnce(&mut Builder),
) -> Result<Vec<u8>, Error> {
    let mut builder = Builder::new();
    builder.message(command.kind(), flags, 1);
    builder.raw(&[INET, 0, 0, 0]);
    content(&mut builder);
    Ok(builder.finish()?)
}

/// One message outside a transaction that asks for a dump, which has its own end instead of an acknowledgement.
fn dump(command: Command, content: impl FnOnce(&mut Builder)) -> Result<Vec<u8>, Error> {
    single(command, DUMP, content)
}
