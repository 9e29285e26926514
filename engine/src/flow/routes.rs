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

/// Asks through one data centre, and where that fails through the others in turn: before anything
/// was sent, nobody knows which of them answer.
pub(crate) fn through_any<T>(
    first: Dc,
    mut ask: impl FnMut(Dc) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let mut answer = ask(first);
    for via in first.others() {
        if answer.is_err() {
            answer = ask(via);
        }
    }
    answer
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
