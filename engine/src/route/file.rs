//! The routing map as a TOML file.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::model::Region;

use super::{DEFAULT_ROUTING, RoutingError, RoutingMap};

/// The file as written.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RoutingFile {
    version: u64,
    regions: BTreeMap<Region, Vec<String>>,
    #[serde(default)]
    aliases: BTreeMap<String, String>,
}

impl RoutingMap {
    /// The map that is built in.
    pub fn builtin() -> Result<Self, RoutingError> {
        Self::from_toml(DEFAULT_ROUTING)
    }

    /// The map of a file's text.
    pub fn from_toml(text: &str) -> Result<Self, RoutingError> {
        let file: RoutingFile = toml::from_str(text).map_err(|error| RoutingError::Syntax {
            detail: error.to_string(),
        })?;
        let mut countries = BTreeMap::new();
        for (region, names) in file.regions {
            for country in names {
                if countries.insert(country.clone(), region).is_some() {
                    return Err(RoutingError::Twice { country });
                }
            }
        }
        Self::new(file.version, countries, file.aliases)
    }

    /// The text of a file that [`RoutingMap::from_toml`] reads back.
    pub fn to_toml(&self) -> Result<String, RoutingError> {
        let mut regions: BTreeMap<Region, Vec<String>> = BTreeMap::new();
        for (country, region) in self.countries() {
            regions.entry(region).or_default().push(country.to_owned());
        }
        let aliases = self
            .aliases()
            .map(|(alias, country)| (alias.to_owned(), country.to_owned()))
            .collect();
        toml::to_string_pretty(&RoutingFile {
            version: self.version(),
            regions,
            aliases,
        })
        .map_err(|error| RoutingError::Syntax {
            detail: error.to_string(),
        })
    }

    /// Reads the map from a file.
    pub fn load(path: &Path) -> Result<Self, RoutingError> {
        let text = fs::read_to_string(path).map_err(|source| RoutingError::File {
            act: "read",
            path: path.display().to_string(),
            source,
        })?;
        Self::from_toml(&text)
    }

    /// Writes the map to a file: whole beside it first, then renamed, so that a crash leaves the
    /// old map or the new one.
    pub fn save(&self, path: &Path) -> Result<(), RoutingError> {
        let text = self.to_toml()?;
        let part = path.with_extension("toml.part");
        fs::write(&part, text)
            .and_then(|()| fs::rename(&part, path))
            .map_err(|source| RoutingError::File {
                act: "written",
                path: path.display().to_string(),
                source,
            })
    }
}
