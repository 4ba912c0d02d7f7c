//! Actions of a jail, and which of them stand for a ban in the kernel (contract 3, 4).

use crate::definition::Definition;
use crate::interp::{Vars, fault};
use crate::layers;
use crate::params::{self, Call};
use crate::spec::{ActionSpec, Blocktype, Scope, StockBan, Value};
use crate::text::Text;
use crate::tree::Source;
use base::{Diagnostic, Origin};
use std::collections::BTreeMap;
use std::path::Path;

/// Tags whose values are known only at a ban.
const RUN_TIME: &[&str] = &[
    "matches",
    "ipmatches",
    "ipjailmatches",
    "timeout",
    "bantime",
];

/// Options of `[Definition]` that mean something to who carries an action out; its others are only tags for these.
const OPTIONS: &[&str] = &[
    "actionstart",
    "actionstart_on_demand",
    "actionstop",
    "actionflush",
    "actionreload",
    "actioncheck",
    "actionrepair",
    "actionrepair_on_unban",
    "actionban",
    "actionprolong",
    "actionreban",
    "actionunban",
    "norestored",
];

/// Reads all actions of a jail's `action`.
pub(crate) fn read(
    source: Source<'_>,
    jail: &str,
    list: &Text,
    variables: &Vars,
    faults: &mut Vec<Diagnostic>,
) -> Result<Vec<ActionSpec>, Diagnostic> {
    let plain = list.plain();
    let mut actions = Vec::new();
    for (at, entry) in params::split(&plain) {
        let line = plain[..at].matches('\n').count();
        let origin = list
            .lines
            .get(line)
            .map_or_else(|| list.origin(), |line| line.origin.clone());
        let call = params::parse(entry).ok_or_else(|| {
            fault(&format!("invalid action '{entry}'"), &origin, Some(entry))
                .with_help(params::HELP)
        })?;
        actions.push(one(source, jail, call, origin, variables, faults)?);
    }
    Ok(actions)
}

fn one(
    source: Source<'_>,
    jail: &str,
    call: Call,
    origin: Origin,
    variables: &Vars,
    faults: &mut Vec<Diagnostic>,
) -> Result<ActionSpec, Diagnostic> {
    let given: BTreeMap<&str, &str> = call
        .options
        .iter()
        .map(|(k, v)| (k.as_str(), v.as_str()))
        .collect();
    let name = given.get("name").copied().unwrap_or(jail);
    let file = call.name.as_str();
    let actname = match (given.get("actname"), name.strip_prefix(jail)) {
        (Some(actname), _) => (*actname).to_owned(),
        (None, Some(rest)) => format!("{file}{rest}"),
        (None, None) => format!("{file}-{name}"),
    };
    let mut arguments: Vars = call
        .options
        .iter()
        .map(|(k, v)| (k.clone(), Text::new(v, &origin)))
        .collect();
    arguments.insert("name".into(), Text::new(name, &origin));
    arguments.insert("actname".into(), Text::new(&actname, &origin));
    let mut action = ActionSpec {
        name: file.to_owned(),
        actname,
        params: BTreeMap::new(),
        stock: None,
        origin,
    };
    if file.ends_with(".py") {
        action.params = arguments
            .iter()
            .map(|(key, text)| (key.clone(), text.plain()))
            .collect();
        return Ok(action);
    }
    let merged = layers::read(source, &format!("action.d/{file}"), faults).ok_or_else(|| {
        fault(
            &format!("there is no readable action.d/{file}.conf"),
            &action.origin,
            Some(file),
        )
        .with_help("correct the name, or create the file")
    })?;
    let definition = Definition::new(&merged, &arguments, variables.clone(), RUN_TIME)?;
    for key in OPTIONS {
        if let Some(text) = definition.get(key)? {
            action.params.insert((*key).to_owned(), text.plain());
        }
    }
    for (key, text) in definition.arguments() {
        action
            .params
            .entry(key.to_owned())
            .or_insert_with(|| text.plain());
    }
    let is_piece = |key: &str| {
        let starts = ["action", "_", "rule"];
        key != "actname" && starts.iter().any(|start| key.starts_with(start))
    };
    let own = merged.section("Definition").into_iter().flatten();
    let changed = own
        .filter(|(key, _)| is_piece(key))
        .any(|(_, values)| values.last().is_some_and(is_layered))
        || call.options.iter().any(|(key, _)| is_piece(key));
    if !changed || file == NATIVE {
        action.stock = stock(&action, &definition)?;
    }
    Ok(action)
}

/// True for a value from a layer over a stock file. The stock files themselves are not compared, they differ between
/// releases.
fn is_layered(value: &Text) -> bool {
    let file = value.origin().file;
    let path = Path::new(&*file);
    let dir = path.parent().and_then(Path::file_name);
    path.extension().is_some_and(|e| e == "local") || dir.is_none_or(|dir| dir != "action.d")
}

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

/// What an action stands for in the kernel, by its name and the values of its tags.
fn stock(action: &ActionSpec, definition: &Definition<'_>) -> Result<Option<StockBan>, Diagnostic> {
    let name = action.name.as_str();
    let native = name == NATIVE;
    if !native && !STOCK.contains(&name) {
        return Ok(None);
    }
    let get = |key: &str| -> Result<Option<String>, Diagnostic> {
        let text = definition
            .get(key)?
            .map(|text| text.plain().trim().to_owned());
        Ok(text.filter(|text| !text.is_empty()))
    };
    let blocktype = get("blocktype")?.unwrap_or_else(|| "reject".into());
    let blocktype = match blocktype.to_ascii_lowercase().split([' ', '-']).next() {
        Some("drop") => Blocktype::Drop,
        Some("reject") => Blocktype::Reject,
        // `RETURN` and the like turn the action into its opposite.
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
