//! The instructions of a pickle, and the argument that stands behind each: all that finding a pickle's end takes.

/// What stands behind an instruction's byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Argument {
    /// Nothing.
    None,
    /// So many bytes.
    Fixed(u8),
    /// A length of so many bytes, the lowest first, and as many bytes as it says.
    Counted(u8),
    /// Text up to a line feed.
    Line,
    /// Two of these.
    TwoLines,
}

/// The name that Python gives an instruction, and its argument. `None`: there is no such instruction.
pub(super) fn opcode(code: u8) -> Option<(&'static str, Argument)> {
    use Argument::{Counted, Fixed, Line, TwoLines};
    Some(match code {
        b'(' => ("MARK", Argument::None),
        b'.' => ("STOP", Argument::None),
        b'0' => ("POP", Argument::None),
        b'1' => ("POP_MARK", Argument::None),
        b'2' => ("DUP", Argument::None),
        b'F' => ("FLOAT", Line),
        b'I' => ("INT", Line),
        b'J' => ("BININT", Fixed(4)),
        b'K' => ("BININT1", Fixed(1)),
        b'L' => ("LONG", Line),
        b'M' => ("BININT2", Fixed(2)),
        b'N' => ("NONE", Argument::None),
        b'P' => ("PERSID", Line),
        b'Q' => ("BINPERSID", Argument::None),
        b'R' => ("REDUCE", Argument::None),
        b'S' => ("STRING", Line),
        b'T' => ("BINSTRING", Counted(4)),
        b'U' => ("SHORT_BINSTRING", Counted(1)),
        b'V' => ("UNICODE", Line),
        b'X' => ("BINUNICODE", Counted(4)),
        b'a' => ("APPEND", Argument::None),
        b'b' => ("BUILD", Argument::None),
        b'c' => ("GLOBAL", TwoLines),
        b'd' => ("DICT", Argument::None),
        b'}' => ("EMPTY_DICT", Argument::None),
        b'e' => ("APPENDS", Argument::None),
        b'g' => ("GET", Line),
        b'h' => ("BINGET", Fixed(1)),
        b'i' => ("INST", TwoLines),
        b'j' => ("LONG_BINGET", Fixed(4)),
        b'l' => ("LIST", Argument::None),
        b']' => ("EMPTY_LIST", Argument::None),
        b'o' => ("OBJ", Argument::None),
        b'p' => ("PUT", Line),
        b'q' => ("BINPUT", Fixed(1)),
        b'r' => ("LONG_BINPUT", Fixed(4)),
        b's' => ("SETITEM", Argument::None),
        b't' => ("TUPLE", Argument::None),
        b')' => ("EMPTY_TUPLE", Argument::None),
        b'u' => ("SETITEMS", Argument::None),
        b'G' => ("BINFLOAT", Fixed(8)),
        // Protocol 2.
        0x80 => ("PROTO", Fixed(1)),
        0x81 => ("NEWOBJ", Argument::None),
        0x82 => ("EXT1", Fixed(1)),
        0x83 => ("EXT2", Fixed(2)),
        0x84 => ("EXT4", Fixed(4)),
        0x85 => ("TUPLE1", Argument::None),
        0x86 => ("TUPLE2", Argument::None),
        0x87 => ("TUPLE3", Argument::None),
        0x88 => ("NEWTRUE", Argument::None),
        0x89 => ("NEWFALSE", Argument::None),
        0x8a => ("LONG1", Counted(1)),
        0x8b => ("LONG4", Counted(4)),
        // Protocol 3.
        b'B' => ("BINBYTES", Counted(4)),
        b'C' => ("SHORT_BINBYTES", Counted(1)),
        // Protocol 4.
        0x8c => ("SHORT_BINUNICODE", Counted(1)),
        0x8d => ("BINUNICODE8", Counted(8)),
        0x8e => ("BINBYTES8", Counted(8)),
        0x8f => ("EMPTY_SET", Argument::None),
        0x90 => ("ADDITEMS", Argument::None),
        0x91 => ("FROZENSET", Argument::None),
        0x92 => ("NEWOBJ_EX", Argument::None),
        0x93 => ("STACK_GLOBAL", Argument::None),
        0x94 => ("MEMOIZE", Argument::None),
        0x95 => ("FRAME", Fixed(8)),
        // Protocol 5.
        0x96 => ("BYTEARRAY8", Counted(8)),
        0x97 => ("NEXT_BUFFER", Argument::None),
        0x98 => ("READONLY_BUFFER", Argument::None),
        _ => return None,
    })
}

/// A number of up to eight bytes, the lowest first.
pub(super) fn unsigned(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .rev()
        .fold(0, |number, byte| number << 8 | u64::from(*byte))
}
