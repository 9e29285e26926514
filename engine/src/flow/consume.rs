//! A consumer: reads the partitions of one topic, writes what is new to the store, commits.
//!
//! * A flush is the lines of up to [`ConsumerOptions::flush_lines`] records, grouped by bucket.
//! * Offsets are committed in order, and only when rows and summaries are acknowledged at QUORUM.
//!   While only one data centre can be written, work goes on and the offsets are held back; when
//!   the quorum returns, everything since the last commit is read again.
//! * A flush that fails is sent again, the same, until it is acknowledged or the consumer stops.
//!   Writes are upserts, so it does not matter whether the failed one arrived.

mod failure;
mod sharing;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use self::failure::{ConsumeError, Failure};
use self::sharing::Applied;
use super::analyse::DeltaSink;
use super::bucket::{BucketCache, BucketState, Scratch, StockIds};
use super::counters::{Counters, add, set};
use super::gate::{Gate, Pass};
use super::names::Names;
use super::position::Position;
use super::routes::Routes;
use super::ways::Ways;
use crate::codec::quarantine::read_reject;
use crate::codec::record::{Records, read_line};
use crate::model::{
    BucketKey, CommittedOffset, ConsistencyLevel, Dc, LineTable, Offset, Reason, Region, Shard,
    StoredLine, Summary, Topic, TopicPartition,
};
use crate::ports::{
    BucketWrite, Clock, FetchedBatch, Flush, FlushSpan, Log, LogError, Outcome, PendingWrite,
    ReadSource, RejectRow, Store, StoreError, WriteTimestamp,
};
use crate::telemetry::Metrics;

/// Sizes of a consumer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ConsumerOptions {
    /// Records of one flush, about.
    pub(crate) flush_lines: usize,
    /// Lines kept in memory to judge duplicates by.
    pub(crate) cache_lines: usize,
}

/// Flushes on their way at a time: one is encoded while the other is being made durable.
pub(crate) const IN_FLIGHT: usize = 2;
/// Bytes fetched from a partition at a time, some 10,000 lines.
const FETCH_BYTES: usize = 1 << 20;
/// How long a consumer with nothing to do sleeps between looks at its gate.
const IDLE: Duration = Duration::from_millis(100);
/// Pause before a failed request is sent again.
const RETRY_PAUSE: Duration = Duration::from_millis(20);

/// Summaries of lines that were acknowledged and not there before, by bucket.
pub(crate) type Delta = Vec<(BucketKey, Summary)>;

/// What a consumer works with.
pub(crate) struct Consumer {
    /// The topic it reads.
    pub(crate) topic: Topic,
    /// The log.
    pub(crate) log: Arc<dyn Log>,
    /// The store.
    pub(crate) store: Arc<dyn Store>,
    /// Time, for retries.
    pub(crate) clock: Arc<dyn Clock>,
    /// Which data centre its requests go to.
    pub(crate) routes: Arc<Routes>,
    /// Pause and stop.
    pub(crate) gate: Arc<Gate>,
    /// Rows at each hop.
    pub(crate) counters: Arc<Counters>,
    /// Where flush times go.
    pub(crate) metrics: Arc<Metrics>,
    /// Where the ways of lines are measured.
    pub(crate) ways: Arc<Ways>,
    /// Where deltas of acknowledged flushes go.
    pub(crate) deltas: DeltaSink,
    /// Positions as others see them and may change them.
    pub(crate) position: Arc<Position>,
    /// Sizes.
    pub(crate) options: ConsumerOptions,
}

/// A request on its way, and how it was sent.
struct Sent {
    via: Dc,
    level: ConsistencyLevel,
    pending: Result<Box<dyn PendingWrite>, StoreError>,
}

/// A flush that was sent and not acknowledged yet.
struct InFlight {
    number: u64,
    flush: Flush,
    sent: Sent,
    records: u64,
    new_lines: u64,
    delta: Delta,
}

/// What a step of a consumer found to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stepped {
    /// Something; there may be more.
    Worked,
    /// Nothing until more is appended.
    Idle,
}

