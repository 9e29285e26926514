//! What is kept in memory: totals by customer, by product, by country and day, by hour of the
//! week. Bounded by customers + products + countries x days, never by lines or buckets.
//!
//! [`Analytics::apply`] adds what a bucket gained. Adding is associative and commutative, so the
//! order in which buckets report, and in how many steps, leaves no trace.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use compact_str::CompactString;
use rust_decimal::Decimal;

use super::by_day::ByDay;
use super::delta::add;
use super::filter::{Basis, Filter, Regions, Scope};
use super::month::Month;
use super::months::Months;
use super::seen::Seen;
use super::spans::{SpanCorrections, SpanningPart};
use crate::model::{
    BucketKey, Catalog, CountryId, CustomerId, CustomerPart, Day, InvoiceTime, LineTable, Region,
    StockId, Summary, Tally,
};

/// Sums of one customer over all countries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomerTotals {
    /// Counts and money. Invoices are summed over buckets: see [`Analytics::customers`].
    pub tally: Tally,
    /// First purchase.
    pub first: InvoiceTime,
    /// Last purchase.
    pub last: InvoiceTime,
    /// Months with a purchase.
    pub months: Months,
    /// Countries with their lines and amount, by id.
    pub countries: Vec<(CountryId, CountryShare)>,
}

/// What a customer bought in one country.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CountryShare {
    /// Lines.
    pub lines: u64,
    /// GBP.
    pub amount: Decimal,
}

impl Default for CustomerTotals {
    fn default() -> Self {
        Self {
            tally: Tally::default(),
            first: InvoiceTime(i64::MAX),
            last: InvoiceTime(i64::MIN),
            months: Months::default(),
            countries: Vec::new(),
        }
    }
}

impl CustomerTotals {
    fn add(&mut self, part: &CustomerPart, country: CountryId, month: Month) {
        add(&mut self.tally, &part.tally);
        self.first = self.first.min(part.first);
        self.last = self.last.max(part.last);
        self.months.insert(month);
        let share = self.share(country);
        share.lines = share.lines.wrapping_add(part.tally.lines);
        share.amount += part.tally.amount;
    }

    fn share(&mut self, country: CountryId) -> &mut CountryShare {
        let place = match self.countries.binary_search_by_key(&country, |(id, _)| *id) {
            Ok(place) => place,
            Err(place) => {
                self.countries
                    .insert(place, (country, CountryShare::default()));
                place
            }
        };
        let (_, share) = &mut self.countries[place];
        share
    }
}

/// Sums of one country and day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DayTotals {
    /// All lines.
    pub all: Tally,
    /// Lines without a customer.
    pub anonymous: Tally,
}

/// A customer with the number of his distinct invoices.
#[derive(Debug, Clone, Copy)]
pub struct Customer<'a> {
    /// Who.
    pub id: CustomerId,
    /// Distinct invoices.
    pub invoices: u64,
    /// Sums.
    pub totals: &'a CustomerTotals,
}

/// The sums, without the names: what merging is about.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Totals {
    span: Option<(InvoiceTime, InvoiceTime)>,
    sales: ByDay,
    /// The part of the sales without a customer: few countries and days have one.
    anonymous: ByDay,
    returns: ByDay,
    /// By weekday (Monday first) and hour. Invoices are not counted here.
    hours: [[Tally; 24]; 7],
    /// By customer id; no lines for one who is not in the filter.
    customers: Vec<CustomerTotals>,
    /// By product id.
    products: Vec<Tally>,
    /// Cancelled lines by product id.
    cancelled: Vec<Tally>,
    /// The invoices seen.
    seen: Seen,
    /// Fingerprints seen in more than one bucket.
    spanning: BTreeSet<u64>,
}

/// The figures of a set of lines, kept up to date by [`Analytics::apply`].
#[derive(Debug, Clone)]
pub struct Analytics {
    catalog: Arc<Catalog>,
    regions: Regions,
    filter: Filter,
    /// First and last day of the whole data where this is only a part of it.
    whole: Option<(Day, Day)>,
    totals: Totals,
    corrections: SpanCorrections,
    /// Lines came since that the corrections may have to know of.
    outdated: bool,
}

