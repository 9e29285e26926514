//! Settings to adapters: the one file that knows which mode is which.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;

use crate::config::{ConfigError, Mode, Settings};
use crate::embedded::disk::{DataDirLock, SystemDisk};
use crate::embedded::log::{EmbeddedLog, LogOptions};
use crate::embedded::store::{EmbeddedStore, StoreOptions};
use crate::flow::{JournalError, begin_generation};
use crate::live::cassandra::{self, CassandraStore, SetupStep};
use crate::live::faults::FaultControl;
use crate::live::kafka::{self, KafkaLog};
use crate::model::Topic;
use crate::ports::{Clock, Entropy, Log, LogError, Store, StoreError, SystemClock, SystemEntropy};
use crate::route::RoutingError;

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
    /// What this process alone writes: the data directory, or a folder in it where several
    /// processes share one.
    pub(crate) own_dir: PathBuf,
    /// Keeps other processes out of that folder.
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
    /// The routing map of the data directory.
    #[error("{path:?}: {source}")]
    Routing {
        /// Why.
        source: RoutingError,
        /// The file.
        path: PathBuf,
    },
    /// A list in the data directory: changes of the map, fixes of rows, faults.
    #[error("a list in the data directory cannot be used: {0}")]
    Journal(#[from] JournalError),
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
            Self::Routing { source, .. } => source.remedy().into(),
            Self::Journal(error) => error.remedy().into(),
            Self::Log(error) => error.remedy().into(),
            Self::Store(error) => error.remedy().into(),
            Self::Internal(_) => "this is a fault of the program; please report it".into(),
        }
    }
}

/// Opens the adapters that the settings name.
pub(crate) fn open(settings: &Settings) -> Result<Ports, OpenError> {
    match settings.mode {
        Mode::Embedded => open_embedded(settings),
        Mode::Live => open_live(settings),
    }
}

/// Makes topics and tables in live mode; embedded ones are made when they are opened.
///
/// Where topics of lines are made for tables that were there before, a new generation of write
/// timestamps is stored first. Engines read it at their start: consumers that run must be started
/// again, or their summaries lose against those of the others.
pub(crate) fn setup(settings: &Settings) -> Result<(), OpenError> {
    match settings.mode {
        Mode::Embedded => Ok(()),
        Mode::Live => {
            let missing = kafka::missing(settings)?;
            let tables = cassandra::setup(settings)?;
            // Before the topics are there: a setup that is cut short between the two does it again.
            if begins_again(&missing, &tables) {
                store_generation(settings)?;
            }
            kafka::setup(settings)?;
            Ok(())
        }
    }
}

/// Whether offsets begin again at 0 while tables hold summaries whose timestamps were made of the
/// offsets before: to the nodes everything new would be older than what is there.
fn begins_again(missing: &[Topic], tables: &[SetupStep]) -> bool {
    let has_rows = tables
        .iter()
        .any(|step| step.made == cassandra::Made::Before);
    has_rows && missing.iter().any(|t| matches!(t, Topic::Lines(_)))
}

fn store_generation(settings: &Settings) -> Result<(), OpenError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let store = CassandraStore::connect(settings, Arc::clone(&clock), Arc::default())?;
    begin_generation(&store, clock.as_ref())?;
    tracing::warn!(
        "topics are made again for tables that are there: start running consumers again"
    );
    store.close()?;
    Ok(())
}

fn open_live(settings: &Settings) -> Result<Ports, OpenError> {
    let (own_dir, lock) = lock_instance(&settings.data_dir)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let faults = Arc::new(FaultControl::of(settings));
    let log = KafkaLog::connect(settings, Arc::clone(&clock), Arc::clone(&faults))?;
    let store = CassandraStore::connect(settings, Arc::clone(&clock), faults)?;
    Ok(Ports {
        log: Arc::new(log),
        store: Arc::new(store),
        clock,
        entropy: Arc::new(SystemEntropy::default()),
        own_dir,
        lock,
    })
}

