//! The overview.

use std::collections::BTreeSet;

use eframe::egui::accesskit::{Role, Toggled};
use eframe::egui::{Key, Modifiers};
use egui_kittest::Node;
use egui_kittest::kittest::NodeT as _;
use retail_console::actions::Action;
use retail_console::pages::Page;
use retail_console::prefs::ThemeChoice;
use retail_console::views::{format, ledger};
use retail_engine::model::{Dc, LoadId, Region};
use retail_engine::ports::Fault;

use crate::Desk;

/// A desk with the sample loaded, at the overview.
fn loaded(files: impl FnOnce(&std::path::Path) -> Vec<std::path::PathBuf>) -> Desk {
    let mut desk = Desk::with(|_| (), files);
    desk.load(retail_tests::sample_file());
    desk.until_seen("Rejected and filtered");
    desk
}

/// The label on the screen that begins so.
fn label(desk: &Desk, begin: &str) -> String {
    let words = desk.words();
    words
        .into_iter()
        .find(|word| word.starts_with(begin))
        .unwrap()
}

#[test]
fn the_strip_and_the_export_say_what_the_ledger_says() {
    let names = ["ledger.json", "ledger.png", "ledger.csv"];
    let mut desk = loaded(|dir| names.map(|name| dir.join(name)).to_vec());
    desk.until("each data centre is known", |desk| {
        desk.snapshot()
            .ledger
            .as_ref()
            .is_some_and(retail_engine::ledger::Ledger::is_closed)
    });
    desk.until_seen("ledger closed");
    let snapshot = desk.snapshot();
    let sheet = snapshot.ledger.clone().unwrap();
    for (title, count) in [
        ("Read", sheet.intake.read),
        ("Rejected and filtered", sheet.intake.set_aside.total()),
        ("Produced", sheet.produced),
        ("Written", sheet.written),
        ("Visible in all 3 data centres", sheet.lines_now),
    ] {
        desk.until_seen(&format!("{title}: {}", format::count(count)));
    }
    desk.click("Export ledger");
    desk.click("Save JSON\u{2026}");
    desk.until_seen("ledger.json");
    let text = std::fs::read_to_string(desk.dir.path().join("ledger.json")).unwrap();
    assert!(
        text.contains("\"closed\": true") && text.contains("simulated"),
        "{text}"
    );
    assert!(text.contains(&format!("\"produced\": {}", sheet.produced)));
    desk.click("Export ledger");
    desk.click("Save picture\u{2026}");
    let picture = image::load_from_memory(&desk.saved("ledger.png")).unwrap();
    // The picture of a page's own ledger: title, stamp and a row for each line of it.
    assert!(picture.width() > 1_000 && picture.height() > 600);
    desk.key(Modifiers::COMMAND, Key::S);
    desk.until_seen("ledger.csv");
    let text = std::fs::read_to_string(desk.dir.path().join("ledger.csv")).unwrap();
    assert_eq!(text, ledger::csv(&snapshot, &sheet));
    assert!(text.contains(",clean,9854,"), "{text}");
}

#[test]
fn each_place_of_the_pipeline_leads_to_what_it_holds() {
    let mut desk = loaded(|_| Vec::new());
    desk.resize(1440.0, 900.0);
    desk.click("Flow as: Map");
    desk.until_seen("europe-transactions: ");
    desk.shot("overview-map");
    let records = desk.snapshot().ledger.as_ref().unwrap().intake.per_region();
    let europe = records[Region::Europe].lines;
    desk.until_seen(&format!(
        "europe-transactions: {} lines",
        format::count(europe)
    ));
    for (begin, page, place) in [
        ("File of L-0001: ", Page::Load, "The ledger closes"),
        ("Clean: ", Page::Load, "The ledger closes"),
        ("europe-transactions: ", Page::Topics, "Europe lag"),
        ("quarantine: ", Page::Quality, ""),
        ("retail-asiapacific: ", Page::Topics, "Asia-Pacific lag"),
        ("Americas_DC: Up, ", Page::Failover, ""),
    ] {
        desk.until_seen(begin);
        let node = label(&desk, begin);
        desk.click(&node);
        desk.until_seen(page.title());
        let chosen = desk.control(page.title()).unwrap();
        let on = chosen.accesskit_node().toggled();
        assert_eq!(on, Some(Toggled::True), "{begin}");
        desk.until_seen(place);
        desk.key(Modifiers::COMMAND, Key::Num1);
    }
}

#[test]
fn a_figure_leads_to_the_load_and_the_region_that_it_is_of() {
    let mut desk = loaded(|_| Vec::new());
    desk.load(retail_tests::sample_file());
    let shows = |desk: &mut Desk, load: u64| {
        desk.harness
            .state_mut()
            .push(Action::ShowLoad(LoadId(load)));
        desk.until_seen(&format!("L-000{load} \u{b7} "));
    };
    // Whatever load the page showed last.
    for title in ["Read: ", "Produced: ", "Written: "] {
        shows(&mut desk, 1);
        desk.key(Modifiers::COMMAND, Key::Num1);
        let cell = label(&desk, title);
        desk.click(&cell);
        desk.until_seen("L-0002 \u{b7} ");
    }
    for region in [Region::Americas, Region::AsiaPacific, Region::Europe] {
        desk.key(Modifiers::COMMAND, Key::Num1);
        let card = label(&desk, &format!("{}, ", region.name()));
        desk.click(&card);
        desk.until_seen(&format!("{} lag", region.name()));
    }
}

