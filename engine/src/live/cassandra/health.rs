//! Health of the data centres: our own requests, and what each node says when it is asked.
//!
//! Nodes are asked by a task at an interval, so that [`crate::ports::Store::health`] returns at
//! once. What a data centre thinks of another is judged from the heartbeats that reach it: gossip
//! says when a heart last beat, and a node that hears no new beat hears nothing of that node.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use scylla::cluster::Node;
use tokio::task::JoinSet;
use uuid_of::HostId;

use super::core::Core;
use super::session::dc_named;
use super::views::{Heard, Kept, NodeView, Untold};
use crate::model::{Dc, DcSet, PerDc, Reading};
use crate::ports::{Backlog, Compactions, DcHealth, DcState, StoreHealth, WitnessView};

/// Between two rounds of asking.
pub(super) const SAMPLE_EVERY: Duration = Duration::from_secs(2);
/// Rounds between two looks at disks, which change slowly.
const ROUNDS_PER_DISK: u64 = 5;
/// Without a new heartbeat for so long a node is suspected. Beats come each second, through others.
const SUSPECT_AFTER: Duration = Duration::from_secs(5);
/// And for so long it is called down: what a node with `phi_convict_threshold` 6 takes.
const DOWN_AFTER: Duration = Duration::from_secs(14);

/// What was last known of the nodes.
#[derive(Debug)]
pub(super) struct Sampled {
    rounds: u64,
    views: PerDc<PerDc<DcState>>,
    /// As far as they are told.
    hints: PerDc<Hints>,
    /// Why a node that answers does not tell those that it keeps, for whichever data centre.
    untold: Option<Untold>,
    disks: PerDc<Reading<u64>>,
    compactions: PerDc<Reading<Compactions>>,
    /// Last beats: of a node, as an observer heard them.
    beats: HashMap<(HostId, IpAddr), Beat>,
    /// Since when a data centre has no node that answers.
    silent_since: PerDc<Option<Duration>>,
}

/// Hints that wait for a data centre.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Hints {
    files: u64,
    oldest_ms: Option<i64>,
}

impl Default for Sampled {
    fn default() -> Self {
        Self {
            rounds: 0,
            views: PerDc([PerDc([DcState::Unknown; 3]); 3]),
            hints: PerDc::default(),
            untold: Some(Untold::Now("the nodes were not asked yet".to_owned())),
            disks: PerDc::from_fn(|_| Reading::Unknown("the nodes were not asked yet".to_owned())),
            compactions: PerDc::from_fn(|_| {
                Reading::Unknown("the nodes were not asked yet".to_owned())
            }),
            beats: HashMap::new(),
            silent_since: PerDc::default(),
        }
    }
}

/// What one node said.
struct Said {
    host: HostId,
    dc: Dc,
    answers: bool,
    gossip: Result<Vec<Heard>, String>,
    hints: Result<Vec<Kept>, Untold>,
    disk: Option<Result<u64, String>>,
    compactions: Result<Compactions, String>,
}

/// Whether disks are asked for in a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Disks {
    Ask,
    Leave,
}

async fn ask(core: &Core, node: &Arc<Node>, dc: Dc, disks: Disks) -> Said {
    let view = NodeView::new(&core.link.session, node);
    let host = HostId::of(node);
    if !node.is_connected() || !view.answers().await {
        let silent = || Err("the data centre does not answer".to_owned());
        return Said {
            host,
            dc,
            answers: false,
            gossip: silent().map(|()| Vec::new()),
            hints: Ok(Vec::new()),
            disk: (disks == Disks::Ask).then(|| silent().map(|()| 0)),
            compactions: Err("the data centre does not answer".to_owned()),
        };
    }
    Said {
        host,
        dc,
        answers: true,
        gossip: view.gossip().await,
        hints: view.hints().await,
        disk: match disks {
            Disks::Ask => Some(view.disk_bytes(&core.keyspace).await),
            Disks::Leave => None,
        },
        compactions: view.compactions().await,
    }
}

