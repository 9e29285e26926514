//! Files, as the embedded log needs them: append, sync, read at a place, cut, rename.

use std::io;
use std::path::{Path, PathBuf};

/// A file system, or one that a test controls.
pub trait Disk: Send + Sync {
    /// Makes a folder and those above it; it may be there already.
    fn create_dir_all(&self, path: &Path) -> io::Result<()>;

    /// Opens a file for reading and appending, made when it is not there.
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// Names of the files directly in a folder, sorted.
    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>>;

    /// Renames a file over another, atomically.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Makes the entries of a folder durable (after files were made, renamed or removed in it).
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;

    /// Takes the lock of a folder for this process, held until the value is dropped.
    /// [`io::ErrorKind::WouldBlock`] when another process has it.
    fn lock(&self, path: &Path) -> io::Result<Box<dyn DiskLock>>;
}

/// An open file.
pub trait DiskFile: Send + Sync {
    /// Its length in bytes.
    fn size(&self) -> io::Result<u64>;

    /// Fills `buffer` from `offset`; an error when the file ends before.
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;

    /// Writes all of `bytes` at `offset`, which is the end for an append.
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Makes what was written durable, as `fdatasync` does.
    fn sync_data(&self) -> io::Result<()>;

    /// Cuts the file to `len` bytes.
    fn set_len(&self, len: u64) -> io::Result<()>;
}

/// A lock that is held until it is dropped.
pub trait DiskLock: Send + Sync {}
