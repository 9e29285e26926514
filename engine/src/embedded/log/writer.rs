//! The thread that writes: it takes what is queued, writes it as one group, syncs once, and
//! acknowledges.
//!
//! After a failed write the file is cut back to its last good end before anything else is
//! written. After a failed sync the pages that it was about may be lost although a next sync would
//! succeed (<https://lwn.net/Articles/752063/>), so the file is cut, synced, and left: writing
//! goes on in a new segment.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};

use crate::model::Offset;
use crate::ports::{
    Append, AppendReceipt, Clock, Disk, FetchedBatch, LoadMark, LogError, RecordBatch,
};

use super::LogOptions;
use super::checkpoint::{Checkpoint, SegmentRecord};
use super::format::{Frame, HEADER, Header, Preamble, Table};
use super::segment::{self, Segment, SegmentState, io_error};
use super::state::{Life, Shared, State};

/// A commit that no append carries is written after this time at the latest, so that a crash
/// repeats little; a sync of its own each second costs nothing that is noticed.
pub(super) const COMMIT_INTERVAL: Duration = Duration::from_secs(1);

/// Bytes of appends that are written with one sync. More would make the first wait for the last
/// without saving much of the sync's time.
const GROUP_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Frames up to this length are copied together and written at once; a longer one is written from
/// where it is.
const STAGED_MAX: usize = 64 * 1024;

/// Where the answer to a command goes; its queue holds one, so that answering never waits.
pub(super) type Reply<T> = Sender<Result<T, LogError>>;

/// What the writer is asked for.
pub(super) enum Command {
    Append(Append, Reply<AppendReceipt>),
    /// Makes the committed positions durable.
    Commit(Reply<()>),
    DropBefore(DateTime<Utc>, Reply<u64>),
    Close(Reply<()>),
}

/// What has to be done before the next write.
#[derive(Debug, Default)]
struct Debts {
    /// Cut the file: there are bytes behind its last good end.
    cut: bool,
    /// Begin a segment. Stays until it is done: a half made one must never be followed by more
    /// groups in the one before.
    roll: bool,
    /// A commit could not be written and that was logged.
    told: bool,
}

pub(super) struct Writer {
    shared: Arc<Shared>,
    disk: Arc<dyn Disk>,
    clock: Arc<dyn Clock>,
    segment_bytes: u64,
    queue: Receiver<Command>,
    /// Taken from the queue while appends were gathered, and next in turn.
    held: Option<Command>,
    next_sequence: u64,
    debts: Debts,
}

/// A group as it will be written.
struct Draft {
    header: Header,
    table_bytes: Vec<u8>,
    table: Table,
    bodies: Vec<Bytes>,
    /// Ends behind it.
    ends: Vec<u64>,
}

/// Tells the handle when the thread ends, however it ends.
struct EndGuard(Arc<Shared>);

impl Drop for EndGuard {
    fn drop(&mut self) {
        self.0.end(Life::Failed);
        self.0.writer_ended.store(true, Ordering::Release);
    }
}

impl Writer {
    pub(super) fn new(
        shared: Arc<Shared>,
        disk: Arc<dyn Disk>,
        clock: Arc<dyn Clock>,
        options: &LogOptions,
        queue: Receiver<Command>,
        next_sequence: u64,
    ) -> Self {
        Self {
            shared,
            disk,
            clock,
            segment_bytes: options.segment_bytes,
            queue,
            held: None,
            next_sequence,
            debts: Debts::default(),
        }
    }

