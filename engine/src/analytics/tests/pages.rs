//! The pages of customers and products of the full file. The golden numbers were counted with
//! plain Python.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use rust_decimal::Decimal;

use super::fixture::{buckets, fingerprint, regions, sample, whole};
use crate::analytics::{
    CustomerHead, CustomerPage, NonProducts, PageRows, ProductPage, ProductRows, Settings,
    by_product, customer_figures,
};
use crate::model::{BucketKey, LineTable, StoredLine};

fn money(text: &str) -> Decimal {
    text.parse().unwrap()
}

/// All rows of the file, with their buckets.
fn rows() -> &'static PageRows {
    static ROWS: OnceLock<PageRows> = OnceLock::new();
    ROWS.get_or_init(|| {
        let flat = |buckets: BTreeMap<BucketKey, Vec<StoredLine>>| {
            let rows = buckets.into_iter();
            rows.flat_map(|(key, rows)| rows.into_iter().map(move |row| (key, row)))
                .collect()
        };
        let (catalog, sample) = (whole().catalog(), sample());
        PageRows {
            sales: flat(buckets(catalog, LineTable::Transactions, &sample.sales)),
            cancelled: flat(buckets(catalog, LineTable::Returns, &sample.returns)),
        }
    })
}

fn only(holds: impl Fn(&StoredLine) -> bool) -> PageRows {
    let pick = |rows: &[(BucketKey, StoredLine)]| {
        rows.iter()
            .filter(|(_, line)| holds(line))
            .cloned()
            .collect()
    };
    PageRows {
        sales: pick(&rows().sales),
        cancelled: pick(&rows().cancelled),
    }
}

fn customer(number: &str) -> CustomerPage {
    let settings = Settings::standard().unwrap();
    let id = whole().catalog().find_customer(number).unwrap();
    let figures = customer_figures(whole(), &settings);
    let head = CustomerHead {
        figures: figures.into_iter().find(|c| c.id == id).unwrap(),
        segment_meaning: String::new(),
        reference_date: whole().reference_date(),
        regions: regions(),
    };
    CustomerPage::build(
        head,
        whole().catalog(),
        &only(|line| line.customer == Some(id)),
    )
}

fn product(code: &str) -> ProductPage {
    let catalog = whole().catalog();
    let stock = catalog.find_stock(code).unwrap();
    let names = catalog.products();
    let stock_of = |line: &StoredLine| names[line.product.0 as usize].stock;
    let mut of = ProductRows {
        rows: only(|line| stock_of(line) == stock),
        baskets: BTreeMap::new(),
    };
    let holders: BTreeSet<&str> = of.rows.sales.iter().map(|(_, l)| &*l.invoice_no).collect();
    for (_, line) in rows()
        .sales
        .iter()
        .filter(|(_, l)| holders.contains(&*l.invoice_no))
    {
        let basket = of.baskets.entry(fingerprint(&line.invoice_no)).or_default();
        basket.insert(stock_of(line));
    }
    let products = by_product(whole(), NonProducts::Show);
    ProductPage::build(stock, &products, catalog, &of).unwrap()
}

#[test]
fn the_page_of_the_largest_customer_is_exact() {
    let page = customer("14646");
    let figures = &page.figures;
    assert_eq!(figures.amount, money("280206.020"));
    assert_eq!(
        (figures.invoices, figures.lines, figures.items),
        (73, 2_076, 196_915)
    );
    assert_eq!(figures.first.to_string(), "2010-12-20 10:09:00");
    assert_eq!(figures.last.to_string(), "2011-12-08 12:12:00");
    assert_eq!((figures.recency_days, &*figures.segment), (2, "Champions"));
    let next = figures.next.as_ref().unwrap();
    assert!(next.reason.contains("73"), "{next:?}");
    assert_eq!(page.average_order_value, Some(money("3838.44")));
    assert_eq!(page.months.len(), 13);
    assert_eq!(page.months[8].month.to_string(), "2011-08");
    assert_eq!(page.months[8].amount, money("40327.810"));
    let top: Vec<_> = page
        .products
        .iter()
        .take(3)
        .map(|p| (&*p.stock_code, p.amount))
        .collect();
    assert_eq!(
        top,
        [
            ("23084", money("9568.480")),
            ("22326", money("7956.000")),
            ("22629", money("7415.400"))
        ]
    );
    assert_eq!(page.products.len(), 20);
    let newest = &page.invoices[0];
    assert_eq!(
        (&*newest.invoice_no, newest.lines, newest.items),
        ("581338", 1, 140)
    );
    assert_eq!((newest.amount, newest.at), (money("250.600"), figures.last));
    assert!(page.invoices.is_sorted_by(|a, b| a.at >= b.at));
    assert_eq!(page.invoices.len() as u64, figures.invoices);
    let cancelled = &page.cancelled;
    assert_eq!(
        (cancelled.lines, cancelled.items, cancelled.amount),
        (5, 772, money("717.000"))
    );
    assert_eq!(cancelled.invoices.len(), 3);
    assert!(
        cancelled
            .invoices
            .iter()
            .all(|i| i.invoice_no.starts_with('C') && i.items > 0)
    );
}

