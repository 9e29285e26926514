//! A ledger as a table and as JSON, to be checked by others, line by line; and whether it closes.

use std::fmt::Write as _;

use retail_engine::config::Mode;
use retail_engine::handle::Snapshot;
use retail_engine::ledger::Ledger;
use retail_engine::model::{Dc, Reading, Reason, Region};
use serde_json::json;

/// How the ledger of the newest load stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Balance {
    /// Lines are on their way: what is not there yet may still come.
    Moving,
    /// Every row is in one place, and each data centre is known to have all of them.
    Closed,
    /// So many lines are missing, or too many, while nothing is on its way.
    Gap(u64),
    /// Nothing is missing as far as is known, but not every data centre says what it has.
    NotCompared,
    /// Whether anything is on its way is not known.
    Unknown,
}

/// How the ledger of the newest load stands; `None` without one.
pub fn balance(snapshot: &Snapshot) -> Option<Balance> {
    snapshot.ledger.as_ref()?;
    let lags = || snapshot.partitions.iter().map(|one| one.lag.known());
    if snapshot.load.is_some() || lags().any(|lines| lines.is_some_and(|lines| lines > 0)) {
        return Some(Balance::Moving);
    }
    let Some(ledger) = settled(snapshot) else {
        return Some(Balance::Unknown);
    };
    let gaps = ledger.gaps();
    let missing: u64 = gaps.iter().map(|gap| gap.lines.unsigned_abs()).sum();
    Some(match missing {
        0 if ledger.is_closed() => Balance::Closed,
        0 => Balance::NotCompared,
        lines => Balance::Gap(lines),
    })
}

/// The ledger of the newest load once nothing is on its way, so that what it misses is missing;
/// `None` before, and where that is not known. The alert for a ledger that is open goes by the
/// same.
pub fn settled(snapshot: &Snapshot) -> Option<Ledger> {
    let caught_up = snapshot
        .partitions
        .iter()
        .all(|partition| partition.lag.known() == Some(0));
    let is_read = snapshot.loads.last()?.to.is_some();
    if snapshot.load.is_some() || !caught_up || !is_read {
        return None;
    }
    let mut ledger = snapshot.ledger.clone()?;
    for (dc, health) in snapshot.store.as_ref()?.dcs.iter() {
        if health.hints.known().is_some_and(|hints| *hints > 0) {
            ledger.visible[dc] = Reading::Unknown("hints wait for it".to_owned());
        }
    }
    Some(ledger)
}

/// Name that is proposed for a file, without its ending.
pub fn file_name(snapshot: &Snapshot) -> String {
    let load = snapshot.loads.last();
    load.map_or_else(|| "ledger".to_owned(), |load| format!("ledger-{}", load.id))
}

/// The lines of the sheet: what, how many, and the worth where it has one.
pub fn rows(ledger: &Ledger) -> Vec<(String, String, String)> {
    let row = |what: &str, lines: u64| (what.to_owned(), lines.to_string(), String::new());
    let intake = &ledger.intake;
    let mut rows = vec![row("read", intake.read)];
    for reason in Reason::ALL {
        let aside = intake.set_aside.get(reason);
        if aside > 0 {
            rows.push(row(&format!("set aside: {}", reason.slug()), aside));
        }
    }
    rows.push((
        "clean".to_owned(),
        intake.clean.to_string(),
        intake.amount().to_string(),
    ));
    let regions = intake.per_region();
    for region in Region::ALL {
        let of = regions[region];
        let what = format!("clean: {}", region.name());
        rows.push((what, of.lines.to_string(), of.amount.to_string()));
    }
    rows.extend([
        row("produced", ledger.produced),
        row("set aside and produced", ledger.quarantine_produced),
        row("consumed", ledger.consumed),
        row("written", ledger.written),
        row("set aside and written", ledger.quarantine_written),
        row("stored before", ledger.lines_before),
        row("stored now", ledger.lines_now),
        row("new", ledger.new_lines()),
        row("already there", ledger.already_there()),
    ]);
    for dc in Dc::ALL {
        let lines = match &ledger.visible[dc] {
            Reading::Known(lines) => lines.to_string(),
            Reading::Stale { value, age } => format!("{value} ({} s ago)", age.as_secs()),
            Reading::Unknown(why) => format!("Unknown: {why}"),
        };
        rows.push((format!("visible in {}", dc.name()), lines, String::new()));
    }
    for gap in ledger.gaps() {
        rows.push((
            format!("gap between {}", gap.between),
            gap.lines.to_string(),
            String::new(),
        ));
    }
    rows
}

/// As CSV, with the load and the mode in its first columns.
pub fn csv(snapshot: &Snapshot, ledger: &Ledger) -> String {
    let load = snapshot.loads.last();
    let load = load.map_or_else(String::new, |load| load.id.to_string());
    let mode = mode(snapshot);
    let mut text = "load,mode,what,lines,amount_gbp\n".to_owned();
    for (what, lines, amount) in rows(ledger) {
        let cells = [&load, &mode.to_owned(), &what, &lines, &amount].map(|cell| field(cell));
        let _infallible = writeln!(text, "{}", cells.join(","));
    }
    text
}

