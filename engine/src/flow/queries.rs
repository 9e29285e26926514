//! Questions to the store that any program may ask: through a data centre that answers, at the
//! strongest level that the reachable ones can meet.
//!
//! Figures that need rows are computed here, on the thread of whoever asks: the thread of the
//! analytics only says what its figures know. Rows are read a month or a bucket at a time, and
//! reading ends when nobody waits for the answer any more.

use std::collections::{BTreeMap, BTreeSet};

use crossbeam_channel::Sender;

use super::analyse::{AnalyseError, fingerprint};
use super::runtime::Runtime;
use crate::analytics::{
    Baskets, CustomerHead, CustomerList, CustomerPage, CustomerQuery, Filter, GridBreaks, Month,
    NonProducts, OrderGrid, PageRows, ProductFigures, ProductPage, ProductRows, Rfm, Together,
    TogetherQuery, by_product, customer_figures, customers, order_grid,
};
use crate::model::{BucketKey, Day, LineTable, ProductId, StockId, StoredLine, Summary};
use crate::ports::{BucketScope, DerivedRows, RejectQuery, RejectRow, StoreError};

/// Whether somebody still waits for the answer.
type Wanted<'a> = &'a dyn Fn() -> bool;

impl Runtime {
    /// A derived table.
    pub(crate) fn table(&self, table: &str) -> Result<DerivedRows, StoreError> {
        self.store.read_derived(table, self.routes.read_anywhere())
    }

    /// Sends the lines in scope, bucket by bucket.
    pub(crate) fn lines(
        &self,
        scope: &BucketScope,
        buckets: &Sender<(BucketKey, Vec<StoredLine>)>,
    ) -> Result<(), StoreError> {
        let from = self.routes.read_anywhere();
        let mut wanted = true;
        self.store.scan_rows(scope, from, &mut |key, lines| {
            wanted = wanted && buckets.send((key, lines)).is_ok();
        })
    }

    /// Rows that were set aside.
    pub(crate) fn rejects(&self, query: &RejectQuery) -> Result<Vec<RejectRow>, StoreError> {
        self.store.rejects(query, self.routes.read_anywhere())
    }

    /// The customers that a query asks for.
    pub(crate) fn customers(&self, query: CustomerQuery) -> Result<CustomerList, AnalyseError> {
        let filter = query.filter.clone();
        self.analytics.figures(filter, move |figures, settings| {
            customers(figures, settings, &query)
        })
    }

    /// Customers by days since the last purchase and by orders.
    pub(crate) fn order_grid(
        &self,
        filter: Filter,
        breaks: GridBreaks,
    ) -> Result<OrderGrid, AnalyseError> {
        self.analytics.figures(filter, move |figures, settings| {
            order_grid(&Rfm::of(figures, settings).customers, breaks)
        })
    }

    /// All product codes under a filter.
    pub(crate) fn products(&self, filter: Filter) -> Result<Vec<ProductFigures>, AnalyseError> {
        let listed = filter.non_products;
        self.analytics
            .figures(filter, move |figures, _| by_product(figures, listed))
    }

    /// Products bought together under a filter, in one scan of its lines.
    pub(crate) fn together(
        &self,
        query: TogetherQuery,
        wanted: Wanted<'_>,
    ) -> Result<Together, AnalyseError> {
        let filter = query.filter.clone();
        let (mut baskets, scope, days) =
            self.analytics.figures(filter.clone(), move |figures, _| {
                let span = figures.span().map(|(a, b)| (a.day(), b.day()));
                let scope = figures.scope(figures.filter());
                (Baskets::new(figures, &query), scope, span)
            })?;
        for (from, to) in days.map(months).unwrap_or_default() {
            if !wanted() {
                return Err(AnalyseError::GivenUp);
            }
            let buckets = BucketScope {
                countries: filter.countries.clone(),
                from: Some(from),
                to: Some(to),
                ..BucketScope::all(LineTable::Transactions)
            };
            let read = self.routes.read_anywhere();
            self.store.scan_rows(&buckets, read, &mut |key, lines| {
                if scope.holds_bucket(key) {
                    baskets.add(&lines);
                }
            })?;
        }
        Ok(baskets.finish())
    }

