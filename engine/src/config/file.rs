//! A settings file as written, and the profiles in it.
//!
//! A profile is a named set of settings. Three come with the program; the tables
//! `[profiles.NAME]` of a settings file, and the files `profiles/NAME.toml` of the data directory,
//! which the console writes, add others or change single values of those three.

use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};
use toml::{Spanned, Table, Value};

use super::error::{ConfigError, Source};
use super::sources::{Written, known, refuse_open_secret};
use super::value::Raw;

/// The table that holds profiles instead of settings.
const PROFILES: &str = "profiles";

/// The profiles that come with the program.
pub(super) const BUILT_IN: [(&str, &str); 3] = [
    (
        "embedded",
        include_str!("../../../assets/profiles/embedded.toml"),
    ),
    ("lab", include_str!("../../../assets/profiles/lab.toml")),
    (
        "docker",
        include_str!("../../../assets/profiles/docker.toml"),
    ),
];

/// Where a text was found.
#[derive(Debug, Clone)]
pub(super) enum Origin {
    /// In a file.
    File(PathBuf),
    /// In a profile that comes with the program.
    BuiltIn(&'static str),
}

/// A text of settings that is being taken apart.
pub(super) struct FileText<'a> {
    text: &'a str,
    table: Spanned<DeTable<'a>>,
    origin: Origin,
}

impl<'a> FileText<'a> {
    /// Reads the text; its keys and values are not looked at yet.
    pub(super) fn parse(text: &'a str, origin: Origin) -> Result<Self, ConfigError> {
        let table = DeTable::parse(text).map_err(|error| {
            let (line, column) = place(text, error.span().map_or(0, |span| span.start));
            ConfigError::Syntax {
                line,
                column,
                what: error.message().to_owned(),
                path: match &origin {
                    Origin::File(path) => path.clone(),
                    Origin::BuiltIn(name) => PathBuf::from(*name),
                },
            }
        })?;
        Ok(Self {
            text,
            table,
            origin,
        })
    }

    /// Takes the settings that belong to no profile.
    pub(super) fn add_general(&self, written: &mut Written) -> Result<(), ConfigError> {
        self.add_table(self.table.get_ref(), written)
    }

    /// Takes the settings of a profile; `false` when it is not there.
    pub(super) fn add_profile(
        &self,
        name: &str,
        written: &mut Written,
    ) -> Result<bool, ConfigError> {
        match self.profiles().find(|(known, _)| *known == name) {
            Some((_, profile)) => self.add_table(profile, written).map(|()| true),
            None => Ok(false),
        }
    }

    /// The profiles in it.
    pub(super) fn profiles(&self) -> impl Iterator<Item = (&str, &DeTable<'a>)> {
        let all = match self.table.get_ref().get(PROFILES).map(Spanned::get_ref) {
            Some(DeValue::Table(all)) => Some(all),
            _ => None,
        };
        all.into_iter()
            .flatten()
            .filter_map(|(name, profile)| match profile.get_ref() {
                DeValue::Table(profile) => Some((name.get_ref().as_ref(), profile)),
                _ => None,
            })
    }

    fn add_table(&self, table: &DeTable<'_>, written: &mut Written) -> Result<(), ConfigError> {
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            match value.get_ref() {
                DeValue::Table(_) if name == PROFILES => {}
                DeValue::Table(section) => {
                    for (key, value) in section {
                        let full = format!("{name}.{}", key.get_ref());
                        self.add(&full, key.span().start, value, written)?;
                    }
                }
                _ => self.add(name, key.span().start, value, written)?,
            }
        }
        Ok(())
    }

    fn add(
        &self,
        key: &str,
        at: usize,
        value: &Spanned<DeValue<'_>>,
        written: &mut Written,
    ) -> Result<(), ConfigError> {
        let line = place(self.text, at).0;
        let origin = match &self.origin {
            Origin::File(path) => Source::File {
                line,
                path: path.clone(),
            },
            Origin::BuiltIn(name) => Source::Profile { name, line },
        };
        let doc = known(key, &origin)?;
        if let Origin::File(path) = &self.origin {
            refuse_open_secret(doc, path)?;
        }
        // The value's own text, parsed once more as a value of its own: spans go, types stay.
        let text = self.text.get(value.span()).unwrap_or_default();
        let value: Value = format!("value = {text}")
            .parse::<Table>()
            .ok()
            .and_then(|mut table| table.remove("value"))
            .unwrap_or_else(|| Value::String(text.to_owned()));
        written.put(doc, Raw::Toml(value), origin);
        Ok(())
    }
}

/// Takes the settings of a profile: what comes with the program under that name, then what the
/// settings file says about it, then its file in `folder`. A name that ends in `.toml` is a file
/// anywhere.
pub(super) fn add_profile(
    name: &str,
    named_by: &Source,
    file: Option<&FileText<'_>>,
    folder: Option<&Path>,
    written: &mut Written,
) -> Result<(), ConfigError> {
    if Path::new(name).extension().is_some_and(|end| end == "toml") {
        return add_file(PathBuf::from(name), written);
    }
    let built_in = BUILT_IN.into_iter().find(|(known, _)| *known == name);
    if let Some((name, text)) = built_in {
        FileText::parse(text, Origin::BuiltIn(name))?.add_general(written)?;
    }
    let in_file = match file {
        Some(file) => file.add_profile(name, written)?,
        None => false,
    };
    // A name with a separator in it would lead out of the folder.
    let own = folder
        .filter(|_| !name.contains(['/', '\\']))
        .map(|folder| folder.join(name).with_added_extension("toml"))
        .filter(|path| path.is_file());
    let in_folder = own.is_some();
    if let Some(path) = own {
        add_file(path, written)?;
    }
    if built_in.is_some() || in_file || in_folder {
        return Ok(());
    }
    let mut known: Vec<String> = BUILT_IN.map(|(name, _)| name.to_owned()).into();
    known.extend(
        file.into_iter()
            .flat_map(FileText::profiles)
            .map(|(name, _)| name.to_owned()),
    );
    Err(ConfigError::UnknownProfile {
        name: name.to_owned(),
        known,
        origin: named_by.clone(),
    })
}

fn add_file(path: PathBuf, written: &mut Written) -> Result<(), ConfigError> {
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(source) => return Err(ConfigError::Unreadable { source, path }),
    };
    FileText::parse(&text, Origin::File(path))?.add_general(written)
}

/// Line and column of a byte, from 1.
fn place(text: &str, byte: usize) -> (usize, usize) {
    let before = text.get(..byte).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .unwrap_or_default()
        .chars()
        .count()
        + 1;
    (line, column)
}
