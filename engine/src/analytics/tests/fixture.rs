//! Lines, and the summaries of their buckets made the plain way.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::sync::{Arc, OnceLock};

use chrono::NaiveDateTime;
use rust_decimal::Decimal;

use crate::analytics::{Analytics, Filter, Regions, SpanningInvoice, SpanningPart};
use crate::model::{
    BucketKey, Catalog, CustomerPart, HourPart, InvoiceTime, Line, LineTable, ProductPart, Region,
    Shard, StoredLine, Summary, Tally,
};

pub(super) struct Sample {
    pub(super) sales: Vec<Line>,
    pub(super) returns: Vec<Line>,
}

/// The whole file under the default rules, read once.
pub(super) fn sample() -> &'static Sample {
    static SAMPLE: OnceLock<Sample> = OnceLock::new();
    SAMPLE.get_or_init(|| {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../assets/Online_Retail.csv.gz"
        );
        let mut text = String::new();
        let file = std::fs::File::open(path).unwrap();
        flate2::read::MultiGzDecoder::new(file)
            .read_to_string(&mut text)
            .unwrap();
        let (mut sales, mut returns) = (Vec::new(), Vec::new());
        for record in csv::Reader::from_reader(text.as_bytes()).records() {
            let line = line(&record.unwrap());
            if ["Unspecified", "European Community"].contains(&line.country.as_str()) {
                continue;
            }
            if line.invoice_no.starts_with('C') {
                returns.push(line);
            } else if line.quantity > 0 && line.unit_price > Decimal::ZERO {
                sales.push(line);
            }
        }
        Sample { sales, returns }
    })
}

fn line(record: &csv::StringRecord) -> Line {
    let time = NaiveDateTime::parse_from_str(&record[4], "%m/%d/%Y %H:%M").unwrap();
    Line {
        invoice_no: record[0].into(),
        stock_code: record[1].into(),
        description: record[2].into(),
        quantity: record[3].parse().unwrap(),
        invoice_time: InvoiceTime::from_datetime(time),
        unit_price: Decimal::from_scientific(&record[5])
            .or_else(|_| record[5].parse())
            .unwrap(),
        customer: (!record[6].is_empty()).then(|| record[6].trim_end_matches(".0").into()),
        country: record[7].into(),
    }
}

/// A map that sends the countries named here overseas and all others in the file to Europe.
pub(super) fn regions() -> Regions {
    static REGIONS: OnceLock<Regions> = OnceLock::new();
    REGIONS.get_or_init(read_regions).clone()
}

fn read_regions() -> Regions {
    let americas = ["USA", "Canada", "Brazil"];
    let asia_pacific = [
        "Australia",
        "Japan",
        "Singapore",
        "Hong Kong",
        "RSA",
        "Israel",
        "Lebanon",
        "Bahrain",
        "Saudi Arabia",
        "United Arab Emirates",
    ];
    let sample = sample().sales.iter().map(|l| l.country.as_str());
    let europe: BTreeSet<&str> = sample.collect();
    let mut pairs: Vec<(&str, Region)> = europe.iter().map(|c| (*c, Region::Europe)).collect();
    pairs.extend(americas.map(|c| (c, Region::Americas)));
    pairs.extend(asia_pacific.map(|c| (c, Region::AsiaPacific)));
    pairs.into_iter().collect()
}

pub(super) fn key(catalog: &Catalog, table: LineTable, line: &Line) -> BucketKey {
    BucketKey {
        table,
        country: catalog.country(&line.country),
        day: line.invoice_time.day(),
        shard: Shard::of_invoice(&line.invoice_no),
    }
}

pub(super) fn fingerprint(invoice_no: &str) -> u64 {
    xxhash_rust::xxh3::xxh3_64(invoice_no.as_bytes())
}

/// The summary of the lines of each bucket.
pub(super) fn summaries<'a>(
    catalog: &Catalog,
    table: LineTable,
    lines: impl IntoIterator<Item = &'a Line>,
) -> BTreeMap<BucketKey, Summary> {
    let mut buckets: BTreeMap<BucketKey, Vec<&Line>> = BTreeMap::new();
    for line in lines {
        buckets
            .entry(key(catalog, table, line))
            .or_default()
            .push(line);
    }
    let summary = |lines: &[&Line]| summary(catalog, lines);
    buckets
        .iter()
        .map(|(key, lines)| (*key, summary(lines)))
        .collect()
}

