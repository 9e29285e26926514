//! Logs: short lines for a person on stderr, JSON lines in files of a day each.
//!
//! Files are written by a thread of their own. Its queue pushes back when it is full, which at
//! the engine's few lines a second means that the disk stands still.

use std::io::{self, IsTerminal};
use std::path::PathBuf;

use thiserror::Error;
use tracing::level_filters::LevelFilter;
use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

use crate::config::{LogLevel, Settings};

/// How the terminal lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TerminalStyle {
    /// Colours on a terminal, none in a file or pipe.
    Auto,
    /// Never a colour.
    Plain,
}

/// Keeps the log files open; dropping it writes out what is queued.
#[derive(Debug)]
pub struct LoggingGuard {
    _file: Option<WorkerGuard>,
}

/// Why logging could not start.
#[derive(Debug, Error)]
pub enum LoggingError {
    /// The log files cannot be written.
    #[error("log files cannot be written: {what}: {path:?}")]
    Files {
        /// What the system said.
        what: String,
        /// Their folder.
        path: PathBuf,
    },
    /// Another part of the process has started logging.
    #[error("logging was started before")]
    Twice,
}

impl LoggingError {
    /// What a person can do about it.
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::Files { .. } => {
                "check the permissions of the data directory, or choose another with --data-dir"
            }
            Self::Twice => "this is a fault of the program: logging starts once, in main",
        }
    }
}

/// Starts logging for the whole process. `verbosity` moves the terminal's level: `-v` is 1, `-q`
/// is -1.
pub fn start_logging(
    settings: &Settings,
    verbosity: i8,
    style: TerminalStyle,
) -> Result<LoggingGuard, LoggingError> {
    let level = settings.logging.level.moved(verbosity);
    let colour = match style {
        TerminalStyle::Auto => io::stderr().is_terminal(),
        TerminalStyle::Plain => false,
    };
    let terminal = fmt::layer()
        .with_writer(io::stderr)
        .with_ansi(colour)
        .with_target(false)
        .with_filter(filter(level));
    let (file, guard) = match settings.logging.file_level {
        LogLevel::Off => (None, None),
        level => {
            let (writer, guard) = open_files(settings)?;
            let layer = fmt::layer()
                .json()
                .flatten_event(true)
                .with_thread_names(true)
                .with_writer(writer)
                .with_filter(filter(level));
            (Some(layer), Some(guard))
        }
    };
    match tracing_subscriber::registry()
        .with(terminal)
        .with(file)
        .try_init()
    {
        Ok(()) => Ok(LoggingGuard { _file: guard }),
        Err(_already_set) => Err(LoggingError::Twice),
    }
}

/// What of ours passes at `level`; of the libraries, warnings only: their inner life is noise.
fn filter(level: LogLevel) -> Targets {
    let level = match level {
        LogLevel::Off => LevelFilter::OFF,
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    // The drivers of live mode warn of what their adapters chose on purpose, and of servers that
    // are gone, which the adapters tell themselves. Asked for more, they speak.
    let drivers = if level > LevelFilter::INFO {
        LevelFilter::WARN
    } else {
        level.min(LevelFilter::ERROR)
    };
    Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_target("librdkafka", drivers)
        .with_target("rdkafka", drivers)
        .with_target("scylla", drivers)
        .with_target("retail", level)
}

/// Lines that may wait for the disk. Room for all of them is taken at once, 32 bytes each.
const LINES_WAITING: usize = 4_096;

fn open_files(settings: &Settings) -> Result<(NonBlocking, WorkerGuard), LoggingError> {
    let path = settings.log_files_dir();
    let failed = |what: String| LoggingError::Files {
        what,
        path: path.clone(),
    };
    std::fs::create_dir_all(&path).map_err(|error| failed(error.to_string()))?;
    let appender = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("retail")
        .filename_suffix("jsonl")
        .max_log_files(settings.logging.files_max)
        .build(&path)
        .map_err(|error| failed(error.to_string()))?;
    Ok(NonBlockingBuilder::default()
        .buffered_lines_limit(LINES_WAITING)
        .lossy(false)
        .thread_name("log-files")
        .finish(appender))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_quiet_and_the_engine_is_not() {
        use tracing::Level;
        let filter = filter(LogLevel::Debug);
        assert!(filter.would_enable("retail_engine::flow", &Level::DEBUG));
        assert!(!filter.would_enable("retail_engine::flow", &Level::TRACE));
        assert!(!filter.would_enable("fjall::journal", &Level::INFO));
        assert!(filter.would_enable("fjall::journal", &Level::WARN));
    }

    #[test]
    fn quiet_silences_libraries_too() {
        let quiet = filter(LogLevel::Warn);
        assert!(!quiet.would_enable("librdkafka", &tracing::Level::WARN));
        let filter = filter(LogLevel::Off);
        assert!(!filter.would_enable("fjall", &tracing::Level::ERROR));
    }

    /// One test for all that is global: a process starts logging once.
    #[test]
    fn the_files_hold_json_lines_and_logging_starts_once() {
        let dir = tempfile::tempdir().unwrap();
        let settings = Settings::in_dir(dir.path());
        let guard = start_logging(&settings, -3, TerminalStyle::Plain).unwrap();
        tracing::info!(lines = 7, "a load ended");
        tracing::debug!("not for the file");
        drop(guard);
        let files: Vec<_> = std::fs::read_dir(settings.log_files_dir())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        assert_eq!(files.len(), 1, "{files:?}");
        let text = std::fs::read_to_string(&files[0]).unwrap();
        let lines: Vec<serde_json::Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert!(
            lines
                .iter()
                .any(|line| line["message"] == "a load ended" && line["lines"] == 7)
        );
        assert!(!text.contains("not for the file"));
        let again = start_logging(&settings, 0, TerminalStyle::Plain);
        assert!(matches!(again, Err(LoggingError::Twice)));
    }
}
