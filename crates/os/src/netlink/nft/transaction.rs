//! A batch of changes that the kernel carries out as a whole or not at all.

use super::super::message::{ACK, APPEND, Builder, CREATE, TooLong};
use super::layout::{self, BASE_CHAIN, Jail};
use super::rule::{NAMELESS, NamelessSet, Rule, TYPE_IPV4, TYPE_IPV6};
use super::{Capabilities, Command, Element, INET, SetKind, Shape, chain_name, element, set_name};
use base::{Family, JailName, Prefix};
use std::collections::BTreeSet;

const BATCH_BEGIN: u16 = 0x10;
const BATCH_END: u16 = 0x11;
/// What both ends of a batch name as the subsystem: nf_tables.
const BATCH_HEADER: [u8; 4] = [0, 0, 0, 10];
/// Room for elements in one message: a list is an attribute, whose length has 16 bits.
const LIST_BYTES: usize = 60_000;

const ANONYMOUS: u32 = 1;
const CONSTANT: u32 = 2;
const INTERVAL: u32 = 4;
const TIMEOUT: u32 = 16;

/// Changes to one table, in order.
#[derive(Debug)]
pub struct Transaction {
    builder: Builder,
    table: String,
    destroy: bool,
    seq: u32,
    sets: u32,
}

impl Transaction {
    pub(super) fn new(table: &str, capabilities: Capabilities) -> Self {
        let mut builder = Builder::new();
        builder.message(BATCH_BEGIN, 0, 0);
        builder.raw(&BATCH_HEADER);
        Self {
            builder,
            table: table.to_owned(),
            destroy: capabilities.destroy_element,
            seq: 0,
            sets: 0,
        }
    }

    /// The bytes so far.
    pub fn len(&self) -> usize {
        self.builder.len()
    }

    /// True while nothing would change.
    pub fn is_empty(&self) -> bool {
        self.seq == 0
    }

    /// Makes the table, or takes over one that has exactly these flags and no living owner.
    pub fn create_table(&mut self, flags: u32) {
        self.message(Command::NewTable, CREATE, |b| {
            if flags != 0 {
                b.be32(2, flags);
            }
        });
    }

    /// Removes the table and all in it.
    pub fn delete_table(&mut self) {
        self.message(Command::DelTable, 0, |_| ());
    }

    /// Makes the chains, sets and rules for exactly these jails, in a table that has `present` in it. Sets that are
    /// there keep their elements; those of other jails go, elements and all. Counters begin at zero.
    pub fn install(&mut self, present: &Shape, jails: &[Jail]) {
        let mut chains = BTreeSet::from([BASE_CHAIN.to_owned()]);
        let mut sets = BTreeSet::new();
        for jail in jails {
            chains.insert(chain_name(&jail.name));
            sets.extend(SetKind::ALL.map(|kind| set_name(kind, &jail.name)));
        }
        // Rules hold chains and sets fast, so they go first.
        for chain in present.chains() {
            self.message(Command::DelRule, 0, |b| b.text(2, chain));
        }
        for set in present.sets().filter(|s| !sets.contains(*s)) {
            self.message(Command::DelSet, 0, |b| b.text(2, set));
        }
        for chain in present.chains().filter(|c| !chains.contains(*c)) {
            self.message(Command::DelChain, 0, |b| b.text(3, chain));
        }
        if !present.has_chain(BASE_CHAIN) {
            self.create_base_chain();
        }
        for jail in jails {
            let chain = chain_name(&jail.name);
            if !present.has_chain(&chain) {
                self.message(Command::NewChain, CREATE, |b| b.text(3, &chain));
            }
            for kind in SetKind::ALL {
                let set = set_name(kind, &jail.name);
                if !present.has_set(&set) {
                    self.create_set(&set, kind);
                }
            }
            layout::push_look_ups(self, jail);
            layout::push_jump(self, jail);
        }
    }

    /// Puts elements in the jail's sets. What is there already gets the new time-out. Networks must not overlap others
    /// of their set; those that do must be removed before in the same transaction, which works only where the kernel
    /// can destroy elements: elsewhere, [`replace`](Self::replace).
    pub fn put(&mut self, jail: &JailName, elements: &[Element]) {
        for kind in SetKind::ALL {
            let of_kind = elements.iter().map(|e| &e.prefix);
            // A time-out can only be changed by taking the element out and putting it back.
            self.delete(kind, jail, of_kind.filter(|p| SetKind::of(p) == kind));
            self.add(kind, jail, elements);
        }
    }

    /// Takes elements out of the jail's sets; absent ones are no error. Only exact members count.
    pub fn remove(&mut self, jail: &JailName, prefixes: &[Prefix]) {
        for kind in SetKind::ALL {
            let of_kind = prefixes.iter().filter(|p| SetKind::of(p) == kind);
            self.delete(kind, jail, of_kind);
        }
    }

    /// Puts elements in the jail's sets that hold none of them yet, which takes half the bytes of [`put`](Self::put).
    pub fn fill(&mut self, jail: &JailName, elements: &[Element]) {
        for kind in SetKind::ALL {
            self.add(kind, jail, elements);
        }
    }

    /// Makes these the only elements of one set.
    pub fn replace(&mut self, kind: SetKind, jail: &JailName, elements: &[Element]) {
        let set = set_name(kind, jail);
        self.message(Command::DelElement, 0, |b| b.text(2, &set));
        self.add(kind, jail, elements);
    }

