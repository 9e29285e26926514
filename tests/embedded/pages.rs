//! Figures that need rows, asked of an engine and exported by the program. The golden numbers were
//! counted from the full file with plain Python.

use std::time::{Duration, Instant};

use retail_engine::analytics::{
    CustomerPick, CustomerQuery, Filter, GridBreaks, PairFloor, TogetherQuery,
};
use retail_engine::config::Settings;
use retail_engine::flow::Roles;
use retail_engine::handle::{Command, Engine};
use retail_tests::program;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::{Loaded, path};

fn money(text: &str) -> Decimal {
    text.parse().unwrap()
}

#[test]
fn an_engine_answers_with_pairs_pages_and_lists() {
    let loaded = Loaded::shared();
    let _one_at_a_time = loaded.lock.lock();
    let mut settings = Settings::in_dir(loaded.dir.path().join("data"));
    settings.monitoring.port = 0;
    let engine = Engine::open(settings, Roles::none()).unwrap();

    let query = || {
        Box::new(TogetherQuery {
            limit: usize::MAX,
            ..TogetherQuery::default()
        })
    };
    // Given up at once, so it ends early; what is asked next is answered all the same.
    drop(engine.ask(|reply| Command::Together(query(), reply)));
    let began = Instant::now();
    let together = engine.ask(|reply| Command::Together(query(), reply));
    let together = together.wait().unwrap().unwrap();
    println!("bought together in {:?}", began.elapsed());
    assert_eq!((together.invoices, together.products), (19_943, 1_532));
    assert_eq!(together.pairs_found, 7_819);
    let sum: u64 = together.pairs.iter().map(|pair| pair.invoices).sum();
    assert_eq!(sum, 1_134_292);
    let germany = Box::new(TogetherQuery {
        filter: Filter {
            countries: vec!["Germany".into()],
            ..Filter::default()
        },
        floor: PairFloor {
            invoices: 20,
            support: 0.0,
        },
        limit: 1,
    });
    let germany = engine.ask(|reply| Command::Together(germany, reply)).wait();
    let germany = germany.unwrap().unwrap();
    assert_eq!((germany.invoices, germany.pairs_found), (457, 19));

    let began = Instant::now();
    let page = engine.ask(|reply| Command::CustomerPage("14646".into(), reply));
    let page = page.wait().unwrap().unwrap().unwrap();
    println!("a customer's page in {:?}", began.elapsed());
    assert_eq!(page.figures.amount, money("280206.020"));
    assert_eq!((page.invoices.len(), page.months.len()), (73, 13));
    let months: Decimal = page.months.iter().map(|month| month.amount).sum();
    assert_eq!(months, page.figures.amount);
    assert_eq!(page.cancelled.amount, money("717.000"));
    assert!(!page.segment_meaning.is_empty());
    let nobody = engine.ask(|reply| Command::CustomerPage("nobody".into(), reply));
    assert!(nobody.wait().unwrap().unwrap().is_none());

    let began = Instant::now();
    let page = engine.ask(|reply| Command::ProductPage("22423".into(), reply));
    let page = page.wait().unwrap().unwrap().unwrap();
    println!("a product's page in {:?}", began.elapsed());
    assert_eq!(page.figures.amount, money("174459.240"));
    assert_eq!((page.figures.invoices, page.customers), (1_986, 879));
    let best = &page.together[0];
    assert_eq!((&*best.stock_code, best.invoices), ("22699", 525));
    let page = engine.ask(|reply| Command::ProductPage("23843".into(), reply));
    let page = page.wait().unwrap().unwrap().unwrap();
    let rests = page.largest_cancelled.unwrap();
    assert_eq!((&*rests.cancelled_by, rests.share), ("C581484", 1.0));

    let breaks = GridBreaks::default();
    let (days, orders) = (breaks.days().swap_remove(0), breaks.orders().swap_remove(4));
    let filter = Box::new(Filter::default());
    let grid = engine.ask(|reply| Command::OrderGrid(filter, breaks, reply));
    assert_eq!(grid.wait().unwrap().unwrap().rows[0][4].customers, 384);
    let cell = Box::new(CustomerQuery {
        pick: CustomerPick::Between { days, orders },
        ..CustomerQuery::default()
    });
    let list = engine.ask(|reply| Command::Customers(cell, reply)).wait();
    let list = list.unwrap().unwrap();
    assert_eq!((list.customers, list.amount), (384, money("3925173.660")));
    let filter = Box::new(Filter::default());
    let products = engine.ask(|reply| Command::Products(filter, reply)).wait();
    assert_eq!(products.unwrap().unwrap().len(), 3_922);
    assert_eq!(engine.close(), Vec::<String>::new());
}

