//! Whose work is in the program: the names, licences and notices of all libraries that are linked into it.

use super::{Done, said};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

/// One part for each different notice, with the libraries that it is of.
pub(super) fn text(root: &Path) -> Done<String> {
    let mut command = Command::new(env!("CARGO"));
    command
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(root);
    if let Some(target) = host() {
        command.args(["--filter-platform", &target]);
    }
    let metadata: Value = serde_json::from_str(&said(&mut command)?)
        .map_err(|error| format!("cargo metadata: {error}"))?;
    let linked = linked(&metadata);
    let mut notices: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let id = package["id"].as_str().unwrap_or_default();
        // Our own have no source.
        if !linked.contains(id) || package["source"].is_null() {
            continue;
        }
        let text = |field: &str| package[field].as_str().unwrap_or_default();
        let name = format!("{} {} ({})", text("name"), text("version"), text("license"));
        for notice in notices_of(Path::new(text("manifest_path"))) {
            notices.entry(notice).or_default().push(name.clone());
        }
    }
    let mut parts: Vec<(Vec<String>, String)> = notices
        .into_iter()
        .map(|(notice, mut names)| {
            names.sort();
            (names, notice)
        })
        .collect();
    parts.sort();
    let mut out = String::from("SQLite (libsqlite3-sys) is in the public domain.\n");
    for (names, notice) in parts {
        out.push_str(&format!(
            "\n{}\n{}\n\n{}\n",
            "=".repeat(72),
            names.join("\n"),
            notice.trim()
        ));
    }
    Ok(out)
}

/// The ids of all packages that the program is made of; what only builds or tests it is none.
fn linked(metadata: &Value) -> BTreeSet<String> {
    let nodes = metadata["resolve"]["nodes"]
        .as_array()
        .into_iter()
        .flatten();
    let nodes: BTreeMap<&str, &Value> = nodes
        .filter_map(|node| Some((node["id"].as_str()?, node)))
        .collect();
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let mut waiting: Vec<&str> = packages
        .filter(|package| package["name"] == "cli" && package["source"].is_null())
        .filter_map(|package| package["id"].as_str())
        .collect();
    let mut found = BTreeSet::new();
    while let Some(id) = waiting.pop() {
        if !found.insert(id.to_owned()) {
            continue;
        }
        let Some(node) = nodes.get(id) else { continue };
        for dependency in node["deps"].as_array().into_iter().flatten() {
            let kinds = dependency["dep_kinds"].as_array();
            if kinds
                .into_iter()
                .flatten()
                .any(|kind| kind["kind"].is_null())
            {
                waiting.extend(dependency["pkg"].as_str());
            }
        }
    }
    found
}

fn notices_of(manifest: &Path) -> Vec<String> {
    let files = manifest
        .parent()
        .and_then(|folder| fs::read_dir(folder).ok());
    let mut paths: Vec<_> = files
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .collect();
    paths.sort();
    let is_notice = |path: &Path| {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .to_uppercase();
        ["LICENSE", "LICENCE", "COPYING", "NOTICE", "UNLICENSE"]
            .iter()
            .any(|word| name.starts_with(word))
    };
    let paths = paths
        .iter()
        .filter(|path| path.is_file() && is_notice(path));
    paths
        .filter_map(|path| fs::read_to_string(path).ok())
        .collect()
}

/// What rustc calls this machine.
fn host() -> Option<String> {
    let told = said(Command::new("rustc").arg("-vV")).ok()?;
    let line = told.lines().find_map(|line| line.strip_prefix("host: "))?;
    Some(line.to_owned())
}
