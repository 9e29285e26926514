//! Pairs of products against counts made another way, and against counts made outside the product
//! (plain Python over the file).

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::fixture::{buckets, figures, part, sample, whole};
use super::merging::lines;
use crate::analytics::{
    Analytics, Baskets, Filter, PairFloor, Together, TogetherQuery, is_product,
};
use crate::model::{InvoiceTime, Line, LineTable};

fn together(analytics: &Analytics, lines: &[Line], query: &TogetherQuery) -> Together {
    let mut baskets = Baskets::new(analytics, query);
    let scope = analytics.scope(&query.filter);
    for (key, rows) in buckets(analytics.catalog(), LineTable::Transactions, lines) {
        if scope.holds_bucket(key) {
            baskets.add(&rows);
        }
    }
    baskets.finish()
}

/// A pair, what holds it, and what holds each of its products.
type Counted = (String, String, u64, u64, u64);

/// Pairs by comparing, for each two products, the invoices that hold them.
fn naive(lines: &[&Line], floor: usize) -> (u64, Vec<Counted>) {
    let mut invoices: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for line in lines {
        let code = line.stock_code.as_str();
        invoices.entry(code).or_default().insert(&line.invoice_no);
    }
    let all: BTreeSet<&str> = lines.iter().map(|l| l.invoice_no.as_str()).collect();
    let numbers: BTreeMap<&str, u32> = all.iter().copied().zip(0..).collect();
    let holders: Vec<(&str, Vec<u32>)> = invoices
        .iter()
        .filter(|(code, held)| is_product(code) && held.len() >= floor)
        .map(|(code, held)| (*code, held.iter().map(|i| numbers[i]).collect()))
        .collect();
    let mut pairs = Vec::new();
    for (place, (a, of_a)) in holders.iter().enumerate() {
        let mut holds = vec![false; all.len()];
        for invoice in of_a {
            holds[*invoice as usize] = true;
        }
        for (b, of_b) in &holders[place + 1..] {
            let both = of_b.iter().filter(|i| holds[**i as usize]).count();
            if both >= floor {
                let counts = [both, of_a.len(), of_b.len()].map(|n| n as u64);
                pairs.push((
                    (*a).to_owned(),
                    (*b).to_owned(),
                    counts[0],
                    counts[1],
                    counts[2],
                ));
            }
        }
    }
    pairs.sort_by(|x, y| (y.2, &x.0, &x.1).cmp(&(x.2, &y.0, &y.1)));
    (all.len() as u64, pairs)
}

fn counted(together: &Together) -> Vec<Counted> {
    let pair = |pair: &crate::analytics::Pair| {
        let (a, b) = (&pair.a, &pair.b);
        (
            a.stock_code.to_string(),
            b.stock_code.to_string(),
            pair.invoices,
            a.invoices,
            b.invoices,
        )
    };
    together.pairs.iter().map(pair).collect()
}

#[test]
fn pairs_of_the_full_file_are_exact() {
    let query = TogetherQuery {
        limit: usize::MAX,
        ..TogetherQuery::default()
    };
    let found = together(whole(), &sample().sales, &query);
    assert_eq!(found.invoices, 19_943);
    assert_eq!(found.floor_invoices, 100);
    assert_eq!(found.products, 1_532);
    assert_eq!(found.pairs_found, 7_819);
    assert_eq!(
        found.pairs.iter().map(|p| p.invoices).sum::<u64>(),
        1_134_292
    );
    let first = [
        ("22386", "85099B", 825, 1_218, 2_089),
        ("22697", "22699", 767, 1_013, 1_065),
        ("21931", "85099B", 724, 1_183, 2_089),
        ("22411", "85099B", 680, 1_174, 2_089),
    ]
    .map(|(a, b, both, of_a, of_b)| (a.to_owned(), b.to_owned(), both, of_a, of_b));
    assert_eq!(counted(&found)[..4], first);
    let near = |value: f64, expect: f64| assert!((value - expect).abs() < 1e-12, "{value}");
    near(found.pairs[1].support, 0.038_459_609_888_181_32);
    near(found.pairs[1].confidence_a_to_b, 0.757_156_959_526_159_9);
    near(found.pairs[1].confidence_b_to_a, 0.720_187_793_427_23);
    near(found.pairs[1].lift, 14.178_386_144_441_51);
    let best = found.pairs.iter().max_by(|a, b| a.lift.total_cmp(&b.lift));
    let best = best.unwrap();
    assert_eq!(
        (&*best.a.stock_code, &*best.b.stock_code),
        ("21801", "21802")
    );
    near(best.lift, 97.499_111_111_111_1);
    let lines: Vec<&Line> = sample().sales.iter().collect();
    assert_eq!((found.invoices, counted(&found)), naive(&lines, 100));
}

