//! Names that repeat - countries, products, customers - and the small numbers that stand for
//! them.
//!
//! A catalog only grows, in one sequence of entries: the id of a name is its place among the
//! names of its kind. A replica that has stored the first `n` entries can read every row that
//! uses them, so what a replica lacks is always the tail.

use std::sync::Arc;

use compact_str::CompactString;
use parking_lot::RwLock;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

/// A country on the routing map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CountryId(pub u16);

/// A product code with one of its descriptions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProductId(pub u32);

/// A product code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StockId(pub u32);

/// A customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CustomerId(pub u32);

/// A product code and what it was called.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ProductName {
    /// The product code.
    pub stock_code: CompactString,
    /// The description; may be empty.
    pub description: CompactString,
    /// The code's own id: products that differ in description only share it.
    pub stock: StockId,
}

/// One name, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum CatalogEntry {
    /// A country.
    Country(CompactString),
    /// A product code with a description.
    Product {
        /// The code.
        stock_code: CompactString,
        /// The description.
        description: CompactString,
    },
    /// A customer's number.
    Customer(CompactString),
}

/// The names in use. Shared by every thread of an engine; ids never change.
#[derive(Debug, Default)]
pub struct Catalog {
    inner: RwLock<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    entries: Vec<CatalogEntry>,
    countries: Names<CompactString>,
    customers: Names<CompactString>,
    stock: Names<CompactString>,
    products: Vec<Arc<ProductName>>,
    product_ids: FxHashMap<CompactString, FxHashMap<CompactString, ProductId>>,
}

#[derive(Debug)]
struct Names<T> {
    names: Vec<T>,
    ids: FxHashMap<T, u32>,
}

impl<T> Default for Names<T> {
    fn default() -> Self {
        Self {
            names: Vec::new(),
            ids: FxHashMap::default(),
        }
    }
}

impl Names<CompactString> {
    fn get(&self, name: &str) -> Option<u32> {
        self.ids.get(name).copied()
    }

    fn add(&mut self, name: &str) -> u32 {
        // A catalog of four thousand million names would not fit in memory.
        let id = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        self.names.push(name.into());
        self.ids.insert(name.into(), id);
        id
    }
}

