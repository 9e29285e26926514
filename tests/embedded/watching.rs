//! What the engine says of itself: health, findings, alerts, history and metrics, of a whole
//! engine in this process.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use retail_engine::clean::Rules;
use retail_engine::config::Settings;
use retail_engine::failover::hints::Fuse;
use retail_engine::flow::{LoadEnd, LoadRequest, Resume, Roles, Until};
use retail_engine::handle::{Command, Engine, Snapshot};
use retail_engine::intake::ReadOptions;
use retail_engine::model::{Dc, Reading, Region};
use retail_engine::ports::{DcState, Fault};
use retail_engine::telemetry::{Cursor, EventKind};
use retail_engine::watch::alert_state::{Alert, AlertId, AlertPhase};
use retail_engine::watch::findings::{ActionId, FindingKind};
use retail_engine::watch::health::DcVerdict;
use retail_engine::watch::overall::Health;
use retail_tests::sample_file;
use tempfile::TempDir;

/// Far longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

fn open(dir: &TempDir, change: impl FnOnce(&mut Settings)) -> Engine {
    let mut settings = Settings::in_dir(dir.path().join("data"));
    settings.monitoring.port = 0;
    settings.failover.hold_down = Duration::from_millis(200);
    // How full the disk of this machine is, is not what is tested here.
    settings.alerts.disk_share = 1.0;
    change(&mut settings);
    Engine::open(settings, Roles::all()).unwrap()
}

fn load(engine: &Engine) -> LoadEnd {
    let request = LoadRequest {
        file: sample_file(),
        options: ReadOptions::default(),
        rules: Rules::builtin().unwrap(),
        limit: retail_engine::config::ErrorLimit::None,
        until: Until::Closed,
        resume: Resume::WhereItStood,
    };
    let answer = engine.ask(|reply| Command::Load(Box::new(request), reply));
    answer.wait().unwrap().unwrap()
}

/// The first snapshot that fits.
fn wait_for(engine: &Engine, what: &str, fits: impl Fn(&Snapshot) -> bool) -> Arc<Snapshot> {
    let (told, wakes) = std::sync::mpsc::sync_channel(1);
    engine.on_snapshot(move || {
        told.try_send(()).ok();
    });
    let begun = Instant::now();
    loop {
        let snapshot = engine.snapshot();
        if fits(&snapshot) {
            return snapshot;
        }
        assert!(
            begun.elapsed() < PATIENCE,
            "{what} did not come: {snapshot:#?}"
        );
        wakes.recv_timeout(PATIENCE).unwrap();
    }
}

fn start(engine: &Engine, fault: Fault) {
    let answer = engine.ask(|reply| Command::StartFault {
        fault,
        lasts: PATIENCE * 5,
        by: "test".to_owned(),
        reply,
    });
    answer.wait().unwrap().unwrap();
}

fn end_all(engine: &Engine) {
    let answer = engine.ask(Command::EndAllFaults);
    assert_eq!(answer.wait().unwrap(), 1);
}

fn down() -> AlertId {
    AlertId {
        rule: "RetailDcDown".to_owned(),
        label: Dc::Europe.name().to_owned(),
    }
}

fn alert(snapshot: &Snapshot) -> Option<&Alert> {
    snapshot.alerts.iter().find(|alert| alert.id == down())
}

fn is_healthy(snapshot: &Snapshot) -> bool {
    snapshot.health == Health::Healthy
}

/// Names of the events that were told, without those that other things tell meanwhile.
fn told(engine: &Engine, among: &[&str]) -> Vec<String> {
    let drained = engine.events(Cursor::default());
    let kinds = drained.events.iter().map(|event| {
        let value = serde_json::to_value(event).unwrap();
        value["kind"].as_str().unwrap().to_owned()
    });
    kinds
        .filter(|kind| among.contains(&kind.as_str()))
        .collect()
}