#[test]
fn a_filter_and_a_limit_hold_for_pairs() {
    let filter = Filter {
        countries: vec!["Germany".into()],
        ..Filter::default()
    };
    let query = TogetherQuery {
        filter: filter.clone(),
        floor: PairFloor {
            invoices: 20,
            support: 0.0,
        },
        limit: 3,
    };
    let found = together(&part(filter), &sample().sales, &query);
    assert_eq!(
        (found.invoices, found.products, found.pairs_found),
        (457, 75, 19)
    );
    let pairs: Vec<_> = counted(&found)
        .into_iter()
        .map(|(a, b, n, ..)| (n, a, b))
        .collect();
    let expect = [
        (60, "22326", "22328"),
        (34, "22326", "22554"),
        (32, "22326", "22629"),
    ];
    assert_eq!(
        pairs,
        expect.map(|(n, a, b)| (n, a.to_owned(), b.to_owned()))
    );
}

#[test]
fn more_products_than_fit_raise_the_floor_and_the_answer_says_so() {
    let line = |invoice: &str, stock: u32| Line {
        invoice_no: invoice.into(),
        stock_code: format!("{stock:05}").into(),
        description: "".into(),
        quantity: 1,
        invoice_time: InvoiceTime(1_291_000_000),
        unit_price: 1.into(),
        customer: None,
        country: "Japan".into(),
    };
    let mut lines: Vec<Line> = (0..4_001).map(|stock| line("1", stock)).collect();
    lines.extend((0..3).map(|stock| line("2", stock)));
    let query = TogetherQuery {
        floor: PairFloor {
            invoices: 1,
            support: 0.0,
        },
        ..TogetherQuery::default()
    };
    let all = figures(&lines, &[], &Filter::default());
    let found = together(&all, &lines, &query);
    assert_eq!(
        (found.floor_invoices, found.products, found.pairs_found),
        (2, 3, 3)
    );
    lines.retain(|line| line.stock_code != "00000");
    let all = figures(&lines, &[], &Filter::default());
    let found = together(&all, &lines, &query);
    assert_eq!((found.floor_invoices, found.products), (1, 4_000));
}

proptest! {
    #[test]
    fn pairs_equal_a_naive_count_where_invoices_span_buckets(
        lines in lines(),
        floor in 1..3_usize,
        countries in prop::sample::subsequence(vec!["Japan", "USA", "United Kingdom"], 0..3),
    ) {
        let filter = Filter {
            countries: countries.iter().map(ToString::to_string).collect(),
            ..Filter::default()
        };
        let query = TogetherQuery {
            filter: filter.clone(),
            floor: PairFloor { invoices: floor as u64, support: 0.0 },
            limit: usize::MAX,
        };
        let found = together(&figures(&lines, &[], &filter), &lines, &query);
        let holds = |l: &&Line| countries.is_empty() || countries.contains(&l.country.as_str());
        let held: Vec<&Line> = lines.iter().filter(holds).collect();
        prop_assert_eq!((found.invoices, counted(&found)), naive(&held, floor));
    }
}
