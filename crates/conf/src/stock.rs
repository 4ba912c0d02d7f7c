//! Which actions stand for a ban in the kernel, and for which (contract 3, 4).

use crate::definition::Definition;
use crate::interp::fault;
use crate::layers::Merged;
use crate::spec::{ActionSpec, Blocktype, Scope, StockBan, Value};
use crate::text::Text;
use base::{Diagnostic, Severity};
use std::path::Path;

/// Our own action.
const NATIVE: &str = "stockade";

/// fail2ban's own actions that do nothing but close ports in the firewall of this machine. A new file of the admin
/// with a similar name is none of them.
const STOCK: &[&str] = &[
    "firewallcmd-allports",
    "firewallcmd-ipset",
    "firewallcmd-multiport",
    "firewallcmd-new",
    "firewallcmd-rich-logging",
    "firewallcmd-rich-rules",
    "iptables",
    "iptables-allports",
    "iptables-ipset",
    "iptables-ipset-proto4",
    "iptables-ipset-proto6",
    "iptables-ipset-proto6-allports",
    "iptables-multiport",
    "iptables-multiport-log",
    "iptables-new",
    "iptables-xt_recent-echo",
    "nftables",
    "nftables-allports",
    "nftables-multiport",
    "ufw",
];

/// Whether an action of this name is one of fail2ban's own that only close ports.
pub fn is_stock_banaction(name: &str) -> bool {
    STOCK.contains(&name)
}

/// What our own action stands for, where only its name in the jail and its parameters are known: fail2ban's client tells
/// no more than that. `None` for every other action.
pub fn native_ban(action: &ActionSpec) -> Option<StockBan> {
    let rest = action.actname.strip_prefix(NATIVE)?;
    if !rest.is_empty() && !rest.starts_with('-') {
        return None;
    }
    let get = |key: &str| {
        let text = action.params.get(key).map(|text| text.trim());
        text.filter(|text| !text.is_empty())
    };
    let is = |key: &str, word: &str| get(key).is_some_and(|text| text.eq_ignore_ascii_case(word));
    Some(StockBan {
        port: get("port").map(|text| Value {
            text: text.to_owned(),
            origin: action.origin.clone(),
        }),
        protocol: get("protocol").unwrap_or("tcp").to_owned(),
        blocktype: match is("blocktype", "reject") {
            true => Blocktype::Reject,
            false => Blocktype::Drop,
        },
        scope: match is("scope", "host") {
            true => Scope::Host,
            false => Scope::All,
        },
        native: true,
    })
}

/// What an action stands for in the kernel, by its name and the values of its tags. `given` are the names of the
/// options that the jail gives it.
pub(crate) fn of<'a>(
    action: &ActionSpec,
    merged: &Merged,
    given: impl Iterator<Item = &'a str>,
    definition: &Definition<'_>,
    faults: &mut Vec<Diagnostic>,
) -> Result<Option<StockBan>, Diagnostic> {
    let name = action.name.as_str();
    let native = name == NATIVE;
    if !native && (!STOCK.contains(&name) || is_changed(merged, given)) {
        return Ok(None);
    }
    let get = |key: &str| -> Result<Option<String>, Diagnostic> {
        let text = definition.get(key)?;
        let text = text.map(|text| text.plain().trim().to_owned());
        Ok(text.filter(|text| !text.is_empty()))
    };
    let mut replaced = |key: &str, text: &str, words: &str, instead: &str| {
        let message = format!("{key} = '{text}' is none of {words}; {instead} is taken instead");
        let found = fault(&message, &action.origin, Some(text));
        let help = format!("correct {key} in the jail, or in action.d/{NATIVE}.local");
        faults.push(Diagnostic {
            severity: Severity::Warning,
            help: Some(help.into()),
            ..found
        });
    };
    let blocktype = get("blocktype")?.unwrap_or_else(|| "reject".into());
    let word = blocktype.to_ascii_lowercase();
    let blocktype = match word.split([' ', '-']).next() {
        Some("drop") => Blocktype::Drop,
        Some("reject") => Blocktype::Reject,
        _ if native => {
            replaced("blocktype", &blocktype, "drop, reject", "drop");
            Blocktype::Drop
        }
        // `RETURN` and the like turn a stock action into its opposite.
        _ => return Ok(None),
    };
    let all = name.contains("allports")
        || name == "ufw"
        || get("type")?.is_some_and(|text| text.contains("allports"));
    let port = get("port")?.filter(|_| !all).map(|text| Value {
        text,
        origin: action.origin.clone(),
    });
    let scope = match get("scope")? {
        Some(text) if text.eq_ignore_ascii_case("host") => Scope::Host,
        Some(text) if native && !text.eq_ignore_ascii_case("all") => {
            replaced("scope", &text, "all, host", "all");
            Scope::All
        }
        _ => Scope::All,
    };
    Ok(Some(StockBan {
        port,
        protocol: get("protocol")?.unwrap_or_else(|| "tcp".into()),
        blocktype,
        scope,
        native,
    }))
}

/// True if the admin has put own commands, or pieces of commands, in place of the stock ones.
fn is_changed<'a>(merged: &Merged, mut given: impl Iterator<Item = &'a str>) -> bool {
    let is_piece = |key: &str| {
        let starts = ["action", "_", "rule"];
        key != "actname" && starts.iter().any(|start| key.starts_with(start))
    };
    let own = merged.section("Definition").into_iter().flatten();
    let mut pieces = own.filter(|(key, _)| is_piece(key));
    given.any(is_piece) || pieces.any(|(_, values)| values.last().is_some_and(is_layered))
}

/// True for a value from a layer over a stock file. The stock files themselves are not compared, they differ between
/// releases.
fn is_layered(value: &Text) -> bool {
    let file = value.origin().file;
    let path = Path::new(&*file);
    let dir = path.parent().and_then(Path::file_name);
    path.extension().is_some_and(|e| e == "local") || dir.is_none_or(|dir| dir != "action.d")
}
