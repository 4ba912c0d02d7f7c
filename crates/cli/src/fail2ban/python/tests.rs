//! Literals and broken lines; the expected ones were printed by Python 3.11.

use super::*;

#[test]
fn values_are_pythons_literals() {
    let items = [
        Item::from("a"),
        Item::None,
        Item::Bool(true),
        Item::Bool(false),
        Item::Int(-5),
        Item::List(vec![Item::from("b"), Item::List(Vec::new())]),
        Item::Map(vec![("stacksize".into(), Item::Int(64))]),
    ];
    assert_eq!(
        repr_list(&items),
        "['a', None, True, False, -5, ['b', []], {'stacksize': 64}]"
    );
}

#[test]
fn what_fits_stays_on_its_line() {
    let items = [Item::from("a"), Item::Text("b".repeat(991))];
    assert_eq!(pretty(&items), repr_list(&items));
    let items = [Item::from("a"), Item::Text("b".repeat(992))];
    assert_eq!(pretty(&items), format!("[ 'a',\n  '{}']", "b".repeat(992)));
}

#[test]
fn long_texts_are_broken_at_line_ends_and_blanks() {
    let x = "x".repeat(600);
    let text = format!("{x}  {x}\nshort\r\nlast {x} {x}");
    let items = [Item::from("a"), Item::List(vec![Item::Text(text)])];
    let expected = format!(
        "[ 'a',\n  [ '{x}  '\n    '{x}\\n'\n    'short\\r\\n'\n    'last {x} '\n    '{x}']]"
    );
    assert_eq!(pretty(&items), expected);
    let whole = "y".repeat(1200);
    assert_eq!(
        pretty(&[Item::Text(format!(" {whole}"))]),
        format!("[ ' '\n  '{whole}']")
    );
}
