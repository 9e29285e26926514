//! A digest of a set of rows that does not depend on their order.

use std::fmt;

use serde::{Serialize, Serializer};

use super::identity::LineId;

/// How many rows a set holds, and two independent sums over the identities of the rows.
///
/// Adding is associative and commutative, so the digest of a bucket is the sum of the digests of
/// its blocks, and that of a data centre the sum over its buckets. The identity of a row is a
/// hash over all of its columns, so a row that differs in any of them changes the digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub struct RowsDigest {
    /// Rows in the set.
    pub lines: u64,
    /// Wrapping sum of the identities.
    pub sum: u64,
    /// Wrapping sum of the identities, each scrambled: two sets that agree in `sum` by accident
    /// do not agree here too.
    pub mix: u64,
}

impl RowsDigest {
    /// Counts one row.
    pub const fn add(&mut self, id: LineId) {
        self.lines += 1;
        self.sum = self.sum.wrapping_add(id.0);
        self.mix = self.mix.wrapping_add(scramble(id.0));
    }

    /// Takes all rows of a set away that is a part of this one.
    pub const fn remove(&mut self, part: &Self) {
        self.lines = self.lines.saturating_sub(part.lines);
        self.sum = self.sum.wrapping_sub(part.sum);
        self.mix = self.mix.wrapping_sub(part.mix);
    }

    /// Counts all rows of a set that shares none with this one.
    pub const fn merge(&mut self, other: &Self) {
        self.lines += other.lines;
        self.sum = self.sum.wrapping_add(other.sum);
        self.mix = self.mix.wrapping_add(other.mix);
    }
}

/// The finaliser of `MurmurHash3`, a bijection without fixed structure.
const fn scramble(mut x: u64) -> u64 {
    x ^= x >> 33;
    x = x.wrapping_mul(0xff51_afd7_ed55_8ccd);
    x ^= x >> 33;
    x = x.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    x ^ (x >> 33)
}

impl fmt::Display for RowsDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}{:016x}", self.sum, self.mix)
    }
}

impl Serialize for RowsDigest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