/// State of a running consumer.
pub(super) struct Worker {
    ctx: Consumer,
    region: Region,
    names: Names,
    stock_of: StockIds,
    scratch: Scratch,
    cache: BucketCache,
    /// Lines of the flush that is being made, with their buckets; kept from flush to flush.
    gathered: Vec<Gathered>,
    /// Those lines by bucket, packed: sorting numbers is several times faster than sorting keys.
    order: Vec<(u64, u32)>,
    in_flight: VecDeque<InFlight>,
    /// Number of the flush made last, and of the last one acknowledged.
    made: u64,
    applied: u64,
    /// Next offset to read, per partition.
    next: Vec<u64>,
    /// Partitions that this process reads, each with the epoch since which it does.
    owned: BTreeMap<u16, u64>,
    /// The assignment that is followed; `None` before the first.
    epoch: Option<u64>,
    /// Lines since the last commit are in one data centre only.
    held_back: HeldBack,
}

/// A line of a flush.
struct Gathered {
    line: StoredLine,
    /// End of its batch in its partition.
    end: u64,
}

/// Whether committed offsets keep up with acknowledged flushes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum HeldBack {
    No,
    Yes,
}

impl Consumer {
    /// Runs until the gate stops it; ends early only when nothing can be done any more.
    pub(crate) fn run(self) -> Result<(), ConsumeError> {
        self.begin()?.work()
    }

    /// A worker that stands at the committed offsets.
    pub(super) fn begin(self) -> Result<Worker, ConsumeError> {
        let catalog = Arc::clone(self.store.catalog());
        let region = match self.topic {
            Topic::Lines(region) => region,
            // Rejects belong to no region; they travel with the first one's requests.
            Topic::Quarantine => Region::Europe,
        };
        let mut worker = Worker {
            region,
            names: Names::new(Arc::clone(&catalog)),
            stock_of: StockIds::new(catalog),
            scratch: Scratch::default(),
            cache: BucketCache::new(self.options.cache_lines),
            gathered: Vec::new(),
            order: Vec::new(),
            in_flight: VecDeque::new(),
            made: 0,
            applied: 0,
            next: vec![0; usize::from(self.log.partitions(self.topic))],
            owned: BTreeMap::new(),
            epoch: None,
            held_back: HeldBack::No,
            ctx: self,
        };
        for index in 0..worker.next.len() {
            worker.ctx.position.leave(index);
        }
        worker.retry(|w| w.ctx.log.join(w.ctx.topic).map_err(Failure::Log))?;
        worker.follow_assignment()?;
        Ok(worker)
    }
}

impl Worker {
    fn partition(&self, index: usize) -> TopicPartition {
        // Partitions are numbered by a u16.
        TopicPartition::new(self.ctx.topic, u16::try_from(index).unwrap_or(u16::MAX))
    }

    fn log_error(&self, source: LogError) -> ConsumeError {
        ConsumeError::Log {
            topic: self.ctx.topic,
            source,
        }
    }

    fn work(&mut self) -> Result<(), ConsumeError> {
        let mut seen = 0;
        loop {
            if self.ctx.gate.is_paused() || self.ctx.gate.is_stopped() {
                self.drain()?;
                // Held, it has nothing that others would have to wait for.
                self.ctx.log.released(self.ctx.topic, u64::MAX);
            }
            if self.ctx.gate.pass() == Pass::Stop {
                return Ok(());
            }
            self.ctx
                .log
                .released(self.ctx.topic, self.epoch.unwrap_or(0));
            if self.step()? == Stepped::Idle {
                let topic = self.ctx.topic;
                seen = self.ctx.log.wait_for_append(topic, seen, IDLE);
            }
        }
    }

    /// Sends the next flush, or finishes one that was sent.
    pub(super) fn step(&mut self) -> Result<Stepped, ConsumeError> {
        self.follow_assignment()?;
        self.follow_moves()?;
        self.leave_held_back()?;
        while self.in_flight.front().is_some_and(InFlight::is_done) {
            self.finish_front()?;
        }
        let fetched = self.fetch()?;
        if fetched.is_empty() {
            if self.in_flight.is_empty() {
                return Ok(Stepped::Idle);
            }
            self.finish_front()?;
            return Ok(Stepped::Worked);
        }
        if self.in_flight.len() >= IN_FLIGHT {
            self.finish_front()?;
        }
        self.flush(&fetched)?;
        Ok(Stepped::Worked)
    }

