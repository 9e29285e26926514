//! A lab of its own, through its whole life: set up, broken in every way, mended, ended, removed.

use std::net::Ipv4Addr;
use std::path::PathBuf;

use retail_engine::config::{FaultsBy, Settings};
use retail_engine::lab::{Lab, LabError, LabOptions, LabTold, ProcessState, Readiness, Server};
use retail_engine::live::faults::{Condition, FaultControl};
use retail_engine::model::Dc;
use retail_engine::ports::Fault;

use crate::until;

const EUROPE: Server = Server::Node(Dc::Europe);
const AMERICAS: Server = Server::Node(Dc::Americas);

/// Ends the servers even when the test fails. Their logs stay, where a failure names them.
struct Ends(Lab);

impl Drop for Ends {
    fn drop(&mut self) {
        // What the test found counts more than that its servers would not end.
        self.0.down(&mut |_| {}).ok();
    }
}

/// Beside other labs: addresses, JMX ports and home of its own. The home is one of the build, so
/// that the jars are fetched once.
fn lab() -> (PathBuf, LabOptions) {
    let options = LabOptions {
        first_address: Ipv4Addr::new(127, 0, 77, 1),
        jmx_port: 7259,
        ..LabOptions::default()
    };
    (retail_tests::root().join("target/lab-of-tests"), options)
}

fn answers(lab: &Lab, server: Server) -> Result<String, String> {
    let all = lab.status().unwrap();
    let found = all.into_iter().find(|status| status.server == server);
    found.unwrap().answer
}

#[test]
#[ignore = "needs Java 17 and Maven: starts a lab of its own"]
fn a_lab_is_set_up_broken_mended_and_removed() {
    let (home, options) = lab();
    let told = |told: LabTold| println!("{told}");
    // What a test that was killed has left behind.
    if let Ok(left) = Lab::open(&home) {
        left.wipe(&mut { told }).unwrap();
    }
    let ends = Ends(Lab::with(&home, options.clone()).unwrap());
    let lab = &ends.0;
    lab.fetch(&mut { told }).unwrap();
    lab.up(&mut { told }).unwrap();
    for server in Server::ALL {
        assert_eq!(lab.state(server).unwrap(), ProcessState::Running);
        answers(lab, server).unwrap();
    }

    // Up again changes nothing, and other options for the same data are refused.
    lab.up(&mut { told }).unwrap();
    let moved = LabOptions {
        cql_port: 9142,
        ..options
    };
    let error = Lab::with(&home, moved).unwrap_err();
    assert!(matches!(error, LabError::OtherOptions { .. }), "{error}");

    // Killed: the process is gone and nobody answers; started: it serves again.
    lab.kill(EUROPE).unwrap();
    assert_eq!(lab.state(EUROPE).unwrap(), ProcessState::Down);
    answers(lab, EUROPE).unwrap_err();
    answers(lab, AMERICAS).unwrap();
    assert!(matches!(
        lab.kill(EUROPE).unwrap_err(),
        LabError::NotRunning { .. }
    ));
    lab.start(EUROPE).unwrap();
    lab.repair(Dc::Europe, "system_auth").unwrap();
    let ring = lab.nodetool(Dc::Americas, &["status"]).unwrap();
    assert_eq!(ring.matches("Datacenter: ").count(), 3, "{ring}");

    // Paused: it is there and does not answer; resumed: it does.
    lab.pause(AMERICAS).unwrap();
    assert_eq!(lab.state(AMERICAS).unwrap(), ProcessState::Paused);
    answers(lab, AMERICAS).unwrap_err();
    lab.resume(AMERICAS).unwrap();
    lab.wait_ready(&[AMERICAS], Readiness::Joined, &mut { told })
        .unwrap();

    // A paused server ends in order too.
    lab.pause(Server::Kafka).unwrap();
    lab.stop(Server::Kafka).unwrap();
    lab.start(Server::Kafka).unwrap();
    answers(lab, Server::Kafka).unwrap();

    faults_act_on(lab);

    lab.down(&mut { told }).unwrap();
    for server in Server::ALL {
        assert_eq!(lab.state(server).unwrap(), ProcessState::Down);
    }
    // It comes back with its data and its options.
    let again = Lab::open(&home).unwrap();
    assert_eq!(again.options(), lab.options());
    lab.wipe(&mut { told }).unwrap();
    assert!(matches!(
        Lab::open(&home).unwrap_err(),
        LabError::Absent { .. }
    ));
}

/// The faults of an engine's profile, on the same servers.
fn faults_act_on(lab: &Lab) {
    let dir = tempfile::tempdir().unwrap();
    let mut settings = Settings::in_dir(dir.path());
    settings.lab.faults = FaultsBy::Native;
    settings.lab.home = lab.home().to_path_buf();
    let control = FaultControl::of(&settings);
    let dc = Dc::AsiaPacific;
    let asia = Server::Node(dc);
    control.set(&[Fault::DcDown { dc }, Fault::DcPaused { dc: Dc::Americas }]);
    until("two faults", || {
        lab.state(asia).unwrap() == ProcessState::Down
            && lab.state(AMERICAS).unwrap() == ProcessState::Paused
    });
    answers(lab, EUROPE).unwrap();
    control.set(&[Fault::LogDown]);
    until("the broker down and the nodes back", || {
        lab.state(Server::Kafka).unwrap() == ProcessState::Down
            && answers(lab, asia).is_ok()
            && answers(lab, AMERICAS).is_ok()
    });
    let all = control.servers();
    assert!(all.iter().all(|server| server.trouble.is_none()), "{all:?}");
    let is_down = |server: Server| {
        let found = all.iter().find(|report| report.server == server);
        found.unwrap().wanted == Condition::Down
    };
    assert!(is_down(Server::Kafka) && !is_down(asia));
    // The end of the program ends its faults.
    drop(control);
    until("the broker back", || answers(lab, Server::Kafka).is_ok());
}
