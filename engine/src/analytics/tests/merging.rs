//! Merging leaves no trace of its order, and invoices in several buckets count once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;
use rust_decimal::Decimal;

use super::fixture::{empty, spanning, summaries};
use crate::analytics::{
    Analytics, Filter, Kpis, NonProducts, SpanCorrections, by_country, by_day, by_month,
    by_product, by_region, delta,
};
use crate::model::{Catalog, InvoiceTime, Line, LineTable};

/// Lines of few invoices, days, countries, customers and products, so that invoices span them.
pub(super) fn lines() -> impl Strategy<Value = Vec<Line>> {
    let line = (
        0..3_u8,
        0..4_u8,
        0..3_u8,
        1..50_i32,
        0..9_usize,
        0..3_u8,
        0..3_usize,
        1..9_000_i64,
    );
    let line = line.prop_map(
        |(invoice, stock, text, quantity, at, customer, country, price)| Line {
            invoice_no: format!("{invoice}").into(),
            stock_code: format!("S{stock}").into(),
            description: format!("D{text}").into(),
            quantity,
            // Three hours of three days, the last in another month: buckets hold several lines.
            invoice_time: InvoiceTime(
                1_291_000_000 + [0, 1, 40][at / 3] * 86_400 + [0, 25_200, 50_400][at % 3],
            ),
            unit_price: Decimal::new(price, 3),
            customer: (customer > 0).then(|| format!("{customer}").into()),
            country: ["United Kingdom", "Japan", "USA"][country].into(),
        },
    );
    prop::collection::vec(line, 1..60)
}

fn distinct<'a, K: Ord>(
    lines: &'a [Line],
    group: impl Fn(&'a Line) -> Option<K>,
) -> BTreeMap<K, u64> {
    let mut invoices: BTreeMap<K, BTreeSet<&str>> = BTreeMap::new();
    for line in lines {
        if let Some(key) = group(line) {
            invoices.entry(key).or_default().insert(&line.invoice_no);
        }
    }
    invoices
        .into_iter()
        .map(|(key, set)| (key, set.len() as u64))
        .collect()
}

/// Looks up in all lines that are there what a state needs to know of them.
fn correct(analytics: &mut Analytics, lines: &[Line]) {
    let wanted: Vec<u64> = analytics.spanning().collect();
    let found = spanning(analytics.catalog(), lines, &wanted);
    analytics.correct(SpanCorrections::new(found));
}

