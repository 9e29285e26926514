//! A replica's database on disk: fjall, a log-structured merge tree with a journal.
//!
//! A batch is one record of the journal, synced with `fdatasync` before the commit returns.
//! Values are the buffers that the coordinator encoded, shared by all three replicas.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};

use bytes::Bytes;
use fjall::compaction::Leveled;
use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode, Readable, Snapshot};

use crate::ports::{Backlog, Compactions};

use super::kv::{Batch, Kv, KvError, Row, Rows, Table, View, after_prefix};

/// Blocks that were read, kept in memory; per replica.
const CACHE_BYTES: u64 = 1 << 20;
/// Rows not yet in a sorted file, per large table of a replica.
const LARGE_MEMTABLE_BYTES: u64 = 6 << 20;
/// The same for the small tables.
const SMALL_MEMTABLE_BYTES: u64 = 2 << 20;
/// Length of a sorted file. A merge keeps the keys it wrote until the file is complete, and each
/// key keeps the block it was read from: what a merge holds is the length of a file.
const TABLE_BYTES: u64 = 4 << 20;
/// The least that fjall admits.
const JOURNAL_BYTES: u64 = 64 << 20;

/// Why a folder could not be opened.
#[derive(Debug)]
pub(super) enum OpenError {
    /// Another process, or this one, has it open.
    InUse,
    /// The files are not what fjall wrote.
    Damaged(String),
    /// The file system refused.
    Failed(String),
}

/// An open database.
pub(super) struct FjallKv {
    db: Database,
    trees: Arc<Trees>,
    path: PathBuf,
    /// Makes the trees of a new database.
    making: Option<JoinHandle<()>>,
}

/// A tree of the database. It costs some twenty syncs when it is made, and buffers of its own
/// after, so the small tables share one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tree {
    Small,
    Blocks,
    Summaries,
    /// Made with the first hint: most replicas never keep one.
    Hints,
}

impl Tree {
    const ALL: [Self; 4] = [Self::Small, Self::Blocks, Self::Summaries, Self::Hints];

    const fn name(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Blocks => "blocks",
            Self::Summaries => "summaries",
            Self::Hints => "hints",
        }
    }

    const fn memtable_bytes(self) -> u64 {
        match self {
            Self::Blocks | Self::Summaries => LARGE_MEMTABLE_BYTES,
            Self::Small | Self::Hints => SMALL_MEMTABLE_BYTES,
        }
    }

    /// The tree of a table, and the byte before its keys where it shares the tree.
    const fn of(table: Table) -> (Self, Option<u8>) {
        match table {
            Table::Blocks => (Self::Blocks, None),
            Table::Summaries => (Self::Summaries, None),
            Table::Hints => (Self::Hints, None),
            Table::Catalog => (Self::Small, Some(b'c')),
            Table::Rejects => (Self::Small, Some(b'r')),
            Table::Notes => (Self::Small, Some(b'n')),
            Table::Derived => (Self::Small, Some(b'd')),
            Table::Meta => (Self::Small, Some(b'm')),
        }
    }

    /// Opens it; makes it when it is not there.
    fn open(self, db: &Database) -> fjall::Result<Keyspace> {
        db.keyspace(self.name(), || {
            let merging = Leveled::default().with_table_target_size(TABLE_BYTES);
            KeyspaceCreateOptions::default()
                .max_memtable_size(self.memtable_bytes())
                .compaction_strategy(Arc::new(merging))
        })
    }
}

/// The trees that were made.
#[derive(Default)]
struct Trees([OnceLock<Keyspace>; Tree::ALL.len()]);

impl Trees {
    /// The tree of a table, and the byte before its keys where it shares the tree; `None` for one
    /// that has never held a row.
    fn of(&self, table: Table) -> Option<(&Keyspace, Option<u8>)> {
        let (tree, tag) = Tree::of(table);
        Some((self.0[tree as usize].get()?, tag))
    }

    /// The tree; made now if it is not there.
    fn made(&self, tree: Tree, db: &Database) -> fjall::Result<&Keyspace> {
        let place = &self.0[tree as usize];
        if let Some(found) = place.get() {
            return Ok(found);
        }
        // Two who make it at once are given the same.
        let made = tree.open(db)?;
        Ok(place.get_or_init(|| made))
    }
}

