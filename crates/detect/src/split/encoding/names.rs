//! Python's names of encodings. Letters and digits only, in lower case: what stands between them is Python's affair.

use super::{Encoding, Order};

const fn wide(unit: usize, order: Order) -> Encoding {
    Encoding::Wide { unit, order }
}

/// Those that are read by ourselves.
const OWN: [(Encoding, &str); 10] = [
    (
        Encoding::Utf8,
        " auto utf8 u8 utf utf8ucs2 utf8ucs4 cp65001 ",
    ),
    (Encoding::Utf8Marked, "utf8sig"),
    (
        Encoding::Ascii,
        "ascii 646 ansix341968 ansix341986 cp367 csascii ibm367 iso646us iso646irv1991 isoir6 us usascii",
    ),
    (
        Encoding::Latin1,
        "latin1 latin l1 8859 88591 cp819 csisolatin1 ibm819 iso8859 iso88591 iso885911987 isoir100",
    ),
    (wide(2, Order::Marked), "utf16 u16"),
    (wide(2, Order::Little), "utf16le unicodelittleunmarked"),
    (wide(2, Order::Big), "utf16be unicodebigunmarked"),
    (wide(4, Order::Marked), "utf32 u32"),
    (wide(4, Order::Little), "utf32le"),
    (wide(4, Order::Big), "utf32be"),
];

/// Those of `encoding_rs`. Where the web's table holds more characters than Python's (`gb2312`, `euc_kr`, `shift_jis`,
/// `tis_620`), more can be read.
const TABLES: [(&str, &str); 36] = [
    (
        "iso-8859-2",
        "iso88592 latin2 l2 csisolatin2 iso885921987 isoir101",
    ),
    (
        "iso-8859-3",
        "iso88593 latin3 l3 csisolatin3 iso885931988 isoir109",
    ),
    (
        "iso-8859-4",
        "iso88594 latin4 l4 csisolatin4 iso885941988 isoir110",
    ),
    (
        "iso-8859-5",
        "iso88595 cyrillic csisolatincyrillic iso885951988 isoir144",
    ),
    (
        "iso-8859-6",
        "iso88596 arabic asmo708 csisolatinarabic ecma114 iso885961987 isoir127",
    ),
    (
        "iso-8859-7",
        "iso88597 greek greek8 csisolatingreek ecma118 elot928 iso885971987 isoir126",
    ),
    (
        "iso-8859-8",
        "iso88598 hebrew csisolatinhebrew iso885981988 isoir138",
    ),
    (
        "iso-8859-9",
        "iso88599 latin5 l5 csisolatin5 iso885991989 isoir148",
    ),
    (
        "iso-8859-10",
        "iso885910 latin6 l6 csisolatin6 iso8859101992 isoir157",
    ),
    (
        "iso-8859-11",
        "iso885911 thai iso8859112001 tis620 tis6200 tis62025290 tis62025291 isoir166 cp874",
    ),
    ("iso-8859-13", "iso885913 latin7 l7"),
    (
        "iso-8859-14",
        "iso885914 latin8 l8 iso8859141998 isoceltic isoir199",
    ),
    ("iso-8859-15", "iso885915 latin9 l9"),
    (
        "iso-8859-16",
        "iso885916 latin10 l10 iso8859162001 isoir226",
    ),
    ("windows-1250", "cp1250 1250 windows1250"),
    ("windows-1251", "cp1251 1251 windows1251"),
    ("windows-1252", "cp1252 1252 windows1252"),
    ("windows-1253", "cp1253 1253 windows1253"),
    ("windows-1254", "cp1254 1254 windows1254"),
    ("windows-1255", "cp1255 1255 windows1255"),
    ("windows-1256", "cp1256 1256 windows1256"),
    ("windows-1257", "cp1257 1257 windows1257"),
    ("windows-1258", "cp1258 1258 windows1258"),
    ("ibm866", "cp866 866 csibm866 ibm866"),
    ("koi8-r", "koi8r cskoi8r"),
    ("koi8-u", "koi8u"),
    ("macintosh", "macroman macintosh"),
    ("x-mac-cyrillic", "maccyrillic"),
    (
        "big5",
        "big5 big5tw csbig5 xmactradchinese big5hkscs hkscs cp950 950 ms950",
    ),
    ("euc-jp", "eucjp ujis"),
    ("iso-2022-jp", "iso2022jp csiso2022jp"),
    (
        "shift_jis",
        "shiftjis csshiftjis sjis xmacjapanese cp932 932 ms932 mskanji",
    ),
    (
        "euc-kr",
        "euckr korean ksc5601 ksc56011987 ksx1001 xmackorean cp949 949 ms949 uhc",
    ),
    ("gbk", "gbk 936 cp936 ms936"),
    (
        "gb2312",
        "gb2312 chinese csiso58gb231280 euccn eucgb2312cn gb23121980 gb231280 isoir58 xmacsimpchinese",
    ),
    ("gb18030", "gb18030 gb180302000"),
];

/// The encoding of a name.
pub(super) fn find(key: &str) -> Option<Encoding> {
    let holds = |names: &str| names.split(' ').any(|name| name == key);
    let own = OWN.iter().find(|(_, names)| holds(names));
    own.map(|(encoding, _)| *encoding).or_else(|| {
        let (label, _) = TABLES.iter().find(|(_, names)| holds(names))?;
        encoding_rs::Encoding::for_label(label.as_bytes()).map(Encoding::Table)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_label_is_one_of_the_library() {
        for (label, names) in TABLES {
            for name in names.split(' ') {
                assert!(
                    matches!(find(name), Some(Encoding::Table(_))),
                    "{label}: {name}"
                );
            }
        }
    }

    #[test]
    fn names_are_pythons() {
        for (name, expected) in [
            ("", Some("utf-8")),
            ("AUTO", Some("utf-8")),
            ("utf_8", Some("utf-8")),
            ("UTF-8-SIG", Some("utf-8-sig")),
            ("us-ascii", Some("ascii")),
            ("latin-1", Some("iso-8859-1")),
            ("ISO-8859-1", Some("iso-8859-1")),
            ("iso8859-15", Some("iso-8859-15")),
            ("cp1252", Some("windows-1252")),
            ("KOI8-R", Some("koi8-r")),
            ("utf-16", Some("utf-16")),
            ("utf-16le", Some("utf-16-le")),
            ("utf_16_be", Some("utf-16-be")),
            ("U32", Some("utf-32")),
            ("utf-32-be", Some("utf-32-be")),
            ("cp437", None),
            ("klingon", None),
        ] {
            let found = Encoding::parse(name)
                .ok()
                .map(|encoding| encoding.to_string());
            assert_eq!(found.as_deref(), expected, "{name}");
        }
    }
}