#[test]
fn a_page_adds_up_to_the_figures_over_all_countries() {
    for number in ["12431", "14646", "16446", "12422"] {
        let page = customer(number);
        for sum in [
            page.months.iter().map(|m| m.amount).sum::<Decimal>(),
            page.countries.iter().map(|c| c.amount).sum(),
            page.invoices.iter().map(|i| i.amount).sum(),
        ] {
            assert_eq!(sum, page.figures.amount, "{number}");
        }
        let lines: u64 = page.invoices.iter().map(|i| i.lines).sum();
        assert_eq!(lines, page.figures.lines);
    }
    let page = customer("12431");
    let countries: Vec<_> = page
        .countries
        .iter()
        .map(|c| (&*c.country, c.lines, c.amount))
        .collect();
    assert_eq!(
        countries,
        [
            ("Australia", 181, money("5514.670")),
            ("Belgium", 54, money("972.780"))
        ]
    );
    assert_eq!(page.figures.country, "Australia");
    assert_eq!(page.figures.region, page.countries[0].region);
}

#[test]
fn the_page_of_a_product_is_exact() {
    let page = product("22423");
    assert_eq!(page.figures.amount, money("174459.240"));
    assert_eq!((page.figures.invoices, page.customers), (1_986, 879));
    assert_eq!(page.countries.len(), 29);
    assert_eq!(page.figures.cancelled, money("9722.550"));
    assert_eq!((page.cancelled.lines, page.cancelled.items), (181, 857));
    assert_eq!(page.cancelled.amount, page.figures.cancelled);
    let month = &page.months[0];
    assert_eq!((month.lines, month.amount), (177, money("27869.960")));
    let prices = [month.price_min, month.price_median, month.price_max];
    assert_eq!(prices, ["10.950", "12.750", "25.490"].map(money));
    let partners: Vec<_> = page
        .together
        .iter()
        .map(|p| (&*p.stock_code, p.invoices))
        .collect();
    assert_eq!(
        partners[..4],
        [
            ("22699", 525),
            ("22697", 509),
            ("47566", 395),
            ("22698", 392)
        ]
    );
    assert!((page.together[0].confidence - 525.0 / 1_986.0).abs() < 1e-12);
    assert_eq!(page.largest_cancelled, None);
    for sum in [
        page.months.iter().map(|m| m.amount).sum::<Decimal>(),
        page.countries.iter().map(|c| c.amount).sum(),
        page.descriptions.iter().map(|d| d.amount).sum(),
    ] {
        assert_eq!(sum, page.figures.amount);
    }
}

#[test]
fn a_product_that_rests_on_a_line_cancelled_later_says_so() {
    let page = product("23166");
    let rests = page.largest_cancelled.unwrap();
    assert_eq!(
        (&*rests.invoice_no, &*rests.cancelled_by),
        ("541431", "C541433")
    );
    assert_eq!((rests.items, rests.amount), (74_215, money("77183.600")));
    assert!((rests.share - 77_183.60 / 81_700.92).abs() < 1e-12);
    assert_eq!(rests.cancelled_at.0 - rests.at.0, 16 * 60);
    let whole = product("23843").largest_cancelled.unwrap();
    assert_eq!((whole.amount, whole.share), (money("168469.600"), 1.0));
    let heart = product("85123A");
    let lines: Vec<u64> = heart.descriptions.iter().map(|d| d.lines).collect();
    assert_eq!(lines, [2_256, 9]);
    assert!(heart.largest_cancelled.unwrap().share < 0.05);
}
