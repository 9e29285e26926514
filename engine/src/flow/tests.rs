//! What a console asks, asked of a whole engine without a window.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::*;
use crate::analytics::{Filter, Report};
use crate::clean::{Rule, Rules, Switch};
use crate::config::{ErrorLimit, Settings};
use crate::failover::drill::DrillStep;
use crate::failover::predict::CellState;
use crate::handle::{Answer, Command, Engine, OpenError, Snapshot};
use crate::intake::{Column, ReadOptions};
use crate::model::{Dc, LoadId, Offset, Reading, Reason, Region, RowNo, Topic, TopicPartition};
use crate::ports::{Clock, Fault, SystemClock};
use crate::route::RoutingMap;
use crate::telemetry::{Cursor, EventKind};

const HEADER: &str =
    "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n";
const DEADLINE: Duration = Duration::from_mins(1);

pub(super) fn open(dir: &Path) -> Engine {
    let mut settings = Settings::in_dir(dir);
    settings.failover.hold_down = Duration::from_millis(200);
    Engine::open(settings, Roles::all()).unwrap()
}

pub(super) fn answer<T>(answer: &Answer<T>) -> T {
    answer
        .wait_for(DEADLINE)
        .expect("an answer in time")
        .unwrap()
}

pub(super) fn write(dir: &Path, name: &str, rows: &str) -> PathBuf {
    let file = dir.join(name);
    std::fs::write(&file, format!("{HEADER}{rows}")).unwrap();
    file
}

fn request(file: &Path) -> LoadRequest {
    LoadRequest {
        file: file.to_owned(),
        options: ReadOptions::default(),
        rules: Rules::builtin().unwrap(),
        limit: ErrorLimit::None,
        until: Until::Closed,
        resume: Resume::WhereItStood,
    }
}

fn produce(engine: &Engine, file: &Path) {
    let request = LoadRequest {
        until: Until::Produced,
        ..request(file)
    };
    let end = answer(&engine.ask(|reply| Command::Load(Box::new(request), reply))).unwrap();
    assert!(end.ledger.is_produced(), "{:?}", end.ledger.gaps());
}

pub(super) fn load(engine: &Engine, file: &Path) -> LoadEnd {
    let request = request(file);
    let end = answer(&engine.ask(|reply| Command::Load(Box::new(request), reply))).unwrap();
    assert!(end.ledger.is_closed(), "{:?}", end.ledger.gaps());
    end
}

fn page(engine: &Engine, filter: RejectFilter) -> RejectPage {
    answer(&engine.ask(|reply| Command::RejectPage(Box::new(filter), reply))).unwrap()
}