impl PartialEq for Analytics {
    /// Whether both hold the same figures; the catalogs are taken to be the same.
    fn eq(&self, other: &Self) -> bool {
        self.totals == other.totals && self.corrections == other.corrections
    }
}

impl Analytics {
    /// No lines yet.
    pub fn new(catalog: Arc<Catalog>, regions: Regions) -> Self {
        Self {
            catalog,
            regions,
            filter: Filter::default(),
            whole: None,
            totals: Totals::default(),
            corrections: SpanCorrections::default(),
            outdated: false,
        }
    }

    /// The figures of the lines that pass `filter`, from the summaries of a store (those that do
    /// not pass are passed over). `whole` is the state of all lines: it says where the data ends,
    /// which a country with few sales cannot.
    pub fn from_summaries<S: std::borrow::Borrow<Summary>>(
        whole: &Self,
        filter: Filter,
        summaries: impl IntoIterator<Item = (BucketKey, S)>,
    ) -> Self {
        let mut part = Self::empty_part(whole, filter);
        let scope = part.filter.scope(&part.catalog, &part.regions);
        for (key, summary) in summaries {
            if scope.holds_bucket(key) {
                part.apply(key, summary.borrow());
            }
        }
        part
    }

    /// A state for the lines of `whole` that pass `filter`, without any yet, for callers that are
    /// handed summaries one by one. [`Analytics::scope`] says which to apply.
    pub fn empty_part(whole: &Self, filter: Filter) -> Self {
        Self {
            whole: whole.data_days(),
            corrections: whole.corrections.clone(),
            filter,
            ..Self::new(Arc::clone(&whole.catalog), whole.regions.clone())
        }
    }

    /// Adds what a bucket gained: the summary of lines that are not in yet, or a
    /// [`super::delta`]. Costs some nanoseconds per part and allocates for new names only.
    pub fn apply(&mut self, key: BucketKey, gain: &Summary) {
        match key.table {
            LineTable::Transactions => {
                self.outdated = self.outdated || self.corrections.concerns(key, gain);
                self.totals.add_sales(key, gain);
            }
            LineTable::Returns => {
                let day = self.totals.returns.at(key.country, key.day);
                add(day, &gain.tally);
                for part in &gain.products {
                    add(
                        slot(&mut self.totals.cancelled, part.product.0),
                        &part.tally,
                    );
                }
                if self.filter.basis == Basis::Net {
                    self.totals.deduct(key, gain);
                }
            }
        }
    }

    /// The names behind the ids.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// The filter of the lines in here.
    pub const fn filter(&self) -> &Filter {
        &self.filter
    }

    /// The routing map.
    pub const fn regions(&self) -> &Regions {
        &self.regions
    }

    /// Puts countries in the regions of another routing map.
    pub fn route_by(&mut self, regions: Regions) {
        self.regions = regions;
    }

    /// The region of a country; `None` for one that is not on the routing map.
    pub fn region_of(&self, country: CountryId) -> Option<Region> {
        self.regions.of(&self.catalog.country_name(country)?)
    }

    /// Name of a country, or its number in a foreign catalog.
    pub fn country_name(&self, country: CountryId) -> CompactString {
        let name = self.catalog.country_name(country);
        name.unwrap_or_else(|| compact_str::format_compact!("country {}", country.0))
    }

    /// Number of a customer, or his place in a foreign catalog.
    pub fn customer_name(&self, customer: CustomerId) -> CompactString {
        let name = self.catalog.customer_name(customer);
        name.unwrap_or_else(|| compact_str::format_compact!("customer {}", customer.0))
    }

    /// A filter that answers by id.
    pub fn scope(&self, filter: &Filter) -> Scope {
        filter.scope(&self.catalog, &self.regions)
    }

    /// Time of the first and of the last sale in here.
    pub const fn span(&self) -> Option<(InvoiceTime, InvoiceTime)> {
        self.totals.span
    }

    /// First and last day of sales in the whole data, whatever the filter.
    pub fn data_days(&self) -> Option<(Day, Day)> {
        let own = || self.totals.span.map(|(a, b)| (a.day(), b.day()));
        self.whole.or_else(own)
    }

