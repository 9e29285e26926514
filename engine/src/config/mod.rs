//! Settings: as written and as used.
//!
//! What a person wrote is gathered source by source - defaults, `retail.toml`, a profile, `.env`,
//! the environment, flags; later ones win - and every value keeps the [`Source`] that it came from.
//! Then it is checked against the one table of settings, [`SETTINGS`], and becomes a typed
//! [`Settings`], which the engine is opened with. Nothing below this module reads a file of
//! settings or an environment variable.
//!
//! A new setting is one row in `table.rs` and one field in `settings.rs`; a test fails when only
//! one of the two is there. The TOML template, `setup --list-settings` and the checks follow.

mod error;
mod file;
mod nearest;
mod secret;
mod settings;
mod sources;
mod table;
mod value;

pub use error::{ConfigError, Source};
pub use secret::Secret;
pub use settings::{
    AlertSettings, AnalyticsSettings, ErrorLimit, FailoverSettings, FaultsBy, FlowSettings,
    KafkaSecurity, LabSettings, LiveSettings, LogLevel, LogSettings, LoggingSettings, Mode,
    MonitoringSettings, SaslMechanism, Settings, StoreSettings,
};
pub use sources::{CONFIG_FILE_NAME, FlagValue, Loaded, Sources};
pub use table::{Kind, SETTINGS, SettingDoc, setting, template};
