//! The page of the sales: its figures are the engine's, and every figure leads somewhere.

use std::path::Path;
use std::time::{Duration, Instant};

use eframe::egui::{Key, Modifiers};
use retail_console::actions::Action;
use retail_console::prefs::ThemeChoice;
use retail_console::start::Start;
use retail_console::views::format;
use retail_engine::analytics::{
    CustomerList, CustomerPick, CustomerQuery, Filter, Month, ProductPage, Report,
};
use retail_engine::clean::Rules;
use retail_engine::config::ErrorLimit;
use retail_engine::flow::{LoadRequest, Resume, Until};
use retail_engine::handle::Command;
use retail_engine::intake::ReadOptions;
use retail_engine::model::Day;

use crate::Desk;

/// Tall enough for all panels.
const TALL: [f32; 2] = [1440.0, 2050.0];

fn report(desk: &Desk, filter: Filter) -> Report {
    let answer = desk
        .engine()
        .ask(|reply| Command::Report(Box::new(filter), reply));
    answer.wait().unwrap().unwrap()
}

fn customers(desk: &Desk, pick: CustomerPick) -> CustomerList {
    let query = CustomerQuery {
        pick,
        ..CustomerQuery::default()
    };
    let answer = desk
        .engine()
        .ask(|reply| Command::Customers(Box::new(query), reply));
    answer.wait().unwrap().unwrap()
}

fn product(desk: &Desk, code: &str) -> ProductPage {
    let answer = desk
        .engine()
        .ask(|reply| Command::ProductPage(code.to_owned(), reply));
    *answer.wait().unwrap().unwrap().unwrap()
}

/// The number of lines in the tile of that name.
fn lines_on_screen(desk: &Desk) -> Option<u64> {
    let words = desk.words();
    let tile = words.iter().find_map(|word| word.strip_prefix("Lines: "))?;
    tile.replace('\u{2009}', "").parse().ok()
}

fn open_page(desk: &mut Desk) {
    desk.key(Modifiers::COMMAND, Key::Num3);
}

fn clear(desk: &mut Desk) {
    desk.click("Clear filters");
}

/// Loads the full file while the page is shown; what the tile of the lines said, one after the
/// other.
fn load_and_watch(desk: &mut Desk) -> Vec<u64> {
    // Some seconds on any machine, so that the figures are seen on their way.
    desk.engine().send(Command::SetRate(Some(150_000))).unwrap();
    let request = LoadRequest {
        file: retail_tests::full_file(),
        options: ReadOptions::default(),
        rules: Rules::builtin().unwrap(),
        limit: ErrorLimit::None,
        until: Until::Closed,
        resume: Resume::WhereItStood,
    };
    let answer = desk
        .engine()
        .ask(|reply| Command::Load(Box::new(request), reply));
    let mut seen: Vec<u64> = Vec::new();
    let mut badge = false;
    let begun = Instant::now();
    loop {
        desk.frame();
        badge |= desk.sees("still loading");
        if let Some(lines) = lines_on_screen(desk)
            && seen.last() != Some(&lines)
        {
            seen.push(lines);
        }
        if let Some(end) = answer.wait_for(Duration::from_millis(5)) {
            assert!(end.unwrap().unwrap().ledger.is_closed());
            break;
        }
        assert!(
            begun.elapsed() < Duration::from_mins(3),
            "the load goes on and on"
        );
    }
    assert!(badge, "nothing said that the load still ran");
    seen
}

