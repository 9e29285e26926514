//! Hints: writes that a data centre keeps for another that missed them.

use bytes::Bytes;
use parking_lot::Mutex;

use crate::codec::varint::{DecodeError, Reader};
use crate::model::{Dc, PerDc};

use super::payload::Payload;

/// The hints of one holder for one target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct HintQueue {
    /// How many.
    pub(super) count: u64,
    /// Bytes of their writes.
    pub(super) bytes: u64,
    /// Wall clock of the oldest, milliseconds since 1970.
    pub(super) oldest_ms: Option<i64>,
}

/// What is kept where: `[holder][target]`.
#[derive(Debug, Default)]
pub(super) struct HintLedger {
    queues: Mutex<PerDc<PerDc<HintQueue>>>,
}

impl HintLedger {
    /// A hint was kept.
    pub(super) fn kept(&self, holder: Dc, target: Dc, bytes: u64, at_ms: i64) {
        let queue = &mut self.queues.lock()[holder][target];
        queue.count += 1;
        queue.bytes += bytes;
        queue.oldest_ms = Some(queue.oldest_ms.map_or(at_ms, |oldest| oldest.min(at_ms)));
    }

    /// Hints were taken away; the oldest of the rest is from `oldest_ms`.
    pub(super) fn dropped(
        &self,
        holder: Dc,
        target: Dc,
        count: u64,
        bytes: u64,
        oldest_ms: Option<i64>,
    ) {
        let queue = &mut self.queues.lock()[holder][target];
        queue.count = queue.count.saturating_sub(count);
        queue.bytes = queue.bytes.saturating_sub(bytes);
        if let Some(oldest) = oldest_ms {
            queue.oldest_ms = Some(oldest);
        } else if queue.count == 0 {
            queue.oldest_ms = None;
        }
    }

    /// Hints of a holder for a target.
    pub(super) fn queue(&self, holder: Dc, target: Dc) -> HintQueue {
        self.queues.lock()[holder][target]
    }

    /// Hints of all holders for a target.
    pub(super) fn for_target(&self, target: Dc) -> HintQueue {
        let queues = self.queues.lock();
        let mut all = HintQueue::default();
        for (_, row) in queues.iter() {
            let queue = row[target];
            all.count += queue.count;
            all.bytes += queue.bytes;
            all.oldest_ms = match (all.oldest_ms, queue.oldest_ms) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (one, None) | (None, one) => one,
            };
        }
        all
    }
}

/// The first byte of all hints for a target.
pub(super) fn target_prefix(target: Dc) -> [u8; 1] {
    [match target {
        Dc::Europe => 0,
        Dc::Americas => 1,
        Dc::AsiaPacific => 2,
    }]
}

/// Target and number of the write.
pub(super) fn hint_key(target: Dc, payload: &Payload) -> Bytes {
    let number = payload.numbers.iter().next().map_or(0, |(from, _)| from);
    [&target_prefix(target)[..], &number.to_be_bytes()]
        .concat()
        .into()
}

/// When it was kept, and the write.
pub(super) fn hint_value(at_ms: i64, payload: &Payload) -> Bytes {
    [&at_ms.to_le_bytes()[..], &payload.to_bytes()]
        .concat()
        .into()
}

/// When a hint was kept.
pub(super) fn hint_time(value: &[u8]) -> Result<i64, DecodeError> {
    Ok(Reader::new(value).fixed_u64()?.cast_signed())
}

/// The write of a hint.
pub(super) fn hint_payload(value: &Bytes) -> Result<Payload, DecodeError> {
    match value.len() {
        0..8 => Err(DecodeError("a hint ends early")),
        _ => Payload::from_bytes(&value.slice(8..)),
    }
}
