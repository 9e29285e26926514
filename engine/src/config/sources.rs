//! Gathering what was written, source by source, and making settings of it.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::error::{ConfigError, Source};
use super::file::{FileText, Origin, add_profile};
use super::nearest::nearest;
use super::secret::Secret;
use super::settings::Settings;
use super::table::{SETTINGS, SettingDoc, setting};
use super::value::Raw;

/// Name of the settings file in the data directory.
pub const CONFIG_FILE_NAME: &str = "retail.toml";
/// Folder in the data directory that holds a file for each profile of the console.
const PROFILES_DIR_NAME: &str = "profiles";
/// Variable that names the settings file, for where no flag can be given.
const CONFIG_ENV: &str = "RETAIL_CONFIG";
/// Variable that names the profile, for where no flag can be given.
const PROFILE_ENV: &str = "RETAIL_PROFILE";
/// Prefix of the variables that are ours alone: an unknown one is a typing error.
const ENV_PREFIX: &str = "RETAIL_";

/// A setting given on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlagValue {
    /// Key of the setting.
    pub key: String,
    /// The value, as in the environment.
    pub value: String,
    /// The flag as the person typed it, for messages.
    pub flag: String,
}

/// Where settings are read from.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The settings file; without one, `retail.toml` in the data directory, if it is there.
    pub config: Option<PathBuf>,
    /// The profile; without one, the one that `RETAIL_PROFILE` names, if it does.
    pub profile: Option<String>,
    /// Folder whose `.env` file is read, if it is there.
    pub working_dir: PathBuf,
    /// The environment.
    pub env: BTreeMap<String, String>,
    /// The command line.
    pub flags: Vec<FlagValue>,
}

/// Settings, and where each was written.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// As used.
    pub settings: Settings,
    /// Source of each setting, by key.
    pub origins: BTreeMap<&'static str, Source>,
    /// The settings file that was read, if any.
    pub config_file: Option<PathBuf>,
    /// The profile that was used, if any.
    pub profile: Option<String>,
}

