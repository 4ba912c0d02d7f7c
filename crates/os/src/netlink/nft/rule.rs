//! Rules as lists of expressions.
//!
//! An expression loads something into register 1, or compares or looks up what is there, and ends the rule for a
//! packet when that fails. The numbers are those of the kernel's `nf_tables.h`.

use super::super::PortRange;
use super::super::message::Builder;
use super::SetKind;
use base::Family;

const REGISTER: u32 = 1;
const LIST_ELEMENT: u16 = 1;

/// What becomes of a packet that all expressions let through.
pub(super) enum Verdict {
    Drop,
    Jump(String),
    ResetTcp,
    RejectProhibited,
}

/// A rule in the making.
pub(super) struct Rule {
    pub(super) chain: String,
    expressions: Vec<Expression>,
    sets: Vec<NamelessSet>,
}

/// A set that belongs to one rule.
pub(super) struct NamelessSet {
    pub(super) key_type: u32,
    pub(super) key_length: u32,
    /// Pairs of first and last; equal for all if `interval` is false.
    pub(super) members: Vec<(u16, u16)>,
    pub(super) interval: bool,
}

type Write = Box<dyn FnOnce(&mut Builder, u32)>;

/// Name and attributes; the attributes may need the number of the rule's nameless set.
struct Expression {
    name: &'static str,
    set: Option<usize>,
    write: Write,
}

/// The kernel's and nft's numbers for types of keys.
pub(super) const TYPE_IPV4: u32 = 7;
pub(super) const TYPE_IPV6: u32 = 8;
const TYPE_PROTOCOL: u32 = 12;
const TYPE_SERVICE: u32 = 13;

const EQUAL: u32 = 0;
const AT_MOST: u32 = 3;
const AT_LEAST: u32 = 5;

impl Rule {
    pub(super) fn new(chain: &str) -> Self {
        Self {
            chain: chain.to_owned(),
            expressions: Vec::new(),
            sets: Vec::new(),
        }
    }

    /// Only packets to an address of this host.
    pub(super) fn local_destination(&mut self) {
        const ADDRESS_TYPE: u32 = 3;
        const DESTINATION: u32 = 2;
        const LOCAL: u32 = 2;
        self.push("fib", |b, _| {
            b.be32(1, REGISTER);
            b.be32(2, ADDRESS_TYPE);
            b.be32(3, DESTINATION);
        });
        self.compare(EQUAL, LOCAL.to_ne_bytes().into());
    }

    /// Only packets of one of these transport protocols.
    pub(super) fn protocols(&mut self, numbers: &[u8]) {
        const L4PROTO: u32 = 16;
        self.meta(L4PROTO);
        match numbers {
            [number] => self.compare(EQUAL, vec![*number]),
            several => self.one_of(NamelessSet {
                key_type: TYPE_PROTOCOL,
                key_length: 1,
                members: several.iter().map(|n| ((*n).into(), (*n).into())).collect(),
                interval: false,
            }),
        }
    }

    /// Only packets to one of these ports; the protocol must have been matched before.
    pub(super) fn destination_ports(&mut self, ranges: &[PortRange]) {
        const TRANSPORT: u32 = 2;
        self.payload(TRANSPORT, 2, 2);
        match ranges {
            [only] if only.first == only.last => {
                self.compare(EQUAL, only.first.to_be_bytes().into());
            }
            [only] => {
                self.compare(AT_LEAST, only.first.to_be_bytes().into());
                self.compare(AT_MOST, only.last.to_be_bytes().into());
            }
            several => self.one_of(NamelessSet {
                key_type: TYPE_SERVICE,
                key_length: 2,
                members: several.iter().map(|r| (r.first, r.last)).collect(),
                interval: several.iter().any(|r| r.first != r.last),
            }),
        }
    }