#[test]
fn with_a_data_centre_down_nothing_is_summed_up_as_if_it_were_known() {
    let mut desk = loaded(|_| Vec::new());
    desk.resize(1440.0, 900.0);
    desk.start_fault(Fault::DcDown { dc: Dc::Americas });
    desk.until_seen("Visible in all 3 data centres: 2 of 3 known");
    desk.until_seen("Americas_DC Unknown");
    desk.until_seen("Americas_DC: Down");
    desk.shot("overview-dc-down");
    desk.click("Flow as: Map");
    desk.until_seen("Americas_DC: Down, lines Unknown");
    desk.shot("overview-map-dc-down");
    // The finding leads to where something can be done.
    desk.until("the finding is there", |desk| {
        desk.words()
            .iter()
            .any(|word| word.starts_with("Show: Americas_DC"))
    });
    let button = label(&desk, "Show: Americas_DC");
    desk.click(&button);
    desk.until_seen("Did we survive, how long, and can we prove it?");
}

#[test]
fn charts_can_be_a_table_and_show_all_hops() {
    let mut desk = loaded(|_| Vec::new());
    desk.resize(1440.0, 900.0);
    desk.until("three seconds are measured", |desk| {
        desk.engine().history().points().count() >= 3
    });
    desk.shot("overview-charts");
    desk.click("Hops: 5 hops");
    desk.until_seen("consume ");
    desk.click("Flow as: Table");
    desk.until_seen("Produce");
    desk.shot("overview-table");
    desk.harness
        .state_mut()
        .push(Action::Theme(ThemeChoice::Light));
    desk.click("Flow as: Chart");
    desk.shot("overview-light");
    desk.resize(1280.0, 720.0);
    assert!(
        !desk.sees("Time to visible"),
        "of second rank, below 800 points"
    );
    desk.shot("overview-low");
    desk.resize(800.0, 600.0);
    desk.shot("overview-small");
}

/// Everything in the tree.
fn nodes(desk: &Desk) -> Vec<Node<'_>> {
    let mut all = vec![desk.harness.root()];
    let mut next = 0;
    while let Some(node) = all.get(next).copied() {
        all.extend(node.children());
        next += 1;
    }
    all
}

/// Whether a person can do something with it.
fn is_control(role: Role) -> bool {
    matches!(
        role,
        Role::Button
            | Role::Tab
            | Role::RadioButton
            | Role::CheckBox
            | Role::Switch
            | Role::ComboBox
            | Role::Slider
            | Role::TextInput
            | Role::MultilineTextInput
            | Role::Link
            | Role::ListBoxOption
    )
}

#[test]
fn no_two_controls_of_the_bars_cover_each_other_in_a_window_of_any_size() {
    let mut desk = loaded(|_| Vec::new());
    for (width, height) in [
        (1440.0, 900.0),
        (1100.0, 680.0),
        (800.0, 600.0),
        (480.0, 360.0),
    ] {
        desk.resize(width, height);
        for page in Page::ALL {
            desk.harness.state_mut().push(Action::Go(page));
            // What did not find room is known in the frame after it was drawn.
            for _ in 0..3 {
                desk.frame();
            }
            let controls: Vec<_> = nodes(&desk)
                .into_iter()
                .filter(|node| is_control(node.accesskit_node().role()))
                // The top bar and the title row of the page.
                .filter(|node| node.rect().bottom() < 96.0)
                .map(|node| (node.accesskit_node().label(), node.rect().shrink(1.0)))
                .collect();
            assert!(controls.len() > 2, "{page:?}");
            for (at, (name, rect)) in controls.iter().enumerate() {
                for (other, covered) in controls.iter().skip(at + 1) {
                    assert!(
                        !rect.intersects(*covered),
                        "{page:?} at {width}x{height}: {name:?} {rect} and {other:?} {covered}"
                    );
                }
            }
        }
    }
}

#[test]
fn no_control_on_any_page_is_without_a_name() {
    let mut desk = loaded(|_| Vec::new());
    for page in Page::ALL {
        desk.harness.state_mut().push(Action::Go(page));
        desk.frame();
        desk.frame();
        let mut controls = 0;
        for node in nodes(&desk) {
            let access = node.accesskit_node();
            if is_control(access.role()) {
                controls += 1;
                let name = access.label().unwrap_or_default();
                let (role, place) = (access.role(), access.bounding_box());
                assert!(!name.trim().is_empty(), "{page:?}: {role:?} at {place:?}");
            }
        }
        assert!(controls > 10, "{page:?} has {controls} controls");
    }
}

#[test]
fn tab_alone_reaches_every_control_of_the_overview() {
    let mut desk = loaded(|_| Vec::new());
    desk.click("Flow as: Map");
    desk.until_seen("europe-transactions: ");
    let id = |node: &Node<'_>| format!("{:?}", node.accesskit_node().id());
    let enabled = |node: &Node<'_>| {
        let access = node.accesskit_node();
        is_control(access.role()) && !access.is_disabled()
    };
    let all = nodes(&desk);
    let mut wanted: BTreeSet<String> = all.iter().filter(|node| enabled(node)).map(id).collect();
    let many = wanted.len();
    assert!(many > 30, "{many} controls");
    drop(all);
    for _ in 0..many + 40 {
        desk.key(Modifiers::NONE, Key::Tab);
        let all = nodes(&desk);
        let focused = all.iter().find(|node| node.accesskit_node().is_focused());
        if let Some(focused) = focused {
            wanted.remove(&id(focused));
        }
    }
    let all = nodes(&desk);
    let missed = all.iter().filter(|node| wanted.contains(&id(node)));
    let names: Vec<_> = missed.map(|node| node.accesskit_node().label()).collect();
    assert!(wanted.is_empty(), "Tab does not reach {names:?}");
}
