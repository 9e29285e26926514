//! Acts that change something, each by its click, to what came of it.

use std::time::Duration;

use eframe::egui::{Event, Key, Modifiers, PointerButton, pos2};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use retail_console::runbook::Outcome;
use retail_engine::clean::Rules;
use retail_engine::config::Settings;
use retail_engine::flow::{FixRule, LoadState, RejectFilter, RejectKey, RejectStatus};
use retail_engine::handle::Command;
use retail_engine::intake::Column;
use retail_engine::model::{Dc, LoadId, Region, RowNo};
use retail_engine::ports::Fault;
use retail_engine::watch::health::DcVerdict;

use crate::Desk;

const HEADER: &str =
    "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n";

fn outcome(desk: &Desk, what: &str) -> Option<Outcome> {
    let acts = desk.harness.state().runbook().acts();
    let act = acts.iter().rev().find(|act| act.what == what)?;
    Some(act.outcome.clone())
}

#[test]
fn bring_back_now_ends_the_fault_of_a_drill_before_its_time() {
    let quick = |settings: &mut Settings| settings.failover.hold_down = Duration::from_millis(200);
    let mut desk = Desk::with(quick, |_| Vec::new());
    desk.key(Modifiers::COMMAND, Key::Num6);
    desk.click("Drill: Lose Europe");
    desk.until_seen("Expected");
    desk.retype("Seconds that the fault lasts", "120");
    desk.click("Start drill\u{2026}");
    desk.click("Start, 120 s");
    desk.until_seen("to Americas_DC, failed over");
    assert_eq!(desk.snapshot().faults.len(), 1);
    desk.click("Bring back now");
    desk.until("the fault is over", |desk| {
        desk.snapshot().faults.is_empty()
    });
    desk.until_seen("Survived: no line lost");
    let record = desk.engine().ask(Command::DrillRecords).wait().unwrap();
    let record = record.unwrap().pop().unwrap();
    assert_eq!(record.converged, Some(true));
    assert!(outcome(&desk, "Bring back now").is_some());
}

/// An engine that keeps hints for a second, and lets no region go home by itself.
fn forgetful(settings: &mut Settings) {
    settings.failover.hold_down = Duration::from_mins(10);
    settings.store.hint_window = Duration::from_secs(1);
}

/// Loses a data centre until its region has left and its hints were dropped, and brings it back.
fn lose(desk: &mut Desk, region: Region) {
    let dc = region.home();
    desk.start_fault(Fault::DcDown { dc });
    desk.load_to_the_log(retail_tests::sample_file());
    desk.until("hints were dropped", |desk| {
        let snapshot = desk.snapshot();
        let store = snapshot.store.as_ref();
        store.is_some_and(|store| store.dcs[dc].repair_needed)
    });
    desk.until("its region has left", |desk| {
        desk.snapshot().regions[region].serving != dc
    });
    desk.engine().ask(Command::EndAllFaults).wait().unwrap();
    desk.until("it is up again", |desk| {
        let verdict = desk.snapshot().dcs[dc].verdict;
        // The errors of the minute before are told for a minute.
        matches!(verdict, DcVerdict::Up | DcVerdict::UpWithErrors)
    });
}

#[test]
fn a_region_that_is_not_equal_goes_home_only_by_its_name() {
    let mut desk = Desk::with(forgetful, |_| Vec::new());
    lose(&mut desk, Region::Europe);
    desk.key(Modifiers::COMMAND, Key::Num6);
    desk.click("Fail Europe back");
    desk.click("Fail back to Europe_DC");
    desk.until_seen("Send Europe home although it is not equal?");
    let force = "Force Europe home";
    let is_disabled = |desk: &Desk| {
        let act = desk.control(force).unwrap();
        act.accesskit_node().is_disabled()
    };
    assert!(is_disabled(&desk), "no name is typed");
    desk.type_into("Name to confirm", "Euro");
    assert!(is_disabled(&desk), "half a name is none");
    desk.type_into("Name to confirm", "pe");
    desk.click(force);
    desk.until_seen("Europe is at home");
    let what = desk.harness.state().runbook().acts();
    assert!(
        what.iter()
            .any(|act| matches!(&act.outcome, Outcome::Done(told) if told == "Europe is at home"))
    );
}

#[test]
fn a_chart_turns_into_its_table_by_the_key_where_the_pointer_is() {
    let mut desk = Desk::empty();
    desk.load(retail_tests::sample_file());
    desk.resize(1440.0, 900.0);
    desk.key(Modifiers::COMMAND, Key::Num1);
    desk.until_seen("Throughput: ");
    let over = |desk: &Desk| {
        let mut charts = desk.harness.query_all_by_label_contains("Throughput: ");
        charts.next().unwrap().rect().center()
    };
    let at = over(&desk);
    desk.harness.event(Event::PointerMoved(at));
    desk.frame();
    desk.key(Modifiers::NONE, Key::T);
    desk.until("it is a table", |desk| {
        !desk.sees("Throughput: ") && desk.sees("Time") && desk.sees("Lag: ")
    });
    desk.shot("chart-as-table");
    desk.key(Modifiers::NONE, Key::T);
    desk.until_seen("Throughput: ");
}

