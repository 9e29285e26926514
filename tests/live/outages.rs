//! Servers are gone for longer than anything waits: all nodes, then the broker. The load waits,
//! goes on by itself when they are back, and no line is lost or there twice.

use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use retail_engine::lab::{Lab, Server};
use retail_engine::model::Dc;
use retail_tests::{program, sample_file};
use serde_json::Value;

use crate::round::{Round, answer, counter, free_port, text};
use crate::until;

/// So slow that lines still flow when the servers are back.
const LINES_PER_SECOND: &str = "60";
/// Lines that have arrived before anything is gone.
const FLOWING: f64 = 500.0;
/// Far longer than any time-out of a request, and than the brokers' answer is waited for.
const NODES_GONE: Duration = Duration::from_secs(20);
const BROKER_GONE: Duration = Duration::from_secs(65);

/// A load that runs, and what it tells meanwhile.
struct Running {
    child: Child,
    port: u16,
}

impl Running {
    fn written(&self) -> f64 {
        counter(self.port, "retail_lines_total{hop=\"write\"}")
    }

    /// Nothing can be done, and the load neither ends nor counts anything as written.
    fn waits(&mut self, gone: Duration) {
        let begun = Instant::now();
        // What was under way may still be acknowledged by whoever ends last.
        let at_first = self.written();
        while begun.elapsed() < gone {
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "the load ended with {ended:?}");
            std::thread::sleep(Duration::from_millis(500));
        }
        let at_last = self.written();
        assert!(at_last < at_first + FLOWING, "{at_first}, {at_last}");
    }

    fn goes_on(&self, what: &str) {
        let before = self.written();
        let begun = Instant::now();
        until(what, || self.written() > before + 100.0);
        println!("{what}: written again after {:?}", begun.elapsed());
    }
}

#[test]
#[ignore = "needs a running lab that may be broken: RETAIL_LAB_HOME"]
fn a_load_waits_for_all_nodes_and_for_the_broker_and_goes_on_by_itself() {
    let home = std::env::var_os("RETAIL_LAB_HOME").unwrap();
    let lab = Lab::open(Path::new(&home)).unwrap();
    lab.up(&mut |_| {}).unwrap();
    let expected = undisturbed();
    let round = Round::on(&lab, "outages", &[("RETAIL_FLUSH_LINES", "100")]);
    round.json(&["setup"]);
    let port = free_port();
    let file = sample_file();
    let args = ["load", text(&file), "--rate", LINES_PER_SECOND, "--json"];
    let child = round
        .command("data", &args)
        .env("MONITORING_PORT", port.to_string())
        .spawn()
        .unwrap();
    let mut load = Running { child, port };
    until("lines that flow", || load.written() > FLOWING);

    // In order: a node that is killed may lose what it acknowledged, which is another test.
    for dc in Dc::ALL {
        lab.stop(Server::Node(dc)).unwrap();
    }
    load.waits(NODES_GONE);
    for dc in Dc::ALL {
        lab.begin(Server::Node(dc)).unwrap();
    }
    lab.up(&mut |_| {}).unwrap();
    load.goes_on("all nodes are back");

    lab.kill(Server::Kafka).unwrap();
    load.waits(BROKER_GONE);
    lab.start(Server::Kafka).unwrap();
    load.goes_on("the broker is back");

    let output = load.child.wait_with_output().unwrap();
    let (code, end) = answer(&args, &output);
    assert_eq!(code, 0, "{end}");
    assert_eq!(end["read"], 10_000, "{end}");
    assert_eq!(end["closed"], true, "{end}");
    round.json(&["repair"]);
    let verified = round.json(&["verify"]);
    for dc in Dc::ALL {
        assert_eq!(verified["stored"][dc.name()], expected, "{verified}");
    }
}

/// Rows of the sample and their digest, loaded in peace.
fn undisturbed() -> Value {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    program::json(&data, &["load", text(&sample_file())]).unwrap();
    let verified = program::json(&data, &["verify"]).unwrap();
    verified["stored"]["Europe_DC"].clone()
}
