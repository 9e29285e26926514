//! Shards and buckets: the unit of storage, aggregation, comparison and repair.

use std::fmt;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::catalog::CountryId;
use super::offset::Partition;
use super::time::Day;

/// Shards of a keyspace, fixed when it is made. `partition = shard mod partitions`, so a topic
/// has at most this many partitions that do work.
pub const SHARDS: u8 = 12;

/// Which twelfth of the invoices an invoice belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Shard(pub u8);

impl Shard {
    /// The shard of an invoice: all of its lines share it.
    #[expect(clippy::cast_possible_truncation, reason = "below SHARDS")]
    pub fn of_invoice(invoice_no: &str) -> Self {
        Self((xxh3_64(invoice_no.as_bytes()) % u64::from(SHARDS)) as u8)
    }

    /// The partition of this shard in a topic of `partitions` partitions (at least 1).
    pub const fn partition(self, partitions: u16) -> Partition {
        Partition(self.0 as u16 % partitions)
    }
}

/// What kind of line a bucket holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LineTable {
    /// Clean lines: sales.
    Transactions,
    /// Cancelled lines, kept so that returns are counted once however often a file is loaded.
    Returns,
}

impl LineTable {
    /// Both tables.
    pub const ALL: [Self; 2] = [Self::Transactions, Self::Returns];
}

/// The lines of one country, day and shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BucketKey {
    /// Sales or returns.
    pub table: LineTable,
    /// The country.
    pub country: CountryId,
    /// The calendar day of the lines.
    pub day: Day,
    /// The shard of their invoices.
    pub shard: Shard,
}

impl BucketKey {
    /// Length of [`BucketKey::to_bytes`].
    pub const BYTES: usize = 8;

    /// Bytes that sort like the key.
    pub fn to_bytes(self) -> [u8; Self::BYTES] {
        let [c0, c1] = self.country.0.to_be_bytes();
        let [d0, d1, d2, d3] = (self.day.0 ^ i32::MIN).to_be_bytes();
        let table = match self.table {
            LineTable::Transactions => 0,
            LineTable::Returns => 1,
        };
        [table, c0, c1, d0, d1, d2, d3, self.shard.0]
    }

    /// The bytes as one number, which sorts like the key too.
    pub fn packed(self) -> u64 {
        u64::from_be_bytes(self.to_bytes())
    }

    /// The key of such a number; `None` for any other number.
    pub fn from_packed(packed: u64) -> Option<Self> {
        Self::from_bytes(&packed.to_be_bytes())
    }

    /// The key of such bytes; `None` for any other bytes.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let &[table, c0, c1, d0, d1, d2, d3, shard] = bytes else {
            return None;
        };
        Some(Self {
            table: match table {
                0 => LineTable::Transactions,
                1 => LineTable::Returns,
                _ => return None,
            },
            country: CountryId(u16::from_be_bytes([c0, c1])),
            day: Day(i32::from_be_bytes([d0, d1, d2, d3]) ^ i32::MIN),
            shard: (shard < SHARDS).then_some(Shard(shard))?,
        })
    }
}

impl fmt::Display for BucketKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let table = match self.table {
            LineTable::Transactions => "transactions",
            LineTable::Returns => "returns",
        };
        write!(
            f,
            "{table}/country {}/{}/shard {}",
            self.country.0, self.day, self.shard.0
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_bytes_round_trip_and_sort_like_the_key() {
        let mut keys = Vec::new();
        for table in LineTable::ALL {
            for country in [0, 1, 300] {
                for day in [-1, 0, 1, 15_000] {
                    keys.push(BucketKey {
                        table,
                        country: CountryId(country),
                        day: Day(day),
                        shard: Shard(3),
                    });
                }
            }
        }
        assert!(keys.is_sorted());
        let bytes: Vec<_> = keys.iter().map(|k| k.to_bytes()).collect();
        assert!(bytes.is_sorted());
        for (key, bytes) in keys.iter().zip(&bytes) {
            assert_eq!(BucketKey::from_bytes(bytes), Some(*key));
            assert_eq!(BucketKey::from_packed(key.packed()), Some(*key));
        }
        assert_eq!(BucketKey::from_bytes(&[0; 7]), None);
        assert_eq!(BucketKey::from_bytes(&[0, 0, 0, 0, 0, 0, 0, 12]), None);
    }
}