#[test]
fn a_healthy_engine_with_a_closed_load_needs_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(&dir, |_| ());
    assert!(load(&engine).ledger.is_closed());
    let snapshot = wait_for(&engine, "health", is_healthy);
    assert_eq!(snapshot.findings, []);
    assert_eq!(snapshot.alerts, []);
    for dc in Dc::ALL {
        assert_eq!(snapshot.dcs[dc].verdict, DcVerdict::Up);
        assert_eq!(snapshot.dcs[dc].seen_by.0, [DcState::Up; 3]);
        let fuse = snapshot.dcs[dc].hints.as_ref().unwrap();
        assert_eq!(fuse.fuse, Fuse::Quiet);
    }
    assert_eq!(told(&engine, &["load_started", "load_ended"]).len(), 2);
    assert_eq!(engine.close(), Vec::<String>::new());
}

#[test]
fn a_data_centre_that_goes_down_is_judged_found_alerted_and_all_ends_with_its_return() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(&dir, |_| ());
    wait_for(&engine, "health", is_healthy);
    start(&engine, Fault::DcDown { dc: Dc::Europe });
    let judged = wait_for(&engine, "the verdict", |snapshot| {
        snapshot.dcs[Dc::Europe].verdict == DcVerdict::Down
    });
    assert_eq!(judged.health, Health::Critical);
    assert_eq!(
        judged.dcs[Dc::Europe].seen_by.0,
        [DcState::Unknown, DcState::Down, DcState::Down],
        "one that is down is no witness"
    );
    let finding = &judged.findings[0];
    assert_eq!(finding.kind, FindingKind::DcDown);
    assert_eq!(finding.place, Dc::Europe.name());
    assert_eq!(finding.action, ActionId::OpenFailover);
    assert_eq!(alert(&judged).unwrap().phase, AlertPhase::Pending);
    let fired = wait_for(&engine, "the alert", |snapshot| {
        alert(snapshot).is_some_and(|alert| alert.phase == AlertPhase::Firing)
    });
    assert_eq!(alert(&fired).unwrap().since, alert(&judged).unwrap().since);

    // Lines that are loaded meanwhile wait for it as hints.
    load(&engine);
    let burning = wait_for(&engine, "hints", |snapshot| {
        let fuse = snapshot.dcs[Dc::Europe].hints.as_ref();
        fuse.is_some_and(|fuse| matches!(fuse.fuse, Fuse::Burning { .. }) && fuse.pending > Some(0))
    });
    assert_eq!(
        burning.health,
        Health::Critical,
        "with lines in two of three the ledger is no gap: {:?}",
        burning.findings
    );
    assert!(
        burning
            .findings
            .iter()
            .all(|f| f.kind != FindingKind::LedgerGap)
    );

    let seen = engine.ask(|reply| Command::AcknowledgeAlert(down(), reply));
    assert!(seen.wait().unwrap());
    wait_for(&engine, "the acknowledgement", |snapshot| {
        let phase = alert(snapshot).unwrap().phase;
        matches!(phase, AlertPhase::Acknowledged { .. })
    });
    engine
        .send(Command::MuteAlert(down(), Duration::from_hours(1)))
        .unwrap();
    wait_for(&engine, "the mute", |snapshot| {
        matches!(alert(snapshot).unwrap().phase, AlertPhase::Muted { .. })
    });
    engine
        .send(Command::MuteAlert(down(), Duration::ZERO))
        .unwrap();

    end_all(&engine);
    wait_for(&engine, "the end of all", |snapshot| {
        let quiet = snapshot.dcs[Dc::Europe].hints.as_ref().unwrap().fuse == Fuse::Quiet;
        alert(snapshot).is_none() && snapshot.findings.is_empty() && quiet
    });
    let late = engine.ask(|reply| Command::AcknowledgeAlert(down(), reply));
    assert!(!late.wait().unwrap(), "it is over");
    assert_eq!(
        told(
            &engine,
            &[
                "fault_started",
                "fault_ended",
                "alert_fired",
                "alert_resolved",
                "alert_acknowledged",
                "alert_muted"
            ]
        ),
        [
            "fault_started",
            "alert_fired",
            "alert_acknowledged",
            "alert_muted",
            "alert_muted",
            "fault_ended",
            "alert_resolved",
        ]
    );
    assert_eq!(engine.close(), Vec::<String>::new());
}

