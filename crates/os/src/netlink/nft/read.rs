//! Reading what stands in the kernel.

use super::super::message::{Attributes, Message};
use super::super::socket::Error;
use super::element::{self, Element, Listed};
use super::{Command, FAMILY_HEADER, INET, Nft, SetKind, chain_name, dump, set_name, single};
use base::{JailName, Prefix};
use rustix::io::Errno;
use std::collections::{BTreeMap, BTreeSet};

/// How often a listing is begun again when what it lists changes under it.
const ATTEMPTS: usize = 5;

/// A table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Its flags: 1 dormant, 2 owner, 4 persist. An owned table shows its owner flag only while the owner lives.
    pub flags: u32,
    /// The socket that owns it.
    pub owner: Option<u32>,
    /// Its number, which no later table of this name gets again.
    pub handle: u64,
}

/// Names and numbers of all that stands in a table, elements excepted. Equal shapes mean that nobody took anything out,
/// put anything in, or replaced it by its like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    table: Option<(u64, u32)>,
    chains: BTreeMap<String, u64>,
    sets: BTreeMap<String, u64>,
    /// Sets that go with their rule.
    nameless: BTreeSet<u64>,
    rules: Vec<(String, u64)>,
}

impl Shape {
    /// True if there is a table.
    pub fn exists(&self) -> bool {
        self.table.is_some()
    }

    /// The names of all chains.
    pub fn chains(&self) -> impl Iterator<Item = &str> {
        self.chains.keys().map(String::as_str)
    }

    /// The names of all sets that have a name of their own.
    pub fn sets(&self) -> impl Iterator<Item = &str> {
        self.sets.keys().map(String::as_str)
    }

    /// True if there is a chain of this name.
    pub fn has_chain(&self, name: &str) -> bool {
        self.chains.contains_key(name)
    }

    /// True if there is a set of this name.
    pub fn has_set(&self, name: &str) -> bool {
        self.sets.contains_key(name)
    }

    /// How many rules there are.
    pub fn rules(&self) -> usize {
        self.rules.len()
    }
}

/// What a jail's rules stopped since they were installed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counter {
    /// Packets.
    pub packets: u64,
    /// Bytes in them.
    pub bytes: u64,
}

impl Nft {
    /// All tables of the `inet` family.
    pub fn tables(&mut self) -> Result<Vec<Table>, Error> {
        self.listed(&dump(Command::GetTable, |_| ())?, |found, message| {
            found.extend(table(message));
        })
    }

    /// The table of this name, if there is one.
    pub fn table(&mut self, name: &str) -> Result<Option<Table>, Error> {
        let request = single(Command::GetTable, 0, |b| b.text(1, name))?;
        let mut found = None;
        match self
            .socket
            .request(&request, |message| found = table(message))
        {
            Err(error) if error.errno() == Some(Errno::NOENT) => Ok(None),
            result => result.map(|_| found),
        }
    }

    /// All that stands in a table, elements excepted; the empty shape if there is none.
    pub fn shape(&mut self, name: &str) -> Result<Shape, Error> {
        const ANONYMOUS: u32 = 1;
        let Some(table) = self.table(name)? else {
            return Ok(Shape::default());
        };
        let mut shape = Shape {
            table: Some((table.handle, table.flags)),
            ..Shape::default()
        };
        let chains = dump(Command::GetChain, |_| ())?;
        let chains = self.listed(&chains, |found, message| {
            let a = message.attributes(FAMILY_HEADER);
            if a.text(1).as_deref() == Some(name) && is_inet(message) {
                found.extend(a.text(3).zip(a.be64(2)));
            }
        })?;
        shape.chains = chains.into_iter().collect();
        let sets = dump(Command::GetSet, |b| b.text(1, name))?;
        let sets: Vec<(String, u64, u32)> = self.listed(&sets, |found, message| {
            let a = message.attributes(FAMILY_HEADER);
            let named = a.text(2).zip(a.be64(16));
            if a.text(1).as_deref() == Some(name) && is_inet(message) {
                found.extend(named.map(|(n, handle)| (n, handle, a.be32(3).unwrap_or(0))));
            }
        })?;
        for (set, handle, flags) in sets {
            if flags & ANONYMOUS == 0 {
                shape.sets.insert(set, handle);
            } else {
                shape.nameless.insert(handle);
            }
        }
        let rules = dump(Command::GetRule, |b| b.text(1, name))?;
        shape.rules = self.listed(&rules, |found, message| {
            let a = message.attributes(FAMILY_HEADER);
            if a.text(1).as_deref() == Some(name) && is_inet(message) {
                found.extend(a.text(2).zip(a.be64(3)));
            }
        })?;
        Ok(shape)
    }

