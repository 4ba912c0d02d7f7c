//! systemd's journal, read through libsystemd where the machine has it.
//!
//! The library is loaded at run time: a binary without systemd starts as well, and says what is missing when a
//! journal is asked for. One handle belongs to one thread at a time.

#![expect(unsafe_code, reason = "libsystemd has a C interface")]

use libloading::{Library, Symbol};
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::ptr;
use std::sync::OnceLock;

/// Why the journal cannot be read.
#[derive(Debug)]
pub enum JournalError {
    /// This machine has no libsystemd, or one without the needed functions.
    NoLibrary(String),
    /// The library refused.
    Call {
        /// The function.
        function: &'static str,
        /// Its answer.
        error: io::Error,
    },
}

impl fmt::Display for JournalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoLibrary(why) => write!(f, "libsystemd cannot be loaded: {why}"),
            Self::Call { function, error } => write!(f, "{function}: {error}"),
        }
    }
}

impl std::error::Error for JournalError {}

/// What happened to the journal's files since the last look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JournalChange {
    /// Nothing.
    None,
    /// Entries were added.
    Appended,
    /// Files came or went.
    Invalidated,
}

/// The flag of [`Journal::open`] for the journals of this machine only.
pub const JOURNAL_LOCAL_ONLY: i32 = 1;
/// The flags that a directory can be opened with: the system's journal, the user's own.
const OF_DIRECTORIES: c_int = 4 | 8;

type Handle = *mut c_void;

/// The functions that we call, as `sd-journal.h` declares them.
struct Api {
    open: unsafe extern "C" fn(*mut Handle, c_int) -> c_int,
    open_directory: unsafe extern "C" fn(*mut Handle, *const c_char, c_int) -> c_int,
    open_files: unsafe extern "C" fn(*mut Handle, *const *const c_char, c_int) -> c_int,
    /// Since systemd 245.
    open_namespace: Option<unsafe extern "C" fn(*mut Handle, *const c_char, c_int) -> c_int>,
    close: unsafe extern "C" fn(Handle),
    add_match: unsafe extern "C" fn(Handle, *const c_void, usize) -> c_int,
    add_disjunction: unsafe extern "C" fn(Handle) -> c_int,
    add_conjunction: unsafe extern "C" fn(Handle) -> c_int,
    flush_matches: unsafe extern "C" fn(Handle),
    seek_head: unsafe extern "C" fn(Handle) -> c_int,
    seek_tail: unsafe extern "C" fn(Handle) -> c_int,
    seek_cursor: unsafe extern "C" fn(Handle, *const c_char) -> c_int,
    seek_realtime_usec: unsafe extern "C" fn(Handle, u64) -> c_int,
    next: unsafe extern "C" fn(Handle) -> c_int,
    previous: unsafe extern "C" fn(Handle) -> c_int,
    test_cursor: unsafe extern "C" fn(Handle, *const c_char) -> c_int,
    get_cursor: unsafe extern "C" fn(Handle, *mut *mut c_char) -> c_int,
    get_realtime_usec: unsafe extern "C" fn(Handle, *mut u64) -> c_int,
    get_monotonic_usec: unsafe extern "C" fn(Handle, *mut u64, *mut [u8; 16]) -> c_int,
    get_data: unsafe extern "C" fn(Handle, *const c_char, *mut *const c_void, *mut usize) -> c_int,
    restart_data: unsafe extern "C" fn(Handle),
    /// That which passes over fields that cannot be unpacked, since systemd 246, else the plain one.
    enumerate_data: unsafe extern "C" fn(Handle, *mut *const c_void, *mut usize) -> c_int,
    set_data_threshold: unsafe extern "C" fn(Handle, usize) -> c_int,
    get_fd: unsafe extern "C" fn(Handle) -> c_int,
    process: unsafe extern "C" fn(Handle) -> c_int,
}

static API: OnceLock<Result<Api, String>> = OnceLock::new();