pub(super) fn watch(engine: &Engine, what: &str, is_there: impl Fn(&Snapshot) -> bool) {
    let until = Instant::now() + DEADLINE;
    while !is_there(&engine.snapshot()) {
        assert!(Instant::now() < until, "not seen in time: {what}");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

pub(super) const ROWS: &str = "\
1,A,one,1,12/1/2010 8:26,1.5,17850,France
2,A,two,2,12/1/2010 8:27,1.5O,17850,France
3,A,three,3,12/2/2010 8:28,1.5O,17850,France
4,A,four,4,1/13/2011 8:29,2x,,Spain
5,A,five,5,1/13/2011 8:30,2.5,,Narnia
1,A,one,1,12/1/2010 8:26,l.5,17850,France
6,A,ragged
C7,A,back,-1,1/13/2011 8:31,2.5,,France
";

fn alike(from: &str, to: &str) -> FixRule {
    FixRule::Alike {
        load: None,
        reason: Reason::BadPrice,
        column: Column::UnitPrice,
        from: from.into(),
        to: to.into(),
    }
}

fn add(engine: &Engine, rule: FixRule) -> Fix {
    answer(&engine.ask(|reply| Command::AddFix(Box::new(rule), reply))).unwrap()
}

#[test]
fn what_a_person_wrote_wrongly_in_the_data_directory_is_no_fault_of_the_program() {
    let dir = tempfile::tempdir().unwrap();
    let refused = || {
        let settings = Settings::in_dir(dir.path());
        Engine::open(settings, Roles::all()).err().unwrap()
    };
    let map = dir.path().join("routing.toml");
    std::fs::write(&map, "version = 2\n[regions]\neurpoe = [\"France\"]\n").unwrap();
    let error = refused();
    assert!(error.to_string().contains("routing.toml"), "{error}");
    assert!(error.to_string().contains("eurpoe"), "{error}");
    let source = RoutingMap::load(&map).unwrap_err();
    assert_eq!(error.remedy(), source.remedy());
    assert!(matches!(error, OpenError::Routing { .. }), "{error:?}");
    std::fs::remove_file(&map).unwrap();
    for list in ["routing.jsonl", "fixes.jsonl"] {
        let list = dir.path().join(list);
        std::fs::write(&list, "what is this\n").unwrap();
        let error = refused();
        assert!(matches!(error, OpenError::Journal(_)), "{error:?}");
        assert!(error.remedy().contains("no entry"), "{}", error.remedy());
        std::fs::remove_file(&list).unwrap();
    }
    open(dir.path());
}

#[test]
fn the_totals_of_what_was_set_aside_are_those_of_the_ledger() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(&dir.path().join("data"));
    let end = load(&engine, &write(dir.path(), "a.csv", ROWS));
    let all = page(&engine, RejectFilter::default());
    assert_eq!(all.total, end.ledger.intake.set_aside.total());
    for total in &all.reasons {
        assert_eq!(total.rows, end.ledger.intake.set_aside.get(total.reason));
    }
    let prices = page(
        &engine,
        RejectFilter {
            reason: Some(Reason::BadPrice),
            skip: 1,
            limit: 2,
            ..RejectFilter::default()
        },
    );
    assert_eq!((prices.total, prices.rows.len()), (4, 2));
    assert_eq!(prices.rows[0].row.reject.row, RowNo(3));
    assert_eq!(
        (prices.values[0].value.as_str(), prices.values[0].rows),
        ("1.5O", 2)
    );
    let bad = prices
        .reasons
        .iter()
        .find(|r| r.reason == Reason::BadPrice)
        .unwrap();
    let months: Vec<_> = bad.by_month.iter().map(|(m, n)| (m.as_str(), *n)).collect();
    assert_eq!(months, [("2010-12", 3), ("2011-01", 1)]);
    let narrow = page(
        &engine,
        RejectFilter {
            value: Some("1.5O".into()),
            month: Some("2010-12".into()),
            ..RejectFilter::default()
        },
    );
    assert_eq!(narrow.total, 2);
    assert_eq!(narrow.reasons, all.reasons);
}

#[test]
fn fixes_are_foreseen_taken_back_and_sent_again_as_a_load_with_its_own_ledger() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let engine = open(&data);
    load(&engine, &write(dir.path(), "a.csv", ROWS));
    let rules = Rules::builtin().unwrap();
    let foresee = |rule: FixRule| {
        answer(&engine.ask(|reply| Command::FixEffect(Box::new(rule), rules, reply))).unwrap()
    };
    let effect = foresee(alike("1.5O", "1.50"));
    assert_eq!((effect.rows, effect.clean, effect.copies), (2, 2, 0));
    assert_eq!(effect.amount.to_string(), "7.5");
    let copy = foresee(alike("l.5", "1.5"));
    assert_eq!((copy.rows, copy.clean, copy.copies), (1, 0, 1));

    let undone = add(&engine, alike("2x", "2"));
    add(&engine, alike("1.5O", "1.50"));
    add(&engine, alike("l.5", "1.5"));
    let ragged = RejectKey {
        load: LoadId(1),
        row: RowNo(7),
    };
    let fields = [
        "6",
        "A",
        "ragged",
        "2",
        "2011-02-01 09:00",
        "3",
        "",
        "Mordor",
    ];
    add(
        &engine,
        FixRule::Row {
            row: ragged,
            fields: Box::new(fields.map(str::to_owned)),
        },
    );
    let plan = |engine: &Engine| answer(&engine.ask(|reply| Command::PlanReingest(rules, reply)));
    let old = plan(&engine).unwrap();
    answer(&engine.ask(|reply| Command::UndoFix(undone.id, reply))).unwrap();
    let again = answer(&engine.ask(|reply| Command::UndoFix(undone.id, reply)));
    assert!(matches!(again, Err(QuarantineError::NotPending(_))));
    let refused = answer(&engine.ask(|reply| Command::Reingest(Box::new(old), reply)));
    assert!(matches!(refused, Err(QuarantineError::PlanIsOld)));
    drop(engine);

    let engine = open(&data);
    let reviewed = plan(&engine).unwrap();
    let effect = &reviewed.effect;
    assert_eq!((effect.rows, effect.clean, effect.copies), (4, 2, 1));
    assert_eq!(effect.set_aside.get(Reason::UnroutableCountry), 1);
    let end = answer(&engine.ask(|reply| Command::Reingest(Box::new(reviewed), reply))).unwrap();
    assert!(end.ledger.is_closed(), "{:?}", end.ledger.gaps());
    assert_eq!((end.record.id, end.ledger.new_lines()), (LoadId(2), 2));
    assert!(matches!(plan(&engine), Err(QuarantineError::NothingToDo)));
    let listed = page(&engine, RejectFilter::default());
    assert_eq!(listed.total, 7, "what is set aside twice is listed once");
    let status: Vec<_> = listed
        .rows
        .iter()
        .map(|row| (row.row.reject.row.0, &row.status))
        .collect();
    let flowed = RejectStatus::Reingested { load: LoadId(2) };
    let expected = [
        (2, &flowed),
        (3, &flowed),
        (4, &RejectStatus::Open),
        (5, &RejectStatus::Open),
        (6, &flowed),
        (7, &RejectStatus::Open),
        (8, &RejectStatus::Open),
    ];
    assert_eq!(status, expected);
    assert_eq!(listed.rows[5].attempts, 1);
    assert_eq!(listed.rows[5].row.reject.raw, "6,A,ragged");
    let events = engine.events(Cursor::default()).events;
    assert!(
        !events
            .iter()
            .any(|event| matches!(event.kind, EventKind::LedgerOpen { .. }))
    );
}

