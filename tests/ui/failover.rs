//! The failover page and the presenter: from the click to the card, with the engine's figures.

use std::path::PathBuf;
use std::time::Duration;

use eframe::egui::{Key, Modifiers};
use retail_console::runbook::Outcome;
use retail_console::views::failover::card::time;
use retail_console::views::failover::compared::digest;
use retail_console::views::format;
use retail_console::widgets::chart::pinned;
use retail_engine::clean::Rules;
use retail_engine::config::{ErrorLimit, Settings};
use retail_engine::failover::RouteState;
use retail_engine::failover::drill::scenarios;
use retail_engine::flow::{DrillRecord, LoadRequest, Resume, Until};
use retail_engine::handle::Command;
use retail_engine::intake::ReadOptions;
use retail_engine::model::{Dc, Region};
use retail_engine::ports::Fault;

use crate::Desk;

const SECONDS: &str = "Seconds that the fault lasts";

/// A return home takes no longer than it must.
fn quick(settings: &mut Settings) {
    settings.failover.hold_down = Duration::from_millis(200);
}

fn open_page(desk: &mut Desk) {
    desk.key(Modifiers::COMMAND, Key::Num6);
    desk.until_seen("Failover");
}

/// From the library to the running drill, by clicks.
pub(crate) fn drill(desk: &mut Desk, title: &str, seconds: &str) {
    desk.click(&format!("Drill: {title}"));
    desk.until_seen("Expected");
    desk.retype(SECONDS, seconds);
    desk.click("Start drill\u{2026}");
    // A lab is named before it is broken.
    let lab = desk.harness.state().profile().map(str::to_owned);
    if let Some(lab) = lab
        && desk.control("Name to confirm").is_some()
    {
        desk.type_into("Name to confirm", &lab);
    }
    desk.click(&format!("Start, {seconds} s"));
}

pub(crate) fn records(desk: &Desk) -> Vec<DrillRecord> {
    let answer = desk.engine().ask(Command::DrillRecords);
    answer.wait().unwrap().unwrap()
}