fn api() -> Result<&'static Api, JournalError> {
    let loaded = API.get_or_init(|| load().map_err(|error| error.to_string()));
    loaded
        .as_ref()
        .map_err(|why| JournalError::NoLibrary(why.clone()))
}

fn load() -> Result<Api, libloading::Error> {
    // SAFETY: loading libsystemd runs its initialisers, which a program may do at any time.
    let library = unsafe { Library::new("libsystemd.so.0") }?;
    // The functions stay callable for the life of the process.
    let library: &'static Library = Box::leak(Box::new(library));
    macro_rules! function {
        ($name:literal) => {{
            // SAFETY: the type that the field of `Api` gives is the function's declared one.
            let symbol: Symbol<'static, _> = unsafe { library.get($name) }?;
            *symbol
        }};
    }
    // SAFETY: as above; the library may be older than the function.
    let open_namespace = unsafe { library.get(b"sd_journal_open_namespace\0") };
    // SAFETY: as above.
    let enumerate_available = unsafe { library.get(b"sd_journal_enumerate_available_data\0") };
    let enumerate_data = match enumerate_available {
        Ok(symbol) => *symbol,
        Err(_) => function!(b"sd_journal_enumerate_data\0"),
    };
    Ok(Api {
        open_namespace: open_namespace.ok().map(|symbol| *symbol),
        enumerate_data,
        open_files: function!(b"sd_journal_open_files\0"),
        get_monotonic_usec: function!(b"sd_journal_get_monotonic_usec\0"),
        restart_data: function!(b"sd_journal_restart_data\0"),
        open: function!(b"sd_journal_open\0"),
        open_directory: function!(b"sd_journal_open_directory\0"),
        close: function!(b"sd_journal_close\0"),
        add_match: function!(b"sd_journal_add_match\0"),
        add_disjunction: function!(b"sd_journal_add_disjunction\0"),
        add_conjunction: function!(b"sd_journal_add_conjunction\0"),
        flush_matches: function!(b"sd_journal_flush_matches\0"),
        seek_head: function!(b"sd_journal_seek_head\0"),
        seek_tail: function!(b"sd_journal_seek_tail\0"),
        seek_cursor: function!(b"sd_journal_seek_cursor\0"),
        seek_realtime_usec: function!(b"sd_journal_seek_realtime_usec\0"),
        next: function!(b"sd_journal_next\0"),
        previous: function!(b"sd_journal_previous\0"),
        test_cursor: function!(b"sd_journal_test_cursor\0"),
        get_cursor: function!(b"sd_journal_get_cursor\0"),
        get_realtime_usec: function!(b"sd_journal_get_realtime_usec\0"),
        get_data: function!(b"sd_journal_get_data\0"),
        set_data_threshold: function!(b"sd_journal_set_data_threshold\0"),
        get_fd: function!(b"sd_journal_get_fd\0"),
        process: function!(b"sd_journal_process\0"),
    })
}

/// An open journal with a place in it.
pub struct Journal {
    api: &'static Api,
    handle: Handle,
}

// SAFETY: libsystemd allows a handle to be used by any thread, one at a time; `Journal` is not `Sync`.
unsafe impl Send for Journal {}

impl Drop for Journal {
    fn drop(&mut self) {
        // SAFETY: the handle is open and closed once.
        unsafe { (self.api.close)(self.handle) }
    }
}

impl Journal {
    /// Opens the system's journal, or that of a namespace of journald. The flags are the library's; see
    /// [`JOURNAL_LOCAL_ONLY`].
    pub fn open(namespace: Option<&str>, flags: i32) -> Result<Self, JournalError> {
        let api = api()?;
        let mut handle = ptr::null_mut();
        let Some(namespace) = namespace else {
            // SAFETY: the function writes a handle or fails.
            check("sd_journal_open", unsafe {
                (api.open)(&raw mut handle, flags)
            })?;
            return Self::ready(api, handle);
        };
        let function = api.open_namespace.ok_or_else(|| {
            JournalError::NoLibrary("it is too old for namespaces (systemd 245)".into())
        })?;
        let namespace = c_string(namespace.as_bytes());
        // SAFETY: the name is a C string that outlives the call; the function writes a handle or fails.
        check("sd_journal_open_namespace", unsafe {
            function(&raw mut handle, namespace.as_ptr(), flags)
        })?;
        Self::ready(api, handle)
    }

