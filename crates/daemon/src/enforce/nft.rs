//! nf_tables as the firewall: our own table over our own socket.
//!
//! Whether anybody changed the ruleset is told by its generation, which rises by one with every commit: as long as our
//! own commits explain it, nothing needs to be looked at. If they do not, the table's shape (names and numbers of all
//! chains, sets and rules) is compared with what it was after our last change to it, and a few bans of each set are
//! asked for; never the whole of a set that may hold a hundred thousand.

use super::backend::{Backend, Fault, Holdings, Seen, Write};
use super::ledger::Hold;
use super::{EnforceError, EnforceJail};
use base::{Prefix, Timestamp};
use os::netlink::nft::{Element, FLAG_PERSIST, Nft, OWNED, SetKind, Shape, Transaction};
use os::netlink::sock_diag::{self, Outcome, Target};
use os::netlink::{Errno, Error};
use std::time::Duration;

/// The table and what we last knew of it.
#[derive(Debug)]
pub(super) struct NftBackend {
    nft: Nft,
    table: String,
    flags: u32,
    shape: Shape,
    /// The generation that our own changes explain.
    generation: u32,
}

impl NftBackend {
    /// Opens the socket. Owns the table if that is asked for and the kernel can.
    pub(super) fn open(table: &str, owner: bool) -> Result<Self, EnforceError> {
        let mut nft = Nft::open().map_err(|error| EnforceError::opening(&error))?;
        let flags = if owner && nft.capabilities().owner_persist {
            OWNED
        } else {
            0
        };
        let present = nft
            .table(table)
            .map_err(|error| EnforceError::opening(&error))?;
        match present.and_then(|t| t.owner) {
            Some(port) if port != nft.port() => Err(EnforceError::owned(table, port)),
            _ => Ok(Self {
                nft,
                table: table.to_owned(),
                flags,
                shape: Shape::default(),
                generation: 0,
            }),
        }
    }

    /// Forgoes what older kernels cannot do.
    #[cfg(test)]
    pub(super) fn restrict(&mut self, to: os::netlink::nft::Capabilities) {
        self.nft.restrict(to);
        if !to.owner_persist {
            self.flags = 0;
        }
    }

    /// Takes the table as it is, keeps the elements, and lays chains and rules anew.
    fn take_over(&mut self, jails: &[EnforceJail]) -> Result<(), Error> {
        let present = self.nft.shape(&self.table)?;
        let mut transaction = self.nft.transaction(&self.table);
        transaction.create_table(self.flags);
        transaction.install(&present, jails);
        self.commit_layout(transaction)
    }

    fn replace_table(
        &mut self,
        jails: &[EnforceJail],
        holdings: &Holdings,
        now: Timestamp,
    ) -> Result<(), Error> {
        let mut transaction = self.nft.transaction(&self.table);
        if self.nft.table(&self.table)?.is_some() {
            transaction.delete_table();
        }
        transaction.create_table(self.flags);
        transaction.install(&Shape::default(), jails);
        for (jail, held) in jails.iter().zip(holdings) {
            let elements: Vec<Element> = held
                .iter()
                .filter_map(|(prefix, hold)| element(*prefix, *hold, now))
                .collect();
            transaction.fill(&jail.name, &elements);
        }
        self.commit_layout(transaction)
    }

    fn commit_layout(&mut self, transaction: Transaction) -> Result<(), Error> {
        self.nft.commit(transaction)?;
        // The generation is read before the shape: what changes between the two shows as a change.
        self.generation = self.nft.generation()?;
        self.shape = self.nft.shape(&self.table)?;
        Ok(())
    }

    fn listed(&mut self, jails: &[EnforceJail], now: Timestamp) -> Result<Holdings, Error> {
        let mut holdings = Holdings::with_capacity(jails.len());
        for jail in jails {
            let elements = self.nft.elements(&self.table, &jail.name)?;
            holdings.push(elements.iter().map(|e| (e.prefix, hold(e, now))).collect());
        }
        Ok(holdings)
    }