#[test]
fn an_assigned_country_flows_with_the_next_load_and_stays_once_it_has_lines() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(&dir.path().join("data"));
    let file = write(dir.path(), "a.csv", ROWS);
    load(&engine, &file);
    let assign = |region| {
        let country = "Narnia".to_owned();
        answer(&engine.ask(|reply| Command::AssignCountry {
            country,
            region,
            reply,
        }))
    };
    assign(Region::Europe).unwrap();
    assign(Region::Americas).unwrap();
    let end = load(&engine, &file);
    assert_eq!(end.ledger.new_lines(), 1);
    assert_eq!(end.ledger.intake.regions[&Region::Americas].lines, 1);
    let refused = assign(Region::Europe);
    assert!(
        matches!(refused, Err(RouteError::HasLines { lines: 1, .. })),
        "{refused:?}"
    );
    let undo = answer(&engine.ask(Command::UndoRouting));
    assert!(matches!(undo, Err(RouteError::HasLines { .. })), "{undo:?}");
    let view = answer(&engine.ask(Command::Routing));
    assert_eq!(
        (view.changes.len(), view.map.version()),
        (2, view.changes[1].version)
    );
    let events = engine.events(Cursor::default()).events;
    let told = events
        .iter()
        .any(|event| event.text.ends_with("Narnia: Europe -> Americas"));
    assert!(told, "{events:?}");
}

fn report(engine: &Engine, filter: Filter) -> Report {
    answer(&engine.ask(|reply| Command::Report(Box::new(filter), reply))).unwrap()
}

