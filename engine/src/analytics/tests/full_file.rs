//! The real file, to the last digit. The golden numbers were counted with Python and pandas.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use super::fixture::{sample, whole};
use crate::analytics::{
    Filter, Month, NonProducts, Report, Rfm, Settings, by_day, by_product, by_week, country_rows,
    customer_rows, product_rows, render_text, totals,
};
use crate::model::{Day, Region};

fn settings() -> Settings {
    Settings::standard().unwrap()
}

fn money(text: &str) -> Decimal {
    text.parse().unwrap()
}

#[test]
fn headline_figures_are_exact() {
    let report = Report::build(whole(), &settings());
    let kpis = &report.kpis;
    assert_eq!(kpis.sales, money("10660634.504"));
    assert_eq!(kpis.lines, 529_598);
    assert_eq!(kpis.invoices, 19_943);
    assert_eq!(kpis.products, 3_922);
    assert_eq!(kpis.customers, 4_333);
    assert_eq!(kpis.lines_without_customer, 132_018);
    assert_eq!(report.reference_date.unwrap().to_string(), "2011-12-10");
    assert_eq!(report.warnings, Vec::<String>::new());
    let known: Decimal = report.segments.iter().map(|s| s.amount).sum();
    assert_eq!(known + kpis.sales_without_customer, kpis.sales);
    assert_eq!(report.insights.len(), 7);
    assert!(report.insights.iter().all(|i| i.text.contains(&i.figure)));
}

#[test]
fn months_are_exact_and_the_last_is_partial() {
    let report = Report::build(whole(), &settings());
    let months: BTreeMap<String, _> = report
        .months
        .iter()
        .map(|m| (m.period.to_string(), m))
        .collect();
    assert_eq!(months.len(), 13);
    for (month, amount, lines) in [
        ("2010-12", "823746.140", 41_480),
        ("2011-01", "691364.560", 34_306),
        ("2011-06", "761122.070", 35_948),
        ("2011-11", "1508530.580", 83_316),
        ("2011-12", "638792.680", 25_111),
    ] {
        assert_eq!(
            (months[month].amount, months[month].lines),
            (money(amount), lines)
        );
        assert_eq!(months[month].partial, month == "2011-12");
    }
    assert_eq!(months["2010-12"].growth, None);
    assert_eq!(months["2011-12"].growth, None);
    let growth = 691_364.56 / 823_746.14 - 1.0;
    assert!((months["2011-01"].growth.unwrap() - growth).abs() < 1e-12);
    let everything = Filter::default();
    for sums in [
        by_day(whole(), &everything)
            .iter()
            .map(|p| p.amount)
            .sum::<Decimal>(),
        by_week(whole(), &everything).iter().map(|p| p.amount).sum(),
        report.hours.iter().map(|h| h.amount).sum(),
        report.regions.iter().map(|r| r.amount).sum(),
        report.countries.iter().map(|c| c.amount).sum(),
    ] {
        assert_eq!(sums, report.kpis.sales);
    }
}

#[test]
fn countries_regions_and_products_are_exact() {
    let report = Report::build(whole(), &settings());
    assert_eq!(report.countries.len(), 36);
    for (name, amount, lines) in [
        ("United Kingdom", "9025222.084", 485_123),
        ("Netherlands", "285446.340", 2_359),
        ("EIRE", "283453.960", 7_890),
        ("Germany", "228867.140", 9_040),
        ("Australia", "138521.310", 1_182),
    ] {
        let country = report.countries.iter().find(|c| c.country == name).unwrap();
        assert_eq!(
            (country.amount, country.lines),
            (money(amount), lines),
            "{name}"
        );
    }
    let regions: Vec<_> = report
        .regions
        .iter()
        .map(|r| (r.region, r.lines, r.amount))
        .collect();
    let expected = [
        (Region::Europe, 526_735, money("10425701.574")),
        (Region::Americas, 362, money("8390.370")),
        (Region::AsiaPacific, 2_501, money("226542.560")),
    ];
    assert_eq!(regions, expected);
    let products: Vec<_> = report
        .products
        .iter()
        .take(5)
        .map(|p| (p.stock_code.as_str(), p.amount))
        .collect();
    let expected = [
        ("DOT", money("206248.770")),
        ("22423", money("174459.240")),
        ("23843", money("168469.600")),
        ("85123A", money("104518.800")),
        ("47566", money("99504.330")),
    ];
    assert_eq!(products, expected);
    let hidden = by_product(whole(), NonProducts::Hide);
    assert_eq!(hidden[0].stock_code, "22423");
}