    /// The first set of which all samples are gone.
    fn missing(
        &mut self,
        jails: &[EnforceJail],
        samples: &[Vec<Prefix>],
    ) -> Result<Option<String>, Error> {
        for (jail, samples) in jails.iter().zip(samples) {
            for kind in SetKind::ALL {
                let mut asked = false;
                let mut held = false;
                for prefix in samples.iter().filter(|p| SetKind::of(p) == kind) {
                    asked = true;
                    held |= self.nft.holds(&self.table, &jail.name, prefix)?;
                }
                if asked && !held {
                    return Ok(Some(format!("the bans of jail {}", jail.name)));
                }
            }
        }
        Ok(None)
    }
}

impl Backend for NftBackend {
    fn name(&self) -> &'static str {
        "nft"
    }

    fn is_owner(&self) -> bool {
        self.flags == OWNED
    }

    fn moves_networks(&self) -> bool {
        self.nft.capabilities().destroy_element
    }

    fn bulk(&self) -> usize {
        1000
    }

    fn adopt(&mut self, jails: &[EnforceJail], now: Timestamp) -> Result<Holdings, Fault> {
        let Some(present) = self.nft.table(&self.table).map_err(fault)? else {
            let none = vec![Vec::new(); jails.len()];
            self.replace_table(jails, &none, now).map_err(fault)?;
            return Ok(none);
        };
        // What an owner left behind shows only the other flag.
        let left = if self.flags == OWNED { FLAG_PERSIST } else { 0 };
        let fits = present.flags == left && self.take_over(jails).is_ok();
        let holdings = self.listed(jails, now).map_err(fault)?;
        if !fits {
            self.replace_table(jails, &holdings, now).map_err(fault)?;
        }
        Ok(holdings)
    }

    fn change_jails(&mut self, jails: &[EnforceJail]) -> Result<(), Fault> {
        let mut transaction = self.nft.transaction(&self.table);
        transaction.install(&self.shape, jails);
        if transaction.is_empty() {
            return Ok(());
        }
        self.commit_layout(transaction).map_err(fault)
    }

    fn rebuild(
        &mut self,
        jails: &[EnforceJail],
        holdings: &Holdings,
        now: Timestamp,
    ) -> Result<(), Fault> {
        self.replace_table(jails, holdings, now).map_err(fault)
    }

    fn apply(
        &mut self,
        jails: &[EnforceJail],
        writes: &[Write],
        now: Timestamp,
    ) -> Result<(), Fault> {
        let mut transaction = self.nft.transaction(&self.table);
        for (index, jail) in jails.iter().enumerate() {
            append(&mut transaction, index, jail, writes, now);
        }
        if transaction.is_empty() {
            return Ok(());
        }
        self.nft.commit(transaction).map_err(fault)?;
        let generation = self.nft.generation().map_err(fault)?;
        // A transaction that destroys what is absent changes nothing and is not counted.
        if generation == self.generation.wrapping_add(1) {
            self.generation = generation;
        }
        Ok(())
    }

    fn look(&mut self, jails: &[EnforceJail], samples: &[Vec<Prefix>]) -> Result<Seen, Fault> {
        let generation = self.nft.generation().map_err(fault)?;
        if generation == self.generation {
            return Ok(Seen::Quiet);
        }
        let shape = self.nft.shape(&self.table).map_err(fault)?;
        let lost = match (shape.exists(), shape == self.shape) {
            (false, _) => Some(format!("the table {}", self.table)),
            (true, false) => Some(format!("the rules of table {}", self.table)),
            // Nobody else can touch the elements of an owned table.
            (true, true) if self.is_owner() => None,
            (true, true) => self.missing(jails, samples).map_err(fault)?,
        };
        match lost {
            Some(what) => Ok(Seen::Lost(what)),
            None => {
                self.generation = generation;
                Ok(Seen::Foreign)
            }
        }
    }

    fn holdings(
        &mut self,
        jails: &[EnforceJail],
        now: Timestamp,
    ) -> Result<Option<Holdings>, Fault> {
        self.listed(jails, now).map(Some).map_err(fault)
    }

    fn holds(&mut self, jail: &EnforceJail, prefix: &Prefix) -> Result<Option<bool>, Fault> {
        let held = self.nft.holds(&self.table, &jail.name, prefix);
        held.map(Some).map_err(fault)
    }

    fn ports_of(&mut self, peer: &Prefix) -> Vec<u16> {
        // What is not known names no cause.
        sock_diag::ports_of(&[*peer].into_iter().collect()).unwrap_or_default()
    }

    fn dropped(&mut self, jail: &EnforceJail) -> Option<u64> {
        let jails = std::slice::from_ref(&jail.name);
        // Who asks is told that it is not known; a fault of the table shows at the next look.
        let counters = self.nft.counters(&self.table, jails).ok()?;
        counters.first().map(|counter| counter.packets)
    }

    fn destroy(&mut self, targets: &[Target]) -> Result<Outcome, String> {
        sock_diag::destroy(targets).map_err(|error| error.to_string())
    }

    fn remove(&mut self) -> Result<(), Fault> {
        let mut transaction = self.nft.transaction(&self.table);
        transaction.delete_table();
        match self.nft.commit(transaction) {
            Err(error) if error.errno() == Some(Errno::NOENT) => Ok(()),
            result => result.map_err(fault),
        }
    }
}