#[test]
fn a_cut_link_is_disputed_and_names_who_sees_what() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(&dir, |_| ());
    let (a, b) = (Dc::Europe, Dc::Americas);
    start(&engine, Fault::LinkCut { a, b });
    let snapshot = wait_for(&engine, "the dispute", |snapshot| {
        [a, b].map(|dc| snapshot.dcs[dc].verdict) == [DcVerdict::Disputed; 2]
    });
    assert_eq!(snapshot.health, Health::Disputed);
    assert_eq!(
        snapshot.dcs[a].seen_by.0,
        [DcState::Up, DcState::Down, DcState::Up]
    );
    let places: Vec<_> = snapshot
        .findings
        .iter()
        .map(|f| (f.kind, f.action))
        .collect();
    assert_eq!(
        places,
        [(FindingKind::Disputed, ActionId::ShowWitnesses); 2]
    );
}

#[test]
fn a_hint_window_that_has_passed_asks_for_a_repair_and_the_repair_ends_it() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(&dir, |settings| {
        settings.store.hint_window = Duration::from_secs(1);
    });
    start(&engine, Fault::DcDown { dc: Dc::Americas });
    load(&engine);
    let past = wait_for(&engine, "the end of the window", |snapshot| {
        let fuse = snapshot.dcs[Dc::Americas].hints.as_ref();
        fuse.is_some_and(|fuse| fuse.fuse == Fuse::RepairNeeded)
    });
    let repair = |finding: &&retail_engine::watch::findings::Finding| {
        finding.kind == FindingKind::RepairNeeded && finding.action == ActionId::Repair
    };
    assert_eq!(past.findings.iter().filter(repair).count(), 1);
    assert!(
        past.alerts
            .iter()
            .any(|alert| alert.id.rule == "RetailHints")
    );
    end_all(&engine);
    wait_for(&engine, "the repair", |snapshot| {
        let fuse = snapshot.dcs[Dc::Americas].hints.as_ref();
        fuse.is_some_and(|fuse| fuse.fuse == Fuse::Quiet) && snapshot.findings.is_empty()
    });
    assert!(told(&engine, &["repaired"]).contains(&"repaired".to_owned()));
}

#[test]
fn a_disk_that_fills_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(&dir, |settings| settings.alerts.disk_share = 0.0);
    wait_for(&engine, "the finding", |snapshot| {
        let mut kinds = snapshot.findings.iter().map(|finding| finding.kind);
        kinds.any(|kind| kind == FindingKind::DiskFilling)
    });
}

#[test]
fn the_history_has_a_point_for_each_second_and_gaps_for_what_is_not_known() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(&dir, |_| ());
    start(
        &engine,
        Fault::DcDown {
            dc: Dc::AsiaPacific,
        },
    );
    // What happens before the first sample has no rate.
    wait_for(&engine, "the first sample", |snapshot| {
        snapshot.store.is_some()
    });
    load(&engine);
    wait_for(&engine, "three points", |_| engine.history().len() >= 3);
    let history = engine.history();
    let times: Vec<_> = history.points().map(|point| point.at).collect();
    for pair in times.windows(2) {
        let between = (pair[1] - pair[0]).num_milliseconds();
        assert!(between >= 875, "{times:?}");
    }
    let newest = history.newest().unwrap();
    assert_eq!(newest.dcs[Dc::AsiaPacific].lines, None, "a gap");
    let stored = engine.snapshot().lines;
    assert!(stored > 9_000);
    assert_eq!(newest.dcs[Dc::Europe].lines, Some(stored));
    assert!(newest.dcs[Dc::AsiaPacific].hints > Some(0));
    let at_work = |point: &&retail_engine::watch::history::Point| {
        point.regions[Region::Europe].written_per_sec > Some(0.0)
    };
    assert!(history.points().any(|point| at_work(&point)));
    let first = times[0];
    assert_eq!(history.since(first).count(), history.len());
    let drained = engine.events(Cursor::default());
    let fault = drained
        .events
        .iter()
        .find(|event| matches!(event.kind, EventKind::FaultStarted { .. }));
    assert!(fault.unwrap().at <= first, "its span is drawn from here");
}

