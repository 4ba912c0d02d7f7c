//! Configuration files on disk, for the pure reader.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::Path;

/// The machine's own file system.
pub struct DiskFiles;

impl conf::Files for DiskFiles {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        fs::read(path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<OsString>> {
        let mut names: Vec<OsString> = fs::read_dir(path)?
            .map(|entry| entry.map(|entry| entry.file_name()))
            .collect::<io::Result<_>>()?;
        names.sort();
        Ok(names)
    }
}
