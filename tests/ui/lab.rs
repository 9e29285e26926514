//! A local lab from the setup page. The servers are stand-ins that never answer, so that nothing
//! heavy runs: what is tested is what is said, started, given up and deleted.

use std::fs;
use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use eframe::egui::{Key, Modifiers};
use egui_kittest::kittest::NodeT as _;
use retail_console::start::Start;
use retail_engine::lab::{Lab, LabOptions, ProcessState, Programs, Server};

use crate::Desk;

/// Addresses that no other lab uses.
fn options() -> LabOptions {
    LabOptions {
        first_address: Ipv4Addr::new(127, 0, 77, 1),
        jmx_port: 37_199,
        ..LabOptions::default()
    }
}

fn script(path: &Path, text: &str) -> PathBuf {
    fs::write(path, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    path.to_path_buf()
}

/// Programs that say what Java and Maven say: the one starts and never answers, the other makes
/// the folder that it is told to fill.
fn stand_ins(dir: &Path) -> Programs {
    let java = script(
        &dir.join("java"),
        "case \"$*\" in\n\
         -version) echo 'openjdk version \"17.0.12\" 2024-07-16' >&2; exit 0;;\n\
         *StorageTool*) exit 0;;\n\
         esac\n\
         trap 'exit 0' TERM\n\
         while :; do sleep 0.1; done",
    );
    let maven = script(
        &dir.join("mvn"),
        "case \"$1\" in --version) echo 'Apache Maven 3.8.7'; exit 0;; esac\n\
         for word in \"$@\"; do\n\
         case \"$word\" in -DoutputDirectory=*) folder=\"${word#*=}\";; esac\n\
         done\n\
         mkdir -p \"$folder\" && : > \"$folder/jamm-0.4.0.jar\"",
    );
    Programs { java, maven }
}

fn desk(programs: impl FnOnce(&Path) -> Programs) -> (Desk, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("lab");
    fs::create_dir_all(&home).unwrap();
    fs::write(
        home.join("lab.json"),
        serde_json::to_vec(&options()).unwrap(),
    )
    .unwrap();
    let start = Start {
        programs: programs(dir.path()),
        ..Start::default()
    };
    let named = home.clone();
    let mut desk = Desk::at(
        dir,
        start,
        |settings| settings.lab.home = named,
        |_| Vec::new(),
    );
    desk.resize(1440.0, 900.0);
    desk.key(Modifiers::COMMAND, Key::Num7);
    desk.until_seen("Profiles");
    desk.click("Profile Local lab");
    (desk, home)
}

fn states(home: &Path) -> Vec<ProcessState> {
    let lab = Lab::open(home).unwrap();
    Server::ALL.map(|server| lab.state(server).unwrap()).into()
}

/// Ends what a failed test would leave behind.
struct Ends(PathBuf);

impl Drop for Ends {
    fn drop(&mut self) {
        if let Ok(lab) = Lab::open(&self.0) {
            for server in Server::ALL {
                // Those that are down already cannot be killed.
                lab.kill(server).ok();
            }
        }
    }
}

#[test]
fn without_java_a_lab_is_not_begun_and_the_remedy_is_said() {
    let (mut desk, home) = desk(|dir| Programs {
        java: dir.join("no-java"),
        maven: dir.join("no-maven"),
    });
    desk.until_seen("java is not there");
    desk.until_seen("apt-get install openjdk-17-jre-headless");
    desk.until_seen("apt-get install maven");
    desk.until_seen("about 115.4 MiB: Kafka and Cassandra as released, once");
    desk.until_seen(&home.display().to_string());
    desk.until_seen("127.0.77.1: 9092 9093 9042 7000");
    desk.shot("lab-no-java");
    let set_up = desk.control("Set up a local lab\u{2026}").unwrap();
    assert!(set_up.accesskit_node().is_disabled());
}

#[test]
fn a_lab_is_planned_begun_given_up_and_wiped() {
    let (mut desk, home) = desk(stand_ins);
    let _ends = Ends(home.clone());
    desk.until_seen("17.0.12");
    desk.until_seen("Apache Maven 3.8.7");
    desk.click("Set up a local lab\u{2026}");
    desk.until_seen("It runs until it is stopped");
    desk.shot("lab-confirm");
    desk.click("Set up and start");
    desk.until_seen("fetched");
    desk.until_seen("starting; it does not answer yet");
    desk.until("all four run", |_| {
        states(&home)
            .iter()
            .all(|state| *state == ProcessState::Running)
    });
    desk.until("their state is in the table", |desk| {
        desk.words().iter().filter(|word| *word == "runs").count() == Server::ALL.len()
    });
    desk.shot("lab-starting");
    desk.click("Cancel the lab");
    desk.until_seen("it was given up");
    assert!(
        states(&home)
            .iter()
            .all(|state| *state == ProcessState::Down)
    );
    desk.shot("lab-given-up");
    assert!(home.join("data").exists() || home.join("conf").exists());
    desk.click("Wipe the lab\u{2026}");
    desk.until_seen("This cannot be undone.");
    let act = desk.control("Delete the data").unwrap();
    assert!(
        act.accesskit_node().is_disabled(),
        "the name is not typed yet"
    );
    desk.type_into("Name to confirm", "lab");
    desk.click("Delete the data");
    desk.until_seen("the data are gone");
    assert!(!home.join("lab.json").exists() && !home.join("log").exists());
    let acts = desk.harness.state().runbook().acts();
    let verbs: Vec<&str> = acts
        .iter()
        .filter_map(|act| Some(act.args.as_ref()?.get(1)?.as_str()))
        .collect();
    assert_eq!(verbs, ["up", "wipe"]);
}

#[test]
#[ignore = "needs Java 17 and Maven: starts a lab of its own"]
fn a_lab_is_set_up_and_stopped_by_clicks() {
    // Fetched once, it takes a minute; the first time as long as the network does.
    const LONG: Duration = Duration::from_mins(8);
    let (mut desk, home) = desk(|_| Programs::default());
    let _ends = Ends(home.clone());
    desk.click("Set up a local lab\u{2026}");
    desk.click("Set up and start");
    desk.until_seen("starting; it does not answer yet");
    desk.shot("lab-real-starting");
    desk.until_within(LONG, "the lab is up", |desk| {
        desk.sees("every server answers")
    });
    desk.until("all answer", |desk| {
        let words = desk.words();
        let answers = words.iter().filter(|word| *word == "answers");
        answers.count() == Server::ALL.len()
    });
    desk.shot("lab-real-up");
    desk.click("Stop the lab\u{2026}");
    desk.click("Stop 4 servers");
    desk.until_within(LONG, "the lab is down", |desk| desk.sees("no server runs"));
    let down = states(&home)
        .iter()
        .all(|state| *state == ProcessState::Down);
    assert!(down);
    desk.shot("lab-real-down");
}
