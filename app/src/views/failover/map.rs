//! Who serves what, now: the regions, the data centres, the links between them.

use std::time::Duration;

use retail_engine::failover::RouteState;
use retail_engine::handle::Snapshot;
use retail_engine::model::{Dc, PerDc, PerRegion, Region};
use retail_engine::ports::DcState;
use retail_engine::watch::health::DcVerdict;

use super::dcs;
use crate::views::format;
use crate::views::overview::dc_state;
use crate::widgets::Status;

/// The traffic of a region.
#[derive(Debug, Clone, PartialEq)]
pub struct Traffic {
    /// The region.
    pub region: Region,
    /// Lines written per second, in words.
    pub rate: String,
    /// Width of its arrow in points: one more for each power of ten.
    pub width: f32,
    /// The data centre that it goes through.
    pub serving: Dc,
    /// Its home answers it.
    pub is_home: bool,
    /// In words.
    pub note: String,
}

/// A data centre on the map.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// Which.
    pub dc: Dc,
    /// How it stands.
    pub status: Status,
    /// Its state and, while a fault lasts, its end.
    pub state: String,
    /// Whether a fault is in force there.
    pub is_hit: bool,
    /// What the witnesses say, or what it serves.
    pub note: String,
    /// Latency of its writes.
    pub latency: String,
}

/// How a link stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkState {
    /// Both sides see each other.
    Up,
    /// Neither sees the other.
    Cut,
    /// They do not agree, or are suspect.
    Disputed,
    /// Nobody can say.
    Unknown,
}

/// A link between two data centres.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// One side.
    pub a: Dc,
    /// The other.
    pub b: Dc,
    /// How it stands.
    pub state: LinkState,
    /// In words.
    pub text: String,
}

/// The map.
#[derive(Debug, Clone, PartialEq)]
pub struct Map {
    /// Per region.
    pub traffic: PerRegion<Traffic>,
    /// Per data centre.
    pub places: PerDc<Place>,
    /// The three links.
    pub links: [Link; 3],
}

impl Map {
    /// Of a snapshot.
    pub fn of(snapshot: &Snapshot) -> Self {
        Self {
            traffic: PerRegion::from_fn(|region| traffic(snapshot, region)),
            places: PerDc::from_fn(|dc| place(snapshot, dc)),
            links: [
                (Dc::Americas, Dc::Europe),
                (Dc::Europe, Dc::AsiaPacific),
                (Dc::Americas, Dc::AsiaPacific),
            ]
            .map(|(a, b)| link(snapshot, a, b)),
        }
    }
}

/// Width of the arrow of a rate.
fn width(rate: f64) -> f32 {
    if rate < 1.0 {
        1.0
    } else if rate < 100.0 {
        2.0
    } else if rate < 10_000.0 {
        4.0
    } else {
        6.0
    }
}

fn traffic(snapshot: &Snapshot, region: Region) -> Traffic {
    let view = &snapshot.regions[region];
    let rate = view.written_per_sec;
    Traffic {
        region,
        rate: rate.map_or_else(
            || "rate unknown".to_owned(),
            |rate| format::rate(rate, "rows"),
        ),
        width: width(rate.unwrap_or_default()),
        serving: view.serving,
        is_home: view.serving == region.home(),
        note: match view.route {
            RouteState::Home => "at home".to_owned(),
            RouteState::Suspect => "home does not answer well".to_owned(),
            RouteState::FailedOver { .. } => "failed over".to_owned(),
            RouteState::FailingBack { .. } => "waits to go home".to_owned(),
        },
    }
}

fn place(snapshot: &Snapshot, dc: Dc) -> Place {
    let verdict = snapshot.dcs[dc].verdict;
    let (status, word) = dc_state(verdict);
    let hit = snapshot.faults.iter().find(|lease| {
        use retail_engine::ports::Fault;
        match lease.fault {
            Fault::DcDown { dc: hit }
            | Fault::DcPaused { dc: hit }
            | Fault::DcSlow { dc: hit, .. }
            | Fault::DiskFull { dc: hit } => hit == dc,
            Fault::LinkCut { a, b } => a == dc || b == dc,
            Fault::LogDown => false,
        }
    });
    let state = hit.map_or_else(
        || word.to_owned(),
        |lease| {
            let left = (lease.ends_at - snapshot.at).to_std().unwrap_or_default();
            format!("{word}, fault ends in {}", format::age(left))
        },
    );
    let cards = dcs::cards(snapshot, Duration::ZERO);
    let card = &cards[dc];
    let latency = card.latency[1].known().map_or_else(
        || "p99 write unknown".to_owned(),
        |time| format!("p99 write {}", format::millis(*time)),
    );
    Place {
        dc,
        status,
        state,
        is_hit: hit.is_some(),
        note: if verdict == DcVerdict::Up {
            card.serves.clone()
        } else {
            card.seen.clone()
        },
        latency,
    }
}

fn link(snapshot: &Snapshot, a: Dc, b: Dc) -> Link {
    let (there, back) = (snapshot.dcs[b].seen_by[a], snapshot.dcs[a].seen_by[b]);
    let state = link_state(there, back);
    let delay = snapshot.canary[a][b]
        .known()
        .zip(snapshot.canary[b][a].known());
    let text = match (state, delay) {
        (LinkState::Up, Some((there, back))) => {
            let most = Duration::from_micros(there.p99_us.max(back.p99_us));
            format::millis(most)
        }
        (LinkState::Up, None) => "up".to_owned(),
        (LinkState::Cut, _) => "no path".to_owned(),
        (LinkState::Disputed, _) => "disputed".to_owned(),
        (LinkState::Unknown, _) => "unknown".to_owned(),
    };
    Link { a, b, state, text }
}

const fn link_state(there: DcState, back: DcState) -> LinkState {
    match (there, back) {
        (DcState::Up, DcState::Up) => LinkState::Up,
        (DcState::Down, DcState::Down | DcState::Unknown) | (DcState::Unknown, DcState::Down) => {
            LinkState::Cut
        }
        (DcState::Unknown, DcState::Unknown) => LinkState::Unknown,
        _ => LinkState::Disputed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_as_its_two_ends_see_it() {
        use DcState::{Down, Suspect, Unknown, Up};
        for (there, back, state) in [
            (Up, Up, LinkState::Up),
            (Down, Down, LinkState::Cut),
            (Down, Unknown, LinkState::Cut),
            (Unknown, Unknown, LinkState::Unknown),
            (Up, Down, LinkState::Disputed),
            (Suspect, Up, LinkState::Disputed),
        ] {
            assert_eq!(link_state(there, back), state, "{there:?} {back:?}");
        }
    }

    #[test]
    fn arrows_grow_with_the_rate() {
        assert!(width(0.0) < width(9.5));
        assert!(width(9.5) < width(800.0));
        assert!(width(800.0) < width(500_000.0));
    }
}
