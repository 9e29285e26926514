//! The thread that sees to it that every replica gets every write in the end: it keeps hints for
//! those that did not take one, hands them over when they are back, and gives up after the hint
//! window.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;

use crate::model::{Dc, DcSet, PerDc};
use crate::ports::DcState;

use super::core::Core;
use super::faults::Delivery;
use super::hints::{hint_payload, hint_time, target_prefix};
use super::kv::{Row, Table};
use super::replica::{Refusal, Work};
use super::state::StateError;
use super::write::Write;

/// How often deadlines and the hint window are looked at when nothing rings.
const TICK: Duration = Duration::from_millis(50);

/// Hints on their way to one replica at a time; less than a replica's queue holds.
const HAND_OVER: usize = 8;

/// Hints that are dropped in one batch.
const DROP_BATCH: usize = 256;

/// Works until the store is closed and nothing is left to be kept.
pub(super) fn run(core: &Arc<Core>) {
    loop {
        keep_missed_writes(core);
        let more = hand_over_all(core);
        end_window(core);
        core.settled.notify_all();
        if core.closed.load(Ordering::Acquire) && core.writes.lock().is_empty() {
            return;
        }
        if !more {
            core.keeper.wait(TICK);
        }
    }
}

/// Keeps hints for replicas that refused a write or let its deadline pass.
fn keep_missed_writes(core: &Arc<Core>) {
    let writes: Vec<_> = core.writes.lock().values().cloned().collect();
    let now = core.clock.monotonic();
    for write in writes {
        let progress = write.progress();
        let is_late = now >= write.deadline;
        for target in Dc::ALL {
            let is_missed = is_late || progress.failed.contains(target);
            let is_cared_for = progress.acked.contains(target)
                || progress.hinted.contains(target)
                || progress.hinting.contains(target);
            if is_missed && !is_cared_for {
                if !progress.failed.contains(target) {
                    core.replicas[target].status(|status| status.write_errors += 1);
                }
                keep_hint(core, &write, target);
            }
        }
        // A holder that never answers must not hold the write for ever.
        if now >= write.deadline + core.options.request_timeout {
            write.note(|progress| progress.hinting = DcSet::NONE);
        }
        core.retire(&write);
    }
}

fn keep_hint(core: &Arc<Core>, write: &Arc<Write>, target: Dc) {
    if core.past_window.lock().contains(target) {
        write.note(|progress| progress.hinted = progress.hinted.with(target));
        return;
    }
    // At the end there is no later time at which a full disk could take it: the next start compares
    // what the replicas have applied, and makes them equal.
    let is_late = core.clock.monotonic() >= write.deadline + core.options.request_timeout;
    if is_late && core.closed.load(Ordering::Acquire) {
        give_up(core, write, target);
        return;
    }
    let progress = write.progress();
    // The coordinator keeps it, or another that has the write itself.
    let holders = std::iter::once(write.via).chain(progress.acked.iter());
    for holder in holders.filter(|holder| *holder != target) {
        if progress.failed.contains(holder) || core.network.is_paused(holder) {
            continue;
        }
        let work = Work::KeepHint {
            target,
            payload: Arc::clone(&write.payload),
        };
        write.note(|progress| progress.hinting = progress.hinting.with(target));
        let (later, kept) = (Arc::clone(core), Arc::clone(write));
        let reply = Box::new(move |answer: Result<(), Refusal>| {
            kept.note(|progress| {
                progress.hinting = progress.hinting.without(target);
                if answer.is_ok() {
                    progress.hinted = progress.hinted.with(target);
                }
            });
            later.retire(&kept);
        });
        if core.send(write.via, holder, work, reply) == Delivery::Arrived {
            return;
        }
        write.note(|progress| progress.hinting = progress.hinting.without(target));
    }
    if is_late {
        give_up(core, write, target);
    }
}

/// Nobody is left to keep it. A replica that has the write is needed for a repair.
fn give_up(core: &Core, write: &Write, target: Dc) {
    tracing::warn!(%target, write = write.number, "no replica can keep a hint");
    need_repair(core, target);
    write.note(|progress| progress.hinted = progress.hinted.with(target));
}

/// Notes, at every replica that takes it, that only a repair makes `target` whole.
fn need_repair(core: &Core, target: Dc) {
    let mut needed = core.repair_needed.lock();
    if needed.contains(target) {
        return;
    }
    *needed = needed.with(target);
    let needed = *needed;
    note_repair(core, needed);
}

/// Writes down for which replicas hints were dropped; in memory it is known already.
pub(super) fn note_repair(core: &Core, needed: DcSet) {
    for dc in Dc::ALL {
        let delivered = core.send(dc, dc, Work::NoteRepair(needed), Box::new(|_| {}));
        if delivered != Delivery::Arrived {
            tracing::debug!(%dc, "the note for a repair waits in memory");
        }
    }
}

/// Hands over some hints to each replica that is back; whether there are more.
fn hand_over_all(core: &Core) -> bool {
    let mut more = false;
    for target in Dc::ALL {
        if core.ledger.for_target(target).count == 0 || core.network.is_disk_full(target) {
            continue;
        }
        for holder in target.others() {
            if core.ledger.queue(holder, target).count > 0 && reaches(core, holder, target) {
                more |= match hand_over(core, holder, target) {
                    Ok(more) => more,
                    Err(error) => {
                        tracing::error!(%holder, %target, %error, "hints cannot be read");
                        false
                    }
                };
            }
        }
    }
    more
}

/// Whether a holder works and has no reason to believe that the target does not.
pub(super) fn reaches(core: &Core, holder: Dc, target: Dc) -> bool {
    let works = |dc: Dc| !core.network.is_down(dc) && !core.replicas[dc].has_failed();
    works(holder)
        && !core.network.is_paused(holder)
        && !core.replicas[target].has_failed()
        && core.witnesses.view().views[holder][target] != DcState::Down
        && core.network.deliver(holder, target) == Delivery::Arrived
}

