//! Reading: fetches and look-ups by offset and by time.
//!
//! A reader finds its stretch in the index under the lock, and walks it without: from group to
//! group by their tables, reading and checking the bytes of its own partition only.

use chrono::{DateTime, Utc};

use crate::model::{Offset, TopicPartition};
use crate::ports::{FetchedBatch, LogError, RecordBatch};

use super::format::Frame;
use super::segment::{Group, Segment};
use super::slots::Slots;
use super::state::{Shared, Span, State};
use super::writer::wall_clock;

/// Batches of one fetch, and how much room is left.
struct Basket {
    batches: Vec<FetchedBatch>,
    room: usize,
    /// The offset that is wanted next.
    next: u64,
}

impl Basket {
    /// Whether a batch of `len` bytes may still come in: the first always may.
    fn takes(&self, len: usize) -> bool {
        self.batches.is_empty() || len <= self.room
    }

    fn add(&mut self, batch: FetchedBatch) {
        self.room = self.room.saturating_sub(batch.batch.bytes.len());
        self.next = batch.base_offset.0 + u64::from(batch.batch.records);
        self.batches.push(batch);
    }
}

/// See [`Log::fetch`](crate::ports::Log::fetch).
pub(super) fn fetch(
    shared: &Shared,
    partition: TopicPartition,
    from: u64,
    max_bytes: usize,
) -> Result<Vec<FetchedBatch>, LogError> {
    let slot = shared.slot(partition)?;
    let mut basket = Basket {
        batches: Vec::new(),
        room: max_bytes,
        next: from,
    };
    loop {
        let state = shared.usable()?;
        if let Err(error) = state.check_range(partition, slot, basket.next) {
            // Retention may overtake a reader; what it has so far is good.
            return if basket.batches.is_empty() {
                Err(error)
            } else {
                Ok(basket.batches)
            };
        }
        if basket.next == state.carried.ends[slot] {
            return Ok(basket.batches);
        }
        if take_tail(&state, slot, &mut basket) {
            return Ok(basket.batches);
        }
        let span = state.span_of(slot, basket.next);
        drop(state);
        let span = span.ok_or(LogError::NoPartition(partition))?;
        if take_span(&span, shared.slots, slot, &mut basket)? {
            return Ok(basket.batches);
        }
    }
}

/// Takes what is in memory; `false` when the next batch is not.
fn take_tail(state: &State, slot: usize, basket: &mut Basket) -> bool {
    let Some(batches) = state.tail.since(slot, basket.next) else {
        return false;
    };
    for batch in batches {
        if !basket.takes(batch.batch.bytes.len()) {
            break;
        }
        basket.add(batch.clone());
    }
    true
}

/// Takes what a stretch has; `true` when the basket is full.
fn take_span(
    span: &Span,
    slots: Slots,
    slot: usize,
    basket: &mut Basket,
) -> Result<bool, LogError> {
    let before = basket.next;
    let mut position = span.start;
    while position < span.limit {
        let group = span.segment.read_group(position, span.limit, slots)?;
        for (frame, place) in frames_from(&group, slot, basket.next) {
            if !usize::try_from(frame.len).is_ok_and(|len| basket.takes(len)) {
                return Ok(true);
            }
            basket.add(FetchedBatch {
                base_offset: Offset(frame.base),
                appended_at: wall_clock(group.header.appended_ms),
                batch: RecordBatch {
                    load: frame.load,
                    records: frame.records,
                    bytes: span.segment.read_frame(frame, place)?,
                },
            });
        }
        position = group.end();
    }
    if basket.next == before {
        return Err(not_where_indexed(&span.segment, span.start, before));
    }
    Ok(false)
}

/// Frames of a partition that end behind `from`.
fn frames_from(group: &Group, slot: usize, from: u64) -> impl Iterator<Item = (&Frame, u64)> {
    group
        .frames()
        .filter(move |(frame, _)| frame.slot == slot && frame.end() > from)
}

fn not_where_indexed(segment: &Segment, position: u64, offset: u64) -> LogError {
    segment.damaged(
        position,
        format!("the record at offset {offset} is not where the index says"),
    )
}

/// See [`Log::appended_at`](crate::ports::Log::appended_at).
pub(super) fn appended_at(
    shared: &Shared,
    partition: TopicPartition,
    offset: u64,
) -> Result<Option<DateTime<Utc>>, LogError> {
    let slot = shared.slot(partition)?;
    let state = shared.usable()?;
    state.check_range(partition, slot, offset)?;
    if offset == state.carried.ends[slot] {
        return Ok(None);
    }
    if let Some(batch) = state
        .tail
        .since(slot, offset)
        .and_then(|mut batches| batches.next())
    {
        return Ok(Some(batch.appended_at));
    }
    let span = state.span_of(slot, offset);
    drop(state);
    let span = span.ok_or(LogError::NoPartition(partition))?;
    let mut position = span.start;
    while position < span.limit {
        let group = span
            .segment
            .read_group(position, span.limit, shared.slots)?;
        if frames_from(&group, slot, offset).next().is_some() {
            return Ok(Some(wall_clock(group.header.appended_ms)));
        }
        position = group.end();
    }
    Err(not_where_indexed(&span.segment, span.start, offset))
}

/// See [`Log::offset_at`](crate::ports::Log::offset_at).
pub(super) fn offset_at(
    shared: &Shared,
    partition: TopicPartition,
    at: DateTime<Utc>,
) -> Result<Offset, LogError> {
    let slot = shared.slot(partition)?;
    // Appends are stamped with whole milliseconds, the last one that had begun.
    let whole = at.timestamp_millis();
    let at_ms = if wall_clock(whole) < at {
        whole + 1
    } else {
        whole
    };
    let mut from = shared.usable()?.begin(slot);
    loop {
        let state = shared.usable()?;
        let end = state.carried.ends[slot];
        let Some(span) = state.span_since(slot, from, at_ms) else {
            return Ok(Offset(end));
        };
        drop(state);
        let mut position = span.start;
        while position < span.limit {
            let group = span
                .segment
                .read_group(position, span.limit, shared.slots)?;
            if group.header.appended_ms >= at_ms
                && let Some((frame, _)) = frames_from(&group, slot, from).next()
            {
                return Ok(Offset(frame.base));
            }
            position = group.end();
        }
        from = span.end_behind;
    }
}