/// Opens the log alone, in topics or a folder of its own that is named by `name`.
pub(crate) fn open_log(settings: &Settings, name: &str) -> Result<Arc<dyn Log>, OpenError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    match settings.mode {
        Mode::Embedded => {
            let dir = settings.data_dir.join(name);
            Ok(Arc::new(embedded_log(settings, &dir, clock)?))
        }
        Mode::Live => {
            let mut settings = settings.clone();
            settings.live.kafka_topic_prefix.push_str(name);
            settings.live.kafka_topic_prefix.push('-');
            kafka::setup(&settings)?;
            Ok(Arc::new(KafkaLog::connect(
                &settings,
                clock,
                Arc::default(),
            )?))
        }
    }
}

fn embedded_log(
    settings: &Settings,
    dir: &Path,
    clock: Arc<dyn Clock>,
) -> Result<EmbeddedLog, OpenError> {
    let options = LogOptions {
        partitions_per_topic: settings.log.partitions,
        ..LogOptions::default()
    };
    Ok(EmbeddedLog::open(
        dir,
        Arc::new(SystemDisk),
        clock,
        options,
    )?)
}

fn open_embedded(settings: &Settings) -> Result<Ports, OpenError> {
    let dir = &settings.data_dir;
    let lock = lock(dir)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let store_options = StoreOptions {
        request_timeout: settings.store.request_timeout,
        hint_window: settings.store.hint_window,
        ..StoreOptions::default()
    };
    let log = embedded_log(settings, &dir.join("log"), Arc::clone(&clock))?;
    let store = EmbeddedStore::open(&dir.join("store"), Arc::clone(&clock), store_options)?;
    Ok(Ports {
        log: Arc::new(log),
        store: Arc::new(store),
        clock,
        entropy: Arc::new(SystemEntropy::default()),
        own_dir: dir.clone(),
        lock,
    })
}

/// Processes of live mode that may share a data directory; more than any host runs.
const INSTANCES: u32 = 64;

/// Takes the first folder of `dir` that no other process has: journals of faults and of mended
/// rows lie in it, and the next process to start finds them again.
fn lock_instance(dir: &Path) -> Result<(PathBuf, DataDirLock), OpenError> {
    let mut refused = None;
    for number in 1..=INSTANCES {
        let own = dir.join(format!("instance-{number}"));
        match lock(&own) {
            Ok(lock) => return Ok((own, lock)),
            Err(error @ OpenError::InUse { .. }) => refused = Some(error),
            Err(error) => return Err(error),
        }
    }
    Err(refused.unwrap_or_else(|| OpenError::Internal("no folder for this process".into())))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_topics_of_lines_that_are_made_for_old_tables_begin_again() {
        use crate::model::Region;
        use cassandra::Made;

        let tables = |keyspace, rest| {
            [("keyspace retail", keyspace), ("table retail.notes", rest)].map(|(what, made)| {
                SetupStep {
                    what: what.to_owned(),
                    made,
                }
            })
        };
        let lines = Topic::Lines(Region::Americas);
        let old = tables(Made::Before, Made::Before);
        assert!(begins_again(&Topic::ALL, &old));
        assert!(begins_again(&[lines], &old));
        // One table is new to this version of the program.
        assert!(begins_again(&[lines], &tables(Made::Before, Made::Now)));
        assert!(!begins_again(&[lines], &tables(Made::Now, Made::Now)));
        assert!(!begins_again(&[Topic::Quarantine], &old));
        assert!(!begins_again(&[], &old));
    }

    #[test]
    fn each_process_gets_the_first_folder_that_is_free() {
        let dir = tempfile::tempdir().unwrap();
        let (first, kept) = lock_instance(dir.path()).unwrap();
        let (second, _also) = lock_instance(dir.path()).unwrap();
        assert_eq!(first, dir.path().join("instance-1"));
        assert_eq!(second, dir.path().join("instance-2"));
        drop(kept);
        let (again, _) = lock_instance(dir.path()).unwrap();
        assert_eq!(again, first);
    }
}