    /// Only packets whose source is in this set.
    pub(super) fn source_in(&mut self, kind: SetKind, set: &str) {
        const NFPROTO: u32 = 15;
        const NETWORK: u32 = 1;
        let (family, offset, length) = match kind.family() {
            Family::Inet4 => (2, 12, 4),
            Family::Inet6 => (10, 8, 16),
        };
        self.meta(NFPROTO);
        self.compare(EQUAL, vec![family]);
        self.payload(NETWORK, offset, length);
        if kind == SetKind::Slash64 {
            self.push("bitwise", |b, _| {
                b.be32(1, REGISTER);
                b.be32(2, REGISTER);
                b.be32(3, 16);
                b.nest(4, |b| b.bytes(1, &(u128::MAX << 64).to_be_bytes()));
                b.nest(5, |b| b.bytes(1, &[0; 16]));
            });
        }
        let set = set.to_owned();
        self.push("lookup", move |b, _| {
            b.text(1, &set);
            b.be32(2, REGISTER);
        });
    }

    /// Counts what comes this far.
    pub(super) fn counter(&mut self) {
        self.push("counter", |_, _| ());
    }

    pub(super) fn verdict(&mut self, verdict: Verdict) {
        const RESET: u32 = 1;
        const ICMPX: u32 = 2;
        const PROHIBITED: u8 = 3;
        const DROP: u32 = 0;
        const JUMP: u32 = (-3i32).cast_unsigned();
        match verdict {
            Verdict::Drop => self.immediate(DROP, None),
            Verdict::Jump(chain) => self.immediate(JUMP, Some(chain)),
            Verdict::ResetTcp => self.push("reject", |b, _| b.be32(1, RESET)),
            Verdict::RejectProhibited => self.push("reject", |b, _| {
                b.be32(1, ICMPX);
                b.bytes(2, &[PROHIBITED]);
            }),
        }
    }

    /// Takes the nameless sets out, in the order in which [`write`](Self::write) needs their numbers.
    pub(super) fn take_sets(&mut self) -> Vec<NamelessSet> {
        std::mem::take(&mut self.sets)
    }

    /// Appends the list of expressions; `ids` are the numbers given to the nameless sets.
    pub(super) fn write(self, builder: &mut Builder, ids: &[u32]) {
        for expression in self.expressions {
            let id = expression.set.and_then(|index| ids.get(index));
            builder.nest(LIST_ELEMENT, |b| {
                b.text(1, expression.name);
                b.nest(2, |b| (expression.write)(b, id.copied().unwrap_or(0)));
            });
        }
    }

    fn push(&mut self, name: &'static str, write: impl FnOnce(&mut Builder, u32) + 'static) {
        self.expressions.push(Expression {
            name,
            set: None,
            write: Box::new(write),
        });
    }

    fn meta(&mut self, key: u32) {
        self.push("meta", move |b, _| {
            b.be32(1, REGISTER);
            b.be32(2, key);
        });
    }

    fn payload(&mut self, base: u32, offset: u32, length: u32) {
        self.push("payload", move |b, _| {
            b.be32(1, REGISTER);
            b.be32(2, base);
            b.be32(3, offset);
            b.be32(4, length);
        });
    }

    fn compare(&mut self, operator: u32, value: Vec<u8>) {
        self.push("cmp", move |b, _| {
            b.be32(1, REGISTER);
            b.be32(2, operator);
            b.nest(3, |b| b.bytes(1, &value));
        });
    }

    fn one_of(&mut self, set: NamelessSet) {
        self.expressions.push(Expression {
            name: "lookup",
            set: Some(self.sets.len()),
            write: Box::new(|b, id| {
                b.text(1, NAMELESS);
                b.be32(2, REGISTER);
                b.be32(4, id);
            }),
        });
        self.sets.push(set);
    }

    fn immediate(&mut self, code: u32, chain: Option<String>) {
        const VERDICT_REGISTER: u32 = 0;
        self.push("immediate", move |b, _| {
            b.be32(1, VERDICT_REGISTER);
            b.nest(2, |b| {
                b.nest(2, |b| {
                    b.be32(1, code);
                    if let Some(chain) = chain {
                        b.text(2, &chain);
                    }
                });
            });
        });
    }
}

/// The kernel puts a number in the place of `%d`.
pub(super) const NAMELESS: &str = "__set%d";
