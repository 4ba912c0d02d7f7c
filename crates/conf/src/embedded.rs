//! The default tree that is compiled in from `config/`, under paths that begin with `embedded:`.
//!
//! Its sample logs stay outside of the binary.

use crate::Files;
use include_dir::{Dir, include_dir};
use std::ffi::OsString;
use std::io;
use std::path::Path;

/// The root of the embedded tree.
pub(crate) const ROOT: &str = "embedded:";

static FILTERS: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../../config/filter.d");
static ACTIONS: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../../config/action.d");
const TOP: [(&str, &str); 2] = [
    ("jail.conf", include_str!("../../../config/jail.conf")),
    (
        "stockade.conf",
        include_str!("../../../config/stockade.conf"),
    ),
];

/// The embedded tree.
#[derive(Clone, Copy, Debug, Default)]
pub struct EmbeddedFiles;

fn directory(name: &str) -> Option<&'static Dir<'static>> {
    match name {
        "filter.d" => Some(&FILTERS),
        "action.d" => Some(&ACTIONS),
        _ => None,
    }
}

impl Files for EmbeddedFiles {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let missing = || io::Error::from(io::ErrorKind::NotFound);
        let inner = path
            .strip_prefix(ROOT)
            .map_err(|_| missing())?
            .to_str()
            .ok_or_else(missing)?;
        let content = match inner.split_once('/') {
            None => TOP
                .iter()
                .find(|(name, _)| *name == inner)
                .map(|(_, text)| text.as_bytes()),
            Some((dir, name)) => directory(dir)
                .and_then(|dir| dir.get_file(name))
                .map(include_dir::File::contents),
        };
        content.map(<[u8]>::to_vec).ok_or_else(missing)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<OsString>> {
        let missing = || io::Error::from(io::ErrorKind::NotFound);
        let inner = dir
            .strip_prefix(ROOT)
            .map_err(|_| missing())?
            .to_str()
            .ok_or_else(missing)?;
        if inner.is_empty() {
            return Ok(["action.d", "filter.d", "jail.conf", "stockade.conf"]
                .map(OsString::from)
                .to_vec());
        }
        let files = directory(inner).ok_or_else(missing)?.files();
        let mut names: Vec<OsString> = files
            .filter_map(|f| f.path().file_name())
            .map(OsString::from)
            .collect();
        names.sort();
        Ok(names)
    }
}