#[test]
fn dragging_over_a_chart_sets_the_time_of_all() {
    let mut desk = Desk::empty();
    desk.load(retail_tests::sample_file());
    desk.resize(1440.0, 900.0);
    desk.key(Modifiers::COMMAND, Key::Num1);
    desk.until_seen("Throughput: ");
    desk.until("a range can be chosen", |desk| {
        desk.control("Range: 5 min").is_some()
    });
    let room = {
        let mut charts = desk.harness.query_all_by_label_contains("Throughput: ");
        charts.next().unwrap().rect()
    };
    let (from, to) = (
        pos2(room.left() + room.width() * 0.4, room.center().y),
        pos2(room.left() + room.width() * 0.7, room.center().y),
    );
    let button = |pos, pressed| Event::PointerButton {
        pos,
        button: PointerButton::Primary,
        pressed,
        modifiers: Modifiers::NONE,
    };
    for event in [
        Event::PointerMoved(from),
        button(from, true),
        Event::PointerMoved(from.lerp(to, 0.5)),
        Event::PointerMoved(to),
        button(to, false),
    ] {
        desk.harness.event(event);
        desk.frame();
    }
    desk.until("the brushed time stands where the range was", |desk| {
        desk.control("Range: 5 min").is_none()
    });
    desk.shot("brushed");
    let words = desk.words();
    let brushed = words.iter().find(|word| {
        let parts: Vec<&str> = word.split(" to ").collect();
        parts.len() == 2 && parts.iter().all(|part| part.matches(':').count() == 2)
    });
    desk.click(brushed.unwrap());
    desk.until("the newest time is shown again", |desk| {
        desk.control("Range: 5 min").is_some()
    });
}

#[test]
fn a_profile_is_imported_from_a_file_of_settings() {
    let mut desk = Desk::with(
        |_| (),
        |dir| {
            let text = "mode = \"live\"\n[live]\nkafka_bootstrap_servers = [\"k1:9092\"]\n\
                        kafka_security = \"sasl_tls\"\nkafka_username = \"console\"\n";
            std::fs::write(dir.join("cluster.toml"), text).unwrap();
            std::fs::write(dir.join("bad.toml"), "[live]\nbrokers = 1\n").unwrap();
            vec![dir.join("bad.toml"), dir.join("cluster.toml")]
        },
    );
    desk.resize(1440.0, 900.0);
    desk.key(Modifiers::COMMAND, Key::Num7);
    desk.click("Import\u{2026}");
    desk.until_seen("bad.toml is no profile");
    desk.click("Import\u{2026}");
    desk.until_seen("kafka_bootstrap_servers = [\"k1:9092\"]");
    desk.until_seen("kafka_security = \"sasl_tls\"");
    desk.until_seen("TLS and an account (SASL)");
    desk.until_seen("not set: RETAIL_KAFKA_PASSWORD");
    desk.click("Kafka SASL mechanism");
    desk.click("SCRAM-SHA-256");
    desk.until_seen("kafka_sasl_mechanism = \"scram_sha_256\"");
    desk.type_into("Kafka CA file", "/etc/ca.pem");
    desk.until_seen("kafka_ca_file = \"/etc/ca.pem\"");
    desk.click("Kind of the profile");
    desk.click("LAB: of this program");
    desk.until_seen("faults = \"native\"");
    desk.shot("setup-imported");
    desk.click("Save");
    desk.until_seen("Profile cluster");
    let path = desk.dir.path().join("data/profiles/cluster.toml");
    let text = std::fs::read_to_string(path).unwrap();
    assert!(
        text.contains("k1:9092") && !text.contains("password ="),
        "{text}"
    );
}

#[test]
fn a_repair_from_the_overview_is_asked_about_and_done() {
    let mut desk = Desk::with(forgetful, |_| Vec::new());
    lose(&mut desk, Region::Americas);
    desk.key(Modifiers::COMMAND, Key::Num1);
    let repair = |desk: &Desk| {
        let words = desk.words();
        words
            .into_iter()
            .find(|word| word.starts_with("Repair\u{2026}: "))
    };
    desk.until("the finding offers it", |desk| repair(desk).is_some());
    let label = repair(&desk).unwrap();
    desk.click(&label);
    desk.until_seen("Repair the data centres?");
    desk.until_seen("Nothing is deleted. Repairing again does no harm.");
    desk.shot("overview-repair");
    desk.click("Repair 3 data centres");
    desk.until("it is done", |desk| {
        matches!(outcome(desk, "Repair"), Some(Outcome::Done(told)) if told.contains("lines copied"))
    });
    desk.until("no repair is needed", |desk| {
        let snapshot = desk.snapshot();
        let store = snapshot.store.as_ref();
        store.is_some_and(|store| !store.dcs[Dc::Americas].repair_needed)
    });
    let compared = desk.engine().ask(Command::Verify).wait().unwrap().unwrap();
    assert!(compared.converged());
}

