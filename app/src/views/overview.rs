//! The overview, as words: the ledger strip, a card for each region, the data centres.

use std::time::Duration;

use retail_engine::flow::Delay;
use retail_engine::handle::{RegionView, Snapshot};
use retail_engine::ledger::Ledger;
use retail_engine::model::{Dc, PerDc, PerRegion, Reading, Reason, Region};
use retail_engine::ports::DcState;
use retail_engine::watch::health::DcVerdict;
use retail_engine::watch::lag::{Drain, Lag};
use retail_engine::watch::verdict::{Trend, Verdict};

use super::{format, ledger};
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
        None => whole_file(snapshot),
    };
    let read_rate = match (snapshot.rates.as_ref(), &snapshot.load) {
        (Some(rates), Some(_)) => rates.per_sec[0].map_or_else(
            || "rate unknown".to_owned(),
            |rate| format::rate(rate, "rows"),
        ),
        (None, Some(_)) => "rate unknown".to_owned(),
        (_, None) => took(snapshot, intake.read),
    };
    let [rejected, filtered] = set_aside(ledger);
    let in_flight = ledger.produced.saturating_sub(ledger.written);
    let gaps = gaps(snapshot);
    let cells = [
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
                aside(rejected, "rejected", "reason"),
                aside(filtered, "filtered", "rule"),
            ],
            status: Status::Neutral,
        },
        StripCell {
            title: "Produced",
            value: format::count(ledger.produced),
            notes: [
                "= read \u{2212} rejected \u{2212} filtered".to_owned(),
                produced_note(ledger),
            ],
            status: if intake.clean == ledger.produced {
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
            status: if ledger.produced == ledger.written {
                Status::Ok
            } else {
                Status::Neutral
            },
        },
        visible(ledger),
    ];
    let mut gaps = gaps.into_iter();
    Some(cells.map(|cell| with_gap(cell, gaps.next().unwrap_or_default())))
}

/// Lines that each cell of the strip misses, or has too many, while nothing is on its way. They
/// add up to the gap of the ledger.
fn gaps(snapshot: &Snapshot) -> [u64; 5] {
    let Some(ledger) = ledger::settled(snapshot) else {
        return [0; 5];
    };
    let intake = &ledger.intake;
    let aside = intake.set_aside.total();
    let visible = ledger.visible.iter();
    let visible = visible.filter_map(|(_, lines)| lines.known().copied());
    [
        intake.read.abs_diff(aside + intake.clean),
        aside.abs_diff(ledger.quarantine_produced)
            + ledger
                .quarantine_produced
                .abs_diff(ledger.quarantine_written),
        intake.clean.abs_diff(ledger.produced),
        ledger.produced.abs_diff(ledger.consumed)
            + ledger.consumed.abs_diff(ledger.written)
            + ledger.lines_before.saturating_sub(ledger.lines_now)
            + ledger.new_lines().saturating_sub(ledger.written),
        visible.map(|lines| lines.abs_diff(ledger.lines_now)).sum(),
    ]
}

/// A cell with what it misses, where it misses something.
fn with_gap(mut cell: StripCell, lines: u64) -> StripCell {
    if lines > 0 {
        let [_, note] = &mut cell.notes;
        *note = format!("gap {}", format::count(lines));
        cell.status = Status::Critical;
    }
    cell
}

/// How the clean rows stand to what is in the log.
fn produced_note(ledger: &Ledger) -> String {
    let (clean, produced) = (ledger.intake.clean, ledger.produced);
    match clean.checked_sub(produced) {
        Some(0) => "balances exactly".to_owned(),
        Some(open) => format!("{} on the way to the log", format::count(open)),
        None => format!("{} more than counted yet", format::count(produced - clean)),
    }
}

/// Rows rejected and rows filtered, each with the number of its reasons.
fn set_aside(ledger: &Ledger) -> [(u64, usize); 2] {
    let mut sums = [(0, 0); 2];
    for reason in Reason::ALL {
        let rows = ledger.intake.set_aside.get(reason);
        let sum = &mut sums[usize::from(!reason.is_rejection())];
        if rows > 0 {
            *sum = (sum.0 + rows, sum.1 + 1);
        }
    }
    sums
}

fn aside((rows, kinds): (u64, usize), word: &str, kind: &str) -> String {
    let rows = format::count(rows);
    match kinds {
        0 => format!("{rows} {word}"),
        1 => format!("{rows} {word}, 1 {kind}"),
        many => format!("{rows} {word}, {many} {kind}s"),
    }
}

/// The file of a load that is over, by name.
fn whole_file(snapshot: &Snapshot) -> String {
    let last = snapshot.loads.last();
    let name = last.and_then(|load| load.file.file_name());
    name.map_or_else(
        || "whole file".to_owned(),
        |name| name.to_string_lossy().into_owned(),
    )
}