    /// Batches of all partitions for one flush.
    fn fetch(&mut self) -> Result<Vec<(usize, FetchedBatch)>, ConsumeError> {
        let mut all = Vec::new();
        let mut records = 0;
        for index in self.owned() {
            let partition = self.partition(index);
            let mut from = self.next.get(index).copied().unwrap_or_default();
            let share = self.ctx.options.flush_lines / self.owned.len().max(1);
            let mut limit = records + share.max(1);
            // A batch is taken whole, so the nearer end is chosen: always taking one more would
            // make flushes of twice the size, and of twice the memory.
            let mut largest = 0;
            while records + largest / 2 < limit {
                let batches = self.retry(|w| {
                    let fetched = w.ctx.log.fetch(partition, Offset(from), FETCH_BYTES);
                    fetched.map_err(Failure::Log)
                })?;
                if batches.is_empty() {
                    break;
                }
                for batch in batches {
                    let more = batch.batch.records as usize;
                    if largest > 0 && records + more / 2 > limit {
                        limit = records;
                        break;
                    }
                    from = batch.base_offset.0 + u64::from(batch.batch.records);
                    records += more;
                    largest = largest.max(more);
                    all.push((index, batch));
                }
            }
        }
        Ok(all)
    }

    /// Makes a flush of fetched batches and sends it.
    fn flush(&mut self, fetched: &[(usize, FetchedBatch)]) -> Result<(), ConsumeError> {
        self.made += 1;
        let mut flush = Flush::default();
        self.gathered.clear();
        self.order.clear();
        let before = self.next.clone();
        for (index, batch) in fetched {
            let skip_to = before.get(*index).copied().unwrap_or_default();
            self.decode(*index, batch, skip_to, &mut flush.rejects)?;
        }
        let mut count = 0;
        for (index, from) in before.into_iter().enumerate() {
            let to = self.next.get(index).copied().unwrap_or_default();
            if to > from {
                count += to - from;
                let partition = self.partition(index);
                flush.spans.push(FlushSpan {
                    partition,
                    from,
                    to,
                });
                self.ctx.position.set(index, to);
            }
        }
        if let Topic::Lines(region) = self.ctx.topic {
            add(&self.ctx.counters.region(region).consumed, count);
        }
        let (delta, new_lines) = self.judge(&mut flush)?;
        let sent = self.send(&flush);
        self.in_flight.push_back(InFlight {
            number: self.made,
            flush,
            sent,
            records: count,
            new_lines,
            delta,
        });
        self.show_in_flight();
        Ok(())
    }

    /// Reads the records of a batch and moves the position of its partition past it.
    fn decode(
        &mut self,
        index: usize,
        batch: &FetchedBatch,
        skip_to: u64,
        rejects: &mut Vec<RejectRow>,
    ) -> Result<(), ConsumeError> {
        let partition = self.partition(index);
        let base = batch.base_offset.0;
        let damaged = |source| ConsumeError::Record {
            partition,
            offset: base,
            source,
        };
        let end = base + u64::from(batch.batch.records);
        for (offset, value) in (base..).zip(Records::new(&batch.batch.bytes)) {
            if offset < skip_to {
                continue;
            }
            let value = value.map_err(damaged)?;
            let (table, record) = match self.ctx.topic {
                Topic::Lines(_) => (
                    LineTable::Transactions,
                    Some(read_line(value).map_err(damaged)?),
                ),
                Topic::Quarantine => {
                    let (reject, line) = read_reject(value).map_err(damaged)?;
                    let line = line.filter(|_| reject.reason == Reason::Cancellation);
                    rejects.push(RejectRow {
                        load: batch.batch.load,
                        reject,
                    });
                    (LineTable::Returns, line)
                }
            };
            if let Some(record) = record {
                let key = BucketKey {
                    table,
                    country: self.names.country(record.line.country),
                    day: record.line.invoice_time.day(),
                    shard: Shard::of_invoice(record.line.invoice_no),
                };
                // A flush has far fewer lines than 32 bits count.
                let place = u32::try_from(self.gathered.len()).unwrap_or(u32::MAX);
                self.order.push((key.packed(), place));
                let line = self.names.stored(&record);
                self.gathered.push(Gathered { line, end });
            }
        }
        if let Some(next) = self.next.get_mut(index) {
            *next = end.max(*next);
        }
        Ok(())
    }