impl FjallKv {
    /// Opens the database in a folder; makes it when it is not there. The trees of a new one are
    /// made beside what goes on: the disk is waited for some sixty times meanwhile.
    pub(super) fn open(path: &Path) -> Result<Self, OpenError> {
        fs::create_dir_all(path).map_err(|e| OpenError::Failed(e.to_string()))?;
        let db = Database::builder(path)
            .cache_size(CACHE_BYTES)
            .max_journaling_size(JOURNAL_BYTES)
            .worker_threads(1)
            .open()
            .map_err(open_error)?;
        let trees = Arc::new(Trees::default());
        let mut missing = Vec::new();
        for tree in Tree::ALL {
            if db.keyspace_exists(tree.name()) {
                trees.made(tree, &db).map_err(open_error)?;
            } else if tree != Tree::Hints {
                missing.push(tree);
            }
        }
        let making = if missing.is_empty() {
            None
        } else {
            Some(make(missing, &trees, &db)?)
        };
        Ok(Self {
            db,
            trees,
            path: path.to_owned(),
            making,
        })
    }
}

/// Makes trees on a thread of its own. One that cannot be made is tried again by the first who
/// writes to it, who is told why.
fn make(
    missing: Vec<Tree>,
    trees: &Arc<Trees>,
    db: &Database,
) -> Result<JoinHandle<()>, OpenError> {
    let (trees, db) = (Arc::clone(trees), db.clone());
    thread::Builder::new()
        .name("store-making".to_owned())
        .spawn(move || {
            for tree in missing {
                if let Err(error) = trees.made(tree, &db) {
                    tracing::warn!(tree = tree.name(), %error, "a tree was not made");
                }
            }
        })
        .map_err(|error| OpenError::Failed(error.to_string()))
}

impl Drop for FjallKv {
    /// The folder is free for the next who opens it when nobody holds the database.
    fn drop(&mut self) {
        if let Some(making) = self.making.take()
            && making.join().is_err()
        {
            tracing::error!(path = %self.path.display(), "making the trees ended in a panic");
        }
    }
}

fn open_error(error: fjall::Error) -> OpenError {
    match error {
        fjall::Error::Locked => OpenError::InUse,
        fjall::Error::Io(error)
            if !matches!(
                error.kind(),
                io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof | io::ErrorKind::NotFound
            ) =>
        {
            OpenError::Failed(error.to_string())
        }
        other => OpenError::Damaged(other.to_string()),
    }
}

impl From<fjall::Error> for KvError {
    fn from(error: fjall::Error) -> Self {
        Self(error.to_string())
    }
}

fn placed(tag: Option<u8>, key: &[u8]) -> Vec<u8> {
    let mut placed = Vec::with_capacity(key.len() + 1);
    placed.extend(tag);
    placed.extend_from_slice(key);
    placed
}

impl Kv for FjallKv {
    fn commit(&self, batch: Batch) -> Result<(), KvError> {
        let mut out = self.db.batch().durability(Some(PersistMode::SyncData));
        for change in batch.changes {
            let (tree, tag) = Tree::of(change.table);
            let keyspace = self.trees.made(tree, &self.db)?;
            let key = match tag {
                None => change.key,
                Some(_) => placed(tag, &change.key).into(),
            };
            match change.value {
                Some(value) => out.insert(keyspace, key, value),
                None => out.remove(keyspace, key),
            }
        }
        Ok(out.commit()?)
    }

    fn view(&self) -> Box<dyn View> {
        Box::new(FjallView {
            snapshot: self.db.snapshot(),
            trees: Arc::clone(&self.trees),
        })
    }

    fn disk_bytes(&self) -> Result<u64, KvError> {
        folder_bytes(&self.path).map_err(|e| KvError(e.to_string()))
    }

    /// From counters in memory: no file is looked at.
    fn compactions(&self) -> Option<Compactions> {
        let made = self.trees.0.iter().filter_map(OnceLock::get);
        let files: usize = made.map(Keyspace::l0_table_count).sum();
        Some(Compactions {
            running: self.db.active_compactions() as u64,
            backlog: Backlog::Files(files as u64),
        })
    }
}