    /// Works until the log is closed.
    pub(super) fn run(mut self) {
        let _guard = EndGuard(Arc::clone(&self.shared));
        loop {
            let command = match self.held.take() {
                Some(command) => Ok(command),
                None => self.queue.recv_timeout(COMMIT_INTERVAL),
            };
            match command {
                Ok(Command::Append(append, reply)) => self.append(append, reply),
                Ok(Command::Commit(reply)) => answer(&reply, self.settle_commits()),
                Ok(Command::DropBefore(before, reply)) => answer(&reply, self.drop_before(before)),
                Ok(Command::Close(reply)) => {
                    // First the end of all calls: a commit taken after this would be lost.
                    self.shared.end(Life::Closed);
                    answer(&reply, self.finish());
                    return;
                }
                Err(RecvTimeoutError::Timeout) => self.write_commits(),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn append(&mut self, first: Append, reply: Reply<AppendReceipt>) {
        let mut bytes = weight(&first);
        let (mut appends, mut replies) = (vec![first], vec![reply]);
        while bytes < GROUP_BYTES_MAX {
            match self.queue.try_recv() {
                Ok(Command::Append(append, reply)) => {
                    bytes += weight(&append);
                    appends.push(append);
                    replies.push(reply);
                }
                Ok(other) => {
                    self.held = Some(other);
                    break;
                }
                Err(_empty) => break,
            }
        }
        match self.write(&appends) {
            Ok(receipts) => {
                for (reply, receipt) in replies.iter().zip(receipts) {
                    answer(reply, Ok(receipt));
                }
            }
            Err(error) => {
                for reply in &replies {
                    answer(reply, Err(same_error(&error)));
                }
            }
        }
    }

    /// Makes the committed positions durable, and undoes what failed writes may have left of
    /// others.
    fn settle_commits(&mut self) -> Result<(), LogError> {
        self.write(&[])?;
        self.prepare(0)?;
        let mut guard = self.shared.state.lock();
        let state = &mut *guard;
        state
            .furthest_committed
            .clone_from(&state.durable_committed);
        Ok(())
    }

    fn write_commits(&mut self) {
        match self.write(&[]) {
            Ok(_none) => self.debts.told = false,
            // They stay to be written, and are tried again in a moment.
            Err(error) if !self.debts.told => {
                tracing::warn!(%error, "committed offsets are not durable yet");
                self.debts.told = true;
            }
            Err(_told) => {}
        }
    }

    /// Writes appends, and the commits that are not durable, as one group.
    fn write(&mut self, appends: &[Append]) -> Result<Vec<AppendReceipt>, LogError> {
        let (draft, receipts) = self.draft(appends);
        if !draft.table.is_empty() {
            let written = self
                .prepare(draft.header.group_len())
                .and_then(|()| self.put(&draft));
            if let Err(error) = written {
                // At once, to give back the space; it is tried again before the next write.
                if let Err(also) = self.cut() {
                    tracing::warn!(error = %also, "the log is not cut back yet");
                }
                return Err(error);
            }
            self.publish(draft);
        }
        Ok(receipts)
    }

    fn draft(&self, appends: &[Append]) -> (Draft, Vec<AppendReceipt>) {
        let mut state = self.shared.state.lock();
        let mut ends = state.carried.ends.clone();
        let mut table = Table {
            commits: undurable(&state),
            ..Table::default()
        };
        note_furthest(&mut state);
        drop(state);
        let mut bodies = Vec::new();
        let mut receipts = Vec::with_capacity(appends.len());
        for append in appends {
            let mut receipt = AppendReceipt::default();
            for (partition, batch) in &append.batches {
                // Partitions were checked when the append was queued.
                let slot = self.shared.slots.slot(*partition).unwrap_or_default();
                receipt.base_offsets.push(Offset(ends[slot]));
                if batch.records == 0 {
                    continue;
                }
                let frame = Frame {
                    slot,
                    load: batch.load,
                    base: ends[slot],
                    records: batch.records,
                    len: batch.bytes.len() as u64,
                    crc: crc32fast::hash(&batch.bytes),
                };
                ends[slot] = frame.end();
                table.frames.push(frame);
                bodies.push(batch.bytes.clone());
            }
            if let Some(LoadMark { load, payload }) = &append.mark {
                table.marks.push((*load, payload.clone()));
            }
            receipts.push(receipt);
        }
        let mut table_bytes = Vec::new();
        table.encode(&mut table_bytes);
        let header = Header {
            table_len: u32::try_from(table_bytes.len()).unwrap_or(u32::MAX),
            bodies_len: table.frames.iter().map(|frame| frame.len).sum(),
            sequence: self.next_sequence,
            appended_ms: self.clock.now().timestamp_millis(),
            table_crc: crc32fast::hash(&table_bytes),
        };
        let draft = Draft {
            header,
            table_bytes,
            table,
            bodies,
            ends,
        };
        (draft, receipts)
    }

    /// Pays the debts, and begins a segment when the group would make this one too long.
    fn prepare(&mut self, group_len: u64) -> Result<(), LogError> {
        self.cut()?;
        let state = self.shared.state.lock();
        if let Some(last) = state.segments.back() {
            let is_empty = last.end == last.start();
            if !is_empty && last.end.saturating_add(group_len) > self.segment_bytes {
                self.debts.roll = true;
            }
        }
        drop(state);
        if self.debts.roll {
            self.roll()?;
            self.debts.roll = false;
        }
        Ok(())
    }

    /// The segment that is written to, and its end.
    fn active(&self) -> Option<(Arc<Segment>, u64)> {
        let state = self.shared.state.lock();
        let last = state.segments.back()?;
        Some((Arc::clone(&last.segment), last.end))
    }

    fn cut(&mut self) -> Result<(), LogError> {
        if !self.debts.cut {
            return Ok(());
        }
        if let Some((segment, end)) = self.active() {
            segment
                .file
                .set_len(end)
                .and_then(|()| self.sync(&segment))
                .map_err(io_error(
                    "cannot cut the log back to its last good end",
                    &segment.path,
                ))?;
        }
        self.debts.cut = false;
        Ok(())
    }

    fn sync(&self, segment: &Segment) -> io::Result<()> {
        self.shared.syncs.fetch_add(1, Ordering::Relaxed);
        segment.file.sync_data()
    }

    fn roll(&mut self) -> Result<(), LogError> {
        let mut state = self.shared.state.lock();
        note_furthest(&mut state);
        let preamble = Preamble {
            number: state
                .segments
                .back()
                .map_or(1, |last| last.segment.number + 1),
            first_sequence: self.next_sequence,
            slots: self.shared.slots,
            carried: state.carried.clone(),
        };
        drop(state);
        let segment = segment::create(self.disk.as_ref(), &self.shared.dir, &preamble)?;
        let mut state = self.shared.state.lock();
        state.durable_committed = preamble.carried.committed;
        state.segments.push_back(segment);
        let checkpoint = self.checkpoint(&state, 0);
        drop(state);
        if let Err(error) = checkpoint.store(self.disk.as_ref(), &self.shared.dir) {
            // The next opening reads more, and that is all.
            tracing::warn!(%error, "no checkpoint at the beginning of a segment");
        }
        Ok(())
    }

    fn put(&mut self, draft: &Draft) -> Result<(), LogError> {
        let Some((segment, end)) = self.active() else {
            return Err(LogError::Closed);
        };
        self.debts.cut = true;
        write_draft(&segment, end, draft)
            .map_err(io_error("cannot write to the log", &segment.path))?;
        if let Err(source) = self.sync(&segment) {
            self.debts.roll = true;
            return Err(io_error("cannot sync the log", &segment.path)(source));
        }
        self.debts.cut = false;
        Ok(())
    }

    fn publish(&mut self, draft: Draft) {
        let appended_at = wall_clock(draft.header.appended_ms);
        let mut guard = self.shared.state.lock();
        let state = &mut *guard;
        if let Some(last) = state.segments.back_mut() {
            last.push(&draft.header, &state.carried.ends);
        }
        state.carried.ends = draft.ends;
        for (slot, position) in &draft.table.commits {
            state.durable_committed[*slot] = Some(*position);
        }
        state
            .furthest_committed
            .clone_from(&state.durable_committed);
        state.carried.marks.extend(draft.table.marks);
        let mut touched = [false; 4];
        for (frame, bytes) in draft.table.frames.into_iter().zip(draft.bodies) {
            touched[self.shared.slots.topic_of(frame.slot)] = true;
            let batch = FetchedBatch {
                base_offset: Offset(frame.base),
                appended_at,
                batch: RecordBatch {
                    load: frame.load,
                    records: frame.records,
                    bytes,
                },
            };
            state.tail.push(frame.slot, batch);
        }
        for (count, touched) in state.appends.iter_mut().zip(touched) {
            *count += u64::from(touched);
        }
        drop(guard);
        self.next_sequence += 1;
        self.shared.groups.fetch_add(1, Ordering::Relaxed);
        self.shared.appended.notify_all();
    }

    /// The durable state, without the first `skipped` segments.
    fn checkpoint(&self, state: &State, skipped: usize) -> Checkpoint {
        let mut carried = state.carried.clone();
        carried.committed.clone_from(&state.durable_committed);
        Checkpoint {
            slots: self.shared.slots,
            next_sequence: self.next_sequence,
            carried,
            segments: state
                .segments
                .iter()
                .skip(skipped)
                .map(|segment| SegmentRecord {
                    number: segment.segment.number,
                    end: segment.end,
                    index: segment.index.clone(),
                })
                .collect(),
        }
    }

    fn drop_before(&mut self, before: DateTime<Utc>) -> Result<u64, LogError> {
        // What the groups have done counts as far as a crash would leave it.
        self.write(&[])?;
        let state = self.shared.state.lock();
        let count = droppable(&state, before);
        if count == 0 {
            return Ok(0);
        }
        let checkpoint = self.checkpoint(&state, count);
        drop(state);
        checkpoint.store(self.disk.as_ref(), &self.shared.dir)?;
        let dropped: Vec<SegmentState> = self.shared.state.lock().segments.drain(..count).collect();
        let mut freed = 0;
        // Oldest first, so that what a crash leaves has no gap. A reader that is at one of them
        // keeps its file until it is done.
        for segment in &dropped {
            let path = &segment.segment.path;
            self.disk
                .remove(path)
                .map_err(io_error("cannot remove a dropped segment", path))?;
            freed += segment.end;
        }
        self.disk.sync_dir(&self.shared.dir).map_err(io_error(
            "cannot sync the folder of the log",
            &self.shared.dir,
        ))?;
        Ok(freed)
    }

    fn finish(&mut self) -> Result<(), LogError> {
        self.write(&[])?;
        // A file that is still to be cut would not be as long as the checkpoint says, and the
        // next opening cuts it anyway.
        self.cut()?;
        let checkpoint = self.checkpoint(&self.shared.state.lock(), 0);
        checkpoint.store(self.disk.as_ref(), &self.shared.dir)
    }
}

/// Answers unless the caller has gone, which is his right.
fn answer<T>(reply: &Reply<T>, result: Result<T, LogError>) {
    if reply.try_send(result).is_err() {
        tracing::debug!("nobody waits for an answer of the log");
    }
}

/// Bytes that an append brings.
fn weight(append: &Append) -> usize {
    append
        .batches
        .iter()
        .map(|(_, batch)| batch.bytes.len())
        .sum()
}

/// Notes that the committed positions are about to be written.
fn note_furthest(state: &mut State) {
    let furthest = state.furthest_committed.iter_mut();
    for (furthest, now) in furthest.zip(&state.carried.committed) {
        *furthest = (*furthest).max(*now);
    }
}

/// Positions that a crash would lose.
fn undurable(state: &State) -> Vec<(usize, u64)> {
    state
        .carried
        .committed
        .iter()
        .zip(&state.durable_committed)
        .enumerate()
        .filter(|(_, (now, durable))| now != durable)
        .filter_map(|(slot, (now, _))| now.map(|position| (slot, position)))
        .collect()
}

/// How many segments from the oldest on may be dropped; never the one that is written to.
fn droppable(state: &State, before: DateTime<Utc>) -> usize {
    state
        .segments
        .iter()
        .zip(state.segments.iter().skip(1))
        .take_while(|(segment, next)| {
            let old = segment
                .index
                .iter()
                .all(|entry| entry.latest_ms == i64::MIN || wall_clock(entry.latest_ms) < before);
            let ends = segment.first_ends().iter().zip(next.first_ends());
            let consumed = ends
                .zip(&state.durable_committed)
                .all(|((begin, end), committed)| {
                    begin == end || committed.is_some_and(|committed| committed >= *end)
                });
            old && consumed
        })
        .count()
}

/// The wall clock of milliseconds since 1970.
pub(super) fn wall_clock(ms: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(ms).unwrap_or_default()
}

fn write_draft(segment: &Segment, end: u64, draft: &Draft) -> io::Result<()> {
    let mut position = end;
    let mut staged = Vec::with_capacity(HEADER + draft.table_bytes.len() + STAGED_MAX);
    staged.extend_from_slice(&draft.header.encode());
    staged.extend_from_slice(&draft.table_bytes);
    let mut put = |bytes: &[u8]| {
        segment.file.write_all_at(bytes, position)?;
        position += bytes.len() as u64;
        io::Result::Ok(())
    };
    for body in &draft.bodies {
        if body.len() <= STAGED_MAX {
            staged.extend_from_slice(body);
        }
        if body.len() > STAGED_MAX || staged.len() > STAGED_MAX {
            put(&staged)?;
            staged.clear();
        }
        if body.len() > STAGED_MAX {
            put(body)?;
        }
    }
    put(&staged)
}

/// The same error for each of the appends that were written together.
fn same_error(error: &LogError) -> LogError {
    match error {
        LogError::Io { what, source, path } => LogError::Io {
            what,
            source: source.raw_os_error().map_or_else(
                || io::Error::new(source.kind(), source.to_string()),
                io::Error::from_raw_os_error,
            ),
            path: path.clone(),
        },
        LogError::Closed => LogError::Closed,
        other => LogError::Down(other.to_string()),
    }
}