#[test]
fn losing_europe_goes_from_the_click_to_a_card_with_the_figures_of_the_engine() {
    let names = ["drill.html", "drill.json", "drill.png"];
    let mut desk = Desk::with(quick, |dir| names.map(|name| dir.join(name)).to_vec());
    open_page(&mut desk);
    desk.until_seen("No drill has run in this data directory yet.");
    desk.until_seen("Compactions");
    desk.until_seen(" running, ");
    desk.shot("failover-idle");
    desk.resize(1440.0, 900.0);
    desk.shot("failover-idle-large");

    desk.click("Drill: Lose Europe");
    desk.until_seen("Europe moves to Americas_DC within");
    desk.until_seen("after failover");
    assert!(
        desk.snapshot().faults.is_empty(),
        "said before it is started"
    );
    desk.shot("failover-plan");
    desk.retype(SECONDS, "4");
    desk.click("Start drill\u{2026}");
    desk.until_seen("Europe_DC down, for 4 s, then it ends by itself");
    desk.click("Start, 4 s");

    desk.until_seen("the fault is in force");
    desk.until_seen("fault to first success");
    desk.until_seen("to Americas_DC, failed over");
    desk.shot("failover-running");
    desk.until_seen("coming back");
    desk.shot("failover-returning");

    desk.until_seen("Survived: no line lost, all three data centres equal");
    let record = records(&desk).pop().unwrap();
    assert_eq!(record.rpo_lines, Some(0));
    assert_eq!(record.ledger_closed, Some(true));
    let rto = record.rto_ms.unwrap();
    let hero = format!("{}.{:02}", rto / 1_000, rto % 1_000 / 10);
    assert!(desk.words().contains(&hero), "{hero}");
    assert!(desk.sees(&format!("+{}", time(rto))));
    let compared = desk.engine().ask(Command::Verify).wait().unwrap().unwrap();
    let rows = compared.stored[Dc::Europe].known().unwrap();
    desk.until("the digest of each is on the card", |desk| {
        let words = desk.words();
        words.iter().filter(|word| **word == digest(rows)).count() >= 3
    });
    desk.shot("failover-done");
    let mut words = desk.words().into_iter();
    let step = words.find(|word| word.starts_with("Crosshair at Failed over"));
    let step = step.unwrap();
    assert_eq!(pinned(&desk.harness.ctx), None);
    desk.click(&step);
    let at = pinned(&desk.harness.ctx).unwrap();
    assert!(step.ends_with(&format::clock_tenths(at)), "{step}: {at}");
    desk.click(&step);
    assert_eq!(pinned(&desk.harness.ctx), None, "it is taken away again");

    let saved: Vec<PathBuf> = names.map(|name| desk.dir.path().join(name)).to_vec();
    let items = [
        "Save report as HTML\u{2026}",
        "Save report as JSON\u{2026}",
        "Save report as picture\u{2026}",
    ];
    for (item, file) in items.into_iter().zip(&saved) {
        desk.click("Export report\u{2026}");
        desk.click(item);
        // The note of it moves the page down; what is clicked next must stand still.
        let told = format!("Saved {}", file.display());
        desk.until("the report is saved and told", |desk| desk.sees(&told));
        desk.frame();
    }
    let kept = std::fs::read_to_string(&record.html).unwrap();
    assert_eq!(std::fs::read_to_string(&saved[0]).unwrap(), kept);
    let json = std::fs::read_to_string(&saved[1]).unwrap();
    assert!(json.contains(&format!("\"rto_ms\": {rto}")), "{json}");
    // A short fault leaves cells untested; what is counted is what the report says.
    let good = json.matches("\"as_predicted\"").count();
    assert!(good > 0 && record.score.unwrap() > 0.0, "{json}");
    assert!(desk.sees(&format!("{good} of 30 as predicted")), "{good}");
    let picture = image::open(&saved[2]).unwrap();
    assert!(picture.width() > 1_000);
    if let Some(folder) = std::env::var_os("SHOTS") {
        std::fs::copy(&saved[2], PathBuf::from(folder).join("failover-report.png")).unwrap();
    }

    let acts = desk.harness.state().runbook().acts().to_vec();
    let act = acts
        .iter()
        .find(|act| act.what == "Drill: Lose Europe")
        .unwrap();
    let args = act.args.as_ref().unwrap().join(" ");
    assert_eq!(args, "drill --scenario europe-down --duration 4 --rate 800");
    assert!(matches!(&act.outcome, Outcome::Done(how) if how.contains("0 lines lost")));

    desk.key(Modifiers::NONE, Key::Escape);
    desk.until_seen("newest first");
    assert!(desk.sees("Open report of Lose Europe"));
    desk.shot("failover-after");
}

/// Runs scenarios one after the other, each by click, each to its card.
fn each(names: &[&str]) {
    let mut desk = Desk::with(quick, |_| Vec::new());
    open_page(&mut desk);
    for (place, scenario) in scenarios()
        .into_iter()
        .filter(|scenario| names.contains(&scenario.name))
        .enumerate()
    {
        drill(&mut desk, scenario.title, "3");
        desk.until(&format!("{} is over", scenario.name), |desk| {
            records(desk).len() == place + 1 && desk.snapshot().drill.is_none()
        });
        desk.until_seen("Survived: no line lost");
        desk.shot(&format!("failover-{}", scenario.name));
        let record = records(&desk).pop().unwrap();
        assert_eq!(record.scenario, scenario.name);
        assert_eq!(record.rpo_lines, Some(0), "{}", scenario.name);
        assert_eq!(record.converged, Some(true), "{}", scenario.name);
        desk.click("Close");
        desk.until("all is quiet", |desk| {
            let snapshot = desk.snapshot();
            let mut routes = snapshot.regions.iter();
            snapshot.faults.is_empty() && routes.all(|(_, view)| view.route == RouteState::Home)
        });
    }
    assert_eq!(records(&desk).len(), names.len());
}

#[test]
fn the_other_losses_end_with_a_card() {
    each(&[
        "americas-down",
        "asiapacific-down",
        "europe-paused",
        "two-down",
    ]);
}

#[test]
fn the_smaller_faults_end_with_a_card() {
    each(&["link-cut", "europe-slow", "disk-full", "log-down"]);
}

