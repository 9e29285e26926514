//! Settings to adapters: the one file that knows which mode is which.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;

use crate::config::{ConfigError, Settings};
use crate::embedded::disk::{DataDirLock, SystemDisk};
use crate::embedded::log::{EmbeddedLog, LogOptions};
use crate::embedded::store::{EmbeddedStore, StoreOptions};
use crate::ports::{Clock, Entropy, Log, LogError, Store, StoreError, SystemClock, SystemEntropy};

/// What an engine runs on.
pub(crate) struct Ports {
    /// The log.
    pub(crate) log: Arc<dyn Log>,
    /// The store.
    pub(crate) store: Arc<dyn Store>,
    /// Time.
    pub(crate) clock: Arc<dyn Clock>,
    /// Randomness.
    pub(crate) entropy: Arc<dyn Entropy>,
    /// Keeps other processes out of the data directory.
    pub(crate) lock: DataDirLock,
}

/// Why an engine could not be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The settings.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Another process has the data directory.
    #[error("the data directory is in use by {}: {path:?}", holder(.pid.as_ref()))]
    InUse {
        /// The process, if it left its number.
        pid: Option<u32>,
        /// The directory.
        path: PathBuf,
    },
    /// The data directory cannot be made or locked.
    #[error("the data directory cannot be used: {source}: {path:?}")]
    DataDir {
        /// Why.
        source: io::Error,
        /// The directory.
        path: PathBuf,
    },
    /// The log.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A metric, a table or a thread of this program itself.
    #[error("the engine could not start: {0}")]
    Internal(String),
}

fn holder(pid: Option<&u32>) -> String {
    pid.map_or_else(
        || "another process".to_owned(),
        |pid| format!("process {pid}"),
    )
}

impl OpenError {
    /// What a person can do about it.
    pub fn remedy(&self) -> String {
        match self {
            Self::Config(error) => error.remedy(),
            Self::InUse { .. } => {
                "end that process, or choose another directory with --data-dir".into()
            }
            Self::DataDir { .. } => {
                "check its permissions, or choose another directory with --data-dir".into()
            }
            Self::Log(error) => error.remedy().into(),
            Self::Store(error) => error.remedy().into(),
            Self::Internal(_) => "this is a fault of the program; please report it".into(),
        }
    }
}

/// Opens the adapters that the settings name.
pub(crate) fn open(settings: &Settings) -> Result<Ports, OpenError> {
    settings.require_embedded()?;
    let dir = &settings.data_dir;
    let lock = lock(dir)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let log_options = LogOptions {
        partitions_per_topic: settings.log.partitions,
        ..LogOptions::default()
    };
    let store_options = StoreOptions {
        request_timeout: settings.store.request_timeout,
        hint_window: settings.store.hint_window,
        ..StoreOptions::default()
    };
    let log = EmbeddedLog::open(
        &dir.join("log"),
        Arc::new(SystemDisk),
        Arc::clone(&clock),
        log_options,
    )?;
    let store = EmbeddedStore::open(&dir.join("store"), Arc::clone(&clock), store_options)?;
    Ok(Ports {
        log: Arc::new(log),
        store: Arc::new(store),
        clock,
        entropy: Arc::new(SystemEntropy::default()),
        lock,
    })
}

fn lock(dir: &Path) -> Result<DataDirLock, OpenError> {
    let path = dir.to_path_buf();
    std::fs::create_dir_all(dir).map_err(|source| OpenError::DataDir {
        source,
        path: path.clone(),
    })?;
    DataDirLock::take(dir).map_err(|source| {
        if source.kind() == io::ErrorKind::WouldBlock {
            let pid = DataDirLock::holder(dir);
            OpenError::InUse { pid, path }
        } else {
            OpenError::DataDir { source, path }
        }
    })
}
