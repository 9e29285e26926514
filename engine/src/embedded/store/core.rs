//! What all threads of the store share, and how a write goes out.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError};
use parking_lot::{Condvar, Mutex};

use crate::model::{Catalog, ConsistencyLevel, Dc, DcSet, PerDc};
use crate::ports::{Clock, StoreError};

use super::StoreOptions;
use super::faults::{CLOCK_SLICE, Delivery, Network};
use super::health::DiskSamples;
use super::hints::HintLedger;
use super::payload::Payload;
use super::replica::{QUEUE, Refusal, Replica, Reply, Request, Work};
use super::witness::Witnesses;
use super::write::Write;

/// A bell: rung by any thread, heard by one.
#[derive(Debug, Default)]
pub(super) struct Bell {
    rung: Mutex<bool>,
    changed: Condvar,
}

impl Bell {
    /// Rings.
    pub(super) fn ring(&self) {
        *self.rung.lock() = true;
        self.changed.notify_all();
    }

    /// Waits until it rings, or `at_most` passes.
    pub(super) fn wait(&self, at_most: Duration) {
        let mut rung = self.rung.lock();
        if !*rung {
            self.changed.wait_for(&mut rung, at_most);
        }
        *rung = false;
    }
}

/// What all threads of the store share.
pub(super) struct Core {
    /// The names behind ids.
    pub(super) catalog: Arc<Catalog>,
    /// Time.
    pub(super) clock: Arc<dyn Clock>,
    /// How it was opened.
    pub(super) options: StoreOptions,
    /// The faults in force.
    pub(super) network: Arc<Network>,
    /// Who sees whom.
    pub(super) witnesses: Witnesses,
    /// What hints are kept where.
    pub(super) ledger: Arc<HintLedger>,
    /// The replicas.
    pub(super) replicas: PerDc<Arc<Replica>>,
    /// The next write's number.
    pub(super) next_number: AtomicU64,
    /// Writes that some replica has neither acknowledged nor a hint for.
    pub(super) writes: Mutex<BTreeMap<u64, Arc<Write>>>,
    /// Something of `writes` or of the hints changed.
    pub(super) settled: Condvar,
    /// Replicas that were away for longer than hints are kept, and are still away.
    pub(super) past_window: Mutex<DcSet>,
    /// Replicas for which hints were dropped.
    pub(super) repair_needed: Mutex<DcSet>,
    /// Wakes the thread that keeps and delivers hints.
    pub(super) keeper: Bell,
    /// Wakes the thread that sends heartbeats.
    pub(super) heart: Bell,
    /// Sizes of the folders.
    pub(super) disks: DiskSamples,
    /// No more requests are taken.
    pub(super) closed: AtomicBool,
    /// Only one repair at a time.
    pub(super) repairing: Mutex<()>,
}

impl Core {
    /// An error once the store is closed.
    pub(super) fn check_open(&self) -> Result<(), StoreError> {
        if self.closed.load(Ordering::Acquire) {
            Err(StoreError::Closed)
        } else {
            Ok(())
        }
    }

    /// An error when a coordinator in `via` does not take the request. A paused one takes it and
    /// does not answer: `Ok(false)` after the request time-out.
    pub(super) fn enter(&self, via: Dc) -> Result<bool, StoreError> {
        self.check_open()?;
        if self.network.is_down(via) || self.replicas[via].has_failed() {
            return Err(StoreError::CoordinatorDown { dc: via });
        }
        if let Some(delay) = self.network.delay(via) {
            // The way to the coordinator is slow, whoever holds the rows behind it.
            self.clock.sleep(delay.min(self.options.request_timeout));
            if delay >= self.options.request_timeout {
                return Ok(false);
            }
        }
        let deadline = self.clock.monotonic() + self.options.request_timeout;
        Ok(self
            .network
            .wait_while_paused(via, &*self.clock, Some(deadline)))
    }

    /// The replicas that a coordinator in `via` believes to be up. Connecting to one that
    /// refuses fails at once; one that was silent for long is not tried.
    pub(super) fn alive_for(&self, via: Dc) -> DcSet {
        let alive = Dc::ALL.into_iter().filter(|dc| {
            if self.replicas[*dc].has_failed()
                || self.network.deliver(via, *dc) == Delivery::Refused
            {
                self.witnesses.refused(via, *dc);
                return false;
            }
            *dc == via || !self.witnesses.gave_up(via, *dc)
        });
        alive.collect()
    }

    /// Sends a request to a replica.
    pub(super) fn send(&self, from: Dc, to: Dc, work: Work, reply: Reply) -> Delivery {
        match self.network.deliver(from, to) {
            Delivery::Arrived => match self.replicas[to].ask(Request { work, reply }) {
                Ok(()) => Delivery::Arrived,
                Err(_full) => Delivery::Lost,
            },
            other => other,
        }
    }

    /// Sends a request and waits for its answer; `None` when there is none in time.
    pub(super) fn call(&self, from: Dc, to: Dc, work: Work) -> Option<Result<(), Refusal>> {
        let (answer, answers) = crossbeam_channel::bounded(1);
        let reply = Box::new(move |result| drop(answer.send(result)));
        match self.send(from, to, work, reply) {
            Delivery::Arrived => self.receive(&answers),
            Delivery::Refused => Some(Err(Refusal::Down)),
            Delivery::Lost => None,
        }
    }

