//! Opening a log that somebody else owns.

use rustix::fs::{FileType, Mode, OFlags, fstat, open};
use std::fs::File;
use std::io;
use std::path::Path;

/// Opens a regular file for reading, following symlinks. Whoever may write the directory may have put anything under
/// the name: a pipe or a device is never waited for and gives an error of kind `InvalidInput`.
pub fn open_log_file(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let fd = open(path, flags, Mode::empty())?;
    let kind = FileType::from_raw_mode(fstat(&fd)?.st_mode);
    if kind == FileType::RegularFile {
        return Ok(fd.into());
    }
    let what = if kind == FileType::Directory {
        "it is a directory"
    } else {
        "it is not a regular file"
    };
    Err(io::Error::new(io::ErrorKind::InvalidInput, what))
}