/// As JSON, with the load, the time and the mode.
pub fn json(snapshot: &Snapshot, ledger: &Ledger) -> String {
    let load = snapshot.loads.last();
    let value = json!({
        "load": load.map(|load| load.id.to_string()),
        "file": load.map(|load| load.file.display().to_string()),
        "at": snapshot.at.to_rfc3339(),
        "mode": mode(snapshot),
        "closed": ledger.is_closed(),
        "ledger": ledger,
        "gaps": ledger.gaps().iter().map(|gap| {
            json!({ "between": gap.between, "lines": gap.lines })
        }).collect::<Vec<_>>(),
    });
    format!("{value:#}\n")
}

const fn mode(snapshot: &Snapshot) -> &'static str {
    match snapshot.mode {
        Mode::Embedded => "embedded (data centres simulated)",
        Mode::Live => "live",
    }
}

fn field(text: &str) -> String {
    if text.contains([',', '"', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use chrono::DateTime;
    use retail_engine::flow::{LoadRecord, LoadState};
    use retail_engine::handle::PartitionView;
    use retail_engine::ledger::Intake;
    use retail_engine::model::{
        CommittedOffset, EndOffset, LoadId, Offset, PerDc, Topic, TopicPartition,
    };
    use retail_engine::ports::{DcHealth, DcState, StoreHealth, WitnessView};
    use retail_engine::watch::lag::{Lag, LagTotal, UnknownLag};
    use rust_decimal::Decimal;

    use super::*;

    /// After a load of ten clean rows and three set aside, all of them where they belong.
    pub(in crate::views) fn ended() -> Snapshot {
        let mut intake = Intake::default();
        for _ in 0..10 {
            intake.add_clean(Region::Europe, Decimal::new(255, 2));
        }
        for _ in 0..3 {
            intake.add_set_aside(Reason::Cancellation);
        }
        let caught_up = Lag::between(EndOffset(10), Some(CommittedOffset(10)));
        let mut snapshot = Snapshot::starting(Mode::Embedded, DateTime::UNIX_EPOCH);
        snapshot.lag = LagTotal::over([caught_up]);
        snapshot.partitions = vec![PartitionView {
            partition: TopicPartition::new(Topic::Lines(Region::Europe), 0),
            begin: Some(Offset(0)),
            end: Some(EndOffset(10)),
            committed: Some(CommittedOffset(10)),
            lag: caught_up,
        }];
        let unknown = || Reading::Unknown(String::new());
        snapshot.store = Some(StoreHealth {
            dcs: PerDc::from_fn(|_| DcHealth {
                rows: Reading::Unknown(String::new()),
                disk_bytes: unknown(),
                compactions: Reading::Unknown(String::new()),
                writes: 0,
                write_errors: 0,
                write_p50_us: unknown(),
                write_p99_us: unknown(),
                hints: Reading::Known(0),
                hint_bytes: unknown(),
                oldest_hint: None,
                repair_needed: false,
            }),
            witnesses: WitnessView {
                views: PerDc::from_fn(|_| PerDc::from_fn(|_| DcState::Up)),
            },
        });
        snapshot.ledger = Some(Ledger {
            intake: intake.clone(),
            produced: 10,
            quarantine_produced: 3,
            consumed: 10,
            written: 10,
            quarantine_written: 3,
            lines_before: 0,
            lines_now: 10,
            visible: PerDc::from_fn(|_| Reading::Known(10)),
        });
        snapshot.loads = vec![LoadRecord {
            id: LoadId(1),
            file: "/data/a.csv".into(),
            fingerprint: String::new(),
            reading: 0,
            layout: retail_engine::intake::RowLayout::default(),
            rules: None,
            started_at: DateTime::UNIX_EPOCH,
            produced_at: Some(DateTime::UNIX_EPOCH),
            state: LoadState::Produced,
            input_remedy: None,
            input_line: None,
            intake,
            lines_before: 0,
            from: Vec::new(),
            to: Some(Vec::new()),
        }];
        snapshot
    }

    /// The same with a ledger that was changed.
    pub(in crate::views) fn ended_with(change: impl FnOnce(&mut Ledger)) -> Snapshot {
        let mut snapshot = ended();
        change(snapshot.ledger.as_mut().unwrap());
        snapshot
    }

    #[test]
    fn a_gap_is_one_when_nothing_is_on_its_way() {
        assert_eq!(balance(&ended()), Some(Balance::Closed));
        let short = || ended_with(|ledger| ledger.visible[Dc::Europe] = Reading::Known(8));
        assert_eq!(balance(&short()), Some(Balance::Gap(2)));
        let mut waits = short();
        waits.store.as_mut().unwrap().dcs[Dc::Europe].hints = Reading::Known(1);
        assert_eq!(balance(&waits), Some(Balance::NotCompared));
        let mut lags = short();
        lags.partitions[0].lag = Lag::between(EndOffset(10), Some(CommittedOffset(8)));
        assert_eq!(balance(&lags), Some(Balance::Moving));
        lags.partitions[0].lag = Lag::Unknown(UnknownLag::NotMeasured);
        assert_eq!(balance(&lags), Some(Balance::Unknown));
    }
}