    /// What only a kernel with DESTROYSETELEM lets pass.
    pub(super) fn probe_destroy(&mut self) {
        let nobody: Prefix = Prefix::host(std::net::Ipv4Addr::UNSPECIFIED.into());
        self.create_table(0);
        self.create_set("probe", SetKind::Host4);
        self.destroy = true;
        self.list(Command::DestroyElement, "probe", [nobody].iter(), |b, p| {
            element::push(b, p, None);
        });
    }

    pub(super) fn append(&mut self, mut rule: Rule) {
        let ids: Vec<u32> = rule
            .take_sets()
            .into_iter()
            .map(|set| self.create_nameless_set(&set))
            .collect();
        let chain = std::mem::take(&mut rule.chain);
        self.message(Command::NewRule, CREATE | APPEND, |b| {
            b.text(2, &chain);
            b.nest(4, |b| rule.write(b, &ids));
        });
    }

    pub(super) fn finish(mut self) -> Result<Vec<u8>, TooLong> {
        // One acknowledgement, of the last change, is enough: errors come unasked, and hundreds of answers could
        // overflow the socket's queue.
        self.builder.add_flags(ACK);
        self.seq += 1;
        self.builder.message(BATCH_END, 0, self.seq);
        self.builder.raw(&BATCH_HEADER);
        self.builder.finish()
    }

    fn add(&mut self, kind: SetKind, jail: &JailName, elements: &[Element]) {
        let of_kind = elements.iter().filter(|e| SetKind::of(&e.prefix) == kind);
        let set = set_name(kind, jail);
        self.list(Command::NewElement, &set, of_kind, |b, e| {
            element::push(b, &e.prefix, e.timeout);
        });
    }

    /// Deleting what may be absent: by its own command or, before Linux 6.3, by adding it first.
    fn delete<'a>(
        &mut self,
        kind: SetKind,
        jail: &JailName,
        prefixes: impl Iterator<Item = &'a Prefix> + Clone,
    ) {
        let set = set_name(kind, jail);
        let push = |b: &mut Builder, p: &Prefix| element::push(b, p, None);
        if self.destroy {
            self.list(Command::DestroyElement, &set, prefixes, push);
        } else {
            self.list(Command::NewElement, &set, prefixes.clone(), push);
            self.list(Command::DelElement, &set, prefixes, push);
        }
    }

    /// As many messages as it takes to name all `items`.
    fn list<T>(
        &mut self,
        command: Command,
        set: &str,
        items: impl Iterator<Item = T>,
        push: impl Fn(&mut Builder, T),
    ) {
        let mut items = items.peekable();
        while items.peek().is_some() {
            self.message(command, CREATE, |b| {
                b.text(2, set);
                b.nest(3, |b| {
                    let start = b.len();
                    while b.len() - start + element::MOST_BYTES <= LIST_BYTES {
                        let Some(item) = items.next() else { break };
                        push(b, item);
                    }
                });
            });
        }
    }

    fn create_base_chain(&mut self) {
        const PREROUTING: u32 = 0;
        const PRIORITY: u32 = (-150i32).cast_unsigned();
        const ACCEPT: u32 = 1;
        self.message(Command::NewChain, CREATE, |b| {
            b.text(3, BASE_CHAIN);
            b.nest(4, |b| {
                b.be32(1, PREROUTING);
                b.be32(2, PRIORITY);
            });
            b.be32(5, ACCEPT);
            b.text(7, "filter");
        });
    }

    fn create_set(&mut self, name: &str, kind: SetKind) {
        const COLLECT_EVERY_MS: u32 = 60_000;
        let (key_type, key_length) = match kind.family() {
            Family::Inet4 => (TYPE_IPV4, 4),
            Family::Inet6 => (TYPE_IPV6, 16),
        };
        let interval = if kind.is_interval() { INTERVAL } else { 0 };
        let id = self.next_set();
        self.message(Command::NewSet, CREATE, |b| {
            b.text(2, name);
            b.be32(3, TIMEOUT | interval);
            b.be32(4, key_type);
            b.be32(5, key_length);
            b.be32(10, id);
            b.be32(12, COLLECT_EVERY_MS);
        });
    }

    fn create_nameless_set(&mut self, set: &NamelessSet) -> u32 {
        let id = self.next_set();
        let interval = if set.interval { INTERVAL } else { 0 };
        self.message(Command::NewSet, CREATE, |b| {
            b.text(2, NAMELESS);
            b.be32(3, ANONYMOUS | CONSTANT | interval);
            b.be32(4, set.key_type);
            b.be32(5, set.key_length);
            b.be32(10, id);
        });
        self.message(Command::NewElement, CREATE, |b| {
            b.text(2, NAMELESS);
            b.be32(4, id);
            b.nest(3, |b| {
                for (first, last) in &set.members {
                    nameless_member(b, set.key_length, *first, false);
                    if let (true, Some(end)) = (set.interval, last.checked_add(1)) {
                        nameless_member(b, set.key_length, end, true);
                    }
                }
            });
        });
        id
    }

    fn next_set(&mut self) -> u32 {
        self.sets += 1;
        self.sets
    }

    /// One message about our table, whose name is always attribute 1.
    fn message(&mut self, command: Command, flags: u16, content: impl FnOnce(&mut Builder)) {
        self.seq += 1;
        self.builder.message(command.kind(), flags, self.seq);
        self.builder.raw(&[INET, 0, 0, 0]);
        self.builder.text(1, &self.table);
        content(&mut self.builder);
    }
}

fn nameless_member(builder: &mut Builder, length: u32, value: u16, end: bool) {
    let bytes = value.to_be_bytes();
    let key = if length == 1 { &bytes[1..] } else { &bytes[..] };
    builder.nest(1, |b| {
        b.nest(1, |b| b.bytes(1, key));
        if end {
            b.be32(3, 1);
        }
    });
}