fn assign(engine: &Engine, country: &str, region: Region) -> Result<RouteChange, RouteError> {
    let country = country.to_owned();
    answer(&engine.ask(|reply| Command::AssignCountry {
        country,
        region,
        reply,
    }))
}

/// Lines of sales by region, as the figures have them.
fn lines_by_region(report: &Report) -> Vec<(Region, u64)> {
    let regions = report.regions.iter();
    regions.map(|r| (r.region, r.lines)).collect()
}

#[test]
fn figures_go_by_the_routing_map_as_it_was_changed_last() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(&dir.path().join("data"));
    let file = write(dir.path(), "a.csv", ROWS);
    load(&engine, &file);
    assign(&engine, "Narnia", Region::Americas).unwrap();
    assign(&engine, "Narnia", Region::AsiaPacific).unwrap();
    answer(&engine.ask(Command::UndoRouting)).unwrap();
    load(&engine, &file);
    let all = report(&engine, Filter::default());
    let expected = [(Region::Europe, 1), (Region::Americas, 1)];
    assert_eq!(lines_by_region(&all), expected);
    let sum: rust_decimal::Decimal = all.regions.iter().map(|region| region.amount).sum();
    assert_eq!(sum, all.kpis.sales);
    let americas = Filter {
        regions: vec![Region::Americas],
        ..Filter::default()
    };
    assert_eq!(report(&engine, americas).kpis.lines, 1);
    let table = "country_metrics".to_owned();
    let table = answer(&engine.ask(|reply| Command::Table(table, reply))).unwrap();
    let narnia: serde_json::Value = serde_json::from_str(&table.rows["Narnia"]).unwrap();
    assert_eq!(narnia["region"], "americas");
}

#[test]
fn a_country_stays_while_lines_of_its_region_are_in_the_log_alone() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let file = write(dir.path(), "a.csv", ROWS);
    let engine = Engine::open(Settings::in_dir(&data), Roles::none()).unwrap();
    assign(&engine, "Narnia", Region::Europe).unwrap();
    produce(&engine, &file);
    for country in ["Narnia", "Spain"] {
        let refused = assign(&engine, country, Region::Americas);
        let is_refused = matches!(
            refused,
            Err(RouteError::NotWritten {
                region: Region::Europe,
                lines: 2,
                ..
            })
        );
        assert!(is_refused, "{country}: {refused:?}");
    }
    let undo = answer(&engine.ask(Command::UndoRouting));
    assert!(
        matches!(undo, Err(RouteError::NotWritten { .. })),
        "{undo:?}"
    );
    assign(&engine, "Japan", Region::Americas).unwrap();
    drop(engine);

    let engine = open(&data);
    load(&engine, &file);
    let refused = assign(&engine, "Narnia", Region::Americas);
    assert!(
        matches!(refused, Err(RouteError::HasLines { lines: 1, .. })),
        "{refused:?}"
    );
    assign(&engine, "Spain", Region::Americas).unwrap();
}

#[test]
fn another_map_is_put_in_force_if_it_is_newer_and_moves_no_country_with_lines() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let engine = open(&data);
    let file = write(dir.path(), "a.csv", ROWS);
    load(&engine, &file);
    let set = |map: &RoutingMap| {
        let map = Box::new(map.clone());
        answer(&engine.ask(|reply| Command::SetRouting(map, reply)))
    };
    let there = answer(&engine.ask(Command::Routing)).map;
    let wider = there.assign("Narnia", Region::Americas).unwrap();
    for map in [
        wider.assign("France", Region::AsiaPacific),
        wider.without("France"),
        wider
            .without("France")
            .and_then(|map| map.assign("FRANCE", Region::Europe)),
    ] {
        let refused = set(&map.unwrap());
        assert!(
            matches!(&refused, Err(RouteError::HasLines { country, .. }) if country == "France"),
            "{refused:?}"
        );
    }
    assert_eq!(answer(&engine.ask(Command::Routing)).map, there);
    let newer = wider.assign("Spain", Region::AsiaPacific).unwrap();
    set(&newer).unwrap();
    set(&newer).unwrap();
    let refused = set(&there);
    assert!(
        matches!(refused, Err(RouteError::NotNewer { .. })),
        "{refused:?}"
    );
    load(&engine, &file);
    let expected = [(Region::Europe, 1), (Region::Americas, 1)];
    let report = report(&engine, Filter::default());
    assert_eq!(lines_by_region(&report), expected);
    drop(engine);
    let kept = answer(&open(&data).ask(Command::Routing)).map;
    assert_eq!(*kept, newer);
}