/// How long reading took, and how fast it went.
fn took(snapshot: &Snapshot, rows: u64) -> String {
    let time = snapshot.loads.last().and_then(|load| {
        let time = load.produced_at? - load.started_at;
        time.to_std().ok().filter(|time| !time.is_zero())
    });
    time.map_or_else(String::new, |time| {
        let rate = rows as f64 / time.as_secs_f64();
        format!(
            "{} at {}",
            format::duration(time),
            format::rate(rate, "rows")
        )
    })
}

/// Lines that every data centre had when they were last compared, and how long ago that was; `None`
/// unless all three are known from then. Real servers are counted by comparing them, row by row.
fn compared(ledger: &Ledger) -> Option<(u64, Duration)> {
    let mut last: Option<(u64, Duration)> = None;
    for (_, lines) in ledger.visible.iter() {
        let (lines, age) = lines.newest()?;
        last = Some(last.map_or((*lines, age), |(least, oldest)| {
            (least.min(*lines), oldest.max(age))
        }));
    }
    last.filter(|(_, age)| !age.is_zero())
}

/// Lines that every data centre has, and how far each is behind.
fn visible(ledger: &Ledger) -> StripCell {
    if let Some((lines, age)) = compared(ledger) {
        return StripCell {
            title: "Visible in all 3 data centres",
            value: format::count(lines),
            notes: [
                format!("of {} lines stored", format::count(ledger.lines_now)),
                format!("as compared {} ago", format::age(age)),
            ],
            status: Status::Stale,
        };
    }
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
            format!("of {} lines stored", format::count(ledger.lines_now)),
            if level {
                "all equal".to_owned()
            } else if known.len() < Dc::ALL.len() {
                unseen(ledger)
            } else {
                format!("behind: {}", behind.join(" \u{b7} "))
            },
        ],
        status: if level { Status::Ok } else { Status::Neutral },
    }
}

/// The data centres that do not say what they have.
fn unseen(ledger: &Ledger) -> String {
    let names: Vec<&str> = ledger
        .visible
        .iter()
        .filter(|(_, lines)| lines.known().is_none())
        .map(|(dc, _)| dc.name())
        .collect();
    format!("{} Unknown", names.join(", "))
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
    /// Lines per second into the log and out of it into the store.
    pub rates: String,
    /// When it will have caught up.
    pub drain: String,
    /// Why the verdict is unknown, where it is.
    pub why: Option<String>,
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
        rates: rates(view),
        drain: match view.drain {
            Drain::CaughtUp => "caught up".to_owned(),
            Drain::In(time) => format!("drains in {}", format::duration(time)),
            Drain::NeverAtThisRate => "never at this rate".to_owned(),
            Drain::Unknown => "drain time unknown".to_owned(),
        },
        why: why_unknown(view),
    }
}

/// Lines per second that are produced and consumed; what was not measured says so.
fn rates(view: &RegionView) -> String {
    let way = |rate: Option<f64>, word: &str| match rate {
        Some(rate) => format!("{}/s {word}", format::significant(rate)),
        None => format!("{word} Unknown"),
    };
    format!(
        "{} \u{b7} {}",
        way(view.produced_per_sec, "in"),
        way(view.written_per_sec, "out")
    )
}

impl RegionCard {
    /// For those who cannot see it.
    pub fn label(&self) -> String {
        format!(
            "{}, {}: {}, {}",
            self.region.name(),
            self.verdict.1,
            self.rates,
            self.written.to_lowercase()
        )
    }
}

/// Why there is no verdict.
fn why_unknown(view: &RegionView) -> Option<String> {
    match (view.verdict, &view.lag) {
        (Verdict::Unknown, Lag::Unknown(why)) => Some(why.to_string()),
        (Verdict::Unknown, Lag::Stale { since, .. }) => {
            Some(format!("last measured {} ago", format::age(*since)))
        }
        (Verdict::Unknown, Lag::Known { .. }) => Some("too few samples to judge yet".to_owned()),
        _ => None,
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
    /// Who sees what.
    pub seen: Option<String>,
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
                |health| health.hints.clone(),
            ),
            seen: Some(seen(snapshot, dc)),
        }
    })
}

/// What each witness says of a data centre.
fn seen(snapshot: &Snapshot, dc: Dc) -> String {
    let said: Vec<String> = snapshot.dcs[dc]
        .seen_by
        .iter()
        .map(|(witness, state)| {
            let word = match state {
                DcState::Up => "up",
                DcState::Suspect => "suspect",
                DcState::Down => "down",
                DcState::Unknown => "unknown",
            };
            format!("{} says {word}", witness.name())
        })
        .collect();
    said.join("\n")
}