    /// Opens the journal files in a directory; of the flags only those count that can.
    pub fn open_directory(path: &Path, flags: i32) -> Result<Self, JournalError> {
        let api = api()?;
        let path = c_string(path.as_os_str().as_encoded_bytes());
        let mut handle = ptr::null_mut();
        let flags = flags & OF_DIRECTORIES;
        // SAFETY: the path is a C string that outlives the call; the function writes a handle or fails.
        check("sd_journal_open_directory", unsafe {
            (api.open_directory)(&raw mut handle, path.as_ptr(), flags)
        })?;
        Self::ready(api, handle)
    }

    /// Opens these journal files and no others, now or later.
    pub fn open_files(paths: &[PathBuf]) -> Result<Self, JournalError> {
        let api = api()?;
        let paths: Vec<CString> = paths
            .iter()
            .map(|path| c_string(path.as_os_str().as_encoded_bytes()))
            .collect();
        let mut pointers: Vec<*const c_char> = paths.iter().map(|path| path.as_ptr()).collect();
        pointers.push(ptr::null());
        let mut handle = ptr::null_mut();
        // SAFETY: the list ends with a null pointer and points to C strings, all of which outlive the call.
        check("sd_journal_open_files", unsafe {
            (api.open_files)(&raw mut handle, pointers.as_ptr(), 0)
        })?;
        Self::ready(api, handle)
    }

    /// The library reports changes only to a handle whose descriptor was asked for.
    fn ready(api: &'static Api, handle: Handle) -> Result<Self, JournalError> {
        let journal = Self { api, handle };
        // SAFETY: the handle is open.
        check("sd_journal_get_fd", unsafe { (api.get_fd)(handle) })?;
        Ok(journal)
    }

    /// Asks for entries with this `FIELD=value`. Several for one field are alternatives, for different ones all
    /// must hold.
    pub fn add_match(&mut self, field_and_value: &[u8]) -> Result<(), JournalError> {
        // The library takes a length of 0 for "a C string", which this is not.
        if field_and_value.is_empty() {
            return check("sd_journal_add_match", -libc::EINVAL).map(drop);
        }
        let (data, length) = (field_and_value.as_ptr().cast(), field_and_value.len());
        // SAFETY: the pointer and length are of one slice that outlives the call.
        let answer = unsafe { (self.api.add_match)(self.handle, data, length) };
        check("sd_journal_add_match", answer).map(drop)
    }

    /// What follows is an alternative to what came before.
    pub fn add_disjunction(&mut self) -> Result<(), JournalError> {
        // SAFETY: the handle is open.
        check("sd_journal_add_disjunction", unsafe {
            (self.api.add_disjunction)(self.handle)
        })
        .map(drop)
    }

    /// What follows must hold as well as what came before.
    pub fn add_conjunction(&mut self) -> Result<(), JournalError> {
        // SAFETY: the handle is open.
        check("sd_journal_add_conjunction", unsafe {
            (self.api.add_conjunction)(self.handle)
        })
        .map(drop)
    }

    /// Asks for every entry again.
    pub fn flush_matches(&mut self) {
        // SAFETY: the handle is open.
        unsafe { (self.api.flush_matches)(self.handle) }
    }

    /// Before the first entry.
    pub fn seek_head(&mut self) -> Result<(), JournalError> {
        // SAFETY: the handle is open.
        check("sd_journal_seek_head", unsafe {
            (self.api.seek_head)(self.handle)
        })
        .map(drop)
    }