    /// All elements of a jail with the time they have left, in no order. None if the table or its sets are absent.
    pub fn elements(&mut self, table: &str, jail: &JailName) -> Result<Vec<Element>, Error> {
        let mut all = Vec::new();
        for kind in SetKind::ALL {
            all.extend(self.elements_of(table, kind, jail)?);
        }
        Ok(all)
    }

    /// The elements of one set of a jail; none if it is absent.
    pub fn elements_of(
        &mut self,
        table: &str,
        kind: SetKind,
        jail: &JailName,
    ) -> Result<Vec<Element>, Error> {
        let request = dump(Command::GetElement, |b| {
            b.text(1, table);
            b.text(2, &set_name(kind, jail));
        })?;
        for _ in 0..ATTEMPTS {
            let listed = self.listed(&request, |found: &mut Vec<Listed>, message| {
                let list = message.attributes(FAMILY_HEADER).nested(3);
                found.extend(list.filter_map(|(_, value)| element::parse(kind.family(), value)));
            });
            let mut listed = match listed {
                Ok(listed) => listed,
                Err(error) if error.errno() == Some(Errno::NOENT) => return Ok(Vec::new()),
                Err(error) => return Err(error),
            };
            listed.sort_unstable();
            // The kernel rearranges a hash set in the background after much was added, which a listing in several
            // parts cannot see: it shows some elements twice and others not at all.
            if !listed.is_sorted_by(Listed::differ) {
                continue;
            }
            return Ok(element::assemble(kind, &listed));
        }
        Err(Error::Interrupted)
    }

    /// True if exactly this prefix is in its set. Costs the same however full the set is.
    pub fn holds(&mut self, table: &str, jail: &JailName, prefix: &Prefix) -> Result<bool, Error> {
        let kind = SetKind::of(prefix);
        let request = single(Command::GetElement, 0, |b| {
            b.text(1, table);
            b.text(2, &set_name(kind, jail));
            b.nest(3, |b| element::push_key(b, prefix));
        })?;
        let mut found = false;
        let result = self.socket.request(&request, |message| {
            let list = message.attributes(FAMILY_HEADER).nested(3);
            found |= list
                .filter_map(|(_, value)| element::parse(kind.family(), value))
                .any(|listed| listed.is_at(prefix));
        });
        match result {
            Err(error) if error.errno() == Some(Errno::NOENT) => Ok(false),
            result => result.map(|_| found),
        }
    }

    /// What each of these jails stopped, in their order.
    pub fn counters(&mut self, table: &str, jails: &[JailName]) -> Result<Vec<Counter>, Error> {
        let rules = dump(Command::GetRule, |b| b.text(1, table))?;
        let counted: Vec<(String, Counter)> = self.listed(&rules, |found, message| {
            let a = message.attributes(FAMILY_HEADER);
            if a.text(1).as_deref() == Some(table) && is_inet(message) {
                found.extend(a.text(2).map(|chain| (chain, counter(&a))));
            }
        })?;
        let mut sums: BTreeMap<String, Counter> = BTreeMap::new();
        for (chain, counter) in counted {
            let sum = sums.entry(chain).or_default();
            sum.packets += counter.packets;
            sum.bytes += counter.bytes;
        }
        let of = |jail| sums.get(&chain_name(jail)).copied().unwrap_or_default();
        Ok(jails.iter().map(of).collect())
    }

    /// Dumps, and again from the beginning if the listed changed meanwhile.
    fn listed<T>(
        &mut self,
        request: &[u8],
        mut take: impl FnMut(&mut Vec<T>, &Message<'_>),
    ) -> Result<Vec<T>, Error> {
        for _ in 0..ATTEMPTS {
            let mut found = Vec::new();
            match self
                .socket
                .dump(request, |message| take(&mut found, message))
            {
                Err(Error::Interrupted) => {}
                result => return result.map(|()| found),
            }
        }
        Err(Error::Interrupted)
    }
}

fn is_inet(message: &Message<'_>) -> bool {
    message.payload.first() == Some(&INET)
}

fn table(message: &Message<'_>) -> Option<Table> {
    let a = message.attributes(FAMILY_HEADER);
    is_inet(message).then_some(Table {
        name: a.text(1)?,
        flags: a.be32(2).unwrap_or(0),
        owner: a.be32(7),
        handle: a.be64(4).unwrap_or(0),
    })
}

/// The sum of a rule's counters.
fn counter(rule: &Attributes<'_>) -> Counter {
    let mut sum = Counter::default();
    for (_, expression) in rule.nested(4) {
        let expression = Attributes::of(expression);
        if expression.text(1).as_deref() == Some("counter") {
            let data = expression.nested(2);
            sum.bytes += data.be64(1).unwrap_or(0);
            sum.packets += data.be64(2).unwrap_or(0);
        }
    }
    sum
}