#[test]
fn figures_move_while_a_load_runs_end_exact_and_lead_to_what_is_behind_them() {
    let mut desk = Desk::with(
        |_| (),
        |dir| {
            ["customers.csv", "countries.png", "months.csv"]
                .map(|f| dir.join(f))
                .into()
        },
    );
    open_page(&mut desk);
    desk.until_seen("No sales are stored yet");
    let seen = load_and_watch(&mut desk);
    desk.until_seen("Revenue: \u{a3}10\u{2009}660\u{2009}634.504");
    desk.until_seen("Data up to L-");
    assert!(seen.is_sorted(), "{seen:?}");
    assert!(seen.len() > 1, "the figures did not move: {seen:?}");
    for text in [
        "Invoices: 19\u{2009}943",
        "Lines: 529\u{2009}598",
        "Customers: 4\u{2009}333",
        "132\u{2009}018 \u{b7}",
        "2010-12: \u{a3}823\u{2009}746.140, 41\u{2009}480 lines",
        "2011-11: \u{a3}1\u{2009}508\u{2009}530.580, 83\u{2009}316 lines",
        "2011-12: \u{a3}638\u{2009}792.680, 25\u{2009}111 lines",
        "partial, to 9 Dec",
        "\u{a3}285\u{2009}446.340",
        "First bought 2010-12, 885 customers: 445 of them bought 11 months later",
        "days since the last purchase, counted from 2011-12-10",
    ] {
        assert!(desk.sees(text), "{text:?} in\n{}", desk.words().join("\n"));
    }
    let all = report(&desk, Filter::default());
    for insight in &all.insights {
        assert!(desk.sees(&insight.text), "{}", insight.text);
    }
    pictures(&mut desk);
    desk.resize(TALL[0], TALL[1]);
    marks(&mut desk);
    countries(&mut desk);
    months(&mut desk);
    segments(&mut desk);
    cohorts(&mut desk);
    two_regions(&mut desk);
    goods(&mut desk);
    pairs(&mut desk);
    exports(&mut desk);
    nothing(&mut desk);
    frames(&mut desk);
}

/// Pictures for the eye, where they are asked for.
fn pictures(desk: &mut Desk) {
    for (theme, word) in [(ThemeChoice::Light, "light"), (ThemeChoice::Dark, "dark")] {
        desk.harness.state_mut().push(Action::Theme(theme));
        for (width, height) in [(1440.0, 900.0), (1280.0, 720.0), (1440.0, 2050.0)] {
            desk.resize(width, height);
            desk.frame();
            desk.shot(&format!("analytics-{word}-{width}x{height}"));
        }
    }
    desk.resize(800.0, 600.0);
    desk.shot("analytics-800");
}

/// Two products of the top rest on one line that was cancelled, and say so.
fn marks(desk: &mut Desk) {
    desk.until_seen("rests on one line that was cancelled later");
    desk.shot("analytics-marks");
}

fn countries(desk: &mut Desk) {
    desk.click("Country: Germany");
    desk.until_seen("Revenue: \u{a3}228\u{2009}867.140");
    let filter = Filter {
        countries: vec!["Germany".into()],
        ..Filter::default()
    };
    let of = report(desk, filter);
    assert_eq!(of.kpis.lines, 9_040);
    for text in [
        format!("Lines: {}", format::count(of.kpis.lines)),
        format!("Customers: {}", format::count(of.kpis.customers)),
        format!("Invoices: {}", format::count(of.kpis.invoices)),
    ] {
        assert!(desk.sees(&text), "{text}");
    }
    clear(desk);
    desk.until_seen("Lines: 529\u{2009}598");
    desk.click("Sales: Net of cancellations");
    let net = format::money(report(desk, Filter::default()).returns.net_sales);
    desk.until_seen(&format!("Revenue, net: {net}"));
    desk.click("Sales: Gross");
    desk.until_seen("Revenue: \u{a3}10\u{2009}660\u{2009}634.504");
}

fn months(desk: &mut Desk) {
    let words = desk.words();
    let month = words
        .iter()
        .find(|word| word.starts_with("2011-11: "))
        .unwrap();
    desk.click(month);
    desk.until_seen("Revenue: \u{a3}1\u{2009}508\u{2009}530.580");
    assert!(desk.sees("2011-11-01 to 2011-11-30"));
    clear(desk);
    desk.until_seen("Lines: 529\u{2009}598");
    desk.click("Divided: By region");
    desk.click("Periods: Week");
    desk.until_seen("each on a scale of its own");
    desk.shot("analytics-regions");
    desk.click("Divided: Total");
    desk.click("Periods: Day");
    desk.shot("analytics-days");
    desk.click("Periods: Month");
}