proptest! {
    #[test]
    fn corrections_follow_lines_that_come_later(
        lines in lines(),
        cuts in prop::collection::vec(0..60_usize, 0..5),
    ) {
        let catalog = Arc::new(Catalog::default());
        let mut steps: Vec<usize> = cuts.into_iter().map(|c| c.min(lines.len())).collect();
        steps.push(lines.len());
        steps.sort_unstable();
        let mut kept = empty(&catalog);
        let mut before = BTreeMap::new();
        for step in steps {
            let there = &lines[..step];
            let now = summaries(&catalog, LineTable::Transactions, there);
            let mut fresh = empty(&catalog);
            for (key, summary) in &now {
                fresh.apply(*key, summary);
                let gain = delta(before.get(key), summary);
                if gain.tally.lines > 0 {
                    kept.apply(*key, &gain);
                }
            }
            correct(&mut fresh, there);
            if kept.needs_correction() {
                correct(&mut kept, there);
            }
            prop_assert!(!kept.needs_correction());
            prop_assert_eq!(&kept, &fresh);
            before = now;
        }
    }

    #[test]
    fn deltas_in_any_order_and_grouping_leave_the_same_state(
        lines in lines(),
        cuts in prop::collection::vec(0..60_usize, 0..5),
        seed in any::<u64>(),
    ) {
        use rand::SeedableRng;
        use rand::seq::SliceRandom;
        let catalog = Arc::new(Catalog::default());
        let all = summaries(&catalog, LineTable::Transactions, &lines);
        let mut at_once = empty(&catalog);
        for (key, summary) in &all {
            at_once.apply(*key, summary);
        }
        let mut steps: Vec<usize> = cuts.into_iter().map(|c| c.min(lines.len())).collect();
        steps.push(lines.len());
        steps.sort_unstable();
        let mut gains = Vec::new();
        let mut before = BTreeMap::new();
        for step in steps {
            let now = summaries(&catalog, LineTable::Transactions, &lines[..step]);
            for (key, summary) in &now {
                gains.push((*key, delta(before.get(key), summary)));
            }
            before = now;
        }
        gains.shuffle(&mut rand::rngs::StdRng::seed_from_u64(seed));
        let mut bit_by_bit = empty(&catalog);
        for (key, gain) in &gains {
            bit_by_bit.apply(*key, gain);
        }
        prop_assert_eq!(at_once, bit_by_bit);
    }

    #[test]
    fn invoices_in_several_buckets_count_once_everywhere(lines in lines()) {
        let catalog = Arc::new(Catalog::default());
        let mut analytics = empty(&catalog);
        for (key, summary) in summaries(&catalog, LineTable::Transactions, &lines) {
            analytics.apply(key, &summary);
        }
        let wanted: Vec<u64> = analytics.spanning().collect();
        let found = spanning(&catalog, &lines, &wanted);
        analytics.correct(SpanCorrections::new(found));
        prop_assert_eq!(analytics.uncorrected(), 0);
        let everything = Filter::default();
        let total = distinct(&lines, |_| Some(()))[&()];
        prop_assert_eq!(Kpis::of(&analytics).invoices, total);
        let months: BTreeMap<_, _> = by_month(&analytics, &everything)
            .into_iter().map(|m| (m.period, m.invoices)).collect();
        let month = |l: &Line| Some(crate::analytics::Month::of(l.invoice_time.day()));
        prop_assert_eq!(months, distinct(&lines, month));
        let days: BTreeMap<_, _> = by_day(&analytics, &everything)
            .into_iter().map(|d| (d.period, d.invoices)).collect();
        prop_assert_eq!(days, distinct(&lines, |l| Some(l.invoice_time.day())));
        let countries: BTreeMap<_, _> = by_country(&analytics)
            .into_iter().map(|c| (c.country, c.invoices)).collect();
        prop_assert_eq!(countries, distinct(&lines, |l| Some(l.country.clone())));
        let regions: Vec<u64> = by_region(&analytics).iter().map(|r| r.invoices).collect();
        let of = super::fixture::regions();
        let expected: Vec<u64> = distinct(&lines, |l| of.of(&l.country)).into_values().collect();
        prop_assert_eq!(regions, expected);
        let customers: BTreeMap<_, _> = analytics.customers()
            .map(|c| (analytics.customer_name(c.id), c.invoices)).collect();
        prop_assert_eq!(customers, distinct(&lines, |l| l.customer.clone()));
        let products: BTreeMap<_, _> = by_product(&analytics, NonProducts::Show)
            .into_iter().map(|p| (p.stock_code, p.invoices)).collect();
        prop_assert_eq!(products, distinct(&lines, |l| Some(l.stock_code.clone())));
    }

    #[test]
    fn a_product_is_called_what_most_of_its_lines_say(lines in lines()) {
        let catalog = Arc::new(Catalog::default());
        let mut analytics = empty(&catalog);
        for (key, summary) in summaries(&catalog, LineTable::Transactions, &lines) {
            analytics.apply(key, &summary);
        }
        for product in by_product(&analytics, NonProducts::Show) {
            let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
            for line in lines.iter().filter(|l| l.stock_code == product.stock_code) {
                *counts.entry(&line.description).or_default() += 1;
            }
            let most = counts.values().max().copied();
            let expected = counts.iter().find(|(_, count)| Some(**count) == most);
            prop_assert_eq!(expected.map(|(text, _)| *text), Some(product.description.as_str()));
        }
    }
}
