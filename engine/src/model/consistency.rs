//! Consistency levels over three data centres with one replica each.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::region::{Dc, DcSet};

/// What a write or a read waits for before it counts as done.
///
/// The meaning is Cassandra's for `NetworkTopologyStrategy` with one replica in each of three
/// data centres.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ConsistencyLevel {
    /// Any one replica.
    One,
    /// A majority of the coordinator's own data centre: its one replica.
    LocalQuorum,
    /// A majority of all replicas: two of three.
    Quorum,
    /// A majority in every data centre: all three.
    EachQuorum,
    /// Every replica: all three.
    All,
}

impl ConsistencyLevel {
    /// All levels, weakest first.
    pub const ALL: [Self; 5] = [
        Self::One,
        Self::LocalQuorum,
        Self::Quorum,
        Self::EachQuorum,
        Self::All,
    ];

    /// Whether the answers of `acked` satisfy this level for a coordinator in `via`.
    pub const fn satisfied_by(self, acked: DcSet, via: Dc) -> bool {
        match self {
            Self::One => !acked.is_empty(),
            Self::LocalQuorum => acked.contains(via),
            Self::Quorum => acked.len() >= 2,
            Self::EachQuorum | Self::All => acked.len() == 3,
        }
    }

    /// The name in CQL, JSON and on screen.
    pub const fn name(self) -> &'static str {
        match self {
            Self::One => "ONE",
            Self::LocalQuorum => "LOCAL_QUORUM",
            Self::Quorum => "QUORUM",
            Self::EachQuorum => "EACH_QUORUM",
            Self::All => "ALL",
        }
    }

    /// The level of a name, in any case.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|l| l.name().eq_ignore_ascii_case(text))
    }
}

impl fmt::Display for ConsistencyLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_need_what_cassandra_needs() {
        for acked in DcSet::subsets() {
            for via in Dc::ALL {
                let n = acked.len();
                let expect = [n >= 1, acked.contains(via), n >= 2, n == 3, n == 3];
                let got = ConsistencyLevel::ALL.map(|l| l.satisfied_by(acked, via));
                assert_eq!(got, expect, "{acked:?} via {via}");
            }
        }
    }
}
