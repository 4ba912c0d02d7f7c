//! The tree that becomes the package: every file with the mode that it is to have, whatever the umask.

use super::Done;
use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A folder that goes when it is dropped.
pub(super) struct Stage(PathBuf);

impl Stage {
    pub(super) fn new(root: &Path) -> Done<Self> {
        let stage = Self(root.to_owned());
        stage.directory(root)?;
        Ok(stage)
    }

    pub(super) fn root(&self) -> &Path {
        &self.0
    }

    pub(super) fn copy(&self, from: &Path, to: &str) -> Done {
        let bytes = fs::read(from).map_err(told(from))?;
        self.put(&bytes, to, 0o644)
    }

    pub(super) fn program(&self, from: &Path, to: &str) -> Done {
        let bytes = fs::read(from).map_err(told(from))?;
        self.put(&bytes, to, 0o755)
    }

    pub(super) fn text(&self, to: &str, text: &str) -> Done {
        self.put(text.as_bytes(), to, 0o644)
    }

    /// Compressed, without a name or time in it.
    pub(super) fn packed(&self, text: &str, to: &str) -> Done {
        let failed = |error: std::io::Error| format!("gzip: {error}");
        let mut child = Command::new("gzip")
            .arg("-9nc")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let input = child.stdin.take();
        // Written beside reading: a pipe holds less than a page of the manual.
        let output = std::thread::scope(|scope| {
            let writer =
                scope.spawn(|| input.map_or(Ok(()), |mut pipe| pipe.write_all(text.as_bytes())));
            let output = child.wait_with_output();
            let written = writer.join().unwrap_or(Ok(()));
            written.and(output)
        });
        self.put(&output.map_err(failed)?.stdout, to, 0o644)
    }

    pub(super) fn link(&self, target: &str, to: &str) -> Done {
        let path = self.0.join(to);
        self.parent(&path)?;
        symlink(target, &path).map_err(told(&path))
    }

    /// Everything under `/etc`, one name a line: dpkg leaves there what the admin changed.
    pub(super) fn conffiles(&self) -> Done<String> {
        let all = walk(&self.0.join("etc"))?;
        let names = all
            .iter()
            .filter_map(|path| path.strip_prefix(&self.0).ok());
        Ok(names.map(|path| format!("/{}\n", path.display())).collect())
    }

    /// What it takes on a disk.
    pub(super) fn kibibytes(&self) -> Done<u64> {
        let all = walk(&self.0)?;
        let sizes = all
            .iter()
            .filter_map(|path| Some(path.symlink_metadata().ok()?.len().div_ceil(1024)));
        Ok(sizes.sum())
    }

    fn put(&self, bytes: &[u8], to: &str, mode: u32) -> Done {
        let path = self.0.join(to);
        self.parent(&path)?;
        fs::write(&path, bytes).map_err(told(&path))?;
        fs::set_permissions(&path, Permissions::from_mode(mode)).map_err(told(&path))
    }

    fn parent(&self, path: &Path) -> Done {
        let inside = path.strip_prefix(&self.0).unwrap_or(path);
        let mut folder = self.0.clone();
        for part in inside.parent().into_iter().flat_map(Path::components) {
            folder.push(part);
            self.directory(&folder)?;
        }
        Ok(())
    }

    fn directory(&self, path: &Path) -> Done {
        fs::create_dir_all(path).map_err(told(path))?;
        fs::set_permissions(path, Permissions::from_mode(0o755)).map_err(told(path))
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // What stays behind costs only room.
        drop(fs::remove_dir_all(&self.0));
    }
}

/// The files of a folder with this ending, in order.
pub(super) fn files(folder: &Path, ending: &str) -> Done<Vec<PathBuf>> {
    let mut found: Vec<PathBuf> = fs::read_dir(folder)
        .map_err(told(folder))?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|found| found == ending))
        .collect();
    found.sort();
    Ok(found)
}

fn walk(folder: &Path) -> Done<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(told(&folder))?.flatten() {
            let path = entry.path();
            match path.is_dir() && !path.is_symlink() {
                true => folders.push(path),
                false => found.push(path),
            }
        }
    }
    found.sort();
    Ok(found)
}

fn told(path: &Path) -> impl Fn(std::io::Error) -> String {
    let path = path.display().to_string();
    move |error| format!("{path}: {error}")
}
