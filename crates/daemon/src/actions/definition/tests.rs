//! What becomes of an action's options.

use super::*;
use base::Origin;
use std::cell::Cell;

/// An action with these options.
pub(crate) fn action(params: &[(&str, &str)]) -> (Definition, Vec<String>) {
    on(&machine(), params)
}

fn machine() -> Machine {
    Machine {
        has_ipv6: true,
        full_name: LazyLock::new(|| {
            ASKED.with(|asked| asked.set(asked.get() + 1));
            "vm.example.org".into()
        }),
        short_name: || "vm".into(),
    }
}

thread_local! {
    /// How often somebody asked for the full name.
    static ASKED: Cell<usize> = const { Cell::new(0) };
}

/// The action on this machine.
fn on(machine: &Machine, params: &[(&str, &str)]) -> (Definition, Vec<String>) {
    let pairs = params
        .iter()
        .map(|(key, value)| ((*key).into(), (*value).into()));
    let spec = ActionSpec {
        name: "a".into(),
        actname: "a".into(),
        params: pairs.collect(),
        stock: None,
        origin: Origin {
            file: "jail.local".into(),
            line: 1,
            text: "".into(),
        },
    };
    let mut notes = Vec::new();
    let bantime = Some(Span::from_secs(600));
    let definition = Definition::new("j1", bantime, &spec, machine, &mut notes);
    (definition, notes)
}

fn check(params: &[(&str, &str)], family: For, expected: &str) {
    let (definition, notes) = action(params);
    let template = definition.template(Command::Ban, family).unwrap();
    assert_eq!(*template, Template::new(expected), "{notes:?}");
}

const V4: For = For::INET4;
const V6: For = For::INET6;

#[test]
fn options_for_the_family_come_first() {
    let params = [
        ("actionban", "b <x> <ip>"),
        ("x", "four"),
        ("x?family=inet6", "six <y>"),
        ("y", "why"),
    ];
    check(&params, V4, "b four <ip>");
    check(&params, V6, "b six why <ip>");
}

#[test]
fn what_every_action_has() {
    let ban = "<br>|<sp>|<fq-hostname>|<sh-hostname>|<timeout>|<bantime>|<name>";
    let params = [("actionban", ban), ("timeout", "1m 30s"), ("bantime", "7")];
    check(
        &params,
        For::Any,
        "\n| |vm.example.org|vm|90|<bantime>|<name>",
    );
    check(
        &[("actionban", "<timeout> <br>"), ("br", "own")],
        For::Any,
        "60 own",
    );
    // Names within names, innermost first.
    let nested = [("actionban", "<a_<b>>"), ("b", "c"), ("a_c", "found")];
    check(&nested, For::Any, "found");
}

#[test]
fn the_name_server_is_asked_once_and_only_if_somebody_wants_to_know() {
    let machine = machine();
    let asks = ["actionstart", "actionstop", "actionban"].map(|command| (command, "<fq-hostname>"));
    for (params, asked) in [
        (&[("actionban", "<sh-hostname>")][..], 0),
        (&asks, 1),
        (&asks, 1),
    ] {
        on(&machine, params);
        assert_eq!(ASKED.get(), asked, "{params:?}");
    }
}

#[test]
fn circles_are_noted_and_cost_one_command() {
    let (definition, notes) = action(&[
        ("actionban", "b <y>"),
        ("y", "<z>"),
        ("z", "<y>"),
        ("actionunban", "u"),
    ]);
    assert!(definition.template(Command::Ban, For::Any).is_err());
    assert_eq!(
        definition.template(Command::Unban, For::Any),
        Ok(&Template::new("u"))
    );
    assert!(
        notes.iter().any(|note| note.contains("actionban")),
        "{notes:?}"
    );
    let chain: Vec<(String, String)> = (0..30)
        .map(|n| (format!("a{n}"), format!("<a{}>", n + 1)))
        .collect();
    let pairs = chain
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()));
    let params: Vec<(&str, &str)> = pairs.chain([("actionban", "b <a0>")]).collect();
    check(&params, For::Any, "b <a30>");
}

#[test]
fn properties() {
    let of = |params: &[(&str, &str)]| action(params).0;
    let plain = of(&[("actionban", "b")]);
    let families = plain.families.as_slice();
    assert_eq!(
        (families, plain.on_demand, plain.norestored),
        (&[For::Any][..], false, false)
    );
    assert_eq!(plain.timeout, Duration::from_secs(60));
    assert!(plain.has(Command::Ban) && !plain.has(Command::Unban));
    let twin = of(&[("x?family=inet6", "")]);
    assert_eq!(
        (twin.families.as_slice(), twin.on_demand),
        (&[V4, V6][..], true)
    );
    let said = of(&[
        ("x?family=inet6", ""),
        ("actionstart_on_demand", "false"),
        ("norestored", "1"),
        ("actionrepair_on_unban", "Yes"),
    ]);
    assert!(!said.on_demand && said.norestored && said.repairs_on_unban);
    assert!(of(&[("actionstart_on_demand", "true")]).on_demand);
    assert!(!of(&[("actionban", "  \n ")]).has(Command::Ban));
    let (bad, notes) = action(&[("timeout", "soon")]);
    assert_eq!((bad.timeout, notes.len()), (Duration::from_secs(60), 1));
}