/// Of two nodes of a data centre; why it is not known where one of them does not tell.
fn together(
    one: Result<Compactions, String>,
    other: &Result<Compactions, String>,
) -> Result<Compactions, String> {
    let (one, other) = (one?, other.clone()?);
    let backlog = match (one.backlog, other.backlog) {
        (Backlog::Tasks(a), Backlog::Tasks(b)) => Backlog::Tasks(a + b),
        (Backlog::Files(a), Backlog::Files(b)) => Backlog::Files(a + b),
        (Backlog::Tasks(_), Backlog::Files(_)) | (Backlog::Files(_), Backlog::Tasks(_)) => {
            return Err("its nodes tell different things".to_owned());
        }
    };
    Ok(Compactions {
        running: one.running + other.running,
        backlog,
    })
}

/// Asks every node once.
pub(super) async fn sample(core: &Arc<Core>) {
    let rounds = core.sampled.lock().rounds;
    let disks = if rounds.is_multiple_of(ROUNDS_PER_DISK) {
        Disks::Ask
    } else {
        Disks::Leave
    };
    let state = core.link.session.get_cluster_state();
    let mut asking = JoinSet::new();
    for node in state.get_nodes_info() {
        let Some(dc) = node.datacenter.as_deref().and_then(dc_named) else {
            continue;
        };
        let (core, node) = (Arc::clone(core), Arc::clone(node));
        asking.spawn(async move { ask(&core, &node, dc, disks).await });
    }
    let mut said = Vec::new();
    while let Some(done) = asking.join_next().await {
        said.extend(done.ok());
    }
    let now = core.clock.monotonic();
    let mut sampled = core.sampled.lock();
    sampled.rounds += 1;
    sampled.take(&said, now);
    let overdue = sampled.overdue(core, now);
    drop(sampled);
    let mut repair_needed = core.repair_needed.lock();
    for dc in overdue.iter() {
        *repair_needed = repair_needed.with(dc);
    }
}

/// A beat that was heard.
#[derive(Debug, Clone, Copy)]
struct Beat {
    /// Generation and number.
    heard: (i32, i32),
    /// Since when it is the last.
    since: Duration,
    /// Another was heard before it: the heart beats, or did.
    has_changed: bool,
}

impl Sampled {
    fn take(&mut self, said: &[Said], now: Duration) {
        let mut views = PerDc([PerDc([DcState::Unknown; 3]); 3]);
        let mut hints: PerDc<Hints> = PerDc::default();
        let mut untold = None;
        let mut disks: PerDc<Option<Result<u64, String>>> = PerDc::from_fn(|_| None);
        let mut merging: PerDc<Option<Result<Compactions, String>>> = PerDc::from_fn(|_| None);
        let mut answering = DcSet::NONE;
        for said in said {
            if said.answers {
                answering = answering.with(said.dc);
            }
            for heard in said.gossip.iter().flatten() {
                let state = self.judge(said, heard, now);
                let seen = &mut views[said.dc][heard.dc];
                *seen = better(*seen, state);
            }
            if said.answers {
                views[said.dc][said.dc] = DcState::Up;
            }
            match (&said.hints, &untold) {
                (Ok(_), _) | (Err(_), Some(Untold::Now(_))) => {}
                (Err(why), None | Some(Untold::Never)) => untold = Some(why.clone()),
            }
            for kept in said.hints.iter().flatten() {
                let hints = &mut hints[kept.for_dc];
                hints.files += kept.files;
                hints.oldest_ms = match (hints.oldest_ms, kept.oldest_ms) {
                    (Some(a), Some(b)) => Some(a.min(b)),
                    (one, None) | (None, one) => one,
                };
            }
            let all = &mut merging[said.dc];
            *all = Some(match all.take() {
                Some(known) => together(known, &said.compactions),
                None => said.compactions.clone(),
            });
            if let Some(disk) = &said.disk {
                let all = &mut disks[said.dc];
                *all = Some(match (all.take(), disk) {
                    (Some(Ok(a)), Ok(b)) => Ok(a + b),
                    (Some(Err(why)), _) => Err(why),
                    (_, other) => other.clone(),
                });
            }
        }
        self.views = views;
        self.hints = hints;
        self.untold = untold;
        for dc in Dc::ALL {
            if answering.contains(dc) {
                self.silent_since[dc] = None;
            } else {
                self.silent_since[dc].get_or_insert(now);
                self.disks[dc] = Reading::Unknown("the data centre does not answer".to_owned());
            }
            self.compactions[dc] = match merging[dc].take() {
                Some(Ok(known)) => Reading::Known(known),
                Some(Err(why)) => Reading::Unknown(why),
                None => Reading::Unknown("the data centre does not answer".to_owned()),
            };
            match disks[dc].take() {
                Some(Ok(bytes)) => self.disks[dc] = Reading::Known(bytes),
                Some(Err(why)) => self.disks[dc] = Reading::Unknown(why),
                None => {}
            }
        }
    }