    /// Sends a request and waits for its answer for as long as `to` gets on with what was sent to
    /// it before: a replica that was slow for a while has a queue to work off. `None` when it did
    /// nothing for a request time-out.
    pub(super) fn call_behind_others(
        &self,
        from: Dc,
        to: Dc,
        work: Work,
    ) -> Option<Result<(), Refusal>> {
        let (answer, answers) = crossbeam_channel::bounded(1);
        let reply = Box::new(move |result| drop(answer.send(result)));
        let mut request = Some(Request { work, reply });
        let served = || self.replicas[to].served();
        let mut before = served();
        loop {
            if let Some(waiting) = request.take() {
                match self.network.deliver(from, to) {
                    // Its queue is full: there is room once it has done something.
                    Delivery::Arrived => request = self.replicas[to].ask(waiting).err(),
                    Delivery::Refused => return Some(Err(Refusal::Down)),
                    Delivery::Lost => return None,
                }
            }
            if let Some(answer) = self.receive(&answers) {
                return Some(answer);
            }
            let now = served();
            if now == before {
                return None;
            }
            before = now;
        }
    }

    /// The next answer, if it comes within the request time-out.
    pub(super) fn receive<T>(&self, answers: &Receiver<T>) -> Option<T> {
        let deadline = self.clock.monotonic() + self.options.request_timeout;
        loop {
            let left = deadline.saturating_sub(self.clock.monotonic());
            match answers.recv_timeout(left.min(CLOCK_SLICE)) {
                Ok(answer) => return Some(answer),
                Err(RecvTimeoutError::Timeout) if !left.is_zero() => {}
                Err(_) => return None,
            }
        }
    }

    /// A number that no write has.
    pub(super) fn number(&self) -> u64 {
        self.next_number.fetch_add(1, Ordering::AcqRel)
    }

    /// Sends a write to the replicas.
    pub(super) fn submit(
        self: &Arc<Self>,
        via: Dc,
        level: ConsistencyLevel,
        encode: impl FnOnce(u64) -> Payload,
    ) -> Result<Arc<Write>, StoreError> {
        if !self.enter(via)? {
            return Err(StoreError::WriteTimeout {
                level,
                via,
                acked: DcSet::NONE,
                after: self.options.request_timeout,
            });
        }
        self.wait_for_room()?;
        let alive = self.alive_for(via);
        if !level.satisfied_by(alive, via) {
            return Err(StoreError::Unavailable { level, via, alive });
        }
        let number = self.number();
        let write = Arc::new(Write::new(
            number,
            encode(number),
            via,
            level,
            Arc::clone(&self.clock),
            self.options.request_timeout,
        ));
        self.writes.lock().insert(number, Arc::clone(&write));
        let dead: DcSet = Dc::ALL
            .into_iter()
            .filter(|dc| !alive.contains(*dc))
            .collect();
        let past_window = *self.past_window.lock();
        let hints: DcSet = dead
            .iter()
            .filter(|dc| !past_window.contains(*dc))
            .collect();
        write.note(|progress| {
            progress.failed = dead;
            progress.hinting = hints;
            progress.hinted = dead.iter().filter(|dc| past_window.contains(*dc)).collect();
        });
        for dc in alive.iter() {
            let hints = if dc == via { hints } else { DcSet::NONE };
            self.send_write(&write, dc, hints);
        }
        Ok(write)
    }

    fn wait_for_room(&self) -> Result<(), StoreError> {
        let mut writes = self.writes.lock();
        // Writes that met their level and wait for a silent replica keep memory, but hold up
        // nobody: otherwise one replica that does not answer would slow all regions down to a
        // few writes per time-out.
        let is_full = |writes: &BTreeMap<u64, Arc<Write>>| {
            let undecided = writes.values().filter(|write| !write.is_decided());
            writes.len() >= QUEUE || undecided.count() >= self.options.writes_in_flight
        };
        while is_full(&writes) {
            self.check_open()?;
            self.settled.wait_for(&mut writes, CLOCK_SLICE);
        }
        Ok(())
    }

    fn send_write(self: &Arc<Self>, write: &Arc<Write>, dc: Dc, hints: DcSet) {
        let work = Work::Apply {
            payload: Arc::clone(&write.payload),
            hints,
        };
        let (core, sent) = (Arc::clone(self), Arc::clone(write));
        let reply = Box::new(move |answer: Result<(), Refusal>| {
            core.write_answered(&sent, dc, hints, &answer);
        });
        match self.send(write.via, dc, work, reply) {
            // No answer will come; the deadline finds out.
            Delivery::Arrived | Delivery::Lost => {}
            Delivery::Refused => self.write_answered(write, dc, hints, &Err(Refusal::Down)),
        }
    }

    fn write_answered(&self, write: &Write, dc: Dc, hints: DcSet, answer: &Result<(), Refusal>) {
        match answer {
            Ok(()) | Err(Refusal::DiskFull) => self.witnesses.answered(write.via, dc),
            Err(Refusal::Down | Refusal::Failed(_)) => self.witnesses.refused(write.via, dc),
        }
        let age = write.age();
        self.replicas[dc].status(|status| match answer {
            Ok(()) => status.acknowledged_after(age),
            Err(_) => status.write_errors += 1,
        });
        write.answered(dc, answer);
        // It may have met its level, which makes room for the next.
        self.settled.notify_all();
        write.note(|progress| {
            for target in hints.iter() {
                progress.hinting = progress.hinting.without(target);
                if answer.is_ok() {
                    progress.hinted = progress.hinted.with(target);
                }
            }
        });
        self.retire(write);
        if answer.is_err() {
            self.keeper.ring();
        }
    }

    /// Takes a write off the list when every replica has it or will get it.
    pub(super) fn retire(&self, write: &Write) {
        if write.is_settled() {
            self.writes.lock().remove(&write.number);
            self.settled.notify_all();
        }
    }
}
