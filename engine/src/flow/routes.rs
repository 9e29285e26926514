//! Where each region's requests go, and at which level: the failover state machine with its
//! clock, its ears and its hands.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::Sender;
use parking_lot::{Mutex, RwLock};

use crate::failover::{
    Action, ErrorKind, Input, Machine, Manual, Now, Policy, ProbeOutcome, Refusal, RequestOutcome,
    Standing, TransitionEvent, WriteMode,
};
use crate::model::{ConsistencyLevel, Dc, PerDc, PerRegion, Region};
use crate::ports::{Clock, ReadSource, StoreError};

/// Changes of state kept: a drill makes some ten per region.
const TRANSITIONS_KEPT: usize = 256;

/// How a region's requests travel now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Route {
    /// Data centre of the coordinator.
    pub(crate) via: Dc,
    /// What a write waits for; `None` while writes wait for a data centre.
    pub(crate) level: Option<ConsistencyLevel>,
}

/// Work that the machine asks for and that takes too long to be done where it asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ask {
    /// Compare a data centre with the others.
    Compare(Dc),
    /// Repair a data centre, then compare.
    Repair(Dc),
    /// Nothing more will be asked.
    End,
}

/// What hears of changes of state.
pub(crate) type OnTransition = Box<dyn Fn(&TransitionEvent) + Send + Sync>;

/// The routes of all regions.
pub(crate) struct Routes {
    machine: Mutex<Machine>,
    by_region: RwLock<PerRegion<Route>>,
    policy: Policy,
    clock: Arc<dyn Clock>,
    on_transition: OnTransition,
    asks: Sender<Ask>,
    /// The newest changes of state, oldest first.
    transitions: Mutex<VecDeque<TransitionEvent>>,
}

/// The machine's state, for those who show it.
#[derive(Debug, Clone)]
pub(crate) struct RoutesView {
    /// The machine.
    pub(crate) machine: Machine,
    /// How long each region must still wait before it may go home.
    pub(crate) hold_down_left: PerRegion<Option<Duration>>,
}

impl Routes {
    /// All regions at home.
    pub(crate) fn new(
        policy: Policy,
        clock: Arc<dyn Clock>,
        asks: Sender<Ask>,
        on_transition: OnTransition,
    ) -> Self {
        let by_region = PerRegion::from_fn(|region| Route {
            via: region.home(),
            level: Some(ConsistencyLevel::Quorum),
        });
        Self {
            machine: Mutex::new(Machine::default()),
            by_region: RwLock::new(by_region),
            policy,
            clock,
            on_transition,
            asks,
            transitions: Mutex::default(),
        }
    }

    /// The numbers that decide.
    pub(crate) const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Changes of state at `since` or later, as far back as they are kept.
    pub(crate) fn transitions(&self, since: Duration) -> Vec<TransitionEvent> {
        let kept = self.transitions.lock();
        let newer = kept.iter().filter(|event| event.since_start >= since);
        newer.copied().collect()
    }

    /// The route of a region now.
    pub(crate) fn of(&self, region: Region) -> Route {
        self.by_region.read()[region]
    }

    /// The data centre and the level for a request that belongs to no region: the strongest
    /// level that those which can be reached may meet.
    pub(crate) fn anywhere(&self) -> (Dc, ConsistencyLevel) {
        let reachable = self.machine.lock().reachable();
        let level = match reachable.len() {
            0 | 1 => ConsistencyLevel::One,
            _ => ConsistencyLevel::Quorum,
        };
        (reachable.iter().next().unwrap_or(Dc::Europe), level)
    }

    /// Where such a request is answered.
    pub(crate) fn read_anywhere(&self) -> ReadSource {
        let (via, level) = self.anywhere();
        ReadSource::Level { via, level }
    }

    /// A request of the region through `via` was answered.
    pub(crate) fn succeeded(&self, region: Region, via: Dc, latency: Duration) {
        let outcome = RequestOutcome::Ok { latency };
        self.hear(Input::Request {
            region,
            via,
            outcome,
        });
    }

    /// A request of the region through `via` failed.
    pub(crate) fn failed(&self, region: Region, via: Dc, error: &StoreError) {
        if let Some(kind) = ErrorKind::of(error) {
            self.hear(Input::Request {
                region,
                via,
                outcome: RequestOutcome::Error(kind),
            });
        }
    }

    /// A probe of a data centre ended.
    pub(crate) fn probed(&self, dc: Dc, outcome: ProbeOutcome) {
        self.hear(Input::Probe { dc, outcome });
    }

    /// A data centre was compared with the others.
    pub(crate) fn compared(&self, dc: Dc, standing: Standing) {
        self.hear(Input::Compared { dc, standing });
    }

    /// A person moves a region.
    pub(crate) fn command(&self, region: Region, manual: Manual) -> Result<(), Refusal> {
        let refused = self.hear(Input::Command { region, manual });
        refused.map_or(Ok(()), Err)
    }

    /// Time passed.
    pub(crate) fn tick(&self) {
        self.hear(Input::Tick);
    }

    /// The state to show.
    pub(crate) fn view(&self) -> RoutesView {
        let machine = self.machine.lock().clone();
        let now = self.clock.monotonic();
        RoutesView {
            hold_down_left: PerRegion::from_fn(|r| machine.hold_down_left(r, now, &self.policy)),
            machine,
        }
    }

