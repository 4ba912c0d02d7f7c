//! The file that holds the number of the server's process, for scripts that look there.

use crate::log::Level;
use std::fs;
use std::path::{Path, PathBuf};

/// A file that is removed when this is dropped.
pub(super) struct Pidfile(PathBuf);

impl Pidfile {
    /// Writes it; the last level of its directory is made if it is missing. The server runs without it all the same.
    pub(super) fn write(path: &Path, tell: &dyn Fn(Level, &str)) -> Self {
        if let Some(parent) = path.parent()
            && !parent.exists()
        {
            // What comes next says why it could not be made.
            drop(fs::create_dir(parent));
        }
        if let Err(error) = fs::write(path, format!("{}\n", std::process::id())) {
            tell(
                Level::Error,
                &format!("the pid file {} cannot be written: {error}", path.display()),
            );
        }
        Self(path.to_owned())
    }
}

impl Drop for Pidfile {
    fn drop(&mut self) {
        // The next server may have written its own by now.
        let is_ours = |text: String| text.trim() == std::process::id().to_string();
        if fs::read_to_string(&self.0).is_ok_and(is_ours) {
            // Gone already is as good as removed.
            drop(fs::remove_file(&self.0));
        }
    }
}