#[test]
fn an_invoice_in_several_buckets_counts_once_however_late_its_lines_come() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(&dir.path().join("data"));
    let check = |file: &str, rows: &str, of_one: u64| {
        load(&engine, &write(dir.path(), file, rows));
        let report = report(&engine, Filter::default());
        assert_eq!(report.kpis.invoices, 1, "after {file}");
        let mut products = report.products.iter();
        let one = products.find(|p| p.stock_code == "ONE").unwrap();
        assert_eq!((one.lines, one.invoices), (of_one, 1), "after {file}");
    };
    check(
        "two-days.csv",
        "1,ONE,one,1,12/13/2010 8:26,1.5,17850,France\n\
         1,TWO,two,1,12/14/2010 8:26,1.5,17850,France\n",
        1,
    );
    check(
        "another-day-and-country.csv",
        "1,SIX,six,1,12/15/2010 8:26,1.5,17850,France\n\
         1,TEN,ten,1,12/15/2010 8:26,1.5,17850,Spain\n",
        1,
    );
    // Its bucket has lines of the invoice already, and none of the product.
    check(
        "another-product.csv",
        "1,ONE,one,1,12/14/2010 8:27,1.5,17850,France\n",
        2,
    );
}

#[test]
fn browsing_shows_what_was_loaded_and_moves_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(&dir.path().join("data"));
    load(&engine, &write(dir.path(), "a.csv", ROWS));
    let committed = |engine: &Engine| {
        let partitions = engine.snapshot().partitions.clone();
        partitions
            .into_iter()
            .map(|p| (p.partition, p.committed))
            .collect::<Vec<_>>()
    };
    let quarantine = TopicPartition::new(Topic::Quarantine, 0);
    watch(&engine, "the quarantine is written", |snapshot| {
        let mut partitions = snapshot.partitions.iter();
        partitions.any(|p| p.partition == quarantine && p.committed.is_some_and(|c| c.0 == 7))
    });
    let before = committed(&engine);
    let request = |from, scan, contains: Option<&str>| BrowseRequest {
        partition: quarantine,
        from,
        scan,
        limit: 3,
        filter: contains.map(|text| BrowseFilter {
            field: BrowseField::Any,
            contains: text.to_owned(),
        }),
    };
    let browse = |request: BrowseRequest| {
        answer(&engine.ask(|reply| Command::Browse(Box::new(request), reply))).unwrap()
    };
    let cost =
        answer(&engine.ask(|reply| {
            Command::BrowseCost(Box::new(request(BrowseFrom::Oldest, 100, None)), reply)
        }));
    let cost = cost.unwrap();
    assert_eq!((cost.from, cost.records), (Offset(0), 7));
    let first = browse(request(BrowseFrom::Oldest, 100, None));
    let offsets: Vec<_> = first.messages.iter().map(|m| m.offset.0).collect();
    assert_eq!((offsets, first.next), (vec![0, 1, 2], Offset(3)));
    let all: u64 = [
        BrowseFrom::Oldest,
        BrowseFrom::Offset(Offset(3)),
        BrowseFrom::Last(1),
    ]
    .map(|from| browse(request(from, 3, None)).bytes)
    .iter()
    .sum();
    assert!(cost.bytes_about >= all, "{} and {all}", cost.bytes_about);
    let last = browse(request(BrowseFrom::Last(2), 100, None));
    assert_eq!(last.messages.len(), 2);
    let found = browse(request(BrowseFrom::Oldest, 100, Some("NARNIA")));
    assert_eq!((found.messages.len(), found.scanned), (1, 7));
    assert!(matches!(&found.messages[0].content, MessageContent::Reject(r) if r.row == RowNo(5)));
    let after_all = SystemClock::default().now();
    let none = browse(request(BrowseFrom::Time(after_all), 100, None));
    assert!(none.messages.is_empty());
    let lines = (0..12).map(|partition| {
        let partition = TopicPartition::new(Topic::Lines(Region::Europe), partition);
        let request = BrowseRequest {
            partition,
            ..request(BrowseFrom::Oldest, 9, None)
        };
        answer(&engine.ask(|reply| Command::Browse(Box::new(request), reply)))
    });
    let lines: Vec<_> = lines.flatten().flat_map(|page| page.messages).collect();
    assert!(
        matches!(&lines[..], [m] if matches!(&m.content, MessageContent::Line { line, .. } if line.invoice_no == "1"))
    );
    assert_eq!(committed(&engine), before);
}