#[test]
fn an_answer_given_up_does_not_hold_the_end_of_the_engine() {
    let loaded = Loaded::shared();
    let _one_at_a_time = loaded.lock.lock();
    let mut settings = Settings::in_dir(loaded.dir.path().join("data"));
    settings.monitoring.port = 0;
    let engine = Engine::open(settings, Roles::none()).unwrap();
    for _ in 0..30 {
        let query = Box::new(TogetherQuery::default());
        drop(engine.ask(|reply| Command::Together(query, reply)));
    }
    let began = Instant::now();
    engine.close();
    assert!(
        began.elapsed() < Duration::from_secs(20),
        "{:?}",
        began.elapsed()
    );
}

#[test]
fn a_report_tells_what_is_bought_together_and_net_of_cancellations() {
    let report = Loaded::shared().json(&["report", "--together", "--net"]);
    assert_eq!(report["simulated"], true);
    assert_eq!(report["kpis"]["sales"], "9763830.514");
    assert_eq!(report["filter"]["basis"], "net");
    assert_eq!(report["reference_date"], "2011-12-10");
    let together = &report["together"];
    assert_eq!(
        together["pairs_found"], 7_819,
        "purchases, cancelled or not"
    );
    let first = &together["pairs"][0];
    assert_eq!(first["a"]["stock_code"], "22386");
    assert_eq!(
        (&first["b"]["stock_code"], &first["invoices"]),
        (&json!("85099B"), &json!(825))
    );
}

#[test]
fn every_table_of_figures_is_exported_with_its_stamp() {
    let loaded = Loaded::shared();
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("table.json");
    let export = |args: &[&str]| -> (Value, Value) {
        let more = ["--format", "json", "--out", path(&file)];
        let told = loaded.json(&[&["export"], args, &more[..]].concat());
        let text = std::fs::read_to_string(&file).unwrap();
        (told, serde_json::from_str(&text).unwrap())
    };
    for (table, rows) in [
        ("kpis", 1),
        ("months", 13),
        ("days", 305),
        ("regions", 3),
        ("countries", 36),
        ("products", 3_922),
        ("segments", 20),
        ("customers", 4_333),
        ("rfm_grid", 25),
        ("order_grid", 25),
        ("concentration", 3),
        ("together", 7_819),
    ] {
        let (told, exported) = export(&[table]);
        assert_eq!(told["rows"], rows, "{table}");
        assert_eq!(exported["table"], table);
        assert_eq!(exported["rows"].as_array().unwrap().len(), rows, "{table}");
        assert_eq!(exported["simulated"], true, "{table}");
        assert_eq!(exported["reference_date"], "2011-12-10", "{table}");
    }
    let (_, champions) = export(&[
        "customers",
        "--segment",
        "Champions",
        "--country",
        "Germany",
    ]);
    let rows = champions["rows"].as_array().unwrap();
    assert!(!rows.is_empty());
    for row in rows {
        assert_eq!(
            (&row["segment"], &row["country"]),
            (&json!("Champions"), &json!("Germany"))
        );
    }
    assert_eq!(champions["filter"]["countries"][0], "Germany");
    let csv = scratch.path().join("months.csv");
    loaded.json(&[
        "export",
        "months",
        "--net",
        "--format",
        "csv",
        "--out",
        path(&csv),
    ]);
    let text = std::fs::read_to_string(&csv).unwrap();
    assert!(
        text.starts_with("# table: Revenue by month\n# mode: embedded; Simulated"),
        "{text}"
    );
    assert!(
        text.contains("\n# filter: all days; all countries; net of cancellations\n"),
        "{text}"
    );
    assert!(text.contains("\n2011-12,25111,"), "{text}");
    assert!(text.contains(",433668.010,true,\n"), "{text}");
}

#[test]
fn an_export_that_makes_no_sense_is_refused() {
    let loaded = Loaded::shared();
    let _one_at_a_time = loaded.lock.lock();
    let scratch = tempfile::tempdir().unwrap();
    let out = scratch.path().join("x.csv");
    let data = loaded.dir.path().join("data");
    for (args, expect) in [
        (&["transactions", "--net"][..], "holds everything"),
        (
            &["months", "--segment", "Champions"],
            "applies to the table customers",
        ),
        (
            &["customers", "--segment", "Nobody"],
            "no segment is called",
        ),
    ] {
        let more = ["--format", "csv", "--out", path(&out)];
        let args = [&["export"], args, &more[..]].concat();
        let done = program::run(&data, &args).unwrap();
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(
            !done.status.success() && said.contains(expect),
            "{args:?}: {said}"
        );
        assert!(!out.exists());
    }
}
