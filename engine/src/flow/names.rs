//! The catalog as one thread sees it: lookups without a lock for names met before.

use std::sync::Arc;

use compact_str::CompactString;
use rustc_hash::FxHashMap;
use xxhash_rust::xxh3::{xxh3_64, xxh3_128, xxh3_128_with_seed};

use crate::codec::record::LineRecord;
use crate::model::{Catalog, CountryId, CustomerId, ProductId, StoredLine};

/// A thread's own view of the catalog.
///
/// Names are known by 128 bits of hash: among all names that ever were, two alike are less likely
/// than a disk that lies, and looking at the name itself costs more than all the rest.
#[derive(Debug)]
pub(super) struct Names {
    catalog: Arc<Catalog>,
    countries: FxHashMap<u128, CountryId>,
    customers: FxHashMap<u128, CustomerId>,
    products: FxHashMap<u128, ProductId>,
    /// Of the line before: most lines repeat them.
    last_country: Option<(CompactString, CountryId)>,
    last_customer: Option<(CompactString, CustomerId)>,
}

impl Names {
    pub(super) fn new(catalog: Arc<Catalog>) -> Self {
        Self {
            catalog,
            countries: FxHashMap::default(),
            customers: FxHashMap::default(),
            products: FxHashMap::default(),
            last_country: None,
            last_customer: None,
        }
    }

    /// The id of a country.
    pub(super) fn country(&mut self, name: &str) -> CountryId {
        match &self.last_country {
            Some((last, id)) if last == name => return *id,
            _ => {}
        }
        let id = self.countries.entry(xxh3_128(name.as_bytes()));
        let id = *id.or_insert_with(|| self.catalog.country(name));
        self.last_country = Some((name.into(), id));
        id
    }

    fn customer(&mut self, name: &str) -> CustomerId {
        match &self.last_customer {
            Some((last, id)) if last == name => return *id,
            _ => {}
        }
        let id = self.customers.entry(xxh3_128(name.as_bytes()));
        let id = *id.or_insert_with(|| self.catalog.customer(name));
        self.last_customer = Some((name.into(), id));
        id
    }

    fn product(&mut self, stock_code: &str, description: &str) -> ProductId {
        let seed = xxh3_64(stock_code.as_bytes());
        let hash = xxh3_128_with_seed(description.as_bytes(), seed);
        let id = self.products.entry(hash);
        *id.or_insert_with(|| self.catalog.product(stock_code, description))
    }

    /// A line as its bucket holds it.
    pub(super) fn stored(&mut self, record: &LineRecord<'_>) -> StoredLine {
        let line = &record.line;
        StoredLine {
            invoice_no: line.invoice_no.into(),
            product: self.product(line.stock_code, line.description),
            customer: line.customer.map(|c| self.customer(c)),
            quantity: line.quantity,
            invoice_time: line.invoice_time,
            unit_price: line.unit_price,
            occurrence: record.occurrence,
            line_id: record.line_id,
        }
    }
}