    /// The calendar day after the last sale in the data, or after the filter's last day where
    /// that is earlier. Recency is counted from it, never from today.
    pub fn reference_date(&self) -> Option<Day> {
        let (_, last) = self.data_days()?;
        let last = self.filter.to.map_or(last, |to| to.min(last));
        Some(Day(last.0 + 1))
    }

    /// Invoices found in more than one bucket, ascending. Until [`Analytics::correct`] is told
    /// where their lines lie, each counts once per bucket.
    pub fn spanning(&self) -> impl Iterator<Item = u64> {
        self.totals.spanning.iter().copied()
    }

    /// How many invoices still count too often.
    pub fn uncorrected(&self) -> usize {
        let unknown = |i: &u64| !self.corrections.knows(*i);
        self.spanning().filter(unknown).count()
    }

    /// Whether invoices may count too often: nobody has looked up where the lines of some lie, or
    /// lines were added since that may be of one.
    pub fn needs_correction(&self) -> bool {
        self.outdated || self.uncorrected() > 0
    }

    /// Takes off the surplus of invoices that lie in several buckets.
    pub fn correct(&mut self, corrections: SpanCorrections) {
        self.corrections = corrections;
        self.outdated = false;
    }

    /// See [`SpanCorrections::surplus`]; over the sales of the buckets in scope.
    pub fn surplus<K: Ord, G: IntoIterator<Item = K>>(
        &self,
        scope: &Scope,
        groups: impl Fn(&SpanningPart) -> G,
    ) -> BTreeMap<K, u64> {
        let own = self.scope(&self.filter);
        let holds = |fingerprint: u64, key: BucketKey| {
            key.table == LineTable::Transactions
                && self.totals.spanning.contains(&fingerprint)
                && own.holds_bucket(key)
                && scope.holds_bucket(key)
        };
        self.corrections.surplus(holds, groups)
    }

    /// Sales by country and day, in that order. Invoices are exact: within a country and a day
    /// an invoice is in one bucket.
    pub fn sales(&self) -> impl Iterator<Item = (CountryId, Day, DayTotals)> {
        // Whatever is without a customer is of a country and a day with sales.
        let mut anonymous = self.totals.anonymous.iter().peekable();
        self.totals.sales.iter().map(move |(country, day, all)| {
            let here = anonymous.next_if(|(of, on, _)| (*of, *on) == (country, day));
            let totals = DayTotals {
                all: *all,
                anonymous: here.map_or_else(Tally::default, |(.., tally)| *tally),
            };
            (country, day, totals)
        })
    }

    /// Cancelled lines by country and day, in that order; amounts and items are negative.
    pub fn returns(&self) -> impl Iterator<Item = (CountryId, Day, &Tally)> {
        self.totals.returns.iter()
    }

    /// Lines, items and amount by weekday (Monday first) and hour; invoices are not counted.
    pub const fn hours(&self) -> &[[Tally; 24]; 7] {
        &self.totals.hours
    }

