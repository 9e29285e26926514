use std::collections::HashSet;
use std::path::Path;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::runner::Act;
use super::*;
use crate::config::LabSettings;
use crate::model::Dc;

const EUROPE: Server = Server::Node(Dc::Europe);

/// Remembers what it was told, and fails where it is told to.
#[derive(Debug, Default)]
struct Fake {
    done: Mutex<Vec<(Act, Server)>>,
    failing: Mutex<HashSet<Act>>,
}

impl Fake {
    fn done(&self) -> Vec<(Act, Server)> {
        self.done.lock().clone()
    }
}

impl Runner for Fake {
    fn run(&self, act: Act, server: Server) -> Result<(), String> {
        self.done.lock().push((act, server));
        if self.failing.lock().contains(&act) {
            return Err("no such container".to_owned());
        }
        Ok(())
    }
}

fn control(fake: &Arc<Fake>, notes: &Path) -> FaultControl {
    let runner: Arc<dyn Runner> = Arc::clone(fake) as Arc<dyn Runner>;
    FaultControl::with(runner, notes.to_path_buf())
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(20), "never {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn report(control: &FaultControl, server: Server) -> ServerReport {
    let all = control.servers();
    all.into_iter().find(|r| r.server == server).unwrap()
}

fn is(control: &FaultControl, server: Server, condition: Condition) -> bool {
    report(control, server).now == condition
}

#[test]
fn nothing_is_broken_where_the_profile_does_not_allow_it() {
    let dir = tempfile::tempdir().unwrap();
    let control = FaultControl::of(&Settings::in_dir(dir.path()));
    let fault = Fault::DcDown { dc: Dc::Europe };
    let why = control.refusal(&fault).unwrap();
    assert!(why.contains("does not allow"), "{why}");
    control.set(&[fault]);
    assert!(control.servers().is_empty());
}

#[test]
fn faults_that_only_a_simulation_has_are_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let control = control(&Arc::default(), dir.path());
    let (a, b) = (Dc::Europe, Dc::Americas);
    for (fault, word) in [
        (Fault::DcSlow { dc: a, delay_ms: 5 }, "slow"),
        (Fault::LinkCut { a, b }, "link"),
        (Fault::DiskFull { dc: a }, "disk"),
    ] {
        let why = control.refusal(&fault).unwrap();
        assert!(why.contains(word), "{why}");
    }
    assert_eq!(control.refusal(&Fault::LogDown), None);
    assert_eq!(control.refusal(&Fault::DcPaused { dc: a }), None);
}

#[test]
fn a_server_is_broken_and_mended_and_only_that_one() {
    let dir = tempfile::tempdir().unwrap();
    let fake = Arc::default();
    let control = control(&fake, dir.path());
    let fault = Fault::DcDown { dc: Dc::Europe };
    // Both ports hand over the same faults: the second time changes nothing.
    control.set(&[fault]);
    control.set(&[fault]);
    until("down", || is(&control, EUROPE, Condition::Down));
    assert!(dir.path().join("europe").exists());
    control.set(&[Fault::LogDown]);
    until("mended", || is(&control, EUROPE, Condition::Well));
    until("down", || is(&control, Server::Kafka, Condition::Down));
    assert!(!dir.path().join("europe").exists());
    drop(control);
    let done = fake.done();
    let of = |server| -> Vec<Act> {
        let of_server = done.iter().filter(|(_, s)| *s == server);
        of_server.map(|(act, _)| *act).collect()
    };
    assert_eq!(of(EUROPE), [Act::Kill, Act::Start]);
    // The end of the program ends its faults.
    assert_eq!(of(Server::Kafka), [Act::Kill, Act::Start]);
    assert_eq!(done.len(), 4);
}

#[test]
fn a_pause_becomes_a_kill_by_way_of_being_well() {
    let dir = tempfile::tempdir().unwrap();
    let fake = Arc::default();
    let control = control(&fake, dir.path());
    let dc = Dc::Europe;
    control.set(&[Fault::DcPaused { dc }]);
    until("paused", || is(&control, EUROPE, Condition::Paused));
    control.set(&[Fault::DcPaused { dc }, Fault::DcDown { dc }]);
    until("down", || is(&control, EUROPE, Condition::Down));
    let acts: Vec<_> = fake.done().into_iter().map(|(act, _)| act).collect();
    assert_eq!(acts, [Act::Pause, Act::Resume, Act::Kill]);
}