/// Witnesses that say anything: one that is down says unknown of all.
pub fn witnesses(snapshot: &Snapshot) -> usize {
    Dc::ALL
        .into_iter()
        .filter(|witness| {
            let mut said = snapshot.dcs.iter();
            said.any(|(_, dc)| dc.seen_by[*witness] != DcState::Unknown)
        })
        .count()
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

/// How long probes take from one data centre to another.
#[derive(Debug, Clone, PartialEq)]
pub struct CanaryCell {
    /// Where they are written.
    pub via: Dc,
    /// Where they are read.
    pub at: Dc,
    /// Until half of them are visible, and 99 of 100.
    pub times: Reading<[Duration; 2]>,
    /// The latter as a share of the longest of all cells, 0 to 1.
    pub share: f32,
}

impl CanaryCell {
    /// What is measured, or why nothing is.
    pub fn says(&self) -> String {
        let both = |times: &[Duration; 2]| {
            let [p50, p99] = times.map(format::millis);
            format!("p50 {p50}, p99 {p99}")
        };
        match &self.times {
            Reading::Known(times) => both(times),
            Reading::Stale { value, age } => {
                format!("{}, measured {} ago", both(value), format::age(*age))
            }
            Reading::Unknown(why) => format!("Unknown: {why}"),
        }
    }

    /// For those who cannot see it.
    pub fn label(&self) -> String {
        let (via, at) = (self.via.name(), self.at.name());
        format!("Written in {via}, read in {at}: {}", self.says())
    }
}

/// Time to visible: each data centre a row, by where a probe is written.
pub fn canary(snapshot: &Snapshot) -> PerDc<PerDc<CanaryCell>> {
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
            let delay = &snapshot.canary[via][at];
            let times = |delay: Delay| [Duration::from_micros(delay.p50_us), p99(&delay)];
            CanaryCell {
                via,
                at,
                times: delay.clone().map(times),
                share: delay.known().map_or(0.0, |delay| {
                    p99(delay).as_secs_f32() / longest.as_secs_f32()
                }),
            }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::views::ledger::tests::{ended, ended_with};

    fn standing(snapshot: &Snapshot) -> [Status; 5] {
        strip(snapshot).unwrap().map(|cell| cell.status)
    }

    #[test]
    fn the_cell_that_misses_lines_is_critical_and_says_how_many() {
        let well = standing(&ended());
        assert!(!well.contains(&Status::Critical), "{well:?}");
        let checks: [fn(&mut Ledger); 5] = [
            |ledger| ledger.intake.read += 2,
            |ledger| ledger.quarantine_written -= 2,
            |ledger| ledger.intake.clean -= 2,
            |ledger| ledger.written += 2,
            |ledger| ledger.visible[Dc::Americas] = Reading::Known(8),
        ];
        for (place, change) in checks.into_iter().enumerate() {
            let open = ended_with(change);
            let cells = strip(&open).unwrap();
            assert_eq!(cells[place].status, Status::Critical, "{place}");
            assert_eq!(cells[place].notes[1], "gap 2");
            let said: u64 = gaps(&open).iter().sum();
            let gap = ledger::balance(&open);
            assert_eq!(gap, Some(ledger::Balance::Gap(said)));
        }
    }

    #[test]
    fn a_region_says_what_flows_in_and_out_and_what_is_not_known() {
        let mut snapshot = ended();
        let region = &mut snapshot.regions[Region::Europe];
        region.produced_per_sec = Some(1_500.0);
        region.written = 7;
        let card = &cards(&snapshot)[Region::Europe];
        assert_eq!(card.rates, "1\u{2009}500/s in \u{b7} out Unknown");
        let label = card.label();
        assert!(
            label.starts_with("Europe, Unknown: 1\u{2009}500/s in"),
            "{label}"
        );
        assert!(label.ends_with("written 7"), "{label}");
    }

    #[test]
    fn a_cell_says_both_percentiles_or_why_it_has_none() {
        let mut snapshot = ended();
        let way = &mut snapshot.canary[Dc::Europe];
        way[Dc::Americas] = Reading::Known(Delay {
            p50_us: 3_000,
            p99_us: 250_000,
            samples: 9,
        });
        way[Dc::AsiaPacific] = Reading::Unknown("AsiaPacific_DC is down".to_owned());
        let cells = canary(&snapshot);
        let cell = &cells[Dc::Europe][Dc::Americas];
        assert_eq!(
            cell.label(),
            "Written in Europe_DC, read in Americas_DC: p50 3.0 ms, p99 250 ms"
        );
        let cell = &cells[Dc::Europe][Dc::AsiaPacific];
        assert_eq!(cell.says(), "Unknown: AsiaPacific_DC is down");
    }

    #[test]
    fn what_may_still_come_is_no_gap() {
        let mut open = ended_with(|ledger| ledger.visible[Dc::Americas] = Reading::Known(8));
        open.loads[0].to = None;
        assert!(!standing(&open).contains(&Status::Critical));
        let more = ended_with(|ledger| ledger.produced = 12);
        let note = produced_note(more.ledger.as_ref().unwrap());
        assert_eq!(note, "2 more than counted yet");
    }
}
