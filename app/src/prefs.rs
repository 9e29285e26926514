//! What the console remembers between two starts: kept beside the data. How the pages were left is
//! remembered for each profile; how a person likes to read is the same in all of them.

pub mod layout;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use eframe::egui::ThemePreference;
use serde::{Deserialize, Serialize};

use self::layout::Layout;
use crate::link::Pace;
use crate::theme::Contrast;
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

/// Size of the window, in points of a screen whose text is not scaled.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct WindowSize {
    /// Width and height where it does not fill the screen.
    pub points: [f32; 2],
    /// Whether it fills the screen.
    pub fills: Fills,
}

/// Whether a window fills the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fills {
    /// It has a size of its own.
    #[default]
    Own,
    /// It is as large as the screen lets it be.
    Screen,
}

impl Default for WindowSize {
    fn default() -> Self {
        Self {
            points: [1440.0, 900.0],
            fills: Fills::Own,
        }
    }
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
    /// Files opened, newest first.
    pub recent: Vec<PathBuf>,
    /// Size of the window.
    pub window: WindowSize,
    /// How the pages were left, by the profile in use.
    #[serde(skip)]
    pub layout: Layout,
    /// The profile in use; empty for none.
    #[serde(skip)]
    profile: String,
    /// How the pages were left by each profile.
    layouts: BTreeMap<String, Layout>,
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
            recent: Vec::new(),
            window: WindowSize::default(),
            layout: Layout::default(),
            profile: String::new(),
            layouts: BTreeMap::new(),
        }
    }
}

impl Prefs {
    /// Those of a data directory, as a profile left them.
    pub fn load(data_dir: &Path, profile: Option<&str>) -> Self {
        let path = data_dir.join(FILE);
        let mut prefs = match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_else(|error| {
                tracing::warn!(%error, path = %path.display(), "preferences are not readable; the defaults are used");
                Self::default()
            }),
            Err(_none_yet) => Self::default(),
        };
        profile.unwrap_or_default().clone_into(&mut prefs.profile);
        prefs.layout = prefs
            .layouts
            .get(&prefs.profile)
            .cloned()
            .unwrap_or_default();
        prefs
    }

    /// Shows the pages as another profile left them; the page that is looked at stays.
    pub fn use_profile(&mut self, profile: &str) {
        let left = std::mem::take(&mut self.layout);
        let (page, setup) = (left.page, left.setup);
        self.layouts.insert(self.profile.clone(), left);
        profile.clone_into(&mut self.profile);
        let found = self.layouts.get(&self.profile).cloned();
        self.layout = Layout {
            page,
            setup,
            ..found.unwrap_or_default()
        };
    }

    /// Keeps them. Written beside and renamed, so that a crash leaves the old ones.
    pub fn save(&self, data_dir: &Path) {
        let path = data_dir.join(FILE);
        let beside = data_dir.join(".console.json.new");
        let mut kept = self.clone();
        kept.layouts
            .insert(self.profile.clone(), self.layout.clone());
        let written = serde_json::to_vec_pretty(&kept)
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
    use crate::pages::Page;

    #[test]
    fn what_was_saved_is_loaded_and_damage_falls_back() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Prefs::load(dir.path(), None), Prefs::default());
        let mut prefs = Prefs {
            text_scale: 125,
            times: TimeStyle::Utc,
            ..Prefs::default()
        };
        prefs.layout.page = Page::Failover;
        prefs.opened("a.csv".into());
        prefs.opened("b.csv".into());
        prefs.opened("a.csv".into());
        assert_eq!(prefs.recent, [PathBuf::from("a.csv"), "b.csv".into()]);
        prefs.save(dir.path());
        let found = Prefs::load(dir.path(), None);
        assert_eq!(found.layout, prefs.layout);
        assert_eq!((found.text_scale, found.times), (125, TimeStyle::Utc));
        assert_eq!(found.recent, prefs.recent);
        std::fs::write(dir.path().join(FILE), b"{").unwrap();
        assert_eq!(Prefs::load(dir.path(), None), Prefs::default());
    }

    #[test]
    fn each_profile_finds_its_own_filters_and_the_theme_is_the_persons() {
        let dir = tempfile::tempdir().unwrap();
        let mut prefs = Prefs::load(dir.path(), None);
        prefs.layout.topics.filter = "europe".to_owned();
        prefs.layout.page = Page::Topics;
        prefs.use_profile("lab");
        assert_eq!(prefs.layout.topics.filter, "", "a profile of its own");
        assert_eq!(prefs.layout.page, Page::Topics, "what is looked at stays");
        prefs.layout.topics.filter = "asia".to_owned();
        prefs.theme = ThemeChoice::Light;
        prefs.save(dir.path());
        for (profile, filter) in [(None, "europe"), (Some("lab"), "asia"), (Some("new"), "")] {
            let found = Prefs::load(dir.path(), profile);
            assert_eq!(found.layout.topics.filter, filter, "{profile:?}");
            assert_eq!(found.theme, ThemeChoice::Light);
        }
    }
}