/// Hands over the oldest hints of one holder; whether there are more.
pub(super) fn hand_over(core: &Core, holder: Dc, target: Dc) -> Result<bool, StateError> {
    let view = core.replicas[holder].kv.view();
    let mut rows: Vec<Row> = Vec::new();
    for row in view.prefix(Table::Hints, &target_prefix(target)) {
        rows.push(row?);
        if rows.len() > HAND_OVER {
            break;
        }
    }
    drop(view);
    let next = rows
        .get(HAND_OVER)
        .map(|row| hint_time(&row.1))
        .transpose()?;
    rows.truncate(HAND_OVER);
    let (answer, answers) = crossbeam_channel::bounded(HAND_OVER);
    let mut sent = 0;
    for (place, (_, value)) in rows.iter().enumerate() {
        let work = Work::Apply {
            payload: Arc::new(hint_payload(value)?),
            hints: DcSet::NONE,
        };
        let answer = answer.clone();
        let reply = Box::new(move |result: Result<(), Refusal>| {
            drop(answer.send((place, result)));
        });
        if core.send(holder, target, work, reply) != Delivery::Arrived {
            break;
        }
        sent += 1;
    }
    drop(answer);
    let mut delivered = vec![false; rows.len()];
    for _ in 0..sent {
        match core.receive(&answers) {
            Some((place, Ok(()))) => {
                core.witnesses.answered(holder, target);
                if let Some(slot) = delivered.get_mut(place) {
                    *slot = true;
                }
            }
            Some((_, Err(Refusal::Down | Refusal::Failed(_)))) => {
                core.witnesses.refused(holder, target);
            }
            Some((_, Err(Refusal::DiskFull))) => {}
            None => {
                core.witnesses.ask(holder, target, core.clock.monotonic());
                core.witnesses.not_asked(holder, target);
                break;
            }
        }
    }
    let all = delivered.iter().all(|delivered| *delivered);
    let done = rows.into_iter().zip(delivered).filter(|(_, done)| *done);
    let oldest = if all { next } else { None };
    let dropped = drop_hints(
        core,
        holder,
        target,
        done.map(|(row, _)| row).collect(),
        oldest,
    );
    Ok(all && dropped && next.is_some())
}

/// Takes hints away from their holder; whether that is done.
fn drop_hints(core: &Core, holder: Dc, target: Dc, rows: Vec<Row>, oldest: Option<i64>) -> bool {
    if rows.is_empty() {
        return true;
    }
    let count = rows.len() as u64;
    let bytes = rows.iter().map(|(_, value)| value.len() as u64).sum();
    let keys: Vec<Bytes> = rows.into_iter().map(|(key, _)| key).collect();
    let answer = core.call(holder, holder, Work::DropHints { keys });
    let done = answer == Some(Ok(()));
    if done {
        core.ledger.dropped(holder, target, count, bytes, oldest);
    }
    done
}

/// Whether nobody hands hints over to a replica: then their window runs. A cut link alone leaves
/// another way, and the hints behind it are kept until it is whole again.
pub(super) fn is_away(core: &Core, target: Dc) -> bool {
    !target.others().any(|dc| reaches(core, dc, target))
        || core.network.is_paused(target)
        || core.network.is_disk_full(target)
}

/// Drops the hints of replicas that are away for longer than the window.
fn end_window(core: &Core) {
    let now_ms = core.clock.now().timestamp_millis();
    let window = i64::try_from(core.options.hint_window.as_millis()).unwrap_or(i64::MAX);
    for target in Dc::ALL {
        if !is_away(core, target) {
            let mut past = core.past_window.lock();
            *past = past.without(target);
            continue;
        }
        let oldest = core.ledger.for_target(target).oldest_ms;
        if oldest.is_some_and(|at| now_ms.saturating_sub(at) > window) {
            tracing::warn!(%target, "the hint window has passed: a repair is needed");
            let mut past = core.past_window.lock();
            *past = past.with(target);
            drop(past);
            need_repair(core, target);
            for holder in target.others() {
                forget(core, holder, target);
            }
        }
    }
}

fn forget(core: &Core, holder: Dc, target: Dc) {
    loop {
        let view = core.replicas[holder].kv.view();
        let rows = view.prefix(Table::Hints, &target_prefix(target));
        let rows: Result<Vec<Row>, _> = rows.take(DROP_BATCH).collect();
        drop(view);
        match rows {
            Ok(rows) if rows.is_empty() => return,
            Ok(rows) => {
                if !drop_hints(core, holder, target, rows, None) {
                    return;
                }
            }
            Err(error) => {
                tracing::error!(%holder, %target, %error, "hints cannot be read");
                return;
            }
        }
    }
}

/// What hints a store finds when it is opened.
pub(super) fn count_hints(
    replicas: &PerDc<Arc<super::replica::Replica>>,
    ledger: &super::hints::HintLedger,
) -> Result<u64, (Dc, StateError)> {
    let mut last = 0;
    for (holder, replica) in replicas.iter() {
        let view = replica.kv.view();
        for target in holder.others() {
            for row in view.prefix(Table::Hints, &target_prefix(target)) {
                let (_, value) = row.map_err(|error| (holder, error.into()))?;
                let at = hint_time(&value).map_err(|error| (holder, error.into()))?;
                let payload = hint_payload(&value).map_err(|error| (holder, error.into()))?;
                last = last.max(payload.numbers.end());
                ledger.kept(holder, target, value.len() as u64, at);
            }
        }
    }
    Ok(last)
}