#[test]
fn value_segments_are_exact() {
    let report = Report::build(whole(), &settings());
    let segments: Vec<_> = report
        .segments
        .iter()
        .map(|s| (s.name.as_str(), s.customers, s.amount))
        .collect();
    let expected = [
        ("At Risk", 1_084, money("272791.420")),
        ("Low Value", 1_083, money("694728.933")),
        ("Mid Value", 1_083, money("1421193.521")),
        ("High Value", 1_083, money("6518726.710")),
    ];
    assert_eq!(segments, expected);
    for division in [&report.segments, &report.named_segments, &report.statuses] {
        assert_eq!(division.iter().map(|s| s.customers).sum::<u64>(), 4_333);
        let amount: Decimal = division.iter().map(|s| s.amount).sum();
        assert_eq!(
            amount + report.kpis.sales_without_customer,
            report.kpis.sales
        );
    }
    assert_eq!(report.rfm_grid.iter().flatten().sum::<u64>(), 4_333);
}

#[test]
fn returns_are_those_of_the_cancelled_rows() {
    let report = Report::build(whole(), &settings());
    let cancelled: Decimal = sample().returns.iter().map(|l| -l.as_ref().amount()).sum();
    assert_eq!(report.returns.lines, 9_287);
    assert_eq!(report.returns.amount, cancelled);
    assert_eq!(report.returns.net_sales, report.kpis.sales - cancelled);
    let by_lines = 9_287.0 / (529_598.0 + 9_287.0);
    assert!((report.returns.rate_by_lines.unwrap() - by_lines).abs() < 1e-12);
}

/// Months of purchase by customer, from the rows.
fn months_by_customer() -> BTreeMap<&'static str, BTreeSet<Month>> {
    let mut months: BTreeMap<&str, BTreeSet<Month>> = BTreeMap::new();
    for line in &sample().sales {
        if let Some(customer) = &line.customer {
            months
                .entry(customer)
                .or_default()
                .insert(Month::of(line.invoice_time.day()));
        }
    }
    months
}

#[test]
fn cohorts_equal_those_counted_from_the_rows() {
    let report = Report::build(whole(), &settings());
    let first = &report.cohorts[0];
    assert_eq!(
        (first.month.to_string().as_str(), first.customers),
        ("2010-12", 885)
    );
    assert_eq!(
        (first.cells[11].customers, first.cells[11].partial),
        (445, false)
    );
    assert!(first.cells[12].partial);
    let months = months_by_customer();
    for cohort in &report.cohorts {
        let members = || months.values().filter(|m| m.first() == Some(&cohort.month));
        assert_eq!(cohort.customers, members().count() as u64);
        for cell in &cohort.cells {
            let bought = |m: &Month| m.since(cohort.month) == cell.months_after;
            let expected = members().filter(|m| m.iter().any(bought)).count() as u64;
            assert_eq!(cell.customers, expected);
        }
    }
}