fn segments(desk: &mut Desk) {
    let champions = customers(desk, CustomerPick::Segment("Champions".into()));
    desk.click("Segment: Champions");
    desk.until_seen("Customers: Champions");
    let count = format::count(champions.customers);
    desk.until_seen(&format!(
        "{count} customers, {}",
        format::money(champions.amount)
    ));
    desk.shot("analytics-customers");
    desk.click("Export customers");
    desk.click("Save CSV\u{2026}");
    let first = &champions.rows[0];
    desk.click(&format!("Customer {}", first.customer));
    desk.until_seen("Next best action");
    let next = first.next.as_ref().unwrap();
    for text in [
        next.action.clone(),
        next.reason.clone(),
        format!("Sales: {}", format::money(first.amount)),
        format!("Orders: {}", format::count(first.invoices)),
    ] {
        desk.until_seen(&text);
    }
    desk.shot("analytics-customer");
    desk.key(Modifiers::NONE, Key::Escape);
    desk.until_seen("Customers: Champions");
    desk.key(Modifiers::NONE, Key::Escape);
    desk.until_seen("Revenue by month");
    let text = saved(desk, "customers.csv");
    assert!(text.contains("# table: Customers\n"), "{text}");
    let rows = text.lines().filter(|line| !line.starts_with('#')).count() as u64;
    assert_eq!(rows, champions.customers + 1);
}

/// A cohort and a cell of it lead to their customers, by pointer and by keyboard.
fn cohorts(desk: &mut Desk) {
    let month = |year, month| {
        let first = chrono::NaiveDate::from_ymd_opt(year, month, 1);
        Month::of(Day::from_date(first.unwrap()))
    };
    let december = month(2010, 12);
    let again = CustomerPick::Cohort {
        first: december,
        bought: month(2011, 11),
    };
    let words = desk.words();
    let cell = words
        .iter()
        .find(|word| word.contains("445 of them bought 11 months later"))
        .unwrap();
    desk.click(cell);
    desk.until_seen("Customers: first bought 2010-12, and in 2011-11");
    let list = customers(desk, again);
    assert_eq!(list.customers, 445);
    desk.until_seen(&format!("445 customers, {}", format::money(list.amount)));
    desk.key(Modifiers::NONE, Key::Escape);
    desk.until_seen("Revenue by month");
    let row = desk.control("First bought 2010-12: 885 customers").unwrap();
    row.focus();
    desk.frame();
    desk.key(Modifiers::NONE, Key::Enter);
    desk.until_seen("Customers: first bought 2010-12");
    let all = CustomerPick::Cohort {
        first: december,
        bought: december,
    };
    let list = customers(desk, all);
    desk.until_seen(&format!("885 customers, {}", format::money(list.amount)));
    desk.shot("analytics-cohort");
    desk.key(Modifiers::NONE, Key::Escape);
    desk.until_seen("Revenue by month");
}

/// A customer who buys in two regions is one customer, with the sum of both.
fn two_regions(desk: &mut Desk) {
    desk.resize(1440.0, 900.0);
    desk.click("Customers: 4\u{2009}333");
    desk.until_seen("Customers: all");
    desk.until_seen("4\u{2009}333 customers,");
    desk.type_into("Find a customer", "12431");
    desk.until_seen("1 customers,");
    desk.click("Customer 12431");
    let answer = desk
        .engine()
        .ask(|reply| Command::CustomerPage("12431".to_owned(), reply));
    let page = answer.wait().unwrap().unwrap().unwrap();
    assert!(page.countries.len() > 1);
    desk.until_seen(&format!("Sales: {}", format::money(page.figures.amount)));
    for country in &page.countries {
        assert!(desk.sees(&country.country), "{}", country.country);
        assert!(
            desk.sees(&format::money(country.amount)),
            "{}",
            country.amount
        );
    }
    desk.shot("analytics-customer-900");
    desk.key(Modifiers::NONE, Key::Escape);
    desk.key(Modifiers::NONE, Key::Escape);
    desk.until_seen("Revenue by month");
    desk.resize(TALL[0], TALL[1]);
}

