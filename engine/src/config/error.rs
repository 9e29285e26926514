//! What can be wrong with settings: the key, the value, where it was written, how to mend it.

use std::fmt;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Where a value was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Nowhere: the default.
    Default,
    /// In the settings file.
    File {
        /// Line, from 1.
        line: usize,
        /// The file.
        path: PathBuf,
    },
    /// In a profile that comes with the program.
    Profile {
        /// The profile.
        name: &'static str,
        /// Line, from 1.
        line: usize,
    },
    /// In a `.env` file.
    DotEnv {
        /// Line, from 1.
        line: usize,
        /// The file.
        path: PathBuf,
    },
    /// In the environment.
    Env {
        /// Name of the variable.
        name: String,
    },
    /// On the command line.
    Flag {
        /// The flag, with its dashes.
        name: String,
    },
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("the default"),
            Self::File { line, path } | Self::DotEnv { line, path } => {
                write!(f, "line {line} of {}", path.display())
            }
            Self::Profile { name, .. } => write!(f, "the profile {name}"),
            Self::Env { name } => write!(f, "the environment variable {name}"),
            Self::Flag { name } => f.write_str(name),
        }
    }
}

/// Why settings were refused.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// A key that no setting has.
    #[error("unknown setting {key:?}{}, in {origin}", did_you_mean(*nearest))]
    UnknownKey {
        /// As written, with its section.
        key: String,
        /// The known key that is closest, if one is close.
        nearest: Option<&'static str>,
        /// Where.
        origin: Source,
    },
    /// A profile that is neither built in nor in the settings file.
    #[error("there is no profile {name:?}, named by {origin}; there are {}", known.join(", "))]
    UnknownProfile {
        /// As written.
        name: String,
        /// Those that there are.
        known: Vec<String>,
        /// Where it was named.
        origin: Source,
    },
    /// A value that is not of the kind, or outside the range, of its setting.
    #[error("{key} = {value} is not possible: it must be {expected}; from {origin}")]
    BadValue {
        /// The setting.
        key: &'static str,
        /// As written; masked for a secret.
        value: String,
        /// What it must be, in words, with the range.
        expected: String,
        /// Where.
        origin: Source,
    },
    /// Settings that are possible each by itself and not together.
    #[error("{what}: {values}")]
    Conflict {
        /// What does not fit, in words.
        what: &'static str,
        /// The settings with their values and sources.
        values: String,
    },
    /// The settings file is not TOML.
    #[error("line {line}, column {column}: {what}, in {path:?}")]
    Syntax {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What the parser met.
        what: String,
        /// The file.
        path: PathBuf,
    },
    /// The `.env` file has a line that is not `NAME=value`.
    #[error("{what}, in {path:?}")]
    DotEnv {
        /// What the parser met, without the line's text, which may hold a secret.
        what: String,
        /// The file.
        path: PathBuf,
    },
    /// A file cannot be read.
    #[error("cannot be read: {source}: {path:?}")]
    Unreadable {
        /// What the system said.
        source: std::io::Error,
        /// The file.
        path: PathBuf,
    },
    /// A secret stands in a file that others may read.
    #[error(
        "{key} is a secret, and others may read the file that it is in (mode {mode:03o}): {path:?}"
    )]
    SecretInOpenFile {
        /// The setting.
        key: &'static str,
        /// Permission bits of the file.
        mode: u32,
        /// The file.
        path: PathBuf,
    },
    /// A secret on the command line, where every process can read it.
    #[error("{key} is a secret and cannot be given on the command line")]
    SecretInFlag {
        /// The setting.
        key: &'static str,
    },
    /// The file that was found through the data directory names another one.
    #[error("data_dir cannot be set in the file that was found in the data directory: {path:?}")]
    DataDirInItself {
        /// The file.
        path: PathBuf,
    },
    /// The platform has no home directory to derive a data directory from.
    #[error("this account has no home directory to keep data in")]
    NoDataDir,
}

impl ConfigError {
    /// What a person can do about it.
    pub fn remedy(&self) -> String {
        match self {
            Self::UnknownKey { .. } => {
                "`retail-engine setup --list-settings` shows every setting".to_owned()
            }
            Self::UnknownProfile { .. } => {
                "name one of them, write a table [profiles.NAME] in the settings file, or name a \
                 file that ends in .toml"
                    .to_owned()
            }
            Self::BadValue { key, .. } => {
                format!("set {key} within its range, or leave it out for the default")
            }
            Self::Conflict { .. } => "change one of them".to_owned(),
            Self::Syntax { .. } => {
                "mend that line; text stands in double quotes, `[section]` on a line of its own"
                    .to_owned()
            }
            Self::DotEnv { .. } => "write each line as NAME=value".to_owned(),
            Self::Unreadable { .. } => "check the path and its permissions".to_owned(),
            Self::SecretInOpenFile { path, .. } => {
                format!(
                    "chmod 600 {}, or use the environment variable",
                    path.display()
                )
            }
            Self::SecretInFlag { key } => format!(
                "set {} in the environment instead",
                super::setting(key).map_or("its variable", |doc| doc.env)
            ),
            Self::DataDirInItself { .. } => {
                "use --data-dir, RETAIL_DATA_DIR, or a file given with --config".to_owned()
            }
            Self::NoDataDir => "name a directory with --data-dir".to_owned(),
        }
    }

    /// The file at fault, if there is one.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Syntax { path, .. }
            | Self::DotEnv { path, .. }
            | Self::Unreadable { path, .. }
            | Self::SecretInOpenFile { path, .. }
            | Self::DataDirInItself { path } => Some(path),
            Self::UnknownKey { origin, .. }
            | Self::UnknownProfile { origin, .. }
            | Self::BadValue { origin, .. } => match origin {
                Source::File { path, .. } | Source::DotEnv { path, .. } => Some(path),
                Source::Default
                | Source::Profile { .. }
                | Source::Env { .. }
                | Source::Flag { .. } => None,
            },
            Self::Conflict { .. } | Self::SecretInFlag { .. } | Self::NoDataDir => None,
        }
    }
}

fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |key| format!(" (did you mean {key:?}?)"))
}
