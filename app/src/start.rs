//! How the program was started: what it may do, and where its settings were written.

use std::collections::BTreeMap;
use std::path::PathBuf;

use retail_engine::config::{
    ConfigError, FaultsBy, FlagValue, Loaded, Mode, Settings, Source, Sources,
};
use retail_engine::handle::Snapshot;
use retail_engine::lab::Programs;

const DATA_DIR: &str = "data_dir";

/// Why the engine cannot be closed for another profile now; `None` when it can. A load would go on
/// the next time, but nobody expects it to stop.
pub fn busy(snapshot: &Snapshot) -> Option<&'static str> {
    if snapshot.load.is_some() {
        Some("a load is running")
    } else if snapshot.drill.is_some() {
        Some("a drill is running")
    } else if !snapshot.faults.is_empty() {
        Some("faults are in force")
    } else {
        None
    }
}

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
    /// Where settings are read from when another profile is chosen.
    pub sources: Sources,
    /// What a local lab runs.
    pub programs: Programs,
}

impl Start {
    /// With settings that were loaded from `sources`.
    pub fn with(loaded: &Loaded, sources: Sources, access: Access) -> Self {
        Self {
            sources,
            access,
            origins: loaded.origins.clone(),
            config_file: loaded.config_file.clone(),
            profile: loaded.profile.clone(),
            programs: Programs::default(),
        }
    }

    /// The settings of a profile, for the data directory that is used now: what was loaded, what is
    /// remembered and the profiles themselves lie in it.
    pub fn of_profile(
        &self,
        name: &str,
        now: &Settings,
    ) -> Result<(Self, Settings), Box<ConfigError>> {
        let mut sources = self.sources.clone();
        sources.profile = Some(name.to_owned());
        sources.flags.retain(|flag| flag.key != DATA_DIR);
        sources.flags.push(FlagValue {
            key: DATA_DIR.to_owned(),
            value: now.data_dir.display().to_string(),
            flag: "--data-dir".to_owned(),
        });
        let mut loaded = sources.load()?;
        if let Some(source) = self.origins.get(DATA_DIR) {
            loaded.origins.insert(DATA_DIR, source.clone());
        }
        let start = Self {
            programs: self.programs.clone(),
            ..Self::with(&loaded, sources, self.access)
        };
        Ok((start, loaded.settings))
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