/// The values as written, the last source on top.
#[derive(Default)]
pub(super) struct Written(BTreeMap<&'static str, (Raw, Source)>);

impl Sources {
    /// This process: its environment and its working directory.
    pub fn of_process() -> Self {
        Self {
            config: None,
            profile: None,
            working_dir: std::env::current_dir().unwrap_or_default(),
            env: std::env::vars_os()
                .filter_map(|(name, value)| {
                    Some((name.into_string().ok()?, value.into_string().ok()?))
                })
                .collect(),
            flags: Vec::new(),
        }
    }

    /// Reads all sources, checks every value, and makes settings of them.
    pub fn load(&self) -> Result<Loaded, ConfigError> {
        let mut written = Written::default();
        // The data directory decides which file is read, so the sources above the file come
        // first to find it, and then once more on top of the file.
        let dot_env = self.read_dot_env()?;
        self.add_above_file(&dot_env, &mut written)?;
        let above = std::mem::take(&mut written);
        let (path, is_named) = self.config_path(&dot_env, &above)?;
        let text = match fs::read_to_string(&path) {
            Ok(text) => Some(text),
            Err(error) if !is_named && error.kind() == io::ErrorKind::NotFound => None,
            Err(source) => return Err(ConfigError::Unreadable { source, path }),
        };
        let file = text
            .as_deref()
            .map(|text| FileText::parse(text, Origin::File(path.clone())))
            .transpose()?;
        if let Some(file) = &file {
            file.add_general(&mut written)?;
        }
        let profile = self.profile_name(&dot_env);
        if let Some((name, origin)) = &profile {
            let folder = data_dir(&above)
                .or_else(|| data_dir(&written))
                .or_else(Settings::platform_data_dir)
                .map(|dir| dir.join(PROFILES_DIR_NAME));
            let folder = folder.as_deref();
            add_profile(name, origin, file.as_ref(), folder, &mut written)?;
        }
        if !is_named && written.0.contains_key("data_dir") {
            return Err(ConfigError::DataDirInItself { path });
        }
        written.0.extend(above.0);
        let (settings, origins) = written.check()?;
        Ok(Loaded {
            settings,
            origins,
            config_file: text.is_some().then_some(path),
            profile: profile.map(|(name, _)| name),
        })
    }

    /// The profile to use, and who named it.
    fn profile_name(&self, dot_env: &DotEnv) -> Option<(String, Source)> {
        if let Some(name) = &self.profile {
            let name = name.clone();
            let flag = "--profile".to_owned();
            return Some((name, Source::Flag { name: flag }));
        }
        if let Some(name) = self.env.get(PROFILE_ENV).filter(|name| !name.is_empty()) {
            let variable = PROFILE_ENV.to_owned();
            return Some((name.clone(), Source::Env { name: variable }));
        }
        let var = dot_env.vars.iter().find(|var| var.name == PROFILE_ENV)?;
        let origin = Source::DotEnv {
            line: var.line,
            path: dot_env.path.clone(),
        };
        (!var.value.is_empty()).then(|| (var.value.clone(), origin))
    }

    /// The file to read, and whether somebody named it (then it must be there).
    fn config_path(
        &self,
        dot_env: &DotEnv,
        above: &Written,
    ) -> Result<(PathBuf, bool), ConfigError> {
        let named = self.config.clone().or_else(|| {
            let from_env = self.env.get(CONFIG_ENV).filter(|path| !path.is_empty());
            let from_file = dot_env.vars.iter().find(|var| var.name == CONFIG_ENV);
            from_env
                .or(from_file.map(|var| &var.value))
                .map(PathBuf::from)
        });
        if let Some(path) = named {
            return Ok((path, true));
        }
        let dir = data_dir(above)
            .or_else(Settings::platform_data_dir)
            .ok_or(ConfigError::NoDataDir)?;
        Ok((dir.join(CONFIG_FILE_NAME), false))
    }

    fn read_dot_env(&self) -> Result<DotEnv, ConfigError> {
        let path = self.working_dir.join(".env");
        match fs::read_to_string(&path) {
            Ok(text) => DotEnv::parse(&text, path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(DotEnv {
                path,
                vars: Vec::new(),
            }),
            Err(source) => Err(ConfigError::Unreadable { source, path }),
        }
    }

    fn add_above_file(&self, dot_env: &DotEnv, written: &mut Written) -> Result<(), ConfigError> {
        for var in &dot_env.vars {
            let origin = Source::DotEnv {
                line: var.line,
                path: dot_env.path.clone(),
            };
            if let Some(doc) = written.add_variable(&var.name, &var.value, origin)? {
                refuse_open_secret(doc, &dot_env.path)?;
            }
        }
        for (name, value) in &self.env {
            let origin = Source::Env { name: name.clone() };
            written.add_variable(name, value, origin)?;
        }
        for flag in &self.flags {
            let origin = Source::Flag {
                name: flag.flag.clone(),
            };
            let doc = known(&flag.key, &origin)?;
            if doc.is_secret() {
                return Err(ConfigError::SecretInFlag { key: doc.key });
            }
            written
                .0
                .insert(doc.key, (Raw::Text(flag.value.clone()), origin));
        }
        Ok(())
    }
}

impl Written {
    /// Takes a variable if it is one of ours. An empty one counts as not set, as it does in
    /// compose files that pass variables through.
    fn add_variable(
        &mut self,
        name: &str,
        value: &str,
        origin: Source,
    ) -> Result<Option<&'static SettingDoc>, ConfigError> {
        let Some(doc) = SETTINGS.iter().find(|doc| doc.env == name) else {
            let is_ours = [CONFIG_ENV, PROFILE_ENV].contains(&name);
            if name.starts_with(ENV_PREFIX) && !is_ours {
                return Err(ConfigError::UnknownKey {
                    key: name.to_owned(),
                    nearest: nearest(name, SETTINGS.iter().map(|doc| doc.env)),
                    origin,
                });
            }
            return Ok(None);
        };
        if value.is_empty() {
            return Ok(None);
        }
        self.0
            .insert(doc.key, (Raw::Text(value.to_owned()), origin));
        Ok(Some(doc))
    }

    /// Takes a value; a later one of the same setting replaces it.
    pub(super) fn put(&mut self, doc: &'static SettingDoc, raw: Raw, origin: Source) {
        self.0.insert(doc.key, (raw, origin));
    }

    fn check(self) -> Result<(Settings, BTreeMap<&'static str, Source>), ConfigError> {
        let mut table = toml::Table::try_from(Settings::in_dir("")).map_err(internal)?;
        let mut origins: BTreeMap<_, _> = SETTINGS
            .iter()
            .map(|doc| (doc.key, Source::Default))
            .collect();
        for doc in SETTINGS {
            let Some((raw, origin)) = self.0.get(doc.key) else {
                continue;
            };
            let value = doc.kind.check(raw).ok_or_else(|| ConfigError::BadValue {
                key: doc.key,
                value: if doc.is_secret() {
                    Secret::MASK.to_owned()
                } else {
                    raw.shown()
                },
                expected: doc.kind.expected(),
                origin: origin.clone(),
            })?;
            put(&mut table, doc, value);
            origins.insert(doc.key, origin.clone());
        }
        let mut settings: Settings = table.try_into().map_err(internal)?;
        if settings.data_dir.as_os_str().is_empty() {
            settings.data_dir = Settings::platform_data_dir().ok_or(ConfigError::NoDataDir)?;
        }
        check_together(&settings, &origins)?;
        Ok((settings, origins))
    }
}

/// The data directory as far as it was written.
fn data_dir(written: &Written) -> Option<PathBuf> {
    let (Raw::Text(dir) | Raw::Toml(Value::String(dir)), _) = written.0.get("data_dir")? else {
        return None;
    };
    (!dir.is_empty()).then(|| PathBuf::from(dir))
}

/// A disagreement of table and struct, which a test rules out; told rather than panicked over.
fn internal(error: impl std::fmt::Display) -> ConfigError {
    ConfigError::Conflict {
        what: "the table of settings does not fit the settings",
        values: error.to_string(),
    }
}

fn put(table: &mut Table, doc: &SettingDoc, value: Value) {
    let (section, name) = doc.section_and_name();
    let target = match table.get_mut(section) {
        Some(Value::Table(inner)) => inner,
        _ => table,
    };
    target.insert(name.to_owned(), value);
}

/// Rules over more than one setting.
fn check_together(
    settings: &Settings,
    origins: &BTreeMap<&'static str, Source>,
) -> Result<(), ConfigError> {
    let told = |parts: &[(&'static str, String)]| {
        let parts: Vec<_> = parts
            .iter()
            .map(|(key, value)| {
                let origin = origins.get(key).unwrap_or(&Source::Default);
                format!("{key} = {value} (from {origin})")
            })
            .collect();
        parts.join(", ")
    };
    let figures = &settings.analytics;
    let weights = [
        ("analytics.weight_recency", figures.weight_recency),
        ("analytics.weight_frequency", figures.weight_frequency),
        ("analytics.weight_monetary", figures.weight_monetary),
    ];
    let sum: f64 = weights.iter().map(|(_, weight)| weight).sum();
    // Three weights with a few decimals each: more than rounding is a mistake.
    if (sum - 1.0).abs() > 1e-9 {
        return Err(ConfigError::Conflict {
            what: "the three weights of the value score must sum to 1",
            values: told(&weights.map(|(key, weight)| (key, weight.to_string()))),
        });
    }
    if figures.inactive_days < figures.active_days {
        return Err(ConfigError::Conflict {
            what: "a customer cannot be inactive before it stops being active",
            values: told(&[
                ("analytics.active_days", figures.active_days.to_string()),
                ("analytics.inactive_days", figures.inactive_days.to_string()),
            ]),
        });
    }
    Ok(())
}

pub(super) fn known(key: &str, origin: &Source) -> Result<&'static SettingDoc, ConfigError> {
    setting(key).ok_or_else(|| {
        let keys = SETTINGS.iter().map(|doc| doc.key);
        // Most often the section is what was forgotten or mistaken.
        let name = key.rsplit('.').next().unwrap_or(key);
        let nearest = nearest(key, keys).or_else(|| {
            let close = nearest(name, SETTINGS.iter().map(|doc| doc.section_and_name().1))?;
            SETTINGS
                .iter()
                .find(|doc| doc.section_and_name().1 == close)
                .map(|doc| doc.key)
        });
        ConfigError::UnknownKey {
            key: key.to_owned(),
            nearest,
            origin: origin.clone(),
        }
    })
}

#[cfg(unix)]
pub(super) fn refuse_open_secret(doc: &SettingDoc, path: &Path) -> Result<(), ConfigError> {
    use std::os::unix::fs::PermissionsExt;

    const OTHERS: u32 = 0o077;
    if !doc.is_secret() {
        return Ok(());
    }
    let meta = fs::metadata(path).map_err(|source| ConfigError::Unreadable {
        source,
        path: path.to_path_buf(),
    })?;
    let mode = meta.permissions().mode() & 0o777;
    if mode & OTHERS == 0 {
        return Ok(());
    }
    Err(ConfigError::SecretInOpenFile {
        key: doc.key,
        mode,
        path: path.to_path_buf(),
    })
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "the shape of the other platforms")]
pub(super) fn refuse_open_secret(_: &SettingDoc, _: &Path) -> Result<(), ConfigError> {
    // There the folder's access list decides; a profile's own folder is private.
    Ok(())
}

