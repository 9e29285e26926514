//! Regions, data centres and topics: the fixed geography of the platform.

use std::fmt;
use std::ops::{Index, IndexMut};

use serde::{Deserialize, Serialize};

/// A sales region. Each has one topic, one consumer group and one home data centre.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Region {
    /// European countries, Channel Islands included.
    Europe,
    /// North and South America.
    Americas,
    /// Asia, Australia, the Middle East and Africa.
    AsiaPacific,
}

impl Region {
    /// All regions, in the order in which they are shown.
    pub const ALL: [Self; 3] = [Self::Europe, Self::Americas, Self::AsiaPacific];

    /// The data centre that serves this region while nothing is wrong.
    pub const fn home(self) -> Dc {
        match self {
            Self::Europe => Dc::Europe,
            Self::Americas => Dc::Americas,
            Self::AsiaPacific => Dc::AsiaPacific,
        }
    }

    /// Lower-case name in commands, files, JSON and metric labels.
    pub const fn slug(self) -> &'static str {
        match self {
            Self::Europe => "europe",
            Self::Americas => "americas",
            Self::AsiaPacific => "asiapacific",
        }
    }

    /// Name for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Europe => "Europe",
            Self::Americas => "Americas",
            Self::AsiaPacific => "Asia-Pacific",
        }
    }

    /// The region of a slug or name, in any case.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|r| r.slug().eq_ignore_ascii_case(text) || r.name().eq_ignore_ascii_case(text))
    }

    const fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A data centre: a Cassandra data centre in live mode, a replica in embedded mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Dc {
    /// `Europe_DC`.
    #[serde(rename = "Europe_DC")]
    Europe,
    /// `Americas_DC`.
    #[serde(rename = "Americas_DC")]
    Americas,
    /// `AsiaPacific_DC`.
    #[serde(rename = "AsiaPacific_DC")]
    AsiaPacific,
}

impl Dc {
    /// All data centres, in the order in which they are shown.
    pub const ALL: [Self; 3] = [Self::Europe, Self::Americas, Self::AsiaPacific];

    /// The name in Cassandra, JSON, metric labels and on screen.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Europe => "Europe_DC",
            Self::Americas => "Americas_DC",
            Self::AsiaPacific => "AsiaPacific_DC",
        }
    }

    /// The region that this data centre is home to.
    pub const fn region(self) -> Region {
        match self {
            Self::Europe => Region::Europe,
            Self::Americas => Region::Americas,
            Self::AsiaPacific => Region::AsiaPacific,
        }
    }

    /// The data centre of a name, in any case, with or without `_DC`.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|dc| {
            dc.name().eq_ignore_ascii_case(text) || dc.region().slug().eq_ignore_ascii_case(text)
        })
    }

    /// Position in [`Dc::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The other two, in order.
    pub fn others(self) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |dc| *dc != self)
    }
}

impl fmt::Display for Dc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of data centres.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct DcSet(u8);

impl DcSet {
    /// No data centre.
    pub const NONE: Self = Self(0);
    /// All three.
    pub const ALL: Self = Self(0b111);

    /// The set with `dc` added.
    #[must_use]
    pub const fn with(self, dc: Dc) -> Self {
        Self(self.0 | 1 << dc as u8)
    }

    /// The set with `dc` taken out.
    #[must_use]
    pub const fn without(self, dc: Dc) -> Self {
        Self(self.0 & !(1 << dc as u8))
    }

    /// Whether `dc` is in the set.
    pub const fn contains(self, dc: Dc) -> bool {
        self.0 & (1 << dc as u8) != 0
    }

    /// How many are in the set.
    pub const fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Whether none is in the set.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The members in order.
    pub fn iter(self) -> impl Iterator<Item = Dc> {
        Dc::ALL.into_iter().filter(move |dc| self.contains(*dc))
    }

    /// Every subset of the three, the empty one first.
    pub fn subsets() -> impl Iterator<Item = Self> {
        (0..8).map(Self)
    }
}

impl FromIterator<Dc> for DcSet {
    fn from_iter<I: IntoIterator<Item = Dc>>(iter: I) -> Self {
        iter.into_iter().fold(Self::NONE, Self::with)
    }
}

impl fmt::Debug for DcSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// A topic of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Topic {
    /// The clean lines of a region.
    Lines(Region),
    /// Rows that were set aside.
    Quarantine,
}

impl Topic {
    /// All topics, in the order in which they are shown.
    pub const ALL: [Self; 4] = [
        Self::Lines(Region::Europe),
        Self::Lines(Region::Americas),
        Self::Lines(Region::AsiaPacific),
        Self::Quarantine,
    ];

    /// The name in Kafka.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lines(Region::Europe) => "europe-transactions",
            Self::Lines(Region::Americas) => "americas-transactions",
            Self::Lines(Region::AsiaPacific) => "asiapacific-transactions",
            Self::Quarantine => "quarantine",
        }
    }

    /// The topic of a name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|t| t.name() == text)
    }

    /// The consumer group that reads this topic.
    pub const fn group(self) -> &'static str {
        match self {
            Self::Lines(Region::Europe) => "retail-europe",
            Self::Lines(Region::Americas) => "retail-americas",
            Self::Lines(Region::AsiaPacific) => "retail-asiapacific",
            Self::Quarantine => "retail-quarantine",
        }
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One value per data centre.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct PerDc<T>(pub [T; 3]);

impl<T> PerDc<T> {
    /// Builds the three values.
    pub fn from_fn(mut f: impl FnMut(Dc) -> T) -> Self {
        Self(Dc::ALL.map(&mut f))
    }

    /// The data centres with their values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (Dc, &T)> {
        Dc::ALL.into_iter().zip(self.0.iter())
    }

    /// The data centres with their values, in order, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (Dc, &mut T)> {
        Dc::ALL.into_iter().zip(self.0.iter_mut())
    }

    /// The same shape with each value passed through `f`.
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> PerDc<U> {
        PerDc(self.0.map(f))
    }
}

impl<T> Index<Dc> for PerDc<T> {
    type Output = T;
    fn index(&self, dc: Dc) -> &T {
        &self.0[dc.index()]
    }
}

impl<T> IndexMut<Dc> for PerDc<T> {
    fn index_mut(&mut self, dc: Dc) -> &mut T {
        &mut self.0[dc.index()]
    }
}

/// One value per region.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct PerRegion<T>(pub [T; 3]);

impl<T> PerRegion<T> {
    /// Builds the three values.
    pub fn from_fn(mut f: impl FnMut(Region) -> T) -> Self {
        Self(Region::ALL.map(&mut f))
    }

    /// The regions with their values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (Region, &T)> {
        Region::ALL.into_iter().zip(self.0.iter())
    }
}

impl<T> Index<Region> for PerRegion<T> {
    type Output = T;
    fn index(&self, region: Region) -> &T {
        &self.0[region.index()]
    }
}

impl<T> IndexMut<Region> for PerRegion<T> {
    fn index_mut(&mut self, region: Region) -> &mut T {
        &mut self.0[region.index()]
    }
}