    /// Groups lines by bucket and keeps what is new.
    fn judge(&mut self, flush: &mut Flush) -> Result<(Delta, u64), ConsumeError> {
        let mut order = std::mem::take(&mut self.order);
        order.sort_unstable();
        let mut delta = Vec::new();
        let mut new_lines = 0;
        let generation = self.ctx.position.generation();
        for group in order.chunk_by(|a, b| a.0 == b.0) {
            let first = group.first();
            let Some(key) = first.and_then(|(packed, _)| BucketKey::from_packed(*packed)) else {
                continue;
            };
            let members = group
                .iter()
                .filter_map(|(_, place)| self.gathered.get(*place as usize));
            let to = members.clone().map(|g| g.end).max().unwrap_or(0);
            let lines: Vec<StoredLine> = members.map(|g| g.line.clone()).collect();
            self.warm(key)?;
            let Self {
                cache,
                scratch,
                stock_of,
                made,
                ..
            } = self;
            let change = |state: &mut BucketState| {
                let (fresh, part) = state.add(lines, scratch, stock_of);
                (fresh, part, state.take_stale(), Arc::clone(state.summary()))
            };
            let Some((fresh, part, stale, summary)) = cache.change(key, *made, change) else {
                continue;
            };
            if fresh.is_empty() && !stale {
                continue;
            }
            new_lines += fresh.len() as u64;
            flush.buckets.push(BucketWrite {
                key,
                lines: fresh,
                summary,
                timestamp: WriteTimestamp(generation + to),
            });
            if part.tally.lines > 0 {
                delta.push((key, part));
            }
        }
        self.order = order;
        Ok((delta, new_lines))
    }

    /// Reads a bucket into the cache when it is cold.
    fn warm(&mut self, key: BucketKey) -> Result<(), ConsumeError> {
        if self.cache.contains(key) {
            return Ok(());
        }
        let rows = self.retry(|w| {
            let (via, level) = w.route();
            let from = ReadSource::Level { via, level };
            let read = w.ctx.store.read_bucket(key, from);
            read.map_err(|error| Failure::Store(via, error))
        })?;
        let generation = self.ctx.position.generation();
        let state = BucketState::of_rows(rows, generation, &mut self.scratch, &mut self.stock_of);
        self.cache.insert(key, state);
        Ok(())
    }

    fn send(&self, flush: &Flush) -> Sent {
        let (via, level) = self.route();
        let pending = self.ctx.store.submit(flush, via, level);
        if let (Topic::Lines(_), Ok(pending)) = (self.ctx.topic, &pending) {
            let (ways, clock) = (Arc::clone(&self.ctx.ways), Arc::clone(&self.ctx.clock));
            let spans = flush.spans.clone();
            pending.when_everywhere(Box::new(move || ways.visible(&spans, clock.monotonic())));
        }
        Sent {
            via,
            level,
            pending,
        }
    }

    fn show_in_flight(&self) {
        if let Topic::Lines(region) = self.ctx.topic {
            let in_flight = &self.ctx.counters.region(region).in_flight;
            set(in_flight, self.in_flight.len());
        }
    }

    /// The region's route. Waits while no data centre can be written to; a consumer that is
    /// stopped meanwhile gets the last one and fails with it.
    fn route(&self) -> (Dc, ConsistencyLevel) {
        loop {
            let route = self.ctx.routes.of(self.region);
            if let Some(level) = route.level {
                return (route.via, level);
            }
            if self.ctx.gate.is_stopped() {
                return (route.via, ConsistencyLevel::Quorum);
            }
            self.ctx.clock.sleep(RETRY_PAUSE);
        }
    }

    /// Waits for the oldest flush, sends it again as often as needed, and commits.
    fn finish_front(&mut self) -> Result<(), ConsumeError> {
        let Some(front) = self.in_flight.pop_front() else {
            return Ok(());
        };
        let InFlight {
            number,
            flush,
            mut sent,
            ..
        } = front;
        loop {
            match sent.pending.and_then(PendingWrite::wait) {
                Ok(receipt) => {
                    let latency = receipt.latency;
                    self.ctx.metrics.add_flush(self.region, latency);
                    self.ctx.metrics.observe_request(sent.via, latency);
                    self.ctx.routes.succeeded(self.region, sent.via, latency);
                    break;
                }
                Err(error) => {
                    self.failed(Failure::Store(sent.via, error))?;
                    if self.ctx.gate.is_stopped() {
                        // Not committed, so it is read again next time.
                        self.in_flight.clear();
                        self.show_in_flight();
                        return Ok(());
                    }
                    sent = self.send(&flush);
                    if let Topic::Lines(region) = self.ctx.topic {
                        add(&self.ctx.counters.region(region).retries, 1);
                    }
                }
            }
        }
        self.applied = number;
        self.show_in_flight();
        if matches!(
            sent.level,
            ConsistencyLevel::LocalQuorum | ConsistencyLevel::One
        ) {
            self.held_back = HeldBack::Yes;
        }
        // Before the commit: whoever sees that committed finds it in the counts and on its way to
        // the figures.
        self.account(front.records, front.new_lines);
        let delta = front.delta;
        if !delta.is_empty() {
            self.ctx.deltas.send(delta);
        }
        if self.held_back == HeldBack::No {
            let commits: Vec<_> = flush
                .spans
                .iter()
                .map(|s| (s.partition, CommittedOffset(s.to)))
                .collect();
            self.commit(commits)?;
        }
        self.cache.evict(self.applied);
        Ok(())
    }