    /// Customers with at least one line, by id.
    pub fn customers(&self) -> impl Iterator<Item = Customer<'_>> {
        let surplus = self.surplus(&Scope::default(), |part| {
            part.customers.iter().copied().flatten().collect::<Vec<_>>()
        });
        let ids = (0_u32..).map(CustomerId);
        ids.zip(&self.totals.customers)
            .filter(|(_, totals)| totals.tally.lines > 0)
            .map(move |(id, totals)| Customer {
                id,
                invoices: less(totals.tally.invoices, surplus.get(&id)),
                totals,
            })
    }

    /// How many customers have cancellations and no purchase in here, and what was cancelled
    /// (negative). On a net basis that is in sales and in no customer's figures.
    pub fn without_purchase(&self) -> (u64, Decimal) {
        let customers = self.totals.customers.iter();
        let without = customers.filter(|c| c.tally.lines == 0 && !c.tally.amount.is_zero());
        without.fold((0, Decimal::ZERO), |(count, amount), customer| {
            (count + 1, amount + customer.tally.amount)
        })
    }

    /// Sums of one customer; `None` for one without a line.
    pub fn customer(&self, id: CustomerId) -> Option<Customer<'_>> {
        self.customers().find(|c| c.id == id)
    }

    /// Sums by product and description, by product id; zero lines for those not in here.
    pub fn product_tallies(&self) -> &[Tally] {
        &self.totals.products
    }

    /// Cancelled lines by product and description, by product id; amounts and items are negative.
    pub fn cancelled_tallies(&self) -> &[Tally] {
        &self.totals.cancelled
    }

    /// Product codes of each invoice that lies in several buckets, by its fingerprint; only the
    /// buckets in here count.
    pub fn spanning_baskets(&self) -> BTreeMap<u64, BTreeSet<StockId>> {
        let own = self.scope(&self.filter);
        let baskets = self.spanning().filter_map(|fingerprint| {
            let parts = self.corrections.parts(fingerprint)?;
            let held = parts.filter(|part| own.holds_bucket(part.key));
            let stock = held.flat_map(|part| part.stock.iter().copied());
            Some((fingerprint, stock.collect()))
        });
        baskets.collect()
    }

    /// By how much the invoices of product codes count too often.
    pub fn product_surplus(&self) -> BTreeMap<StockId, u64> {
        self.surplus(&Scope::default(), |part| part.stock.clone())
    }
}

/// `count` without what it counts too often.
pub(super) fn less(count: u64, surplus: Option<&u64>) -> u64 {
    count.saturating_sub(surplus.copied().unwrap_or(0))
}

impl Totals {
    fn add_sales(&mut self, key: BucketKey, gain: &Summary) {
        let month = Month::of(key.day);
        add(self.sales.at(key.country, key.day), &gain.tally);
        self.span = match (self.span, gain.span) {
            (Some((a, b)), Some((c, d))) => Some((a.min(c), b.max(d))),
            (one, None) | (None, one) => one,
        };
        for part in &gain.customers {
            let Some(id) = part.customer else {
                add(self.anonymous.at(key.country, key.day), &part.tally);
                continue;
            };
            let totals = slot(&mut self.customers, id.0);
            totals.add(part, key.country, month);
        }
        for part in &gain.products {
            add(slot(&mut self.products, part.product.0), &part.tally);
        }
        for part in &gain.hours {
            let day = &mut self.hours[usize::from(key.day.weekday())];
            if let Some(hour) = day.get_mut(usize::from(part.hour)) {
                // An invoice is booked under one hour of each bucket: no sum of that is exact.
                let tally = Tally {
                    invoices: 0,
                    ..part.tally
                };
                add(hour, &tally);
            }
        }
        for fingerprint in &gain.invoices {
            if !self.seen.insert(*fingerprint) {
                self.spanning.insert(*fingerprint);
            }
        }
    }

    /// Takes cancelled lines off the sales; their amounts and items are negative already.
    fn deduct(&mut self, key: BucketKey, gain: &Summary) {
        let all = self.sales.at(key.country, key.day);
        add(all, &taken_off(&gain.tally));
        for part in &gain.customers {
            let tally = taken_off(&part.tally);
            let Some(id) = part.customer else {
                add(self.anonymous.at(key.country, key.day), &tally);
                continue;
            };
            let totals = slot(&mut self.customers, id.0);
            add(&mut totals.tally, &tally);
            totals.share(key.country).amount += tally.amount;
        }
        for part in &gain.products {
            add(
                slot(&mut self.products, part.product.0),
                &taken_off(&part.tally),
            );
        }
        for part in &gain.hours {
            let day = &mut self.hours[usize::from(key.day.weekday())];
            if let Some(hour) = day.get_mut(usize::from(part.hour)) {
                add(hour, &taken_off(&part.tally));
            }
        }
    }
}

/// What a tally of cancelled lines takes off: pieces and money.
fn taken_off(tally: &Tally) -> Tally {
    Tally {
        lines: 0,
        invoices: 0,
        ..*tally
    }
}

/// The element of an id, made when it is the first so large.
pub(super) fn slot<T: Default>(list: &mut Vec<T>, id: u32) -> &mut T {
    let index = id as usize;
    if list.len() <= index {
        list.resize_with(index + 1, T::default);
    }
    &mut list[index]
}
