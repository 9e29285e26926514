//! The routing map in force: read, changed one country at a time, taken back, and replaced.
//!
//! The map is `routing.toml` in the data directory, the changes are lines of `routing.jsonl`. A
//! change holds for loads that begin after it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use chrono::{DateTime, Utc};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::journal::{Journal, JournalError};
use super::runtime::Runtime;
use crate::analytics::Regions;
use crate::model::{LineTable, Region, Topic};
use crate::ports::{BucketScope, LogError, StoreError};
use crate::route::{RoutingError, RoutingMap};
use crate::telemetry::EventKind;
use crate::wire::OpenError;

/// The map in the data directory.
const MAP: &str = "routing.toml";
/// Its changes.
const JOURNAL: &str = "routing.jsonl";

/// Why the map was not changed.
#[derive(Debug, Error)]
pub enum RouteError {
    /// The map itself.
    #[error(transparent)]
    Map(#[from] RoutingError),
    /// The list of changes.
    #[error("the changes of the routing map: {0}")]
    Journal(#[from] JournalError),
    /// Whether lines of the country are stored could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Whether lines of the country are on their way to the store could not be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// Its stored lines belong to another region's topic, and stay there.
    #[error(
        "{lines} lines of {country} are stored in {region}; a country with lines stays where it is"
    )]
    HasLines {
        /// The country.
        country: String,
        /// Where they are.
        region: Region,
        /// How many.
        lines: u64,
    },
    /// Lines of its region are in the log and not stored yet; it is not known whose they are.
    #[error(
        "{lines} lines in the log of {region} are not yet written, and may be of {country}; a \
         country with lines stays where it is"
    )]
    NotWritten {
        /// The country.
        country: String,
        /// The region whose consumers are behind.
        region: Region,
        /// How many lines they are behind.
        lines: u64,
    },
    /// A load runs, with the map as it was when it began.
    #[error("a load is running")]
    Loading,
    /// It is not clear that the given map is the newer one.
    #[error("the routing map has version {given}, and another one of version {there} is in force")]
    NotNewer {
        /// Version of the given map.
        given: u64,
        /// Version of the map in force.
        there: u64,
    },
    /// There is no change to take back.
    #[error("no change of the routing map is there to be taken back")]
    NothingToUndo,
}

impl RouteError {
    /// What a person can do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Map(error) => error.remedy(),
            Self::Journal(error) => error.remedy(),
            Self::Store(error) => error.remedy(),
            Self::Log(error) => error.remedy(),
            Self::HasLines { .. } => "load into another data directory with the changed map",
            Self::NotWritten { .. } => "run consumers until the lag is 0, then try again",
            Self::Loading => "wait for the end of the load, or cancel it",
            Self::NotNewer { .. } => {
                "set `version` in the file above that of the map in force, so that it is clear \
                 which one is newer"
            }
            Self::NothingToUndo => "nothing to do",
        }
    }
}

/// One change of the map.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteChange {
    /// Version of the map after it.
    pub version: u64,
    /// When.
    pub at: DateTime<Utc>,
    /// The country, as the map spells it.
    pub country: String,
    /// Its region before; `None` when it was not on the map.
    pub from: Option<Region>,
    /// Its region after; `None` when it was taken off the map.
    pub to: Option<Region>,
    /// Version of the change that this one takes back.
    #[serde(default)]
    pub undoes: Option<u64>,
}

/// The map in force and its history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoutingView {
    /// The map.
    pub map: Arc<RoutingMap>,
    /// When it was changed last; `None` when never here.
    pub modified: Option<DateTime<Utc>>,
    /// The changes, oldest first.
    pub changes: Vec<RouteChange>,
}

/// The map in force and the file of its changes.
pub(crate) struct RoutingDesk {
    map: ArcSwap<RoutingMap>,
    file: PathBuf,
    inner: Mutex<(Journal, Vec<RouteChange>)>,
    /// Held from the check of a change until everyone knows of it: there is one at a time.
    changing: Mutex<()>,
}