    /// What an observer must think of a node whose beats it hears.
    fn judge(&mut self, observer: &Said, heard: &Heard, now: Duration) -> DcState {
        let first = Beat {
            heard: heard.beat,
            since: now,
            has_changed: false,
        };
        let beat = self
            .beats
            .entry((observer.host, heard.address))
            .or_insert(first);
        if beat.heard != heard.beat {
            *beat = Beat {
                has_changed: true,
                ..first
            };
        }
        let silent = now.saturating_sub(beat.since);
        if silent >= DOWN_AFTER {
            DcState::Down
        } else if silent >= SUSPECT_AFTER {
            DcState::Suspect
        } else if beat.has_changed {
            DcState::Up
        } else {
            // Its last beat may be from long before it was first asked about.
            DcState::Unknown
        }
    }

    /// Data centres for which hints are no longer kept: silent for longer than the window, or
    /// with hints that are older.
    fn overdue(&self, core: &Core, now: Duration) -> DcSet {
        let wall_ms = core.clock.now().timestamp_millis();
        let window = core.hint_window;
        let late = |dc: &Dc| {
            let silent = self.silent_since[*dc].map(|since| now.saturating_sub(since));
            let oldest = age(self.hints[*dc].oldest_ms, wall_ms);
            silent.is_some_and(|t| t > window) || oldest.is_some_and(|t| t > window)
        };
        Dc::ALL.into_iter().filter(late).collect()
    }

    /// Files of hints that wait for a data centre.
    fn hint_files(&self, dc: Dc) -> Reading<u64> {
        match &self.untold {
            None => Reading::Known(self.hints[dc].files),
            Some(Untold::Never) => Reading::Unknown(
                "the nodes have no table of their hints, or the account may not read it".to_owned(),
            ),
            Some(Untold::Now(why)) => {
                Reading::Unknown(format!("a node does not tell its hints: {why}"))
            }
        }
    }

    /// Whether a data centre answers, and no hint waits for it as far as its nodes ever tell.
    pub(super) fn is_drained(&self, dc: Dc) -> bool {
        // Who waited for what is never told would wait for ever.
        let is_told = !matches!(self.untold, Some(Untold::Now(_)));
        is_told && self.hints[dc].files == 0 && self.silent_since[dc].is_none()
    }
}

fn age(at_ms: Option<i64>, now_ms: i64) -> Option<Duration> {
    at_ms.map(|at| Duration::from_millis(u64::try_from(now_ms - at).unwrap_or(0)))
}

/// Of several nodes of a data centre the one that does best speaks for it.
const fn better(a: DcState, b: DcState) -> DcState {
    match (a, b) {
        (DcState::Up, _) | (_, DcState::Up) => DcState::Up,
        (DcState::Suspect, _) | (_, DcState::Suspect) => DcState::Suspect,
        (DcState::Down, _) | (_, DcState::Down) => DcState::Down,
        (DcState::Unknown, DcState::Unknown) => DcState::Unknown,
    }
}

