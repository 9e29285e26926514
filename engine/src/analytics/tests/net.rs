//! Net of cancellations. The golden numbers were counted with plain Python.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rust_decimal::Decimal;

use super::fixture::{figures, part};
use super::merging::lines;
use crate::analytics::{
    Basis, CustomerQuery, Filter, Kpis, NonProducts, Report, Settings, by_country, by_day,
    by_product, customers, returns, tidy,
};
use crate::model::Line;

fn net() -> Filter {
    Filter {
        basis: Basis::Net,
        ..Filter::default()
    }
}

fn money(text: &str) -> Decimal {
    text.parse().unwrap()
}

#[test]
fn net_figures_of_the_full_file_are_exact() {
    let settings = Settings::standard().unwrap();
    let gross = Report::build(&part(Filter::default()), &settings);
    let analytics = part(net());
    let report = Report::build(&analytics, &settings);
    assert_eq!(report.kpis.sales, money("9763830.514"));
    assert_eq!(report.kpis.items, 5_307_005);
    let counts = |k: &Kpis| (k.lines, k.invoices, k.customers, k.lines_without_customer);
    assert_eq!(counts(&report.kpis), counts(&gross.kpis));
    assert_eq!(
        report.returns, gross.returns,
        "a figure of its own on either basis"
    );
    assert_eq!(report.returns.net_sales, report.kpis.sales);
    for (month, amount) in [("2010-12", "748957.020"), ("2011-12", "433668.010")] {
        let row = report.months.iter().find(|m| m.period.to_string() == month);
        assert_eq!(row.unwrap().amount, money(amount), "{month}");
    }
    for (country, amount) in [("Germany", "221698.210"), ("EIRE", "263276.820")] {
        let row = report.countries.iter().find(|c| c.country == country);
        assert_eq!(row.unwrap().amount, money(amount), "{country}");
    }
    let top: Vec<_> = report
        .products
        .iter()
        .map(|p| (&*p.stock_code, p.amount))
        .collect();
    assert_eq!(
        top[..4],
        [
            ("DOT", money("206245.480")),
            ("22423", money("164736.690")),
            ("47566", money("98302.980")),
            ("85123A", money("97894.500")),
        ]
    );
    let all = customers(&analytics, &settings, &CustomerQuery::default());
    let amount = |number: &str| {
        all.rows
            .iter()
            .find(|c| c.customer == number)
            .unwrap()
            .amount
    };
    assert_eq!(amount("14646"), money("279489.020"));
    assert_eq!(amount("16446"), money("2.900"));
    assert_eq!(amount("12346"), money("0.000"));
    assert_eq!(report.kpis.sales_without_customer, money("1467723.520"));
    let (without_purchase, cancelled) = analytics.without_purchase();
    assert_eq!((without_purchase, cancelled), (33, money("-10411.24")));
    assert!(
        report.warnings.iter().any(|w| w.contains("33 customers")),
        "{:?}",
        report.warnings
    );
    assert_eq!(
        all.amount + report.kpis.sales_without_customer + cancelled,
        report.kpis.sales,
        "nothing is lost between the figures"
    );
}

#[test]
fn what_is_cancelled_does_not_change_when_and_how_often_somebody_bought() {
    let settings = Settings::standard().unwrap();
    let gross = Report::build(&part(Filter::default()), &settings);
    let report = Report::build(&part(net()), &settings);
    assert_eq!(report.cohorts, gross.cohorts);
    assert_eq!(report.rfm_grid, gross.rfm_grid);
    assert_ne!(
        report.segments, gross.segments,
        "values change with the amounts"
    );
}

/// Amount and pieces by a key.
fn sums<'a, K: Ord>(
    lines: impl Iterator<Item = &'a Line>,
    key: impl Fn(&'a Line) -> K,
) -> BTreeMap<K, (Decimal, i64)> {
    let mut sums: BTreeMap<K, (Decimal, i64)> = BTreeMap::new();
    for line in lines {
        let (amount, items) = sums.entry(key(line)).or_default();
        *amount += line.as_ref().amount();
        *items += i64::from(line.quantity);
    }
    sums
}

proptest! {
    #[test]
    fn net_figures_are_those_of_sales_and_cancelled_lines_together(
        sales in lines(),
        returned in lines(),
    ) {
        let returned: Vec<Line> = returned
            .into_iter()
            .map(|line| Line {
                invoice_no: format!("C{}", line.invoice_no).into(),
                quantity: -line.quantity,
                ..line
            })
            .collect();
        let analytics = figures(&sales, &returned, &net());
        let both = || sales.iter().chain(&returned);
        let total = sums(both(), |_| ())[&()];
        let kpis = Kpis::of(&analytics);
        prop_assert_eq!((kpis.sales, kpis.items), (tidy(total.0), total.1));
        prop_assert_eq!(kpis.lines, sales.len() as u64);
        prop_assert_eq!(returns(&analytics, &Filter::default()).net_sales, tidy(total.0));
        let days: BTreeMap<_, _> = by_day(&analytics, &Filter::default())
            .into_iter()
            .map(|day| (day.period, (day.amount, day.items)))
            .collect();
        prop_assert_eq!(days, sums(both(), |line| line.invoice_time.day()));
        let countries: BTreeMap<_, _> = by_country(&analytics)
            .into_iter()
            .map(|row| (row.country, (row.amount, row.items)))
            .collect();
        prop_assert_eq!(countries, sums(both(), |line| line.country.clone()));
        let products: BTreeMap<_, _> = by_product(&analytics, NonProducts::Show)
            .into_iter()
            .map(|row| (row.stock_code, (row.amount, row.items)))
            .collect();
        let mut expected = sums(both(), |line| line.stock_code.clone());
        expected.retain(|code, (amount, _)| {
            !amount.is_zero() || sales.iter().any(|line| line.stock_code == *code)
        });
        prop_assert_eq!(products, expected);
        let settings = Settings::standard().unwrap();
        let listed = customers(&analytics, &settings, &CustomerQuery::default()).rows;
        let listed: BTreeMap<_, _> = listed
            .into_iter()
            .map(|row| (Some(row.customer), (row.amount, row.items)))
            .collect();
        let mut expected = sums(both(), |line| line.customer.clone());
        expected.retain(|customer, _| {
            customer.is_some() && sales.iter().any(|line| line.customer == *customer)
        });
        prop_assert_eq!(listed, expected);
    }
}