#[test]
fn a_check_answers_what_if_and_a_newer_one_ends_it() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(&dir.path().join("data"));
    let mut rows = String::new();
    for n in 0..60_000 {
        writeln!(rows, "{n},A,x,1,12/13/2010 8:26,1.5,,France").unwrap();
    }
    let check = |file: PathBuf| {
        let request = CheckRequest {
            file,
            options: ReadOptions::default(),
            rules: Rules::builtin().unwrap(),
        };
        engine.ask(|reply| Command::Check(Box::new(request), reply))
    };
    // Long enough to be seen by several samples before it ends.
    let long = check(write(dir.path(), "long.csv", &rows.repeat(32)));
    watch(&engine, "the check", |snapshot| {
        snapshot
            .check
            .as_ref()
            .is_some_and(|check| check.read.rows > 0)
    });
    let short = answer(&check(write(dir.path(), "a.csv", ROWS))).unwrap();
    assert!(matches!(answer(&long), Err(CheckError::Cancelled)));
    let no_customer = Rules::builtin().unwrap().with(Rule::NoCustomer, Switch::On);
    let map = answer(&engine.ask(Command::Routing)).map;
    assert_eq!((short.totals.clean, short.rows), (1, 8));
    assert_eq!(short.what_if(&no_customer, &map).clean, 1);
    let narnia = map.assign("Narnia", Region::Europe).unwrap();
    assert_eq!(short.what_if(&Rules::builtin().unwrap(), &narnia).clean, 2);
    assert_eq!(short.what_if(&no_customer, &narnia).clean, 1);
}