/// See [`crate::ports::Store::health`].
pub(super) fn health(core: &Core) -> StoreHealth {
    let connected = core.link.connected();
    let now_ms = core.clock.now().timestamp_millis();
    let repair_needed = *core.repair_needed.lock();
    let sampled = core.sampled.lock();
    let dcs = PerDc::from_fn(|dc| {
        let meter = &core.link.meters[dc];
        let [p50, p99] = meter.percentiles();
        let hints = sampled.hint_files(dc);
        DcHealth {
            rows: if connected.contains(dc) {
                core.rows_last_compared(dc)
            } else {
                Reading::Unknown("the data centre does not answer".to_owned())
            },
            disk_bytes: sampled.disks[dc].clone(),
            compactions: sampled.compactions[dc].clone(),
            writes: meter.writes(),
            write_errors: meter.errors(),
            write_p50_us: p50,
            write_p99_us: p99,
            hint_bytes: match &hints {
                Reading::Known(0) => Reading::Known(0),
                Reading::Unknown(why) => Reading::Unknown(why.clone()),
                Reading::Known(_) | Reading::Stale { .. } => Reading::Unknown(
                    "Cassandra tells files of hints and not their bytes".to_owned(),
                ),
            },
            hints,
            oldest_hint: age(sampled.hints[dc].oldest_ms, now_ms),
            repair_needed: repair_needed.contains(dc),
        }
    });
    StoreHealth {
        dcs,
        witnesses: WitnessView {
            views: sampled.views,
        },
    }
}

mod uuid_of {
    //! The driver's host ids are of a crate that is not ours to name.

    use scylla::cluster::Node;

    /// A node, whatever its address.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub(super) struct HostId([u8; 16]);

    impl HostId {
        pub(super) fn of(node: &Node) -> Self {
            Self(*node.host_id.as_bytes())
        }

