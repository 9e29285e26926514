//! What the console remembers between two starts: kept beside the data, one file per profile.

use std::path::{Path, PathBuf};

use eframe::egui::ThemePreference;
use serde::{Deserialize, Serialize};

use crate::link::Pace;
use crate::pages::Page;
use crate::pages::setup::Tab;
use crate::theme::Contrast;
use crate::views::analytics::choices::Choices;
use crate::views::format::{TimeStyle, Units};

/// Files that "recent" lists.
const RECENT: usize = 8;
const FILE: &str = "console.json";

/// Dark, light, or as the system is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ThemeChoice {
    /// Dark.
    Dark,
    /// Light.
    Light,
    /// As the system is.
    #[default]
    System,
}

impl From<ThemeChoice> for ThemePreference {
    fn from(choice: ThemeChoice) -> Self {
        match choice {
            ThemeChoice::Dark => Self::Dark,
            ThemeChoice::Light => Self::Light,
            ThemeChoice::System => Self::System,
        }
    }
}

/// What the overview shows of the flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FlowView {
    /// Charts over time.
    #[default]
    Chart,
    /// The pipeline as a map.
    Map,
    /// A table of seconds.
    Table,
}

/// Which hops the throughput chart shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HopsShown {
    /// The first and the last.
    #[default]
    Ends,
    /// All five.
    All,
}

/// Remembered choices of a person. Unknown or damaged ones fall back to the defaults.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Prefs {
    /// Dark, light, as the system.
    pub theme: ThemeChoice,
    /// How strongly text and borders stand out.
    pub contrast: Contrast,
    /// Size of the text in percent, 80 to 200.
    pub text_scale: u16,
    /// How times are shown.
    pub times: TimeStyle,
    /// How numbers are written.
    pub units: Units,
    /// How often a new snapshot is shown.
    pub pace: Pace,
    /// Page shown last.
    pub page: Page,
    /// Tab of the setup page shown last.
    pub setup: Tab,
    /// Files opened, newest first.
    pub recent: Vec<PathBuf>,
    /// Seconds that the charts show.
    pub range_secs: u32,
    /// What is looked at on the page of the sales.
    pub analytics: Choices,
    /// What the overview shows of the flow.
    pub flow: FlowView,
    /// Which hops its chart shows.
    pub hops: HopsShown,
    /// Size of the window in points.
    pub window: Option<[f32; 2]>,
}

impl Default for Prefs {
    fn default() -> Self {
        Self {
            theme: ThemeChoice::System,
            contrast: Contrast::Normal,
            text_scale: 100,
            times: TimeStyle::Local,
            units: Units::default(),
            pace: Pace::default(),
            page: Page::Overview,
            setup: Tab::default(),
            recent: Vec::new(),
            range_secs: 300,
            analytics: Choices::default(),
            flow: FlowView::Chart,
            hops: HopsShown::Ends,
            window: None,
        }
    }
}

impl Prefs {
    /// Those of a data directory.
    pub fn load(data_dir: &Path) -> Self {
        let path = data_dir.join(FILE);
        match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_else(|error| {
                tracing::warn!(%error, path = %path.display(), "preferences are not readable; the defaults are used");
                Self::default()
            }),
            Err(_none_yet) => Self::default(),
        }
    }

    /// Keeps them. Written beside and renamed, so that a crash leaves the old ones.
    pub fn save(&self, data_dir: &Path) {
        let path = data_dir.join(FILE);
        let beside = data_dir.join(".console.json.new");
        let written = serde_json::to_vec_pretty(self)
            .map_err(std::io::Error::other)
            .and_then(|bytes| std::fs::write(&beside, bytes))
            .and_then(|()| std::fs::rename(&beside, &path));
        if let Err(error) = written {
            tracing::warn!(%error, path = %path.display(), "preferences were not kept");
        }
    }

    /// Puts a file first among the recent ones.
    pub fn opened(&mut self, file: PathBuf) {
        self.recent.retain(|known| *known != file);
        self.recent.insert(0, file);
        self.recent.truncate(RECENT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_saved_is_loaded_and_damage_falls_back() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Prefs::load(dir.path()), Prefs::default());
        let mut prefs = Prefs {
            text_scale: 125,
            times: TimeStyle::Utc,
            page: Page::Failover,
            ..Prefs::default()
        };
        prefs.opened("a.csv".into());
        prefs.opened("b.csv".into());
        prefs.opened("a.csv".into());
        assert_eq!(prefs.recent, [PathBuf::from("a.csv"), "b.csv".into()]);
        prefs.save(dir.path());
        assert_eq!(Prefs::load(dir.path()), prefs);
        std::fs::write(dir.path().join(FILE), b"{").unwrap();
        assert_eq!(Prefs::load(dir.path()), Prefs::default());
    }
}