impl RoutingDesk {
    /// The map of a data directory: the one edited there, or the one that comes with the program.
    pub(crate) fn open(data_dir: &Path) -> Result<Self, OpenError> {
        let file = data_dir.join(MAP);
        let map = if file.exists() {
            RoutingMap::load(&file)
        } else {
            RoutingMap::builtin()
        }
        .map_err(|source| OpenError::Routing {
            source,
            path: file.clone(),
        })?;
        let (journal, changes) = Journal::open(&data_dir.join(JOURNAL))?;
        Ok(Self {
            map: ArcSwap::from_pointee(map),
            file,
            inner: Mutex::new((journal, changes)),
            changing: Mutex::default(),
        })
    }

    /// The map in force.
    pub(crate) fn map(&self) -> Arc<RoutingMap> {
        self.map.load_full()
    }

    /// The region of each country on the map.
    pub(crate) fn regions(&self) -> Regions {
        self.map().countries().collect()
    }

    /// The map and its changes.
    pub(crate) fn view(&self) -> RoutingView {
        let changes = self.inner.lock().1.clone();
        RoutingView {
            map: self.map(),
            modified: changes.last().map(|change| change.at),
            changes,
        }
    }

    /// Puts a country in a region, or takes back the last change.
    fn change(&self, change: Change<'_>, at: DateTime<Utc>) -> Result<RouteChange, RouteError> {
        let mut inner = self.inner.lock();
        let (journal, changes) = &mut *inner;
        let before = self.map();
        let (country, to, undoes) = match change {
            Change::Assign(country, region) => (country.trim().to_owned(), Some(region), None),
            Change::Undo => {
                let last = last_undoable(changes).ok_or(RouteError::NothingToUndo)?;
                (last.country.clone(), last.from, Some(last.version))
            }
        };
        let map = match to {
            Some(region) => before.assign(&country, region)?,
            None => before.without(&country)?,
        };
        let change = RouteChange {
            version: map.version(),
            at,
            country: [&map, &*before]
                .iter()
                .find_map(|map| map.find(&country))
                .map_or(country.clone(), |route| route.country.to_owned()),
            from: before.region_of(&country),
            to,
            undoes,
        };
        // The map counts; a change that is in the list and not in the map would be taken back
        // where it never was.
        map.save(&self.file)?;
        self.map.store(Arc::new(map));
        journal.append(&change)?;
        changes.push(change.clone());
        Ok(change)
    }

    /// Puts another map in the place of this one.
    fn replace(&self, map: RoutingMap) -> Result<(), RoutingError> {
        map.save(&self.file)?;
        self.map.store(Arc::new(map));
        Ok(())
    }
}

/// What is to be done to the map.
#[derive(Debug, Clone, Copy)]
enum Change<'a> {
    Assign(&'a str, Region),
    Undo,
}

/// The newest change that nobody took back and that takes back none.
fn last_undoable(changes: &[RouteChange]) -> Option<&RouteChange> {
    let is_undone = |version| changes.iter().any(|change| change.undoes == Some(version));
    changes
        .iter()
        .rev()
        .find(|change| change.undoes.is_none() && !is_undone(change.version))
}

impl Runtime {
    /// Puts a country in a region, for loads that begin after this.
    pub(crate) fn assign_country(
        &self,
        country: &str,
        region: Region,
    ) -> Result<RouteChange, RouteError> {
        let _one = self.routing.changing.lock();
        self.check_movable(country, Some(region))?;
        self.change_route(Change::Assign(country, region))
    }

    /// Takes back the last change of the map that was not taken back yet.
    pub(crate) fn undo_routing(&self) -> Result<RouteChange, RouteError> {
        let _one = self.routing.changing.lock();
        let view = self.routing.view();
        if let Some(last) = last_undoable(&view.changes) {
            self.check_movable(&last.country, last.from)?;
        }
        self.change_route(Change::Undo)
    }

    /// Puts another map in force, for loads that begin after this. All of it or nothing.
    pub(crate) fn set_routing(&self, map: RoutingMap) -> Result<(), RouteError> {
        let _one = self.routing.changing.lock();
        let before = self.routing.map();
        if map == *before {
            return Ok(());
        }
        let (given, there) = (map.version(), before.version());
        if given <= there {
            return Err(RouteError::NotNewer { given, there });
        }
        for (country, _) in before.countries() {
            // To the store, a country that is spelled otherwise is another one.
            let to = map.find(country).filter(|route| route.country == country);
            self.check_movable(country, to.map(|route| route.region))?;
        }
        self.routing.replace(map)?;
        self.analytics.route_by(self.routing.regions());
        self.events.emit(EventKind::Edited {
            what: "routing map".to_owned(),
            before: format!("version {there}"),
            after: format!("version {given}"),
        });
        Ok(())
    }