    /// Behind the last entry; `previous` gives that one.
    pub fn seek_tail(&mut self) -> Result<(), JournalError> {
        // SAFETY: the handle is open.
        check("sd_journal_seek_tail", unsafe {
            (self.api.seek_tail)(self.handle)
        })
        .map(drop)
    }

    /// At the entry of a cursor or the one nearest to it: `next` gives it, `test_cursor` tells whether it is the one.
    pub fn seek_cursor(&mut self, cursor: &str) -> Result<(), JournalError> {
        let cursor = c_string(cursor.as_bytes());
        // SAFETY: the handle is open; the cursor is a C string that outlives the call.
        check("sd_journal_seek_cursor", unsafe {
            (self.api.seek_cursor)(self.handle, cursor.as_ptr())
        })
        .map(drop)
    }

    /// Before the first entry of this time or later, in microseconds since 1970 UTC.
    pub fn seek_realtime(&mut self, micros: u64) -> Result<(), JournalError> {
        // SAFETY: the handle is open.
        check("sd_journal_seek_realtime_usec", unsafe {
            (self.api.seek_realtime_usec)(self.handle, micros)
        })
        .map(drop)
    }

    /// Goes to the next entry; false if there is none (yet).
    pub fn next_entry(&mut self) -> Result<bool, JournalError> {
        // SAFETY: the handle is open.
        check("sd_journal_next", unsafe { (self.api.next)(self.handle) }).map(|moved| moved > 0)
    }

    /// Goes to the entry before; false if there is none.
    pub fn previous_entry(&mut self) -> Result<bool, JournalError> {
        // SAFETY: the handle is open.
        check("sd_journal_previous", unsafe {
            (self.api.previous)(self.handle)
        })
        .map(|moved| moved > 0)
    }

    /// Whether the present entry is the one of this cursor.
    pub fn test_cursor(&mut self, cursor: &str) -> Result<bool, JournalError> {
        let cursor = c_string(cursor.as_bytes());
        // SAFETY: the handle is open; the cursor is a C string that outlives the call.
        check("sd_journal_test_cursor", unsafe {
            (self.api.test_cursor)(self.handle, cursor.as_ptr())
        })
        .map(|same| same > 0)
    }

    /// The cursor of the present entry.
    pub fn cursor(&mut self) -> Result<String, JournalError> {
        let mut text = ptr::null_mut();
        // SAFETY: the function writes a C string that it allocates, or fails.
        check("sd_journal_get_cursor", unsafe {
            (self.api.get_cursor)(self.handle, &raw mut text)
        })?;
        // SAFETY: on success the pointer is such a string, and ours to free.
        let cursor = unsafe { CStr::from_ptr(text) }
            .to_string_lossy()
            .into_owned();
        // SAFETY: allocated by malloc for us, and not used any more.
        unsafe { libc::free(text.cast()) };
        Ok(cursor)
    }

    /// When the present entry was received, in microseconds since 1970 UTC.
    pub fn realtime_micros(&mut self) -> Result<u64, JournalError> {
        let mut micros = 0;
        // SAFETY: the function writes a number or fails.
        check("sd_journal_get_realtime_usec", unsafe {
            (self.api.get_realtime_usec)(self.handle, &raw mut micros)
        })?;
        Ok(micros)
    }

    /// When the present entry was received, in microseconds since the machine's start.
    pub fn monotonic_micros(&mut self) -> Result<u64, JournalError> {
        let (mut micros, mut boot) = (0, [0; 16]);
        // SAFETY: the function writes a number and an id of 16 bytes, or fails.
        check("sd_journal_get_monotonic_usec", unsafe {
            (self.api.get_monotonic_usec)(self.handle, &raw mut micros, &raw mut boot)
        })?;
        Ok(micros)
    }