#[test]
fn one_key_ends_five_faults() {
    let mut desk = Desk::with(quick, |_| Vec::new());
    open_page(&mut desk);
    desk.click("Drill: Lose Europe and the Americas");
    desk.until_seen("Add a fault");
    for kind in ["Disk full", "Slow", "Log down"] {
        desk.click("Kind");
        desk.click(kind);
        desk.click("Add fault");
    }
    desk.until_seen("reading a file waits");
    desk.click("Start the faults only\u{2026}");
    desk.until_seen("Nothing flows for it and nothing is measured.");
    assert!(desk.snapshot().faults.is_empty(), "it is asked first");
    let words = desk.words();
    let act = words
        .iter()
        .find(|word| word.starts_with("Start 5 faults, "));
    desk.click(act.unwrap());
    desk.until("five faults are in force", |desk| {
        desk.snapshot().faults.len() == 5
    });
    desk.until("each can be ended alone", |desk| {
        desk.control("End F-001").is_some() && desk.control("End F-005").is_some()
    });
    assert!(desk.sees("log down"));
    desk.shot("failover-faults");
    desk.key(Modifiers::COMMAND | Modifiers::SHIFT, Key::X);
    desk.until("none is in force", |desk| desk.snapshot().faults.is_empty());
    desk.until("it is in the runbook", |desk| {
        let acts = desk.harness.state().runbook().acts();
        acts.iter()
            .any(|act| act.outcome == Outcome::Done("5 ended".into()))
    });
    desk.until("the page says so too", |desk| {
        desk.control("End F-001").is_none()
    });
    desk.until_seen("5 faults were ended, none is left. Europe_DC: ");
}

#[test]
fn faults_are_ended_by_the_button_while_the_view_is_held() {
    let mut desk = Desk::with(quick, |_| Vec::new());
    open_page(&mut desk);
    desk.click("Freeze view");
    desk.until_seen(" behind");
    desk.start_fault(Fault::DcDown { dc: Dc::Europe });
    desk.click("End all faults");
    desk.until("none is in force", |desk| desk.snapshot().faults.is_empty());
    desk.until_seen("1 fault was ended, none is left. Europe_DC: ");
}

#[test]
fn a_region_is_moved_and_sent_home_by_hand() {
    let mut desk = Desk::with(quick, |_| Vec::new());
    desk.load(retail_tests::sample_file());
    open_page(&mut desk);
    desk.click("Fail Europe over to AsiaPacific_DC");
    desk.until_seen("no line is lost");
    desk.key(Modifiers::NONE, Key::Escape);
    assert_eq!(
        desk.snapshot().regions[Region::Europe].serving,
        Dc::Europe,
        "Esc cancels"
    );
    desk.click("Fail Europe over to AsiaPacific_DC");
    desk.shot("failover-confirm");
    desk.click("Fail over to AsiaPacific_DC");
    desk.until("Europe is served from there", |desk| {
        desk.snapshot().regions[Region::Europe].serving == Dc::AsiaPacific
    });
    desk.until_seen("failed over to AsiaPacific_DC");
    desk.until_seen("serves Europe, Asia-Pacific");
    desk.click("Fail Europe back");
    desk.click("Fail back to Europe_DC");
    desk.until("Europe is home", |desk| {
        desk.snapshot().regions[Region::Europe].route == RouteState::Home
    });
    desk.until_seen("serves Europe");
}

