//! Which file it is, whatever it is called.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;

/// A file's identity while it exists. Inode numbers are given again after a deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId {
    /// The device.
    pub device: u64,
    /// The inode on it.
    pub inode: u64,
}

impl FileId {
    /// The identity of the file that these data are of.
    pub fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
        }
    }
}