    /// The page of a customer; `None` for one without a purchase.
    pub(crate) fn customer_page(
        &self,
        number: &str,
        wanted: Wanted<'_>,
    ) -> Result<Option<CustomerPage>, AnalyseError> {
        let catalog = self.store.catalog();
        let Some(id) = catalog.find_customer(number) else {
            return Ok(None);
        };
        let everything = Filter::default();
        let head = self
            .analytics
            .figures(everything, move |figures, settings| {
                let all = customer_figures(figures, settings);
                let own = all.into_iter().find(|customer| customer.id == id)?;
                let segments = settings.grid.segments().iter();
                let meaning = segments
                    .filter(|s| s.name == own.segment)
                    .map(|s| &s.meaning);
                Some(CustomerHead {
                    segment_meaning: meaning.cloned().collect(),
                    figures: own,
                    reference_date: figures.reference_date(),
                    regions: figures.regions().clone(),
                })
            })?;
        let Some(head) = head else {
            return Ok(None);
        };
        let mut rows = PageRows::default();
        let has = |summary: &Summary| {
            let parts = &summary.customers;
            parts
                .binary_search_by_key(&Some(id), |part| part.customer)
                .is_ok()
        };
        for (table, into) in rows.tables() {
            self.read_buckets(table, has, wanted, |key, lines| {
                let own = lines.into_iter().filter(|line| line.customer == Some(id));
                into.extend(own.map(|line| (key, line)));
            })?;
        }
        Ok(Some(CustomerPage::build(head, catalog, &rows)))
    }

    /// The page of a product code; `None` for one without sales.
    pub(crate) fn product_page(
        &self,
        stock_code: &str,
        wanted: Wanted<'_>,
    ) -> Result<Option<ProductPage>, AnalyseError> {
        let catalog = self.store.catalog();
        let Some(stock) = catalog.find_stock(stock_code) else {
            return Ok(None);
        };
        let (products, spanning) = self.analytics.figures(Filter::default(), |figures, _| {
            let products = by_product(figures, NonProducts::Show);
            (products, figures.spanning_baskets())
        })?;
        let names = catalog.products();
        let stock_of = |id: ProductId| names.get(id.0 as usize).map(|name| name.stock);
        let mut page = ProductRows::default();
        let has = |summary: &Summary| {
            let mut parts = summary.products.iter();
            parts.any(|part| stock_of(part.product) == Some(stock))
        };
        for (table, into) in page.rows.tables() {
            let baskets = &mut page.baskets;
            self.read_buckets(table, has, wanted, |key, lines| {
                if table == LineTable::Transactions {
                    add_baskets(baskets, &lines, stock, stock_of);
                }
                let own = lines
                    .into_iter()
                    .filter(|line| stock_of(line.product) == Some(stock));
                into.extend(own.map(|line| (key, line)));
            })?;
        }
        // What such an invoice holds in other buckets belongs to its basket too.
        for (invoice, held) in spanning {
            if let Some(basket) = page.baskets.get_mut(&invoice) {
                basket.extend(held);
            }
        }
        Ok(ProductPage::build(stock, &products, catalog, &page))
    }

    /// Visits the rows of the buckets of a table whose summary says that they have what is
    /// looked for.
    fn read_buckets(
        &self,
        table: LineTable,
        has: impl Fn(&Summary) -> bool,
        wanted: Wanted<'_>,
        mut visit: impl FnMut(BucketKey, Vec<StoredLine>),
    ) -> Result<(), AnalyseError> {
        let from = self.routes.read_anywhere();
        let mut keys = Vec::new();
        let scope = BucketScope::all(table);
        self.store
            .scan_summaries(&scope, from, &mut |key, summary| {
                if has(&summary) {
                    keys.push(key);
                }
            })?;
        for key in keys {
            if !wanted() {
                return Err(AnalyseError::GivenUp);
            }
            visit(key, self.store.read_bucket(key, from)?.lines);
        }
        Ok(())
    }
}

/// Adds the product codes of the invoices in a bucket that hold a product.
fn add_baskets(
    baskets: &mut BTreeMap<u64, BTreeSet<StockId>>,
    lines: &[StoredLine],
    stock: StockId,
    stock_of: impl Fn(ProductId) -> Option<StockId>,
) {
    let own = lines
        .iter()
        .filter(|line| stock_of(line.product) == Some(stock));
    for line in own {
        baskets.entry(fingerprint(line)).or_default();
    }
    for line in lines {
        if let Some(basket) = baskets.get_mut(&fingerprint(line)) {
            basket.extend(stock_of(line.product));
        }
    }
}

/// The days from the first to the last, cut at the ends of months.
fn months((first, last): (Day, Day)) -> Vec<(Day, Day)> {
    let months = std::iter::successors(Some(Month::of(first)), |month| Some(month.next()));
    months
        .map(|month| (month.first_day().max(first), month.last_day().min(last)))
        .take_while(|(from, _)| *from <= last)
        .collect()
}