#[test]
fn past_the_hint_window_a_repair_is_needed_and_done_by_click() {
    let change = |settings: &mut Settings| {
        // The region waits to go home for longer than the test, so that no repair is made for it.
        settings.failover.hold_down = Duration::from_mins(2);
        settings.store.hint_window = Duration::from_secs(1);
    };
    let mut desk = Desk::with(change, |_| Vec::new());
    let fault = Fault::DcDown { dc: Dc::Americas };
    let started = desk.engine().ask(|reply| Command::StartFault {
        fault,
        lasts: Duration::from_mins(5),
        by: "test".into(),
        reply,
    });
    let lease = started.wait().unwrap().unwrap();
    let request = LoadRequest {
        file: retail_tests::sample_file(),
        options: ReadOptions::default(),
        rules: Rules::builtin().unwrap(),
        limit: ErrorLimit::None,
        until: Until::Produced,
        resume: Resume::WhereItStood,
    };
    let loaded = desk
        .engine()
        .ask(|reply| Command::Load(Box::new(request), reply));
    loaded.wait().unwrap().unwrap();
    open_page(&mut desk);
    desk.until("hints were dropped", |desk| {
        let snapshot = desk.snapshot();
        let health = snapshot
            .store
            .as_ref()
            .map(|store| &store.dcs[Dc::Americas]);
        health.is_some_and(|health| health.repair_needed)
    });
    desk.until_seen("Repair needed");
    // One whose region never left would be repaired by itself as soon as it answers.
    desk.until("its region has left", |desk| {
        desk.snapshot().regions[Region::Americas].serving != Dc::Americas
    });
    let ended = desk
        .engine()
        .ask(|reply| Command::EndFault(lease.id, reply));
    assert!(ended.wait().unwrap());

    desk.click("Show: Three-DC lens");
    desk.click("Ask all three");
    desk.until_seen("rows differ");
    desk.shot("failover-lens");

    desk.click("Repair Americas_DC");
    desk.until_seen("buckets differ; ");
    desk.shot("failover-repair");
    let act = desk.words().into_iter().find(|word| {
        word.starts_with("Repair ") && word.ends_with(" buckets") && *word != "Repair 0 buckets"
    });
    desk.click(&act.expect("there is something to repair"));
    desk.until_seen("Repaired: ");
    desk.until_seen("all 3 data centres hold the same rows");
    desk.until("no repair is needed", |desk| !desk.sees("Repair needed"));
    desk.click("Ask all three");
    desk.until_seen("3 of 3 answers are the same");
    let acts = desk.harness.state().runbook().acts().to_vec();
    let repair = acts.iter().find(|act| act.what == "Repair").unwrap();
    assert_eq!(
        repair.args.as_deref(),
        Some(["repair".to_owned()].as_slice())
    );
    assert!(matches!(repair.outcome, Outcome::Done(_)));
}

#[test]
fn the_presenter_goes_through_all_scenes_by_one_key() {
    let mut desk = Desk::with(quick, |_| Vec::new());
    let next = |desk: &mut Desk| desk.key(Modifiers::NONE, Key::PageDown);
    desk.resize(1440.0, 900.0);
    desk.key(Modifiers::NONE, Key::F11);
    desk.until_seen("Three regions, three data centres");
    desk.shot("presenter-1");
    next(&mut desk);
    desk.until_seen("A year of invoices flows");
    desk.until("lines flow", |desk| desk.snapshot().lines > 2_000);
    desk.shot("presenter-2");
    next(&mut desk);
    desk.until_seen("The limit goes");
    desk.until("all is loaded", |desk| desk.snapshot().load.is_none());
    desk.shot("presenter-3");
    assert_eq!(desk.snapshot().lines, 529_598);
    next(&mut desk);
    desk.until_seen("Europe_DC refuses everything from now on");
    desk.until("the fault is in force", |desk| {
        !desk.snapshot().faults.is_empty()
    });
    desk.shot("presenter-4");
    next(&mut desk);
    desk.until_seen("its traffic moves");
    desk.until_seen("fault to first success");
    desk.until_seen("to Americas_DC, failed over");
    desk.shot("presenter-5");
    next(&mut desk);
    desk.until_seen("what it missed is handed over");
    desk.until("the fault is over", |desk| {
        desk.snapshot().faults.is_empty()
    });
    desk.shot("presenter-6");
    next(&mut desk);
    desk.until_seen("Proof: all 3 data centres hold the same rows");
    desk.shot("presenter-7");
    let record = records(&desk).pop().unwrap();
    assert_eq!(record.rpo_lines, Some(0));
    assert_eq!(record.converged, Some(true));
    assert_eq!(desk.snapshot().lines, 529_598, "the drill added no line");
    desk.key(Modifiers::NONE, Key::PageUp);
    desk.until_seen("what it missed is handed over");
    desk.key(Modifiers::NONE, Key::Home);
    desk.until_seen("Three regions, three data centres");
    desk.key(Modifiers::NONE, Key::Escape);
    desk.until_seen("Did we survive, how long, and can we prove it?");
}