/// Bytes of all files below a folder. Files that vanish meanwhile count nothing.
fn folder_bytes(path: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let counted = match entry.metadata() {
            Ok(meta) if meta.is_dir() => folder_bytes(&entry.path()),
            Ok(meta) => Ok(occupied(&meta)),
            Err(error) => Err(error),
        };
        match counted {
            Ok(more) => bytes += more,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(bytes)
}

/// What a file takes on its disk: a journal is made long and filled later, so its length says
/// nothing.
#[cfg(unix)]
fn occupied(meta: &fs::Metadata) -> u64 {
    use std::os::unix::fs::MetadataExt;
    meta.blocks() * 512
}

/// What a file takes on its disk.
#[cfg(not(unix))]
fn occupied(meta: &fs::Metadata) -> u64 {
    meta.len()
}

struct FjallView {
    snapshot: Snapshot,
    trees: Arc<Trees>,
}

impl View for FjallView {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Bytes>, KvError> {
        let Some((keyspace, tag)) = self.trees.of(table) else {
            return Ok(None);
        };
        let value = match tag {
            None => self.snapshot.get(keyspace, key)?,
            Some(_) => self.snapshot.get(keyspace, placed(tag, key))?,
        };
        Ok(value.map(Into::into))
    }

    fn range(&self, table: Table, from: &[u8], to: Option<&[u8]>) -> Rows {
        let Some((keyspace, tag)) = self.trees.of(table) else {
            return Box::new(std::iter::empty());
        };
        let from = placed(tag, from);
        let to = match (to, tag) {
            (Some(to), _) => Some(placed(tag, to)),
            (None, Some(tag)) => after_prefix(&[tag]),
            (None, None) => None,
        };
        let rows = match to {
            // A range that ends before it begins is empty; the tree would refuse it.
            Some(to) if to <= from => return Box::new(std::iter::empty()),
            Some(to) => self.snapshot.range(keyspace, from..to),
            None => self.snapshot.range(keyspace, from..),
        };
        Box::new(rows.map(move |guard| {
            let (key, value) = guard.into_inner()?;
            let key = Bytes::from(key);
            let key = match tag {
                None => key,
                Some(_) => key.slice(1..),
            };
            Ok::<Row, KvError>((key, value.into()))
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_on_disk_is_unmoved_by_later_commits() {
        let dir = tempfile::tempdir().unwrap();
        let kv = FjallKv::open(dir.path()).unwrap();
        super::super::tests::a_view_is_unmoved_by_later_commits(&kv);
    }

    #[test]
    fn what_is_written_while_the_trees_are_made_is_there_when_it_is_opened_again() {
        let dir = tempfile::tempdir().unwrap();
        let holds = |kv: &FjallKv, table| kv.view().get(table, b"key").unwrap();
        let kv = FjallKv::open(dir.path()).unwrap();
        for table in Table::ALL {
            assert_eq!(holds(&kv, table), None);
            let mut batch = Batch::default();
            batch.put(table, &b"key"[..], &b"value"[..]);
            kv.commit(batch).unwrap();
        }
        drop(kv);
        let kv = FjallKv::open(dir.path()).unwrap();
        assert!(kv.making.is_none(), "all trees are there");
        for table in Table::ALL {
            assert_eq!(holds(&kv, table).as_deref(), Some(&b"value"[..]));
        }
    }

    #[test]
    fn a_new_folder_that_is_closed_at_once_can_be_opened_again() {
        let dir = tempfile::tempdir().unwrap();
        drop(FjallKv::open(dir.path()).unwrap());
        let kv = FjallKv::open(dir.path()).unwrap();
        let mut rows = kv.view().range(Table::Blocks, b"", None);
        assert!(rows.next().is_none());
    }

    #[test]
    fn what_was_written_out_over_other_rows_waits_to_be_merged() {
        let dir = tempfile::tempdir().unwrap();
        let kv = FjallKv::open(dir.path()).unwrap();
        let files = |kv: &FjallKv| match kv.compactions().unwrap().backlog {
            Backlog::Files(files) => files,
            Backlog::Tasks(tasks) => panic!("{tasks} tasks"),
        };
        // The first file has nothing to be merged with, and is let through at once.
        for expect in [0, 1] {
            assert_eq!(files(&kv), 0);
            let mut batch = Batch::default();
            batch.put(Table::Blocks, &b"key"[..], &b"value"[..]);
            kv.commit(batch).unwrap();
            let (tree, _) = kv.trees.of(Table::Blocks).unwrap();
            tree.rotate_memtable_and_wait().unwrap();
            let begun = std::time::Instant::now();
            while files(&kv) != expect || tree.table_count() as u64 != expect + 1 {
                assert!(begun.elapsed() < std::time::Duration::from_secs(20));
                thread::yield_now();
            }
        }
    }

    #[test]
    fn a_folder_is_opened_once() {
        let dir = tempfile::tempdir().unwrap();
        let _kv = FjallKv::open(dir.path()).unwrap();
        assert!(matches!(FjallKv::open(dir.path()), Err(OpenError::InUse)));
    }
}