    /// Changes the map, and whatever goes by it.
    fn change_route(&self, change: Change<'_>) -> Result<RouteChange, RouteError> {
        let changed = self.routing.change(change, self.clock.now());
        // A change that could not be put on the list is in force all the same.
        self.analytics.route_by(self.routing.regions());
        let change = changed?;
        self.tell_route(&change);
        Ok(change)
    }

    /// A summary is ordered among others by the offset of its partition, so the lines of a country
    /// must all come through the topic of one region.
    fn check_movable(&self, country: &str, to: Option<Region>) -> Result<(), RouteError> {
        if self.loads.is_busy() {
            return Err(RouteError::Loading);
        }
        let map = self.routing.map();
        let Some(route) = map.find(country).filter(|route| Some(route.region) != to) else {
            return Ok(());
        };
        // Looked at before the store is: what is written by then is found there.
        let unwritten = self.unwritten(route.region)?;
        let mut lines = 0;
        for table in LineTable::ALL {
            let scope = BucketScope {
                countries: vec![route.country.to_owned()],
                ..BucketScope::all(table)
            };
            let from = self.routes.read_anywhere();
            self.store
                .scan_rows(&scope, from, &mut |_key, rows| lines += rows.len() as u64)?;
        }
        let (country, region) = (route.country.to_owned(), route.region);
        match (lines, unwritten) {
            (0, 0) => Ok(()),
            (0, lines) => Err(RouteError::NotWritten {
                country,
                region,
                lines,
            }),
            (lines, _) => Err(RouteError::HasLines {
                country,
                region,
                lines,
            }),
        }
    }

    /// Lines in the log of a region that are not committed as written.
    fn unwritten(&self, region: Region) -> Result<u64, LogError> {
        let topic = Topic::Lines(region);
        let partitions = self.partitions().filter(|p| p.topic == topic);
        let behind = partitions.map(|partition| {
            let offsets = self.log.offsets(partition)?;
            // A group that never committed has everything from the oldest line on before it.
            let committed = self.log.committed(partition)?;
            let at = committed.map_or(offsets.begin.0, |at| at.0);
            Ok(offsets.end.0.saturating_sub(at))
        });
        behind.sum()
    }

    fn tell_route(&self, change: &RouteChange) {
        let name = |region: Option<Region>| region.map_or("no region", Region::name).to_owned();
        self.events.emit(EventKind::Edited {
            what: format!(
                "routing map, version {}: {}",
                change.version, change.country
            ),
            before: name(change.from),
            after: name(change.to),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn desk(dir: &Path) -> RoutingDesk {
        RoutingDesk::open(dir).unwrap()
    }

    #[test]
    fn a_change_and_its_undo_survive_and_raise_the_version() {
        let dir = tempfile::tempdir().unwrap();
        let first = desk(dir.path());
        let version = first.map().version();
        let at = DateTime::UNIX_EPOCH;
        let change = first
            .change(Change::Assign(" Narnia ", Region::Americas), at)
            .unwrap();
        assert_eq!((change.from, change.to), (None, Some(Region::Americas)));
        drop(first);
        let again = desk(dir.path());
        assert_eq!(again.map().region_of("narnia"), Some(Region::Americas));
        assert_eq!(again.view().changes, [change]);
        again
            .change(Change::Assign("NARNIA", Region::Europe), at)
            .unwrap();
        let undone = again.change(Change::Undo, at).unwrap();
        assert_eq!(undone.country, "Narnia");
        assert_eq!(again.map().region_of("Narnia"), Some(Region::Americas));
        again.change(Change::Undo, at).unwrap();
        assert_eq!(again.map().region_of("Narnia"), None);
        assert_eq!(again.map().version(), version + 4);
        assert!(matches!(
            again.change(Change::Undo, at),
            Err(RouteError::NothingToUndo)
        ));
        drop(again);
        let last = desk(dir.path());
        assert_eq!(last.map().region_of("Narnia"), None);
        assert_eq!(last.view().changes.len(), 4);
    }
}