#[test]
fn scores_equal_those_of_a_plain_program() {
    type Row = (i32, BTreeSet<&'static str>, Decimal);
    let mut rows: BTreeMap<&str, Row> = BTreeMap::new();
    let end = Day::from_date("2011-12-10".parse().unwrap()).0;
    for line in &sample().sales {
        let Some(customer) = &line.customer else {
            continue;
        };
        let row = rows
            .entry(customer)
            .or_insert((i32::MAX, BTreeSet::new(), Decimal::ZERO));
        row.0 = row.0.min(end - line.invoice_time.day().0);
        row.1.insert(&line.invoice_no);
        row.2 += line.as_ref().amount();
    }
    let n = rows.len();
    // Mean rank: those below, and the middle of those equal.
    let fifth = |below: usize, equal: usize| {
        let doubled = 2 * below + equal + 1;
        (1..=5).find(|score| 5 * doubled <= score * 2 * n).unwrap()
    };
    let rank = |less: &dyn Fn(&Row) -> bool, same: &dyn Fn(&Row) -> bool| {
        let below = rows.values().filter(|r| less(r)).count();
        fifth(below, rows.values().filter(|r| same(r)).count())
    };
    let rfm = Rfm::of(whole(), &settings());
    assert_eq!(rfm.customers.len(), n);
    let all = || rfm.customers.iter();
    let recencies = all().map(|c| c.recency_days);
    assert_eq!(
        (recencies.clone().min(), recencies.max()),
        (Some(1), Some(374))
    );
    assert_eq!(all().map(|c| c.invoices).max(), Some(209));
    assert_eq!(all().map(|c| c.amount).max(), Some(money("280206.02")));
    for score in all().step_by(37) {
        let (days, invoices, amount) = &rows[score.customer.as_str()];
        assert_eq!(i32::try_from(score.recency_days).unwrap(), *days);
        assert_eq!(score.invoices, invoices.len() as u64);
        assert_eq!(score.amount, *amount);
        let expected = [
            6 - rank(&|r| r.0 < *days, &|r| r.0 == *days),
            rank(&|r| r.1.len() < invoices.len(), &|r| {
                r.1.len() == invoices.len()
            }),
            rank(&|r| r.2 < *amount, &|r| r.2 == *amount),
        ];
        assert_eq!(
            score.scores.map(usize::from),
            expected,
            "{}",
            score.customer
        );
    }
}

#[test]
fn a_filter_gives_the_figures_of_its_lines_alone() {
    let filter = Filter {
        from: Some(Day::from_date("2011-03-05".parse().unwrap())),
        to: Some(Day::from_date("2011-06-20".parse().unwrap())),
        regions: vec![Region::AsiaPacific, Region::Americas],
        ..Filter::default()
    };
    let scope = whole().scope(&filter);
    let catalog = whole().catalog();
    let lines = || {
        let held = |l: &&crate::model::Line| {
            scope.holds(catalog.country(&l.country), l.invoice_time.day())
        };
        sample().sales.iter().filter(held)
    };
    let direct = totals(whole(), &filter).all;
    let summaries =
        super::fixture::summaries(catalog, crate::model::LineTable::Transactions, lines());
    let part = crate::analytics::Analytics::from_summaries(whole(), filter, summaries);
    let invoices: BTreeSet<_> = lines().map(|l| &l.invoice_no).collect();
    let amount: Decimal = lines().map(|l| l.as_ref().amount()).sum();
    let report = Report::build(&part, &settings());
    for (lines_counted, invoices_counted, sales) in [
        (direct.lines, direct.invoices, direct.amount),
        (report.kpis.lines, report.kpis.invoices, report.kpis.sales),
    ] {
        assert_eq!(lines_counted, lines().count() as u64);
        assert_eq!(invoices_counted, invoices.len() as u64);
        assert_eq!(sales, amount);
    }
    let partial: Vec<bool> = report.months.iter().map(|m| m.partial).collect();
    assert_eq!(partial, [true, false, false, true]);
    assert_eq!(report.reference_date.unwrap().to_string(), "2011-06-21");
}

#[test]
fn derived_tables_have_a_row_for_each_and_sum_to_sales() {
    let read = |row: &String| serde_json::from_str::<serde_json::Value>(row).unwrap();
    let sum = |rows: &BTreeMap<String, String>| -> Decimal {
        rows.values()
            .map(|r| money(read(r)["total_amount"].as_str().unwrap()))
            .sum()
    };
    let customers = customer_rows(whole(), &settings());
    assert_eq!(
        (customers.table.as_str(), customers.rows.len()),
        ("customer_analytics", 4_333)
    );
    let products = product_rows(whole());
    assert_eq!(
        (products.rows.len(), sum(&products.rows)),
        (3_922, money("10660634.504"))
    );
    let countries = country_rows(whole());
    assert_eq!(
        (countries.rows.len(), sum(&countries.rows)),
        (36, money("10660634.504"))
    );
    let without = Report::build(whole(), &settings())
        .kpis
        .sales_without_customer;
    assert_eq!(sum(&customers.rows) + without, money("10660634.504"));
    let both: Vec<_> = ["12422", "12431"]
        .map(|c| read(&customers.rows[c])["country"].clone())
        .into();
    assert!(
        both.iter()
            .all(|c| c.as_str().is_some_and(|c| !c.is_empty()))
    );
}

#[test]
fn the_page_fits_its_width_and_shows_the_figures() {
    let report = Report::build(whole(), &settings());
    for width in [72, 100, 140] {
        let page = render_text(&report, width);
        let widest = page.lines().map(|l| l.chars().count()).max().unwrap();
        assert!(widest <= width, "{widest} > {width}\n{page}");
        for text in [
            "£10,660,634.504",
            "19,943",
            "2011-12",
            "partial",
            "High Value",
            "DOT",
        ] {
            assert!(page.contains(text), "{text} is missing\n{page}");
        }
    }
}