        #[cfg(test)]
        pub(super) const fn numbered(n: u8) -> Self {
            Self([n; 16])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(dc: Dc, host: u8, beats: &[(Dc, i32)]) -> Said {
        let heard = beats.iter().map(|(dc, beat)| Heard {
            address: IpAddr::from([127, 0, 0, 1 + u8::try_from(dc.index()).unwrap()]),
            dc: *dc,
            beat: (1, *beat),
        });
        Said {
            host: HostId::numbered(host),
            dc,
            answers: true,
            gossip: Ok(heard.collect()),
            hints: Ok(vec![Kept {
                for_dc: Dc::AsiaPacific,
                files: 2,
                oldest_ms: Some(1_000 * i64::from(host)),
            }]),
            disk: Some(Ok(5)),
            compactions: Ok(Compactions {
                running: 1,
                backlog: Backlog::Tasks(u64::from(host)),
            }),
        }
    }

    #[test]
    fn a_heart_that_stops_beating_is_suspected_then_called_down() {
        let mut sampled = Sampled::default();
        let beats = |n: i32, asia: i32| {
            [
                said(Dc::Europe, 1, &[(Dc::Americas, n), (Dc::AsiaPacific, asia)]),
                said(Dc::Americas, 2, &[(Dc::Europe, n), (Dc::AsiaPacific, asia)]),
            ]
        };
        let secs = Duration::from_secs;
        sampled.take(&beats(1, 1), secs(0));
        assert_eq!(sampled.views[Dc::Europe][Dc::Americas], DcState::Unknown);
        assert_eq!(sampled.views[Dc::Europe][Dc::Europe], DcState::Up);
        for (n, expect) in [
            (2, DcState::Unknown),
            (6, DcState::Suspect),
            (15, DcState::Down),
        ] {
            sampled.take(&beats(n, 1), secs(n.unsigned_abs().into()));
            assert_eq!(sampled.views[Dc::Europe][Dc::AsiaPacific], expect, "{n}");
            assert_eq!(sampled.views[Dc::Europe][Dc::Americas], DcState::Up);
        }
        assert_eq!(sampled.views[Dc::AsiaPacific][Dc::Europe], DcState::Unknown);
        for n in [16, 17] {
            sampled.take(&beats(n, 2), secs(n.unsigned_abs().into()));
            assert_eq!(sampled.views[Dc::Americas][Dc::AsiaPacific], DcState::Up);
        }
    }

    #[test]
    fn hints_of_all_nodes_count_and_the_oldest_is_told() {
        let mut sampled = Sampled::default();
        let all = [said(Dc::Europe, 1, &[]), said(Dc::Americas, 2, &[])];
        sampled.take(&all, Duration::ZERO);
        let hints = sampled.hints[Dc::AsiaPacific];
        assert_eq!((hints.files, hints.oldest_ms), (4, Some(1_000)));
        assert_eq!(sampled.hint_files(Dc::AsiaPacific), Reading::Known(4));
        assert_eq!(sampled.hint_files(Dc::Europe), Reading::Known(0));
        assert_eq!(sampled.disks[Dc::Europe], Reading::Known(5));
        assert!(sampled.disks[Dc::AsiaPacific].known().is_none());
        assert!(sampled.silent_since[Dc::AsiaPacific].is_some());
    }

    #[test]
    fn compactions_are_those_of_all_nodes_of_a_data_centre_or_unknown() {
        let mut sampled = Sampled::default();
        let mut all = [said(Dc::Europe, 1, &[]), said(Dc::Europe, 2, &[])];
        sampled.take(&all, Duration::ZERO);
        let both = Compactions {
            running: 2,
            backlog: Backlog::Tasks(3),
        };
        assert_eq!(sampled.compactions[Dc::Europe], Reading::Known(both));
        let silent = &sampled.compactions[Dc::Americas];
        assert!(silent.known().is_none());
        all[0].compactions = Err("it has no such table".to_owned());
        sampled.take(&all, Duration::ZERO);
        let why = Reading::Unknown("it has no such table".to_owned());
        assert_eq!(sampled.compactions[Dc::Europe], why);
    }

    #[test]
    fn hints_that_a_node_does_not_tell_are_not_none() {
        let mut sampled = Sampled::default();
        assert!(!sampled.is_drained(Dc::Europe), "nobody was asked yet");
        let late = || Err(Untold::Now("it was late".to_owned()));
        // (what the three say, whether Europe is drained, whether its hints are known)
        for (row, (hints, is_drained, is_known)) in [
            ([Ok(()), Ok(()), Ok(())], true, true),
            ([Ok(()), late(), Ok(())], false, false),
            ([late(), Err(Untold::Never), Ok(())], false, false),
            ([Err(Untold::Never), late(), Ok(())], false, false),
            // Never told: it is not waited for.
            ([Err(Untold::Never), Ok(()), Ok(())], true, false),
            ([Ok(()), Ok(()), Ok(())], true, true),
        ]
        .into_iter()
        .enumerate()
        {
            let all: Vec<_> = Dc::ALL
                .into_iter()
                .zip(hints)
                .map(|(dc, hints)| Said {
                    hints: hints.map(|()| Vec::new()),
                    ..said(dc, 1, &[])
                })
                .collect();
            sampled.take(&all, Duration::ZERO);
            assert_eq!(sampled.is_drained(Dc::Europe), is_drained, "row {row}");
            let files = sampled.hint_files(Dc::Europe);
            assert_eq!(files.known().is_some(), is_known, "row {row}");
        }
        // One that does not answer at all is not there to be waited for, nor drained.
        let all = [said(Dc::Europe, 1, &[]), said(Dc::Americas, 2, &[])];
        sampled.take(&all, Duration::ZERO);
        let drained = [Dc::Europe, Dc::Americas, Dc::AsiaPacific].map(|dc| sampled.is_drained(dc));
        assert_eq!(drained, [true, true, false]);
    }
}