/// A `.env` file, read without touching the environment of this process.
struct DotEnv {
    path: PathBuf,
    vars: Vec<DotEnvVar>,
}

struct DotEnvVar {
    name: String,
    value: String,
    line: usize,
}

impl DotEnv {
    fn parse(text: &str, path: PathBuf) -> Result<Self, ConfigError> {
        let mut vars = Vec::new();
        for item in dotenvy::from_read_iter(text.as_bytes()) {
            let (name, value) = item.map_err(|error| ConfigError::DotEnv {
                what: dot_env_fault(&error),
                path: path.clone(),
            })?;
            let line = line_of_variable(text, &name);
            vars.push(DotEnvVar { name, value, line });
        }
        Ok(Self { path, vars })
    }
}

/// The parser's own message repeats the line, and the line may hold a secret.
fn dot_env_fault(error: &dotenvy::Error) -> String {
    match error {
        dotenvy::Error::LineParse(line, at) => {
            let name = line.split('=').next().unwrap_or_default().trim();
            format!("the line that begins with {name:?} cannot be read from its byte {at} on")
        }
        _ => "a line cannot be read".to_owned(),
    }
}

fn line_of_variable(text: &str, name: &str) -> usize {
    let defines = |line: &str| {
        let line = line.trim_start();
        let line = line.strip_prefix("export ").unwrap_or(line);
        line.split('=')
            .next()
            .is_some_and(|left| left.trim() == name)
    };
    // The last one counts, as it does for the value.
    text.lines()
        .enumerate()
        .filter(|(_, line)| defines(line))
        .map(|(at, _)| at + 1)
        .last()
        .unwrap_or(1)
}

#[cfg(test)]
mod tests;
