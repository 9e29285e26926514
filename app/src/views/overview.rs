//! The overview, as words: the ledger strip, a card for each region, the data centres.

use std::time::Duration;

use retail_engine::flow::Delay;
use retail_engine::handle::{RegionView, Snapshot};
use retail_engine::ledger::Ledger;
use retail_engine::model::{Dc, PerDc, PerRegion, Reading, Reason, Region};
use retail_engine::watch::health::DcVerdict;
use retail_engine::watch::lag::{Drain, Lag};
use retail_engine::watch::verdict::{Trend, Verdict};

use super::format;
use crate::widgets::Status;

/// One cell of the ledger strip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StripCell {
    /// What is counted.
    pub title: &'static str,
    /// The count.
    pub value: String,
    /// Two lines that say what it is made of.
    pub notes: [String; 2],
    /// How it stands.
    pub status: Status,
}

/// The ledger strip: read, set aside, produced, written, visible.
pub fn strip(snapshot: &Snapshot) -> Option<[StripCell; 5]> {
    let ledger = snapshot.ledger.as_ref()?;
    let intake = &ledger.intake;
    let reading = snapshot.load.as_ref().map(|load| &load.read);
    let of_file = match reading {
        Some(read) => format!(
            "{} of {}",
            format::bytes(read.bytes),
            format::bytes(read.total_bytes)
        ),
        None => "whole file".to_owned(),
    };
    let read_rate = match snapshot.rates.as_ref() {
        Some(rates) if snapshot.load.is_some() => {
            format::rate(rates.per_sec[0].unwrap_or_default(), "rows")
        }
        _ => String::new(),
    };
    let (rejected, filtered) = set_aside(ledger);
    let produced_open = intake.clean.saturating_sub(ledger.produced);
    let in_flight = ledger.produced.saturating_sub(ledger.written);
    Some([
        StripCell {
            title: "Read",
            value: format::count(intake.read),
            notes: [of_file, read_rate],
            status: Status::Neutral,
        },
        StripCell {
            title: "Rejected and filtered",
            value: format::count(intake.set_aside.total()),
            notes: [
                format!("{} rejected", format::count(rejected)),
                format!("{} filtered", format::count(filtered)),
            ],
            status: Status::Neutral,
        },
        StripCell {
            title: "Produced",
            value: format::count(ledger.produced),
            notes: [
                "= read \u{2212} rejected \u{2212} filtered".to_owned(),
                if produced_open == 0 {
                    "balances exactly".to_owned()
                } else {
                    format!("{} on the way to the log", format::count(produced_open))
                },
            ],
            status: if produced_open == 0 {
                Status::Ok
            } else {
                Status::Neutral
            },
        },
        StripCell {
            title: "Written",
            value: format::count(ledger.written),
            notes: [
                format!(
                    "{} in flight, of {}",
                    format::count(in_flight),
                    format::count(ledger.produced)
                ),
                format!(
                    "{} new, {} already there",
                    format::count(ledger.new_lines()),
                    format::count(ledger.already_there())
                ),
            ],
            status: if in_flight == 0 {
                Status::Ok
            } else {
                Status::Neutral
            },
        },
        visible(ledger),
    ])
}

fn set_aside(ledger: &Ledger) -> (u64, u64) {
    let mut rejected = 0;
    let mut filtered = 0;
    for reason in Reason::ALL {
        let rows = ledger.intake.set_aside.get(reason);
        if reason.is_rejection() {
            rejected += rows;
        } else {
            filtered += rows;
        }
    }
    (rejected, filtered)
}

/// Lines that every data centre has, and how far each is behind.
fn visible(ledger: &Ledger) -> StripCell {
    let known: Vec<(Dc, u64)> = ledger
        .visible
        .iter()
        .filter_map(|(dc, lines)| lines.known().map(|lines| (dc, *lines)))
        .collect();
    let value = match (known.len(), known.iter().map(|(_, lines)| *lines).min()) {
        (3, Some(least)) => format::count(least),
        (some, _) => format!("{some} of 3 known"),
    };
    let behind: Vec<String> = known
        .iter()
        .map(|(dc, lines)| {
            let behind = ledger.lines_now.saturating_sub(*lines);
            format!("{} {}", short(*dc), format::count(behind))
        })
        .collect();
    let level = known.len() == 3 && known.iter().all(|(_, lines)| *lines == ledger.lines_now);
    StripCell {
        title: "Visible in all 3 data centres",
        value,
        notes: [
            "lines behind, of all stored".to_owned(),
            if level {
                "all equal".to_owned()
            } else {
                behind.join(" \u{b7} ")
            },
        ],
        status: if level { Status::Ok } else { Status::Neutral },
    }
}

/// Two letters of a data centre.
pub const fn short(dc: Dc) -> &'static str {
    match dc {
        Dc::Europe => "EU",
        Dc::Americas => "AM",
        Dc::AsiaPacific => "AP",
    }
}

/// The card of a region.
#[derive(Debug, Clone, PartialEq)]
pub struct RegionCard {
    /// Which.
    pub region: Region,
    /// Where its traffic goes, in words.
    pub home: String,
    /// Lines not yet read.
    pub lag: Reading<u64>,
    /// Age of the oldest of them.
    pub age: Reading<Duration>,
    /// How its consumer does, in a word.
    pub verdict: (Status, String),
    /// Lines written, since the engine was opened.
    pub written: String,
    /// Lines written per second.
    pub rate: String,
    /// When it will have caught up.
    pub drain: String,
}

