//! A bucket's summary as one value that any process can read.
//!
//! Ids of a catalog mean something in one process only, so the names go with it:
//!
//! ```text
//! round, version, crc32 of what follows (4 bytes),
//! customers by number, products by code and description, summary with places in those lists
//! ```
//!
//! Of two values with the same timestamp Cassandra keeps the larger one, byte by byte. The round
//! stands first, so that a repair, which may not take a newer timestamp than the owner's, still
//! wins over what it mends.

use std::collections::BTreeMap;

use xxhash_rust::xxh3::xxh3_64;

use crate::codec::summary::{check, put_checksum, put_summary, read_summary};
use crate::codec::varint::{self, DecodeError, Reader};
use crate::model::{Catalog, CustomerId, CustomerPart, ProductId, ProductPart, StockId, Summary};
use crate::ports::WriteTimestamp;

/// Format of the values written. A reader knows all formats up to its own.
const VERSION: u8 = 1;

/// How often a summary was mended under one timestamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Round(pub(super) u8);

impl Round {
    /// The round that wins over this one.
    pub(super) const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// A stored summary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stored {
    pub(super) round: Round,
    pub(super) summary: Summary,
    pub(super) timestamp: WriteTimestamp,
}

/// The bytes of a summary.
pub(super) fn put(
    summary: &Summary,
    timestamp: WriteTimestamp,
    round: Round,
    catalog: &Catalog,
) -> Vec<u8> {
    let mut out = Vec::with_capacity(64 + summary.products.len() * 64);
    out.extend_from_slice(&[round.0, VERSION, 0, 0, 0, 0]);
    let named = summary.customers.iter().filter_map(|part| part.customer);
    varint::put_u64(&mut out, named.clone().count() as u64);
    for customer in named {
        let name = catalog.customer_name(customer);
        varint::put_str(&mut out, name.as_deref().unwrap_or_default());
    }
    varint::put_u64(&mut out, summary.products.len() as u64);
    for part in &summary.products {
        let name = catalog.product_name(part.product);
        let (code, description) = name.as_ref().map_or(("", ""), |name| {
            (name.stock_code.as_str(), name.description.as_str())
        });
        varint::put_str(&mut out, code);
        varint::put_str(&mut out, description);
    }
    put_summary(&mut out, &by_place(summary), timestamp);
    put_checksum(&mut out, 2);
    out
}

/// The same with each id replaced by its place in its list.
fn by_place(summary: &Summary) -> Summary {
    let mut place = 0;
    let customers = summary.customers.iter().map(|part| CustomerPart {
        customer: part.customer.map(|_| {
            place += 1;
            CustomerId(place - 1)
        }),
        ..*part
    });
    let products = (0..)
        .zip(&summary.products)
        .map(|(place, part)| ProductPart {
            product: ProductId(place),
            ..*part
        });
    Summary {
        customers: customers.collect(),
        products: products.collect(),
        hours: summary.hours.clone(),
        invoices: summary.invoices.clone(),
        ..*summary
    }
}

/// The summary of such bytes, with ids of `catalog`, which learns the names.
pub(super) fn read(bytes: &[u8], catalog: &Catalog) -> Result<Stored, DecodeError> {
    let mut reader = Reader::new(bytes);
    let round = Round(reader.u8()?);
    if reader.u8()? != VERSION {
        return Err(DecodeError("a summary has a newer format"));
    }
    check(&mut reader)?;
    let mut customers = Vec::new();
    for _ in 0..reader.count()? {
        customers.push(catalog.customer(reader.str()?));
    }
    let mut products = Vec::new();
    for _ in 0..reader.count()? {
        let [code, description] = reader.strs()?;
        products.push(catalog.product(code, description));
    }
    let (mut summary, timestamp) = read_summary(reader.rest())?;
    let no_name = DecodeError("a summary counts what it does not name");
    for part in &mut summary.customers {
        if let Some(place) = part.customer {
            part.customer = Some(*customers.get(place.0 as usize).ok_or(no_name)?);
        }
    }
    for part in &mut summary.products {
        part.product = *products.get(part.product.0 as usize).ok_or(no_name)?;
    }
    // Another process met the names in another order.
    summary.customers.sort_by_key(|part| part.customer);
    summary.products.sort_by_key(|part| part.product);
    Ok(Stored {
        round,
        summary,
        timestamp,
    })
}

/// A hash that two summaries share when they say the same of the same rows, in the sense of
/// [`crate::model::recompute::agree`]: comparing needs a few bytes of each and not all of them.
/// It means something within one process.
pub(super) fn fingerprint(summary: &Summary, catalog: &Catalog) -> u64 {
    let mut by_code: BTreeMap<Option<StockId>, u64> = BTreeMap::new();
    let mut plain = summary.clone();
    for part in &mut plain.products {
        let stock = catalog.product_name(part.product).map(|name| name.stock);
        *by_code.entry(stock).or_default() += std::mem::take(&mut part.tally.invoices);
    }
    let mut bytes = Vec::new();
    put_summary(&mut bytes, &plain, WriteTimestamp::default());
    for (stock, invoices) in by_code {
        varint::put_u64(&mut bytes, stock.map_or(0, |stock| u64::from(stock.0) + 1));
        varint::put_u64(&mut bytes, invoices);
    }
    xxh3_64(&bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::embedded::store::testing::{Shop, any_lines};
    use crate::model::recompute::{agree, summarise};

    proptest! {
        #[test]
        fn a_summary_reads_back_in_the_same_and_in_another_process(specs in any_lines(0..40), stamp: u64) {
            let shop = Shop::default();
            let bucket = shop.bucket(0);
            let summary = summarise(&shop.lines(bucket, &specs), &shop.catalog);
            let timestamp = WriteTimestamp(stamp);
            let bytes = put(&summary, timestamp, Round(3), &shop.catalog);
            let stored = Stored { round: Round(3), summary, timestamp };
            prop_assert_eq!(read(&bytes, &shop.catalog), Ok(stored));
            // A process that met other products first.
            let other = Shop::default();
            other.catalog.product("850", "ANOTHER");
            other.catalog.customer("1");
            let read_there = read(&bytes, &other.catalog).unwrap();
            let made_there = summarise(&other.lines(other.bucket(0), &specs), &other.catalog);
            prop_assert_eq!(read_there.summary, made_there);
        }

        #[test]
        fn a_fingerprint_tells_what_agreeing_tells(a in any_lines(0..6), b in any_lines(0..6), same: bool) {
            let shop = Shop::default();
            let of = |specs: &[_]| summarise(&shop.lines(shop.bucket(0), specs), &shop.catalog);
            let (a, b) = (of(&a), if same { of(&a) } else { of(&b) });
            prop_assert_eq!(
                fingerprint(&a, &shop.catalog) == fingerprint(&b, &shop.catalog),
                agree(&a, &b, &shop.catalog)
            );
        }

        #[test]
        fn a_damaged_summary_is_refused(specs in any_lines(1..10), at: prop::sample::Index, bit in 0..8) {
            let shop = Shop::default();
            let summary = summarise(&shop.lines(shop.bucket(0), &specs), &shop.catalog);
            let mut bytes = put(&summary, WriteTimestamp(1), Round(0), &shop.catalog);
            // The round is outside the checksum: it only orders.
            let at = 1 + at.index(bytes.len() - 1);
            bytes[at] ^= 1_u8 << bit;
            prop_assert!(read(&bytes, &shop.catalog).is_err());
        }
    }
}