fn pairs(desk: &mut Desk) {
    desk.click("Count pairs");
    desk.until_seen("Pair 1: product");
    let answer = desk
        .engine()
        .ask(|reply| Command::Together(Box::default(), reply));
    let pairs = answer.wait().unwrap().unwrap();
    let first = &pairs.pairs[0];
    for text in [
        format!("Pair 1: product {}", first.a.stock_code),
        format!("Pair 1: product {}", first.b.stock_code),
        format!("{} pairs of", format::count(pairs.pairs_found)),
    ] {
        assert!(desk.sees(&text), "{text}");
    }
    desk.shot("analytics-pairs");
}

fn goods(desk: &mut Desk) {
    desk.click("Product 23843");
    let page = product(desk, "23843");
    let line = page.largest_cancelled.unwrap();
    desk.until_seen(&line.cancelled_by);
    desk.until_seen(&format!("Sales: {}", format::money(page.figures.amount)));
    desk.shot("analytics-product");
    desk.click("Back");
    desk.until_seen("Revenue by month");
    assert!(!desk.sees("Product DOT"));
    desk.click("Show postage and charges");
    desk.until_seen("Product DOT");
    desk.click("Hide postage and charges");
}

/// Waits for a saved file and reads it.
fn saved(desk: &mut Desk, name: &str) -> String {
    let path = desk.dir.path().join(name);
    desk.until("the file is there", |_| path.is_file());
    std::fs::read_to_string(&path).unwrap()
}

fn exports(desk: &mut Desk) {
    desk.click("Export Regions and countries");
    desk.click("Save picture\u{2026}");
    let path = desk.dir.path().join("countries.png");
    desk.until("the picture is there", |_| path.is_file());
    let picture = image::open(&path).unwrap();
    assert!(picture.width() > 600 && picture.height() > 1_000);
    keep(&path, "export-countries");
    desk.click("Export Revenue by month");
    desk.click("Save CSV\u{2026}");
    let text = saved(desk, "months.csv");
    for part in [
        "# table: Revenue by month\n",
        "# mode: embedded; Simulated data centres\n",
        "# filter: all days; all countries; gross\n",
        "# reference date: 2011-12-10\n",
        "\n2011-11,83316,",
        ",1508530.580,false,",
    ] {
        assert!(text.contains(part), "{part:?} in {text}");
    }
    let acts = desk.harness.state().runbook().acts();
    let act = acts
        .iter()
        .find(|act| act.what.contains("Revenue by month"))
        .unwrap();
    let args = act.args.as_ref().unwrap().join(" ");
    let out = desk.dir.path().join("months.csv");
    let same = format!("export months --format csv --out {}", out.display());
    assert_eq!(args, same, "where the dialog said");
}

/// Keeps a saved picture beside those of the screen, to be looked at.
fn keep(path: &Path, name: &str) {
    if let Some(folder) = std::env::var_os("SHOTS") {
        std::fs::copy(path, Path::new(&folder).join(format!("{name}.png"))).unwrap();
    }
}

fn nothing(desk: &mut Desk) {
    desk.click("Country");
    desk.shot("analytics-country-menu");
    desk.key(Modifiers::NONE, Key::Escape);
    desk.click("Dates");
    desk.shot("analytics-dates-menu");
    desk.type_into("First day", "2030-01-01");
    desk.until_seen("No sales in this filter");
    desk.key(Modifiers::NONE, Key::Escape);
    desk.click("Clear");
    desk.until_seen("Lines: 529\u{2009}598");
}

/// Times of frames with all rows loaded, for whoever asks for pictures.
fn frames(desk: &mut Desk) {
    desk.resize(1440.0, 900.0);
    let mut times: Vec<u64> = (0..100)
        .map(|_| {
            let begun = cpu();
            desk.frame();
            cpu() - begun
        })
        .collect();
    times.sort_unstable();
    if let Some(folder) = std::env::var_os("SHOTS") {
        let text = format!(
            "median {} us, p99 {} us",
            times[50] / 1_000,
            times[98] / 1_000
        );
        std::fs::write(Path::new(&folder).join("frames.txt"), text).unwrap();
    }
}