    fn account(&self, records: u64, new_lines: u64) {
        match self.ctx.topic {
            Topic::Lines(region) => {
                let counters = self.ctx.counters.region(region);
                add(&counters.written, records);
                add(&counters.new, new_lines);
                add(&counters.flushes, 1);
                if self.held_back == HeldBack::Yes {
                    add(&counters.held_back, records);
                }
            }
            Topic::Quarantine => add(&self.ctx.counters.quarantined, records),
        }
    }

    /// Goes to where a replay wants it.
    fn follow_moves(&mut self) -> Result<(), ConsumeError> {
        if !self.ctx.position.is_moved() {
            return Ok(());
        }
        self.drain()?;
        if let Some(offsets) = self.ctx.position.take_move() {
            self.cache.clear();
            for index in self.owned() {
                // Where it did not read when it was moved, it began at the commit since.
                let Some(offset) = offsets.get(index).copied().flatten() else {
                    continue;
                };
                if let Some(next) = self.next.get_mut(index) {
                    *next = offset;
                }
                self.ctx.position.set(index, offset);
            }
        }
        Ok(())
    }

    /// When the quorum is back, reads again what only one data centre acknowledged.
    fn leave_held_back(&mut self) -> Result<(), ConsumeError> {
        let level = self.ctx.routes.of(self.region).level;
        if self.held_back == HeldBack::No || level != Some(ConsistencyLevel::Quorum) {
            return Ok(());
        }
        self.drain()?;
        self.held_back = HeldBack::No;
        self.cache.clear();
        if let Topic::Lines(region) = self.ctx.topic {
            let held_back = &self.ctx.counters.region(region).held_back;
            held_back.store(0, Ordering::Relaxed);
        }
        self.start_at_committed(&self.owned(), Applied::ReadAgain)
    }

    /// Waits until nothing is in flight.
    pub(super) fn drain(&mut self) -> Result<(), ConsumeError> {
        while !self.in_flight.is_empty() {
            self.finish_front()?;
        }
        Ok(())
    }

    /// Repeats a request until it succeeds, cannot succeed, or the consumer is stopped.
    fn retry<T>(
        &mut self,
        mut request: impl FnMut(&mut Self) -> Result<T, Failure>,
    ) -> Result<T, ConsumeError> {
        loop {
            match request(self) {
                Ok(value) => return Ok(value),
                Err(failure) => {
                    if self.ctx.gate.is_stopped() {
                        return Err(self.fatal(failure));
                    }
                    self.failed(failure)?;
                }
            }
        }
    }

    /// Judges a failure: tells the routes, then either pauses before the next try or gives up.
    fn failed(&self, failure: Failure) -> Result<(), ConsumeError> {
        let outcome = match &failure {
            Failure::Log(error) => error.outcome(),
            Failure::Store(via, error) => {
                self.ctx.routes.failed(self.region, *via, error);
                error.outcome()
            }
        };
        match outcome {
            Outcome::Retry | Outcome::Unknown => {
                self.ctx.clock.sleep(RETRY_PAUSE);
                Ok(())
            }
            Outcome::Fatal => Err(self.fatal(failure)),
        }
    }

    fn fatal(&self, failure: Failure) -> ConsumeError {
        match failure {
            Failure::Log(source) => self.log_error(source),
            Failure::Store(_, source) => ConsumeError::Store {
                topic: self.ctx.topic,
                source,
            },
        }
    }
}

impl InFlight {
    fn is_done(&self) -> bool {
        self.sent.pending.as_ref().is_ok_and(|p| p.is_done())
    }
}