    /// Hands over every field of the present entry, with its name; one that came several times comes several times.
    pub fn fields(&mut self, mut each: impl FnMut(&[u8], &[u8])) -> Result<(), JournalError> {
        // SAFETY: the handle is open.
        unsafe { (self.api.restart_data)(self.handle) };
        loop {
            let (mut data, mut length) = (ptr::null(), 0);
            // SAFETY: the handle is open; the function writes a pointer and a length, or none at the end, or fails.
            let answer =
                unsafe { (self.api.enumerate_data)(self.handle, &raw mut data, &raw mut length) };
            if check("sd_journal_enumerate_data", answer)? == 0 || data.is_null() {
                return Ok(());
            }
            // SAFETY: the data are valid until the next call on this handle, which comes after the last use.
            let bytes = unsafe { std::slice::from_raw_parts(data.cast::<u8>(), length) };
            if let Some(at) = bytes.iter().position(|byte| *byte == b'=') {
                each(&bytes[..at], &bytes[at + 1..]);
            }
        }
    }

    /// The value of a field of the present entry; `None` if it has none.
    pub fn field(&mut self, name: &str) -> Result<Option<&[u8]>, JournalError> {
        let c_name = c_string(name.as_bytes());
        let (mut data, mut length) = (ptr::null(), 0);
        // SAFETY: the handle is open, the name a C string; the function writes a pointer and a length or fails.
        let answer = unsafe {
            (self.api.get_data)(self.handle, c_name.as_ptr(), &raw mut data, &raw mut length)
        };
        if answer == -libc::ENOENT {
            return Ok(None);
        }
        check("sd_journal_get_data", answer)?;
        if data.is_null() {
            return Ok(None);
        }
        // SAFETY: the data are valid until the next call on this handle, which needs `&mut self` and so the end of
        // this borrow.
        let bytes = unsafe { std::slice::from_raw_parts(data.cast::<u8>(), length) };
        // It begins with the name and '='.
        Ok(bytes.get(name.len() + 1..))
    }

    /// Fields may be cut behind this many bytes.
    pub fn set_data_threshold(&mut self, bytes: usize) -> Result<(), JournalError> {
        // SAFETY: the handle is open.
        check("sd_journal_set_data_threshold", unsafe {
            (self.api.set_data_threshold)(self.handle, bytes)
        })
        .map(drop)
    }

    /// Takes notice of files that came, went or grew; without it rotation is not seen.
    pub fn process(&mut self) -> Result<JournalChange, JournalError> {
        // SAFETY: the handle is open.
        let answer = check("sd_journal_process", unsafe {
            (self.api.process)(self.handle)
        })?;
        Ok(match answer {
            0 => JournalChange::None,
            1 => JournalChange::Appended,
            _ => JournalChange::Invalidated,
        })
    }
}

fn check(function: &'static str, answer: c_int) -> Result<c_int, JournalError> {
    if answer >= 0 {
        return Ok(answer);
    }
    Err(JournalError::Call {
        function,
        error: io::Error::from_raw_os_error(-answer),
    })
}

/// Up to the first NUL byte: none of the texts that we pass may hold one.
fn c_string(text: &[u8]) -> CString {
    let end = text
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(text.len());
    CString::new(&text[..end]).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_directory_is_a_journal_without_entries() {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = match Journal::open_directory(dir.path(), JOURNAL_LOCAL_ONLY) {
            Ok(journal) => journal,
            Err(JournalError::NoLibrary(why)) => {
                eprintln!("SKIPPED an_empty_directory_is_a_journal_without_entries: {why}");
                return;
            }
            Err(error) => panic!("{error}"),
        };
        journal.add_match(b"_UID=0").unwrap();
        journal.add_disjunction().unwrap();
        journal.add_match(b"_COMM=sshd").unwrap();
        assert!(journal.add_match(b"").is_err());
        journal.seek_head().unwrap();
        assert!(!journal.next_entry().unwrap());
        assert!(journal.cursor().is_err());
        assert!(journal.fields(|_, _| {}).is_err());
        assert!(Journal::open_files(&[dir.path().join("none.journal")]).is_err());
        assert_eq!(journal.process().unwrap(), JournalChange::None);
        journal.flush_matches();
    }
}
