//! The thread that sends heartbeats: a real request from each data centre to each replica,
//! through the replica's queue, so that what a witness says was measured.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::model::Dc;

use super::core::Core;
use super::faults::Delivery;
use super::replica::{Refusal, Work};

/// Works until the store is closed.
pub(super) fn run(core: &Arc<Core>) {
    while !core.closed.load(Ordering::Acquire) {
        beat(core);
        core.heart.wait(core.options.heartbeat);
    }
}

/// Asks every replica on behalf of every data centre that works, and draws conclusions.
pub(super) fn beat(core: &Arc<Core>) {
    for observer in Dc::ALL {
        if core.network.is_down(observer) || core.network.is_paused(observer) {
            core.witnesses.blind(observer);
            continue;
        }
        for subject in Dc::ALL {
            ask(core, observer, subject);
        }
    }
    core.witnesses.conclude(core.clock.monotonic());
}

fn ask(core: &Arc<Core>, observer: Dc, subject: Dc) {
    if !core
        .witnesses
        .ask(observer, subject, core.clock.monotonic())
    {
        return;
    }
    let later = Arc::clone(core);
    let reply = Box::new(move |answer: Result<(), Refusal>| {
        let witnesses = &later.witnesses;
        witnesses.not_asked(observer, subject);
        // The answer does not reach an observer behind a cut link.
        if later.network.deliver(subject, observer) != Delivery::Arrived {
            return;
        }
        match answer {
            Ok(()) | Err(Refusal::DiskFull) => {
                witnesses.answered(observer, subject);
                later.keeper.ring();
            }
            Err(Refusal::Down | Refusal::Failed(_)) => witnesses.refused(observer, subject),
        }
    });
    match core.send(observer, subject, Work::Ping, reply) {
        Delivery::Arrived => {}
        Delivery::Lost => core.witnesses.not_asked(observer, subject),
        Delivery::Refused => {
            core.witnesses.not_asked(observer, subject);
            core.witnesses.refused(observer, subject);
        }
    }
}