/// Nanoseconds that this thread has run, where the system tells.
fn cpu() -> u64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let first = told.split(' ').next().unwrap_or_default();
    first.parse().unwrap_or_default()
}

/// What is said of the best quarter by value: name, customers, sales.
fn best_quarter(of: &Report) -> [String; 2] {
    let best = &of.segments[0];
    [format::count(best.customers), format::decimal(best.amount)]
}

#[test]
fn own_weights_of_the_value_score_are_in_force_at_once_and_after_a_restart() {
    let mut desk = Desk::empty();
    desk.load(retail_tests::full_file());
    desk.resize(TALL[0], TALL[1]);
    open_page(&mut desk);
    desk.click("Segments: List");
    desk.until_seen("35 % recency, 35 % orders, 30 % sales");
    let before = best_quarter(&report(&desk, Filter::default()));
    desk.until_seen(&before[1]);
    desk.click("Weights of the value score");
    desk.until_seen("Quarters by value are made of the sum");
    desk.type_into("Sales to the customer, %", "0");
    desk.until_seen("write whole percents");
    for label in ["Days since the last purchase, %", "Number of orders, %"] {
        desk.click(label);
        desk.key(Modifiers::COMMAND, Key::A);
        desk.control(label).unwrap().type_text("0");
        desk.frame();
    }
    desk.click("Sales to the customer, %");
    desk.key(Modifiers::COMMAND, Key::A);
    desk.control("Sales to the customer, %")
        .unwrap()
        .type_text("100");
    desk.frame();
    desk.shot("analytics-weights");
    desk.click("Use these");
    desk.until_seen("0 % recency, 0 % orders, 100 % sales");
    let after = best_quarter(&report(&desk, Filter::default()));
    assert_ne!(before[1], after[1]);
    desk.until_seen(&after[1]);
    assert!(!desk.sees(&before[1]));
    let mut desk = desk.restarted(Start::default());
    desk.resize(TALL[0], TALL[1]);
    open_page(&mut desk);
    desk.until_seen("0 % recency, 0 % orders, 100 % sales");
    desk.until_seen(&after[1]);
    desk.click("Weights of the value score");
    desk.click("Those of the settings");
    desk.until_seen("35 % recency, 35 % orders, 30 % sales");
    desk.until_seen(&before[1]);
}

#[test]
fn a_panel_has_a_table_twin_and_the_grid_has_own_limits() {
    let mut desk = Desk::empty();
    desk.load(retail_tests::sample_file());
    desk.resize(TALL[0], TALL[1]);
    open_page(&mut desk);
    desk.until_seen("Revenue by month");
    desk.click("Table of Month over month");
    desk.until_seen("Growth");
    desk.click("Drawing of Month over month");
    let control = desk.control("Periods: Week").unwrap();
    control.focus();
    desk.frame();
    desk.key(Modifiers::NONE, Key::T);
    desk.until_seen("Growth");
    desk.key(Modifiers::NONE, Key::T);
    desk.frame();
    assert!(!desk.sees("Growth"));
    desk.click("Limits of days and orders");
    desk.until_seen("a value equal to a limit belongs below it");
    desk.type_into("Orders", "x");
    desk.until_seen("write whole numbers");
    desk.key(Modifiers::NONE, Key::Backspace);
    desk.type_into("Orders", ", 9");
    desk.click("Use these");
    desk.until_seen("10 + orders");
    let filter = Filter::default();
    let breaks =
        retail_engine::analytics::GridBreaks::new(vec![13, 33, 72, 180], vec![1, 2, 3, 6, 9]);
    let breaks = breaks.unwrap();
    let answer = desk
        .engine()
        .ask(|reply| Command::OrderGrid(Box::new(filter), breaks, reply));
    let grid = answer.wait().unwrap().unwrap();
    let cell = &grid.rows[0][0];
    let text = format!(
        "0\u{2013}13 days since the last purchase, 1 orders: {} customers, {}",
        format::count(cell.customers),
        format::money(cell.amount)
    );
    assert!(desk.sees(&text), "{text} in\n{}", desk.words().join("\n"));
    desk.until("they are kept", |desk| {
        desk.kept().contains("\"orders\": [")
    });
}