/// Appends the writes of one jail: first what goes, so that what comes may take its place.
fn append(
    transaction: &mut Transaction,
    index: usize,
    jail: &EnforceJail,
    writes: &[Write],
    now: Timestamp,
) {
    let mut gone = Vec::new();
    let mut put = Vec::new();
    for write in writes {
        match write {
            Write::Put { jail, prefix, hold } if *jail == index => {
                match element(*prefix, *hold, now) {
                    Some(element) => put.push(element),
                    None => gone.push(*prefix),
                }
            }
            Write::Remove { jail, prefix } if *jail == index => gone.push(*prefix),
            Write::Replace {
                jail: of,
                kind,
                members,
            } if *of == index => {
                let members: Vec<Element> = members
                    .iter()
                    .filter_map(|(prefix, hold)| element(*prefix, *hold, now))
                    .collect();
                transaction.replace(*kind, &jail.name, &members);
            }
            _ => {}
        }
    }
    transaction.remove(&jail.name, &gone);
    transaction.put(&jail.name, &put);
}

/// The element for a hold that still lasts.
fn element(prefix: Prefix, hold: Hold, now: Timestamp) -> Option<Element> {
    let left = |end: Timestamp| Duration::from_micros(end.since(now).as_micros().unsigned_abs());
    hold.is_live(now).then(|| Element {
        prefix,
        timeout: hold.end().map(left),
    })
}

fn hold(element: &Element, now: Timestamp) -> Hold {
    let end = |left: Duration| {
        let micros = i64::try_from(left.as_micros()).unwrap_or(i64::MAX);
        now + base::Span::from_micros(micros)
    };
    Hold::until(element.timeout.map(end))
}

fn fault(error: Error) -> Fault {
    let text = error.to_string();
    match (&error, error.errno()) {
        (Error::Refused(_), Some(Errno::NOENT)) => Fault::Lost(text),
        (Error::Refused(_), Some(Errno::PERM)) => Fault::Unavailable(format!(
            "{text}: another process owns the table, or the right is gone"
        )),
        // Too much at once; half of it may pass.
        (Error::Call { call: "send", .. } | Error::Refused(_) | Error::TooLong, _) => {
            Fault::Refused(text)
        }
        _ => Fault::Unavailable(text),
    }
}
