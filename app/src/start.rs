//! How the program was started: what it may do, and where its settings were written.

use std::collections::BTreeMap;
use std::path::PathBuf;

use retail_engine::config::{FaultsBy, Loaded, Mode, Settings, Source};
use retail_engine::lab::Programs;

/// What the console may send to the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Access {
    /// Everything.
    #[default]
    ReadWrite,
    /// What reads, and what ends faults.
    ReadOnly,
}

/// What may be done to the servers that the program uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProfileKind {
    /// They are inside the process.
    Embedded,
    /// They are there to be broken.
    Lab,
    /// They are not: what cannot be taken lightly asks for a name.
    Prod,
}

impl ProfileKind {
    /// Of settings: servers that are not said to be a lab are none.
    pub const fn of(settings: &Settings) -> Self {
        match (settings.mode, settings.lab.faults) {
            (Mode::Embedded, _) => Self::Embedded,
            (Mode::Live, FaultsBy::None) => Self::Prod,
            (Mode::Live, FaultsBy::Native | FaultsBy::Commands) => Self::Lab,
        }
    }

    /// In a word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Embedded => "EMBEDDED",
            Self::Lab => "LAB",
            Self::Prod => "PROD",
        }
    }
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
    /// The profile that was used, if any.
    pub profile: Option<String>,
    /// What a local lab runs.
    pub programs: Programs,
}

impl Start {
    /// With settings that were loaded.
    pub fn with(loaded: &Loaded, access: Access) -> Self {
        Self {
            access,
            origins: loaded.origins.clone(),
            config_file: loaded.config_file.clone(),
            profile: loaded.profile.clone(),
            programs: Programs::default(),
        }
    }

    /// The name that is typed before what cannot be taken lightly, on servers that are no lab.
    pub fn guard(&self, settings: &Settings) -> Option<&str> {
        let is_prod = ProfileKind::of(settings) == ProfileKind::Prod;
        is_prod.then(|| self.profile.as_deref().unwrap_or("prod"))
    }

    /// Where a setting was written.
    pub fn source(&self, key: &str) -> &Source {
        self.origins.get(key).unwrap_or(&Source::Default)
    }
}