/// A card for each region.
pub fn cards(snapshot: &Snapshot) -> PerRegion<RegionCard> {
    PerRegion::from_fn(|region| card(region, &snapshot.regions[region]))
}

fn card(region: Region, view: &RegionView) -> RegionCard {
    let home = if view.serving == region.home() {
        format!("home {}", view.serving.name())
    } else {
        format!("served by {}", view.serving.name())
    };
    RegionCard {
        region,
        home,
        lag: lag_lines(&view.lag),
        age: lag_age(&view.lag),
        verdict: verdict(view),
        written: format!("Written {}", format::count(view.written)),
        rate: match view.written_per_sec {
            Some(rate) => format::rate(rate, "rows"),
            None => "rate unknown".to_owned(),
        },
        drain: match view.drain {
            Drain::CaughtUp => "caught up".to_owned(),
            Drain::In(time) => format!("drains in {}", format::duration(time)),
            Drain::NeverAtThisRate => "never at this rate".to_owned(),
            Drain::Unknown => "drain time unknown".to_owned(),
        },
    }
}

/// Lag in lines as a reading.
pub fn lag_lines(lag: &Lag) -> Reading<u64> {
    match lag {
        Lag::Known { lines, .. } => Reading::Known(*lines),
        Lag::Stale { lines, since } => Reading::Stale {
            value: *lines,
            age: *since,
        },
        Lag::Unknown(why) => Reading::Unknown(why.to_string()),
    }
}

/// Age of the oldest unread line as a reading: 0 where none is unread.
pub fn lag_age(lag: &Lag) -> Reading<Duration> {
    match lag {
        Lag::Known { lines: 0, .. } => Reading::Known(Duration::ZERO),
        Lag::Known { age: Some(age), .. } => Reading::Known(*age),
        Lag::Known { age: None, .. } => Reading::Unknown("its age was not measured".into()),
        Lag::Stale { .. } => Reading::Unknown("the lag is stale".into()),
        Lag::Unknown(why) => Reading::Unknown(why.to_string()),
    }
}

/// Verdict and trend of a region in one word.
pub fn verdict(view: &RegionView) -> (Status, String) {
    let caught_up = view.lag.known() == Some(0);
    match view.verdict {
        Verdict::Ok if caught_up => (Status::Ok, "Caught up".into()),
        Verdict::Ok if view.trend == Trend::Falling => (Status::Ok, "Shrinking".into()),
        Verdict::Ok => (Status::Ok, "Steady".into()),
        Verdict::Growing => (Status::Warn, "Growing".into()),
        Verdict::Rewound => (Status::Neutral, "Rewound".into()),
        Verdict::Stalled => (Status::Critical, "Stalled".into()),
        Verdict::Stopped => (Status::Critical, "Stopped".into()),
        Verdict::Unknown => (Status::Unknown, "Unknown".into()),
    }
}

/// A row of the data centres.
#[derive(Debug, Clone, PartialEq)]
pub struct DcRow {
    /// Which.
    pub dc: Dc,
    /// What its witnesses say.
    pub state: (Status, &'static str),
    /// 99th percentile of its last writes.
    pub p99: Reading<Duration>,
    /// Lines that a reader there sees.
    pub lines: Reading<u64>,
    /// Hints that wait for it.
    pub hints: Reading<u64>,
}

/// The data centres.
pub fn dcs(snapshot: &Snapshot) -> PerDc<DcRow> {
    let unknown = || "nothing was measured yet".to_owned();
    PerDc::from_fn(|dc| {
        let health = snapshot.store.as_ref().map(|store| &store.dcs[dc]);
        DcRow {
            dc,
            state: dc_state(snapshot.dcs[dc].verdict),
            p99: health.map_or_else(
                || Reading::Unknown(unknown()),
                |health| health.write_p99_us.clone().map(Duration::from_micros),
            ),
            lines: health.map_or_else(
                || Reading::Unknown(unknown()),
                |health| health.rows.clone().map(|rows| rows.lines),
            ),
            hints: health.map_or_else(
                || Reading::Unknown(unknown()),
                |health| Reading::Known(health.hints),
            ),
        }
    })
}

/// What the witnesses of a data centre say, as a word.
pub const fn dc_state(verdict: DcVerdict) -> (Status, &'static str) {
    let status = match verdict {
        DcVerdict::Up => Status::Ok,
        DcVerdict::UpWithErrors | DcVerdict::Suspect => Status::Warn,
        DcVerdict::Disputed | DcVerdict::Unknown => Status::Unknown,
        DcVerdict::Down => Status::Critical,
    };
    (status, verdict.name())
}

/// Time to visible: each data centre a row, 99th percentile, and its share of the longest.
pub fn canary(snapshot: &Snapshot) -> PerDc<PerDc<(Reading<Duration>, f32)>> {
    let p99 = |delay: &Delay| Duration::from_micros(delay.p99_us);
    let longest = snapshot
        .canary
        .iter()
        .flat_map(|(_, row)| row.iter())
        .filter_map(|(_, cell)| cell.known().map(p99))
        .max()
        .unwrap_or_default()
        .max(Duration::from_millis(1));
    PerDc::from_fn(|via| {
        PerDc::from_fn(|at| {
            let reading = snapshot.canary[via][at].clone().map(|delay| p99(&delay));
            let share = reading
                .known()
                .map_or(0.0, |time| time.as_secs_f32() / longest.as_secs_f32());
            (reading, share)
        })
    })
}