#[test]
fn the_plan_is_applied_where_something_is_missing() {
    let mut desk = Desk::with(
        // Derived tables are not written by themselves while this test looks.
        |settings| settings.analytics.materialise_interval = Duration::from_hours(1),
        |_| Vec::new(),
    );
    // The end of a load would write them too.
    desk.load_to_the_log(retail_tests::sample_file());
    desk.until("the lines are stored", |desk| {
        let snapshot = desk.snapshot();
        let mut partitions = snapshot.partitions.iter();
        snapshot.lines > 0 && partitions.all(|view| view.lag.known() == Some(0))
    });
    desk.key(Modifiers::COMMAND, Key::Num7);
    desk.click("Setup: Plan");
    desk.until_seen("to create");
    let steps = desk
        .words()
        .into_iter()
        .find(|word| word.starts_with("Apply ") && word.ends_with(" steps\u{2026}"))
        .unwrap();
    desk.click(&steps);
    desk.until_seen("Only what is missing is made.");
    desk.shot("setup-plan-confirm");
    desk.click(steps.trim_end_matches('\u{2026}'));
    desk.until_seen("The plan is applied");
    desk.until("nothing is missing any more", |desk| {
        !desk.sees("to create")
    });
    let table = desk
        .engine()
        .ask(|reply| Command::Table("customer_analytics".to_owned(), reply));
    assert!(!table.wait().unwrap().unwrap().rows.is_empty());
}

#[test]
fn a_load_with_more_rejects_than_allowed_stops_there_and_says_so() {
    let mut desk = Desk::empty();
    desk.resize(1440.0, 900.0);
    let bad = "536366,22633,HAND WARMER,2,2010-12-01 08:28:00,1.85,17850,Narnia\n";
    let good = "536365,85123A,HEART,6,2010-12-01 08:26:00,2.55,17850,United Kingdom\n";
    let file = desk.dir.path().join("bad.csv");
    std::fs::write(&file, format!("{HEADER}{good}{}", bad.repeat(50))).unwrap();
    desk.harness
        .state_mut()
        .push(retail_console::actions::Action::Open(file));
    desk.until_seen("Whole file checked");
    desk.retype("Stop at rejected rows", "many");
    desk.until_seen("not a count, a share such as 2.5%, or none");
    desk.retype("Stop at rejected rows", "20");
    desk.until_seen("this file has more: the load would stop there");
    desk.click("Load the file");
    desk.until("it failed", |desk| {
        let snapshot = desk.snapshot();
        snapshot
            .loads
            .last()
            .is_some_and(|load| matches!(load.state, LoadState::Stopped(_)))
    });
    desk.until_seen("Load again");
    desk.shot("load-limit");
    let read = desk.snapshot().loads[0].intake.read;
    assert!((21..51).contains(&read), "{read}");
}

#[test]
fn a_row_that_failed_three_times_is_parked() {
    let mut desk = Desk::empty();
    let rows = "536365,85123A,HEART,6,2010-12-01 08:26:00,2.55,17850,United Kingdom\n\
                536366,22633,HAND WARMER,2,2010-12-01 08:28:00,1.85,17850,Narnia\n";
    let file = desk.dir.path().join("one.csv");
    std::fs::write(&file, format!("{HEADER}{rows}")).unwrap();
    desk.load(file);
    // A fix that mends nothing is not offered on the page; the engine takes it.
    for attempt in 1..=3 {
        let fix = FixRule::Field {
            row: RejectKey {
                load: LoadId(1),
                row: RowNo(2),
            },
            column: Column::Country,
            to: format!("Nowhere {attempt}"),
        };
        let engine = desk.engine();
        let added = engine.ask(|reply| Command::AddFix(Box::new(fix), reply));
        added.wait().unwrap().unwrap();
        let rules = Rules::builtin().unwrap();
        let plan = engine.ask(|reply| Command::PlanReingest(rules, reply));
        let plan = Box::new(plan.wait().unwrap().unwrap());
        let sent = engine.ask(|reply| Command::Reingest(plan, reply));
        sent.wait().unwrap().unwrap();
    }
    desk.key(Modifiers::COMMAND, Key::Num4);
    desk.until_seen("parked after 3 attempts");
    desk.shot("quality-parked");
    let filter = RejectFilter {
        load: Some(LoadId(1)),
        ..RejectFilter::default()
    };
    let page = desk
        .engine()
        .ask(|reply| Command::RejectPage(Box::new(filter), reply));
    let page = page.wait().unwrap().unwrap();
    assert!(matches!(
        page.rows[0].status,
        RejectStatus::Parked { attempts: 3 }
    ));
    let add = desk.control("Add to re-ingest").unwrap();
    assert!(add.accesskit_node().is_disabled());
}