    fn hear(&self, input: Input) -> Option<Refusal> {
        let now = Now {
            since_start: self.clock.monotonic(),
            wall: self.clock.now(),
        };
        // The lock is held until the routes are changed, so that two inputs cannot change them in
        // another order than the machine decided.
        let mut machine = self.machine.lock();
        let (next, actions) = machine.step(input, now, &self.policy);
        *machine = next;
        let mut refusal = None;
        for action in actions {
            match action {
                Action::RouteVia { region, dc } => self.by_region.write()[region].via = dc,
                Action::Write(mode) => self.set_level(mode),
                Action::Event(event) => {
                    self.keep(event);
                    (self.on_transition)(&event);
                }
                Action::AskCompare { dc } => self.ask(Ask::Compare(dc)),
                Action::AskRepair { dc } => self.ask(Ask::Repair(dc)),
                Action::Refuse { why, .. } => refusal = Some(why),
            }
        }
        refusal
    }

    fn keep(&self, event: TransitionEvent) {
        let mut kept = self.transitions.lock();
        if kept.len() == TRANSITIONS_KEPT {
            kept.pop_front();
        }
        kept.push_back(event);
    }

    fn set_level(&self, mode: WriteMode) {
        let mut routes = self.by_region.write();
        for region in Region::ALL {
            routes[region].level = mode.level();
        }
    }

    /// Ends whoever does what is asked.
    pub(crate) fn end_asks(&self) {
        if self.asks.send(Ask::End).is_err() {
            tracing::debug!("nobody is there to be asked");
        }
    }

    fn ask(&self, ask: Ask) {
        // The machine asks again when no answer comes, so an ask that finds the queue full is
        // not lost.
        if self.asks.try_send(ask).is_err() {
            tracing::debug!(?ask, "the comparer is busy");
        }
    }
}

/// How often all data centres are asked when they keep silent. A coordinator goes on choosing a
/// replica that was just lost until it is convinced of that (15 to 20 s in Cassandra, whose scans
/// do not try another one meanwhile): two rounds of 10 s each may be too early, a third is not.
const ROUNDS: usize = 3;

/// Asks through one data centre, and where that fails through the others in turn: before anything
/// was sent, nobody knows which of them answer. Silence is asked again; a refusal is an answer.
pub(crate) fn through_any<T>(
    first: Dc,
    mut ask: impl FnMut(Dc) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let mut round = 1;
    loop {
        let mut answer = ask(first);
        let mut silent = is_silence(&answer);
        for via in first.others() {
            if answer.is_err() {
                answer = ask(via);
                silent |= is_silence(&answer);
            }
        }
        if answer.is_ok() || !silent || round == ROUNDS {
            return answer;
        }
        tracing::info!(round, "a replica keeps silent; asking all again");
        round += 1;
    }
}

const fn is_silence<T>(answer: &Result<T, StoreError>) -> bool {
    matches!(answer, Err(StoreError::ReadTimeout { .. }))
}

/// How each data centre stands after a comparison.
pub(crate) fn standings(comparison: &crate::ports::Comparison) -> PerDc<Standing> {
    PerDc::from_fn(|dc| {
        let read = comparison.stored[dc].known().is_some();
        let differs = comparison.unequal.iter().any(|bucket| {
            let own = bucket.digests[dc];
            dc.others()
                .filter_map(|other| bucket.digests[other])
                .any(|other| Some(other) != own)
        });
        if !read {
            Standing::Unknown
        } else if differs {
            Standing::Unequal
        } else {
            Standing::Equal
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    type Say<'a> = &'a dyn Fn(usize, Dc) -> Result<(), StoreError>;

    fn silence(via: Dc) -> StoreError {
        StoreError::ReadTimeout {
            level: ConsistencyLevel::Quorum,
            via,
            after: Duration::from_secs(10),
        }
    }

    #[test]
    fn others_are_asked_where_one_fails_and_silence_is_asked_again() {
        let down = |dc| StoreError::CoordinatorDown { dc };
        let refused = |dc| StoreError::Unreadable {
            dc,
            what: "a damaged row".to_owned(),
        };
        // (what each ask in turn says, how many are made, whether one is answered)
        let table: [(Say<'_>, usize, bool); 5] = [
            (&|_, _| Ok(()), 1, true),
            (
                &|at, dc| if at < 2 { Err(down(dc)) } else { Ok(()) },
                3,
                true,
            ),
            (
                &|at, dc| if at < 7 { Err(silence(dc)) } else { Ok(()) },
                8,
                true,
            ),
            (&|_, dc| Err(refused(dc)), 3, false),
            (&|_, dc| Err(silence(dc)), 9, false),
        ];
        for (row, (say, asked, answered)) in table.into_iter().enumerate() {
            let mut through = Vec::new();
            let answer = through_any(Dc::Americas, |via| {
                through.push(via);
                say(through.len() - 1, via)
            });
            assert_eq!(
                (through.len(), answer.is_ok()),
                (asked, answered),
                "row {row}"
            );
            let expected = [Dc::Americas, Dc::Europe, Dc::AsiaPacific];
            for (at, via) in through.into_iter().enumerate() {
                assert_eq!(via, expected[at % 3], "row {row}, ask {at}");
            }
        }
    }
}
