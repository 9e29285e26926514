//! How the program was started: what it may do, and where its settings were written.

use std::collections::BTreeMap;
use std::path::PathBuf;

use retail_engine::config::{Loaded, Source};

/// What the console may send to the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Access {
    /// Everything.
    #[default]
    ReadWrite,
    /// What reads, and what ends faults.
    ReadOnly,
}

/// How the program was started.
#[derive(Debug, Clone, Default)]
pub struct Start {
    /// `--read-only`: then the console cannot be switched to writing.
    pub access: Access,
    /// Source of each setting, by key; empty where the settings were made by a program.
    pub origins: BTreeMap<&'static str, Source>,
    /// The settings file that was read.
    pub config_file: Option<PathBuf>,
}

impl Start {
    /// With settings that were loaded.
    pub fn with(loaded: &Loaded, access: Access) -> Self {
        Self {
            access,
            origins: loaded.origins.clone(),
            config_file: loaded.config_file.clone(),
        }
    }

    /// Where a setting was written.
    pub fn source(&self, key: &str) -> &Source {
        self.origins.get(key).unwrap_or(&Source::Default)
    }
}