#[test]
fn a_drill_shows_its_steps_while_it_runs_and_a_cancelled_one_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(&dir.path().join("data"));
    let faults = vec![Fault::DcDown { dc: Dc::Europe }];
    let told = answer(&engine.ask(|reply| Command::Predict(faults.clone(), reply)));
    let request = DrillRequest {
        scenario: String::new(),
        faults,
        rate: None,
        duration: Some(Duration::from_secs(30)),
        file: None,
    };
    let drill = engine.ask(|reply| Command::Drill(Box::new(request), reply));
    let view = |snapshot: &Snapshot| snapshot.drill.clone();
    watch(&engine, "the recovery", |snapshot| {
        view(snapshot).is_some_and(|drill| matches!(drill.rto, RtoSoFar::Reached { .. }))
    });
    let during = view(&engine.snapshot()).unwrap();
    assert_eq!(
        (during.phase, &during.prediction),
        (DrillPhase::Fault, &told)
    );
    let state = |step: DrillStep| {
        let found = during.steps.iter().find(|(s, _)| *s == step);
        found.map(|(_, state)| state.clone()).unwrap()
    };
    assert!(matches!(
        state(DrillStep::Detected),
        StepState::Reached { .. }
    ));
    assert_eq!(state(DrillStep::FaultEnded), StepState::Pending);
    assert_eq!(state(DrillStep::Home), StepState::Pending);
    watch(&engine, "a row of the prediction that came", |snapshot| {
        view(snapshot).is_some_and(|drill| {
            let mut cells = drill.cells.iter();
            cells.any(|cell| cell.ok > 0 && cell.state == CellState::AsPredicted)
        })
    });
    assert!(answer(&engine.ask(Command::CancelDrill)));
    let outcome = answer(&drill).unwrap();
    let result = &outcome.report.result;
    assert!(result.cancelled_after_ms.is_some_and(|ms| ms < 30_000));
    assert_eq!((result.rpo_lines, result.converged), (Some(0), Some(true)));
    assert!(engine.snapshot().faults.is_empty() || answer(&engine.ask(Command::EndAllFaults)) == 0);
    assert!(
        !answer(&engine.ask(Command::CancelDrill)),
        "none runs any more"
    );
    let records = answer(&engine.ask(Command::DrillRecords)).unwrap();
    let [record] = &records[..] else {
        panic!("{records:?}")
    };
    assert_eq!(
        (record.rto_ms, record.scenario.as_str()),
        (result.rto_ms, "custom")
    );
    let page = std::fs::read_to_string(&record.html).unwrap();
    assert!(page.contains("Cancelled") && record.json.exists());
}

#[test]
fn the_ledger_of_an_older_load_ends_where_the_next_began() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(&dir.path().join("data"));
    let first = load(&engine, &write(dir.path(), "a.csv", ROWS));
    let times = first.times;
    assert!(times.produced <= times.written.unwrap());
    assert!(times.written <= times.visible && times.visible <= times.tables);
    let more = "8,B,more,1,1/14/2011 8:31,2.5,,France\n9,B,more,1,1/14/2011 8:31,2.5,,Spain\n";
    let second = load(&engine, &write(dir.path(), "b.csv", more));
    let ledger = |load| answer(&engine.ask(|reply| Command::Ledger(load, reply)));
    let older = ledger(first.record.id).unwrap();
    assert_eq!(older.new_lines(), first.ledger.new_lines());
    assert_eq!(older.written, first.ledger.written);
    assert!(older.gaps().is_empty(), "{:?}", older.gaps());
    assert!(older.visible.iter().all(|(_, dc)| dc.known().is_none()));
    let newest = ledger(second.record.id).unwrap();
    assert_eq!((newest.new_lines(), newest.is_closed()), (2, true));
    assert_eq!(ledger(LoadId(99)), None);
}

fn lens(engine: &Engine, group: LensGroup) -> Lens {
    let query = LensQuery {
        group,
        countries: Vec::new(),
    };
    answer(&engine.ask(|reply| Command::Lens(Box::new(query), reply)))
}

#[test]
fn the_lens_shows_what_each_data_centre_has_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(&dir.path().join("data"));
    load(&engine, &write(dir.path(), "a.csv", ROWS));
    for group in [LensGroup::Country, LensGroup::Month, LensGroup::Bucket] {
        let lens = lens(&engine, group);
        assert_eq!(lens.differing(), 0, "{lens:?}");
        for (dc, total) in lens.totals.iter() {
            let total = total.known().unwrap_or_else(|| panic!("{dc} was not read"));
            watch(&engine, "as many lines", |snapshot| {
                snapshot.lines == total.rows.lines
            });
        }
    }
    let down = Fault::DcDown { dc: Dc::Europe };
    answer(&engine.ask(|reply| Command::StartFault {
        fault: down,
        lasts: DEADLINE,
        by: "test".into(),
        reply,
    }))
    .unwrap();
    let lens = lens(&engine, LensGroup::Country);
    assert!(matches!(lens.totals[Dc::Europe], Reading::Unknown(_)));
    assert!(lens.rows.iter().all(|row| row.cells[Dc::Europe].is_none()));
    assert!(lens.totals[Dc::Americas].known().is_some());
}