fn summary(catalog: &Catalog, lines: &[&Line]) -> Summary {
    // In the order of the keys of the rows, so that what an invoice met first depends on the
    // rows alone and moves when an earlier one arrives.
    let mut lines = lines.to_vec();
    lines.sort_by(|a, b| {
        let key = |l: &Line| (l.invoice_time, l.invoice_no.clone(), l.stock_code.clone());
        key(a).cmp(&key(b))
    });
    let mut out = Summary::default();
    let mut customers: BTreeMap<_, CustomerPart> = BTreeMap::new();
    let mut products: BTreeMap<_, Tally> = BTreeMap::new();
    let mut hours: BTreeMap<u8, Tally> = BTreeMap::new();
    let (mut invoices, mut by_customer, mut by_stock) =
        (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for line in lines {
        let at = line.invoice_time;
        let new_invoice = invoices.insert(fingerprint(&line.invoice_no));
        count(&mut out.tally, line, new_invoice);
        count(hours.entry(at.hour()).or_default(), line, new_invoice);
        let customer = line.customer.as_ref().map(|c| catalog.customer(c));
        let part = customers.entry(customer).or_insert(CustomerPart {
            customer,
            tally: Tally::default(),
            first: at,
            last: at,
        });
        part.first = part.first.min(at);
        part.last = part.last.max(at);
        count(
            &mut part.tally,
            line,
            by_customer.insert((customer, &line.invoice_no)),
        );
        let product = catalog.product(&line.stock_code, &line.description);
        let new = by_stock.insert((&line.stock_code, &line.invoice_no));
        count(products.entry(product).or_default(), line, new);
        let (first, last) = out.span.unwrap_or((at, at));
        out.span = Some((first.min(at), last.max(at)));
    }
    out.customers = customers.into_values().collect();
    out.hours = hours
        .into_iter()
        .map(|(hour, tally)| HourPart { hour, tally })
        .collect();
    let part = |(product, tally)| ProductPart { product, tally };
    out.products = products.into_iter().map(part).collect();
    out.invoices = invoices.into_iter().collect();
    out
}

fn count(tally: &mut Tally, line: &Line, new_invoice: bool) {
    tally.lines += 1;
    tally.invoices += u64::from(new_invoice);
    tally.items += i64::from(line.quantity);
    tally.amount += line.as_ref().amount();
}

/// What a caller finds out about invoices in several buckets from the rows.
pub(super) fn spanning(catalog: &Catalog, lines: &[Line], wanted: &[u64]) -> Vec<SpanningInvoice> {
    let rows = lines
        .iter()
        .filter(|l| wanted.contains(&fingerprint(&l.invoice_no)));
    let mut found: BTreeMap<u64, BTreeMap<BucketKey, SpanningPart>> = BTreeMap::new();
    for line in rows {
        let key = key(catalog, LineTable::Transactions, line);
        let parts = found.entry(fingerprint(&line.invoice_no)).or_default();
        let part = parts.entry(key).or_insert(SpanningPart {
            key,
            customers: Vec::new(),
            stock: Vec::new(),
        });
        part.customers
            .push(line.customer.as_ref().map(|c| catalog.customer(c)));
        part.stock.extend(catalog.find_stock(&line.stock_code));
    }
    found
        .into_iter()
        .map(|(fingerprint, parts)| SpanningInvoice {
            fingerprint,
            parts: parts.into_values().collect(),
        })
        .collect()
}

pub(super) fn empty(catalog: &Arc<Catalog>) -> Analytics {
    Analytics::new(Arc::clone(catalog), regions())
}

/// The figures of the whole file, merged in a shuffled order.
pub(super) fn whole() -> &'static Analytics {
    static WHOLE: OnceLock<Analytics> = OnceLock::new();
    WHOLE.get_or_init(|| {
        use rand::SeedableRng;
        use rand::seq::SliceRandom;
        let catalog = Arc::new(Catalog::default());
        let sales = summaries(&catalog, LineTable::Transactions, &sample().sales);
        let returns = summaries(&catalog, LineTable::Returns, &sample().returns);
        let mut all: Vec<_> = sales.into_iter().chain(returns).collect();
        all.shuffle(&mut rand::rngs::StdRng::seed_from_u64(7));
        let mut analytics = empty(&catalog);
        for (key, summary) in &all {
            analytics.apply(*key, summary);
        }
        let wanted: Vec<u64> = analytics.spanning().collect();
        let spanning = spanning(&catalog, &sample().sales, &wanted);
        analytics.correct(crate::analytics::SpanCorrections::new(spanning));
        analytics
    })
}

/// The rows of each bucket, as a store hands them out: by identity, not by invoice.
pub(super) fn buckets<'a>(
    catalog: &Catalog,
    table: LineTable,
    lines: impl IntoIterator<Item = &'a Line>,
) -> BTreeMap<BucketKey, Vec<StoredLine>> {
    let mut buckets: BTreeMap<BucketKey, Vec<StoredLine>> = BTreeMap::new();
    for (line, occurrence) in lines.into_iter().zip(0..) {
        let stored = StoredLine {
            invoice_no: line.invoice_no.clone(),
            product: catalog.product(&line.stock_code, &line.description),
            customer: line.customer.as_ref().map(|c| catalog.customer(c)),
            quantity: line.quantity,
            invoice_time: line.invoice_time,
            unit_price: line.unit_price,
            occurrence,
            line_id: line.as_ref().content_hash().line_id(occurrence),
        };
        buckets
            .entry(key(catalog, table, line))
            .or_default()
            .push(stored);
    }
    for rows in buckets.values_mut() {
        rows.sort_by_key(|row| row.line_id);
    }
    buckets
}

/// The figures of some lines under a filter, corrected for invoices in several buckets.
pub(super) fn figures(sales: &[Line], returns: &[Line], filter: &Filter) -> Analytics {
    let catalog = Arc::new(Catalog::default());
    let mut all = summaries(&catalog, LineTable::Transactions, sales);
    all.extend(summaries(&catalog, LineTable::Returns, returns));
    let mut whole = empty(&catalog);
    for (key, summary) in &all {
        whole.apply(*key, summary);
    }
    let wanted: Vec<u64> = whole.spanning().collect();
    whole.correct(crate::analytics::SpanCorrections::new(spanning(
        &catalog, sales, &wanted,
    )));
    Analytics::from_summaries(&whole, filter.clone(), all.iter().map(|(k, s)| (*k, s)))
}

/// The figures of the whole file under a filter.
pub(super) fn part(filter: Filter) -> Analytics {
    static ALL: OnceLock<BTreeMap<BucketKey, Summary>> = OnceLock::new();
    let catalog = whole().catalog();
    let all = ALL.get_or_init(|| {
        let mut all = summaries(catalog, LineTable::Transactions, &sample().sales);
        all.extend(summaries(catalog, LineTable::Returns, &sample().returns));
        all
    });
    Analytics::from_summaries(whole(), filter, all.iter().map(|(k, s)| (*k, s)))
}
