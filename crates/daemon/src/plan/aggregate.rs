//! `aggregate`: when networks are banned as a whole, from text to the engine's rules.

use base::{Diagnostic, Family, Severity};
use conf::{JailSpec, Value};
use engine::Aggregate;
use std::cmp::Reverse;

/// The widest networks: a /16 of IPv4 is 65,536 addresses, a /32 of IPv6 what a provider gets.
const WIDEST: [(Family, u8); 2] = [(Family::Inet4, 16), (Family::Inet6, 32)];

/// The rules of a jail, the narrowest networks first. What cannot be used is cited and left out.
pub(super) fn aggregate(spec: &JailSpec, diagnostics: &mut Vec<Diagnostic>) -> Vec<Aggregate> {
    let mut rules = Vec::new();
    for value in &spec.aggregate {
        match rule(spec, &value.text) {
            Ok(rule) => rules.push(rule),
            Err(why) => diagnostics.push(mistake(spec, value, &why)),
        }
    }
    rules.sort_by_key(|rule| Reverse(rule.length));
    rules
}

/// `LENGTH:CHILDREN`; a length below 32 is IPv4's.
fn rule(spec: &JailSpec, text: &str) -> Result<Aggregate, String> {
    let numbers = text.split_once(':').and_then(|(length, children)| {
        let length = length.trim().parse::<u8>().ok()?;
        Some((length, children.trim().parse::<u32>().ok()?))
    });
    let Some((length, children)) = numbers else {
        return Err("is not LENGTH:NUMBER".into());
    };
    let (family, own) = match length {
        ..32 => (Family::Inet4, spec.ipv4_prefix),
        _ => (Family::Inet6, spec.ipv6_prefix),
    };
    let widest = WIDEST.iter().find(|(of, _)| *of == family);
    let widest = widest.map_or(0, |(_, length)| *length);
    match (length, children) {
        (length, _) if length < widest => Err(format!("is wider than /{widest}")),
        (length, _) if length >= own => Err(format!(
            "is no wider than what this jail bans by itself, /{own}"
        )),
        (_, ..2) => Err("bans a network for fewer than two bans inside".into()),
        (length, children) => Ok(Aggregate {
            family,
            length,
            children,
        }),
    }
}

fn mistake(spec: &JailSpec, value: &Value, why: &str) -> Diagnostic {
    let message = format!("aggregate entry '{}' {why}; it is left out", value.text);
    Diagnostic::new(Severity::Warning, message)
        .with_jail(&spec.name)
        .with_origin(Some(&value.origin))
        .with_help(
            "write e.g. aggregate = 24:5, 48:20 (five bans in an IPv4 /24, twenty in an IPv6 /48)",
        )
}
