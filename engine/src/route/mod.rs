//! Country to region: the routing map.
//!
//! The map is data: a versioned TOML file that can be edited, saved and shown. A country that is
//! not on it has no region, and its lines are set aside by name; there is no default region.

mod file;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;
use thiserror::Error;

use crate::model::Region;

/// Bytes of the longest country name. Lookups fold the case in a buffer of this size.
pub const COUNTRY_BYTES_MAX: usize = 64;

/// The map that is built in, as a file.
pub const DEFAULT_ROUTING: &str = include_str!("../../../assets/routing.toml");

/// Why a routing map cannot be used.
#[derive(Debug, Error)]
pub enum RoutingError {
    /// The file cannot be read or written.
    #[error("the routing map cannot be {act}: {source}, in {path}")]
    File {
        /// `read` or `written`.
        act: &'static str,
        /// The file.
        path: String,
        /// The cause.
        source: std::io::Error,
    },
    /// The text is not a routing map.
    #[error("the routing map cannot be understood: {detail}")]
    Syntax {
        /// The parser's words, with the place.
        detail: String,
    },
    /// One name, two regions or two spellings.
    #[error("the routing map has {country:?} twice")]
    Twice {
        /// The name.
        country: String,
    },
    /// An alias for nothing.
    #[error("the routing map has the alias {alias:?} for {country:?}, which is on no region")]
    DanglingAlias {
        /// The other spelling.
        alias: String,
        /// What it should stand for.
        country: String,
    },
    /// Not usable as the name of a country.
    #[error("{country:?} cannot be a country: a name has 1 to {COUNTRY_BYTES_MAX} bytes")]
    Name {
        /// The name.
        country: String,
    },
}

impl RoutingError {
    /// What to do about it.
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::File { .. } => "Check that the file exists and may be read and written.",
            Self::Syntax { .. } => {
                "Correct the file: `version`, the lists in [regions] named europe, americas and asiapacific, and the names in [aliases]."
            }
            Self::Twice { .. } => "Remove one of the two; names are compared in any case.",
            Self::DanglingAlias { .. } => "Add the country to a region, or remove the alias.",
            Self::Name { .. } => "Give the country a shorter name that is not empty.",
        }
    }
}

/// Where a country's lines go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route<'a> {
    /// The country as the map spells it.
    pub country: &'a str,
    /// Its region.
    pub region: Region,
}

/// Which region each country belongs to. Immutable: a change makes a new map with a new version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoutingMap {
    version: u64,
    /// Country as spelled, with its region, by name.
    countries: BTreeMap<String, Region>,
    /// Other spelling to the country.
    aliases: BTreeMap<String, String>,
    /// Folded spelling to the position in `routes`.
    index: FxHashMap<Box<[u8]>, usize>,
    routes: Vec<(Box<str>, Region)>,
}

impl RoutingMap {
    /// A map of its parts. Checks that no name stands for two things.
    pub fn new(
        version: u64,
        countries: BTreeMap<String, Region>,
        aliases: BTreeMap<String, String>,
    ) -> Result<Self, RoutingError> {
        let mut index = FxHashMap::default();
        let mut routes = Vec::with_capacity(countries.len());
        for (country, region) in &countries {
            put(&mut index, country, routes.len())?;
            routes.push((country.as_str().into(), *region));
        }
        for (alias, country) in &aliases {
            let Some(place) = fold(country, |key| index.get(key).copied()).flatten() else {
                return Err(RoutingError::DanglingAlias {
                    alias: alias.clone(),
                    country: country.clone(),
                });
            };
            put(&mut index, alias, place)?;
        }
        Ok(Self {
            version,
            countries,
            aliases,
            index,
            routes,
        })
    }

    /// The number of this map; every change raises it by one.
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// The countries with their regions, by name.
    pub fn countries(&self) -> impl Iterator<Item = (&str, Region)> {
        self.countries
            .iter()
            .map(|(name, region)| (&**name, *region))
    }

    /// Other spellings with the country each stands for, by spelling.
    pub fn aliases(&self) -> impl Iterator<Item = (&str, &str)> {
        self.aliases.iter().map(|(alias, name)| (&**alias, &**name))
    }

    /// Where lines of `country` go. Surrounding spaces and ASCII case do not matter. Does not
    /// allocate.
    pub fn find(&self, country: &str) -> Option<Route<'_>> {
        self.route_at(self.place_of(country)?)
    }

    /// The place of a country in this map, for callers that look the same one up many times.
    pub(crate) fn place_of(&self, country: &str) -> Option<usize> {
        fold(country, |key| self.index.get(key).copied()).flatten()
    }

    /// The country at a place of this map.
    pub(crate) fn route_at(&self, place: usize) -> Option<Route<'_>> {
        let (country, region) = self.routes.get(place)?;
        Some(Route {
            country,
            region: *region,
        })
    }

    /// The region of a country, if it has one.
    pub fn region_of(&self, country: &str) -> Option<Region> {
        self.find(country).map(|route| route.region)
    }

    /// The map with `country` (or the country it is another spelling of) in `region`, one
    /// version on.
    pub fn assign(&self, country: &str, region: Region) -> Result<Self, RoutingError> {
        let name = self
            .find(country)
            .map_or_else(|| country.trim(), |route| route.country);
        let mut countries = self.countries.clone();
        countries.insert(name.to_owned(), region);
        Self::new(self.version + 1, countries, self.aliases.clone())
    }

    /// The map without `country` and its other spellings, one version on.
    pub fn without(&self, country: &str) -> Result<Self, RoutingError> {
        let Some(route) = self.find(country) else {
            return Self::new(
                self.version + 1,
                self.countries.clone(),
                self.aliases.clone(),
            );
        };
        let mut countries = self.countries.clone();
        countries.remove(route.country);
        let mut aliases = self.aliases.clone();
        aliases.retain(|_, name| fold(name, <[u8]>::to_vec) != fold(route.country, <[u8]>::to_vec));
        Self::new(self.version + 1, countries, aliases)
    }
}

fn put(
    index: &mut FxHashMap<Box<[u8]>, usize>,
    name: &str,
    place: usize,
) -> Result<(), RoutingError> {
    let key: Option<Box<[u8]>> = fold(name, |key| key.into());
    let Some(key) = key.filter(|key| !key.is_empty() && name.trim() == name) else {
        return Err(RoutingError::Name {
            country: name.to_owned(),
        });
    };
    if index.insert(key, place).is_some() {
        return Err(RoutingError::Twice {
            country: name.to_owned(),
        });
    }
    Ok(())
}

/// Passes the trimmed, case-folded name to `f`, without allocating; `None` for a name that is too
/// long.
fn fold<T>(name: &str, f: impl FnOnce(&[u8]) -> T) -> Option<T> {
    let name = name.trim().as_bytes();
    let mut buffer = [0_u8; COUNTRY_BYTES_MAX];
    let key = buffer.get_mut(..name.len())?;
    key.copy_from_slice(name);
    key.make_ascii_lowercase();
    Some(f(key))
}
