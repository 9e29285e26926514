//! A file system in memory that crashes, fills up and fails when a test says so.
//!
//! It keeps apart what was synced and what was only written. A crash keeps all that was synced
//! and an arbitrary beginning of the rest, per file and for the folder's entries; handles from
//! before the crash then fail. After a failed sync the writes it was about are lost, as on Linux:
//! still to be read, and not made durable by the next sync.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::ports::{Disk, DiskFile, DiskLock};

/// How the next write or sync fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Writes stop half way, as on a full disk, until told otherwise.
    Full,
    /// Syncs fail until told otherwise.
    SyncFails,
    /// Writes, cuts and syncs all fail until told otherwise.
    Dead,
}

#[derive(Debug, Clone)]
enum Change {
    Write(u64, Vec<u8>),
    Cut(u64),
}

#[derive(Debug, Clone, Default)]
struct File {
    durable: Vec<u8>,
    current: Vec<u8>,
    pending: Vec<Change>,
}

fn apply(bytes: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Write(offset, data) => {
            let start = usize::try_from(*offset).unwrap();
            if bytes.len() < start + data.len() {
                bytes.resize(start + data.len(), 0);
            }
            bytes[start..start + data.len()].copy_from_slice(data);
        }
        Change::Cut(len) => bytes.resize(usize::try_from(*len).unwrap(), 0),
    }
}

/// Names and the files they stand for.
type Entries = BTreeMap<PathBuf, usize>;

#[derive(Debug, Default)]
struct Inner {
    files: Vec<File>,
    entries: Entries,
    /// What was made of the entries since they were synced last, oldest first.
    unsynced: Vec<Entries>,
    durable: Entries,
    /// Counts crashes; handles belong to the life in which they were opened.
    life: u64,
    locked: bool,
    trouble: Option<Trouble>,
    /// Writes, cuts and syncs until the trouble begins.
    trouble_in: Option<(u64, Trouble)>,
}

impl Inner {
    fn check(&self, life: u64) -> io::Result<()> {
        if self.life == life {
            Ok(())
        } else {
            Err(io::Error::other("the machine has crashed since"))
        }
    }

    fn tick(&mut self) {
        self.trouble_in = match self.trouble_in.take() {
            Some((0, trouble)) => {
                self.trouble = Some(trouble);
                None
            }
            Some((left, trouble)) => Some((left - 1, trouble)),
            None => None,
        };
    }

    fn note_entries(&mut self) {
        self.unsynced.push(self.entries.clone());
    }
}

/// The disk; clones are the same one.
#[derive(Debug, Clone, Default)]
pub(crate) struct MemDisk {
    inner: Arc<Mutex<Inner>>,
    /// The life in which this value may be used.
    life: u64,
}

impl MemDisk {
    /// A disk with one file for each name.
    pub(crate) fn with_files(files: &BTreeMap<PathBuf, Vec<u8>>) -> Self {
        let disk = Self::default();
        let mut inner = disk.inner.lock();
        for (path, bytes) in files {
            let id = inner.files.len();
            inner.files.push(File {
                durable: bytes.clone(),
                current: bytes.clone(),
                pending: Vec::new(),
            });
            inner.entries.insert(path.clone(), id);
        }
        inner.durable = inner.entries.clone();
        drop(inner);
        disk
    }

    /// All files as they are read now.
    pub(crate) fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let inner = self.inner.lock();
        inner
            .entries
            .iter()
            .map(|(path, id)| (path.clone(), inner.files[*id].current.clone()))
            .collect()
    }

    /// The power fails. Of what was not synced a part is kept, chosen by `random`.
    pub(crate) fn crash(&self, mut random: impl FnMut(usize) -> usize) -> Self {
        let mut inner = self.inner.lock();
        let kept = random(inner.unsynced.len() + 1);
        if let Some(entries) = kept.checked_sub(1).map(|at| inner.unsynced[at].clone()) {
            inner.durable = entries;
        }
        inner.entries = inner.durable.clone();
        inner.unsynced.clear();
        for file in &mut inner.files {
            let kept = random(file.pending.len() + 1);
            let mut durable = std::mem::take(&mut file.durable);
            for change in &file.pending[..kept] {
                apply(&mut durable, change);
            }
            if let Some(Change::Write(offset, data)) = file.pending.get(kept) {
                let part = data[..random(data.len() + 1)].to_vec();
                apply(&mut durable, &Change::Write(*offset, part));
            }
            file.current.clone_from(&durable);
            file.durable = durable;
            file.pending.clear();
        }
        inner.life += 1;
        inner.locked = false;
        inner.trouble = None;
        inner.trouble_in = None;
        Self {
            inner: Arc::clone(&self.inner),
            life: inner.life,
        }
    }

    /// The process is killed and the machine goes on: all that was written is kept, and what was
    /// not synced still is not.
    pub(crate) fn kill(&self) -> Self {
        let mut inner = self.inner.lock();
        inner.life += 1;
        inner.locked = false;
        inner.trouble = None;
        inner.trouble_in = None;
        Self {
            inner: Arc::clone(&self.inner),
            life: inner.life,
        }
    }

    /// Sets or ends trouble.
    pub(crate) fn set_trouble(&self, trouble: Option<Trouble>) {
        let mut inner = self.inner.lock();
        inner.trouble = trouble;
        inner.trouble_in = None;
    }

    /// Sets trouble that begins after `left` more writes, cuts and syncs.
    pub(crate) fn set_trouble_in(&self, left: u64, trouble: Trouble) {
        self.inner.lock().trouble_in = Some((left, trouble));
    }
}