impl Catalog {
    /// The catalog of stored entries, in their order.
    pub fn from_entries(entries: impl IntoIterator<Item = CatalogEntry>) -> Self {
        let catalog = Self::default();
        for entry in entries {
            match &entry {
                CatalogEntry::Country(name) => {
                    catalog.country(name);
                }
                CatalogEntry::Product {
                    stock_code,
                    description,
                } => {
                    catalog.product(stock_code, description);
                }
                CatalogEntry::Customer(name) => {
                    catalog.customer(name);
                }
            }
        }
        catalog
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.inner.read().entries.len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The entries from number `from` on, to be stored by a replica that has those before.
    pub fn entries_from(&self, from: usize) -> Vec<CatalogEntry> {
        let inner = self.inner.read();
        inner.entries.get(from..).unwrap_or_default().to_vec()
    }

    /// The id of a country, made when it is new.
    pub fn country(&self, name: &str) -> CountryId {
        if let Some(id) = self.inner.read().countries.get(name) {
            return country_id(id);
        }
        let inner = &mut *self.inner.write();
        if let Some(id) = inner.countries.get(name) {
            return country_id(id);
        }
        inner.entries.push(CatalogEntry::Country(name.into()));
        country_id(inner.countries.add(name))
    }

    /// The id of a customer, made when it is new.
    pub fn customer(&self, name: &str) -> CustomerId {
        if let Some(id) = self.inner.read().customers.get(name) {
            return CustomerId(id);
        }
        let inner = &mut *self.inner.write();
        if let Some(id) = inner.customers.get(name) {
            return CustomerId(id);
        }
        inner.entries.push(CatalogEntry::Customer(name.into()));
        CustomerId(inner.customers.add(name))
    }

    /// The id of a product code with a description, made when it is new.
    pub fn product(&self, stock_code: &str, description: &str) -> ProductId {
        let known = |inner: &Inner| {
            let descriptions = inner.product_ids.get(stock_code)?;
            descriptions.get(description).copied()
        };
        if let Some(id) = known(&self.inner.read()) {
            return id;
        }
        let inner = &mut *self.inner.write();
        if let Some(id) = known(inner) {
            return id;
        }
        let id = ProductId(u32::try_from(inner.products.len()).unwrap_or(u32::MAX));
        let stock = inner
            .stock
            .get(stock_code)
            .unwrap_or_else(|| inner.stock.add(stock_code));
        inner.products.push(Arc::new(ProductName {
            stock_code: stock_code.into(),
            description: description.into(),
            stock: StockId(stock),
        }));
        inner
            .product_ids
            .entry(stock_code.into())
            .or_default()
            .insert(description.into(), id);
        inner.entries.push(CatalogEntry::Product {
            stock_code: stock_code.into(),
            description: description.into(),
        });
        id
    }

    /// The id of a country that is there already.
    pub fn find_country(&self, name: &str) -> Option<CountryId> {
        self.inner.read().countries.get(name).map(country_id)
    }

    /// The id of a customer that is there already.
    pub fn find_customer(&self, name: &str) -> Option<CustomerId> {
        self.inner.read().customers.get(name).map(CustomerId)
    }

    /// The id of a product code that is there already.
    pub fn find_stock(&self, stock_code: &str) -> Option<StockId> {
        self.inner.read().stock.get(stock_code).map(StockId)
    }

    /// The name of a country; `None` for an id of another catalog.
    pub fn country_name(&self, id: CountryId) -> Option<CompactString> {
        let inner = self.inner.read();
        inner.countries.names.get(usize::from(id.0)).cloned()
    }

    /// The number of a customer; `None` for an id of another catalog.
    pub fn customer_name(&self, id: CustomerId) -> Option<CompactString> {
        let inner = self.inner.read();
        inner.customers.names.get(id.0 as usize).cloned()
    }

    /// Code and description of a product; `None` for an id of another catalog.
    pub fn product_name(&self, id: ProductId) -> Option<Arc<ProductName>> {
        self.inner.read().products.get(id.0 as usize).cloned()
    }

    /// The code of a stock id; `None` for an id of another catalog.
    pub fn stock_code(&self, id: StockId) -> Option<CompactString> {
        self.inner.read().stock.names.get(id.0 as usize).cloned()
    }

    /// Names of all countries, by id.
    pub fn countries(&self) -> Vec<CompactString> {
        self.inner.read().countries.names.clone()
    }

    /// Numbers of all customers, by id.
    pub fn customers(&self) -> Vec<CompactString> {
        self.inner.read().customers.names.clone()
    }

    /// Codes and descriptions of all products, by id.
    pub fn products(&self) -> Vec<Arc<ProductName>> {
        self.inner.read().products.clone()
    }
}

/// The world has some two hundred countries, and the routing map admits them one by one.
fn country_id(id: u32) -> CountryId {
    CountryId(u16::try_from(id).unwrap_or(u16::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_catalog_made_again_from_its_entries_has_the_same_ids() {
        let catalog = Catalog::default();
        let uk = catalog.country("United Kingdom");
        let a = catalog.product("85123A", "HEART");
        let b = catalog.product("85123A", "CREAM HEART");
        let c = catalog.customer("17850");
        assert_ne!(a, b);
        assert_eq!(catalog.product("85123A", "HEART"), a);
        let again = Catalog::from_entries(catalog.entries_from(0));
        assert_eq!(again.find_country("United Kingdom"), Some(uk));
        assert_eq!(again.product("85123A", "CREAM HEART"), b);
        assert_eq!(again.find_customer("17850"), Some(c));
        let names = again.products();
        assert_eq!(names[0].stock, names[1].stock);
        assert_eq!(
            catalog.entries_from(3),
            [CatalogEntry::Customer("17850".into())]
        );
    }
}