/// The metrics as a scraper gets them: series with labels, and value.
fn scrape(port: u16) -> BTreeMap<String, f64> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    let request = "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let series = answer.lines().filter(|line| line.starts_with("retail_"));
    series
        .filter_map(|line| {
            let (name, value) = line.rsplit_once(' ')?;
            Some((name.to_owned(), value.parse().ok()?))
        })
        .collect()
}

#[test]
fn counters_agree_with_the_ledger_at_rest() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(&dir, |settings| settings.monitoring.port = 19_464);
    let end = load(&engine);
    let rest = wait_for(&engine, "rest", |snapshot| {
        is_healthy(snapshot) && snapshot.load.is_none()
    });
    // What this snapshot says may be told to the metrics a moment later; the next one is after it.
    wait_for(&engine, "the next sample", |snapshot| snapshot.at > rest.at);
    let metrics = scrape(rest.monitoring_port.unwrap());
    let of = |series: &str| {
        let value = metrics.get(series).copied();
        let value = value.unwrap_or_else(|| panic!("{series}: {metrics:#?}"));
        format!("{value}").parse::<u64>().unwrap()
    };
    let ledger = &end.ledger;
    let hop = |hop: &str| of(&format!("retail_lines_total{{hop=\"{hop}\"}}"));
    assert_eq!(hop("read"), ledger.intake.read);
    assert_eq!(hop("clean"), ledger.intake.clean);
    assert_eq!(hop("produce"), ledger.produced);
    assert_eq!(hop("consume"), ledger.consumed);
    assert_eq!(hop("write"), ledger.written);
    let mut set_aside = 0;
    for (reason, rows) in ledger.intake.set_aside.iter() {
        let counted = of(&format!(
            "retail_rejects_total{{reason=\"{}\"}}",
            reason.slug()
        ));
        assert_eq!(counted, rows, "{reason}");
        set_aside += counted;
    }
    assert_eq!(hop("read"), hop("clean") + set_aside);
    for (region, sums) in ledger.intake.per_region().iter() {
        let region = region.slug();
        let new = of(&format!("retail_new_lines_total{{region=\"{region}\"}}"));
        assert_eq!(new, sums.lines, "{region}: the sample has no exact copies");
        assert_eq!(
            of(&format!("retail_consumer_stalled{{region=\"{region}\"}}")),
            0
        );
        assert_eq!(
            of(&format!("retail_queue_depth{{queue=\"write_{region}\"}}")),
            0
        );
        for partition in 0..3 {
            let series =
                format!("retail_lag_lines{{partition=\"{partition}\",region=\"{region}\"}}");
            assert_eq!(of(&series), 0);
        }
    }
    assert_eq!(of("retail_ledger_gap_lines"), 0);
    assert_eq!(of("retail_workers_failed"), 0);
    assert!(of("retail_log_syncs_total") > 0);
    assert!(of("retail_request_seconds_count{dc=\"Europe_DC\"}") > 0);
    assert!(of("retail_visible_seconds_count") > 0);
    assert!(metrics["retail_disk_used_ratio{dc=\"Europe_DC\"}"] > 0.0);
    assert!(metrics["retail_sampled_timestamp_seconds"] > 1.7e9);
    assert!(matches!(
        rest.visible,
        Reading::Known(_) | Reading::Stale { .. }
    ));
}

#[test]
fn a_rebuild_ends_when_the_slowest_data_centre_has_it_too() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(&dir, |_| ());
    let end = load(&engine);
    let fault = Fault::DcSlow {
        dc: Dc::AsiaPacific,
        delay_ms: 80,
    };
    start(&engine, fault);
    let read_again = engine.ask(Command::Rebuild).wait().unwrap().unwrap();
    assert_eq!(read_again, end.record.intake.read);
    let repaired = engine.ask(Command::Repair).wait().unwrap().unwrap();
    assert!(repaired.buckets_compared > 100, "{repaired:?}");
    let changed = (repaired.buckets_repaired, repaired.summaries_rebuilt);
    assert_eq!(changed, (0, 0), "the repair found nothing to do");
    let found = engine.ask(Command::Verify).wait().unwrap().unwrap();
    assert!(found.converged(), "{:?}", found.unequal);
    assert_eq!(found.drift, []);
}