impl Disk for MemDisk {
    fn create_dir_all(&self, _path: &Path) -> io::Result<()> {
        self.inner.lock().check(self.life)
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut inner = self.inner.lock();
        inner.check(self.life)?;
        let id = if let Some(id) = inner.entries.get(path) {
            *id
        } else {
            let id = inner.files.len();
            inner.files.push(File::default());
            inner.entries.insert(path.to_owned(), id);
            inner.note_entries();
            id
        };
        Ok(Box::new(MemFile {
            disk: self.clone(),
            id,
        }))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        let inner = self.inner.lock();
        inner.check(self.life)?;
        let names = inner.entries.keys();
        Ok(names
            .filter(|path| path.parent() == Some(dir))
            .filter_map(|path| path.file_name().map(PathBuf::from))
            .collect())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut inner = self.inner.lock();
        inner.check(self.life)?;
        let id = inner.entries.remove(from).ok_or(io::ErrorKind::NotFound)?;
        inner.entries.insert(to.to_owned(), id);
        inner.note_entries();
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut inner = self.inner.lock();
        inner.check(self.life)?;
        inner.entries.remove(path).ok_or(io::ErrorKind::NotFound)?;
        inner.note_entries();
        Ok(())
    }

    fn sync_dir(&self, _dir: &Path) -> io::Result<()> {
        let mut inner = self.inner.lock();
        inner.check(self.life)?;
        inner.durable = inner.entries.clone();
        inner.unsynced.clear();
        Ok(())
    }

    fn lock(&self, _path: &Path) -> io::Result<Box<dyn DiskLock>> {
        let mut inner = self.inner.lock();
        inner.check(self.life)?;
        if std::mem::replace(&mut inner.locked, true) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        drop(inner);
        Ok(Box::new(MemLock { disk: self.clone() }))
    }
}

struct MemLock {
    disk: MemDisk,
}

impl Drop for MemLock {
    fn drop(&mut self) {
        let mut inner = self.disk.inner.lock();
        if inner.life == self.disk.life {
            inner.locked = false;
        }
    }
}

impl DiskLock for MemLock {}

struct MemFile {
    disk: MemDisk,
    id: usize,
}

impl DiskFile for MemFile {
    fn size(&self) -> io::Result<u64> {
        let inner = self.disk.inner.lock();
        inner.check(self.disk.life)?;
        Ok(inner.files[self.id].current.len() as u64)
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let inner = self.disk.inner.lock();
        inner.check(self.disk.life)?;
        let start = usize::try_from(offset).unwrap();
        let bytes = inner.files[self.id]
            .current
            .get(start..start + buffer.len())
            .ok_or(io::ErrorKind::UnexpectedEof)?;
        buffer.copy_from_slice(bytes);
        Ok(())
    }

    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut inner = self.disk.inner.lock();
        inner.check(self.disk.life)?;
        inner.tick();
        let (kept, result) = match inner.trouble {
            None | Some(Trouble::SyncFails) => (bytes, Ok(())),
            Some(Trouble::Full) => (
                &bytes[..bytes.len() / 2],
                Err(io::ErrorKind::StorageFull.into()),
            ),
            Some(Trouble::Dead) => return Err(io::Error::other("the disk is dead")),
        };
        let change = Change::Write(offset, kept.to_vec());
        let file = &mut inner.files[self.id];
        apply(&mut file.current, &change);
        file.pending.push(change);
        result
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut inner = self.disk.inner.lock();
        inner.check(self.disk.life)?;
        inner.tick();
        let trouble = inner.trouble;
        let file = &mut inner.files[self.id];
        let pending = std::mem::take(&mut file.pending);
        if matches!(trouble, Some(Trouble::SyncFails | Trouble::Dead)) {
            return Err(io::Error::other("the sync failed"));
        }
        for change in &pending {
            apply(&mut file.durable, change);
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut inner = self.disk.inner.lock();
        inner.check(self.disk.life)?;
        inner.tick();
        if inner.trouble == Some(Trouble::Dead) {
            return Err(io::Error::other("the disk is dead"));
        }
        let file = &mut inner.files[self.id];
        apply(&mut file.current, &Change::Cut(len));
        file.pending.push(Change::Cut(len));
        Ok(())
    }
}