#[test]
fn what_cannot_be_broken_is_told_once_and_what_cannot_be_mended_is_tried_again() {
    let dir = tempfile::tempdir().unwrap();
    let fake: Arc<Fake> = Arc::default();
    let control = control(&fake, dir.path());
    fake.failing.lock().insert(Act::Kill);
    let fault = Fault::DcDown { dc: Dc::Europe };
    control.set(&[fault]);
    until("told", || report(&control, EUROPE).trouble.is_some());
    control.set(&[fault]);
    control.set(&[]);
    fake.failing.lock().clear();
    fake.failing.lock().insert(Act::Start);
    control.set(&[fault]);
    until("down", || is(&control, EUROPE, Condition::Down));
    control.set(&[]);
    let starts = || {
        let done = fake.done();
        done.iter().filter(|(act, _)| *act == Act::Start).count()
    };
    until("tried twice", || starts() >= 2);
    fake.failing.lock().clear();
    until("mended", || is(&control, EUROPE, Condition::Well));
    assert_eq!(report(&control, EUROPE).trouble, None);
    let kills = fake
        .done()
        .iter()
        .filter(|(act, _)| *act == Act::Kill)
        .count();
    assert_eq!(kills, 2);
}

#[test]
fn what_a_killed_program_left_broken_is_mended_at_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("asiapacific"), "paused").unwrap();
    std::fs::write(dir.path().join("kafka"), "").unwrap();
    let fake = Arc::default();
    let control = control(&fake, dir.path());
    let asia = Server::Node(Dc::AsiaPacific);
    until("mended", || is(&control, asia, Condition::Well));
    until("mended", || is(&control, Server::Kafka, Condition::Well));
    let mut done = fake.done();
    done.sort_by_key(|(_, server)| *server);
    assert_eq!(done, [(Act::Start, Server::Kafka), (Act::Resume, asia)]);
    drop(control);
    assert!(
        Server::ALL
            .iter()
            .all(|s| !dir.path().join(s.slug()).exists())
    );
}

#[test]
fn what_another_process_has_broken_is_its_own_to_mend() {
    let dir = tempfile::tempdir().unwrap();
    let (first, second) = (Arc::default(), Arc::default());
    let one = control(&first, dir.path());
    let fault = Fault::DcDown { dc: Dc::Europe };
    one.set(&[fault]);
    until("down", || is(&one, EUROPE, Condition::Down));
    let other = control(&second, dir.path());
    let why = other.refusal(&fault).unwrap();
    assert!(why.contains("another process"), "{why}");
    other.set(&[]);
    assert!(other.servers().is_empty());
    drop(one);
    assert_eq!(other.refusal(&fault), None);
    drop(other);
    assert!(second.done().is_empty());
}

#[test]
fn commands_are_words_and_never_a_shell() {
    let template = "docker compose -f a.yml kill cassandra-{region} {dc} {node} $(rm) ;";
    assert_eq!(
        runner::words(template, Server::Node(Dc::Americas)).join("|"),
        "docker|compose|-f|a.yml|kill|cassandra-americas|Americas_DC|2|$(rm)|;"
    );
}

#[cfg(unix)]
#[test]
fn a_node_that_is_not_paused_is_resumed_by_starting_it() {
    let dir = tempfile::tempdir().unwrap();
    let (paused, started) = (dir.path().join("paused"), dir.path().join("started"));
    let lab = LabSettings {
        dc_up: format!("touch {}", started.display()),
        dc_resume: format!("rm {}", paused.display()),
        broker_up: "false".to_owned(),
        ..Settings::in_dir("").lab
    };
    let commands = Commands::of(&lab);
    std::fs::write(&paused, "").unwrap();
    commands.run(Act::Resume, EUROPE).unwrap();
    assert!(!started.exists());
    commands.run(Act::Resume, EUROPE).unwrap();
    assert!(started.exists());
    // A paused one that cannot be resumed is not started either, and both are told.
    let dc_up = "false".to_owned();
    let commands = Commands::of(&LabSettings { dc_up, ..lab });
    let error = commands.run(Act::Resume, EUROPE).unwrap_err();
    for setting in ["lab.dc_resume", "lab.dc_up"] {
        assert!(error.contains(setting), "{error}");
    }
    let error = commands.run(Act::Resume, Server::Kafka).unwrap_err();
    assert_eq!(error.matches("lab.broker_up").count(), 1, "{error}");
}

#[cfg(unix)]
#[test]
fn a_command_that_fails_is_quoted_with_its_setting() {
    let dir = tempfile::tempdir().unwrap();
    let mark = dir.path().join("{dc}-was-here");
    let lab = LabSettings {
        dc_down: format!("touch {}", mark.display()),
        dc_up: format!("cat {}", dir.path().join("nothing").display()),
        dc_pause: "no-such-program-of-this-name".to_owned(),
        ..Settings::in_dir("").lab
    };
    let commands = Commands::of(&lab);
    commands.run(Act::Kill, EUROPE).unwrap();
    assert!(dir.path().join("Europe_DC-was-here").exists());
    for (act, words) in [
        (Act::Start, ["lab.dc_up", "No such file"]),
        (Act::Pause, ["lab.dc_pause", "could not be run"]),
        (Act::Resume, ["lab.dc_resume", "is empty"]),
    ] {
        let error = commands.run(act, EUROPE).unwrap_err();
        assert!(words.iter().all(|word| error.contains(word)), "{error}");
    }
}
