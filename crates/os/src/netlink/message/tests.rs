//! Messages built and read back, and bytes that are none.

use super::*;
use proptest::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Tree {
    Value(Vec<u8>),
    Nest(Vec<(u16, Self)>),
}

fn tree() -> impl Strategy<Value = Tree> {
    let leaf = proptest::collection::vec(any::<u8>(), 0..9).prop_map(Tree::Value);
    leaf.prop_recursive(3, 20, 5, |inner| {
        proptest::collection::vec((0u16..0x3fff, inner), 0..5).prop_map(Tree::Nest)
    })
}

fn write(builder: &mut Builder, kind: u16, tree: &Tree) {
    match tree {
        Tree::Value(value) => builder.bytes(kind, value),
        Tree::Nest(inner) => builder.nest(kind, |b| {
            for (kind, tree) in inner {
                write(b, *kind, tree);
            }
        }),
    }
}

fn read(like: &Tree, value: &[u8]) -> Tree {
    match like {
        Tree::Value(_) => Tree::Value(value.to_vec()),
        Tree::Nest(inner) => Tree::Nest(
            Attributes::of(value)
                .zip(inner)
                .map(|((kind, value), (_, like))| (kind, read(like, value)))
                .collect(),
        ),
    }
}

proptest! {
    #[test]
    fn reads_back_what_it_wrote(
        sent in proptest::collection::vec((any::<u16>(), any::<u16>(), any::<u32>(), proptest::collection::vec((0u16..0x3fff, tree()), 0..4)), 0..4)
    ) {
        let mut builder = Builder::new();
        for (kind, flags, seq, attributes) in &sent {
            builder.message(*kind, *flags, *seq);
            builder.raw(&[1, 2, 3, 4]);
            for (kind, tree) in attributes {
                write(&mut builder, *kind, tree);
            }
        }
        let bytes = builder.finish().unwrap();
        let got: Vec<_> = messages(&bytes).collect();
        prop_assert_eq!(got.len(), sent.len());
        for (message, (kind, flags, seq, attributes)) in got.iter().zip(&sent) {
            prop_assert_eq!((message.kind, message.flags, message.seq), (*kind, flags | REQUEST, *seq));
            let read_back: Vec<_> = message.attributes(4).zip(attributes)
                .map(|((kind, value), (_, like))| (kind, read(like, value))).collect();
            prop_assert_eq!(&read_back, attributes);
            prop_assert_eq!(message.attributes(4).count(), attributes.len());
        }
    }

    #[test]
    fn reads_any_bytes_to_the_end(bytes in proptest::collection::vec(prop_oneof![Just(0u8), 0u8..40, any::<u8>()], 0..120)) {
        // Every step takes at least a header off the front, so that reading ends.
        prop_assert!(messages(&bytes).count() <= bytes.len() / HEADER);
        prop_assert!(Attributes::of(&bytes).count() <= bytes.len() / 4);
        for message in messages(&bytes) {
            prop_assert!(message.attributes(4).count() <= message.payload.len() / 4);
        }
    }
}

#[test]
fn finds_typed_values() {
    let mut builder = Builder::new();
    builder.message(1, 0, 7);
    builder.text(1, "stockade");
    builder.be32(2, 0x0102_0304);
    builder.be64(3, 5);
    builder.nest(4, |b| b.be32(1, 9));
    let bytes = builder.finish().unwrap();
    let message = messages(&bytes).next().unwrap();
    let attributes = message.attributes(0);
    assert_eq!(attributes.text(1).as_deref(), Some("stockade"));
    assert_eq!(attributes.be32(2), Some(0x0102_0304));
    assert_eq!(attributes.be64(3), Some(5));
    assert_eq!(attributes.be64(2), None);
    assert_eq!(attributes.nested(4).be32(1), Some(9));
    assert_eq!(attributes.nested(5).count(), 0);
}

#[test]
fn refuses_a_nest_over_its_length_field() {
    let build = |size: usize| {
        let mut builder = Builder::new();
        builder.message(1, 0, 1);
        builder.bytes(1, &vec![0; size]);
        builder.finish().map(|b| b.len())
    };
    assert_eq!(build(ATTRIBUTE_LIMIT - 4), Ok(HEADER + ATTRIBUTE_LIMIT + 1));
    assert_eq!(build(ATTRIBUTE_LIMIT - 3), Err(TooLong));
}
