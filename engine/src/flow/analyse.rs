//! The analytics service: one thread that merges what consumers acknowledge, and answers.
//!
//! Messages are handled in order, so a question asked after an acknowledged flush sees its lines.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use thiserror::Error;

use super::consume::Delta;
use super::roles::Tables;
use super::routes::{Routes, through_any};
use super::shared::{Follow, Sharing};
use crate::analytics::{
    Analytics, Filter, Regions, Report, Settings as ReportSettings, SpanCorrections,
    SpanningInvoice, SpanningPart, Weights, country_rows, customer_rows, product_rows,
};
use crate::model::{BucketKey, Catalog, LineTable, StoredLine};
use crate::ports::{BucketScope, Clock, DerivedRows, ReadSource, Store, StoreError};

/// Deltas and questions that may wait: two flushes of each consumer and a few questions. A
/// consumer that finds it full waits, which is the back-pressure of the analytics.
pub(crate) const QUEUE: usize = 16;

/// The derived table whose rows count every line of sales once.
const COUNTRY_METRICS: &str = "country_metrics";

/// Why a question got no answer.
#[derive(Debug, Error)]
pub enum AnalyseError {
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The service has ended.
    #[error("the analytics service has ended")]
    Ended,
    /// Whoever asked does not wait any more.
    #[error("nobody waits for the answer any more")]
    GivenUp,
}

/// A question: computes something from the figures of a filter and answers it. It runs on the
/// thread of the service, so it reads no rows.
type Question =
    Box<dyn FnOnce(Result<(&Analytics, &ReportSettings), AnalyseError>) + Send + 'static>;

/// When to write the derived tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// If anything changed since they were written.
    IfChanged,
    /// In any case: settings that they depend on may have changed.
    Always,
}

/// What the service is told or asked.
pub(crate) enum Message {
    /// Lines that were acknowledged and not there before.
    Delta(Delta),
    /// Other processes consume too, from now on or since the engine was opened.
    Shared,
    /// Something that is computed from the figures under a filter.
    Ask(Filter, Question),
    /// Another routing map is in force: these are its regions.
    Regions(Regions),
    /// Weigh the value score so from now on.
    Weigh(Weights, Sender<()>),
    /// Write the derived tables now.
    Materialise(Extent, Sender<Result<(), AnalyseError>>),
    /// Answered when everything before is done.
    Barrier(Sender<()>),
    /// Write the derived tables if they are behind, and end.
    End(Sender<Result<(), AnalyseError>>),
}

/// What the service shows while it runs.
#[derive(Debug, Default)]
pub(crate) struct Headline {
    /// The service has ended, and answers nothing any more.
    ended: AtomicBool,
    lines: AtomicU64,
    messages: AtomicU64,
}

impl Headline {
    /// Lines of sales in the figures.
    pub(crate) fn lines(&self) -> u64 {
        self.lines.load(Ordering::Acquire)
    }
}

/// The service as others hold it.
#[derive(Clone)]
pub(crate) struct AnalyticsLink {
    messages: Sender<Message>,
    headline: Arc<Headline>,
}

/// Between two looks at whether the service still runs, while an answer is waited for.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What the service works with.
pub(crate) struct AnalyticsService {
    store: Arc<dyn Store>,
    routes: Arc<Routes>,
    clock: Arc<dyn Clock>,
    regions: Regions,
    settings: ReportSettings,
    materialise_every: Duration,
    messages: Receiver<Message>,
    headline: Arc<Headline>,
    state: Analytics,
    /// `None` where this process is the only one.
    sharing: Option<Sharing>,
    /// Something changed since the derived tables were written.
    changed_at: Option<Duration>,
}

impl AnalyticsService {
    /// The service with the figures of what is stored, and its link.
    pub(crate) fn open(
        store: Arc<dyn Store>,
        routes: Arc<Routes>,
        clock: Arc<dyn Clock>,
        regions: Regions,
        settings: ReportSettings,
        materialise_every: Duration,
        sharing: Option<Sharing>,
    ) -> Result<(Self, AnalyticsLink), StoreError> {
        let (sender, messages) = bounded(QUEUE);
        let headline = Arc::new(Headline::default());
        let catalog = Arc::clone(store.catalog());
        let service = Self {
            state: Analytics::new(catalog, regions.clone()),
            store,
            routes,
            clock,
            regions,
            settings,
            materialise_every,
            messages,
            headline: Arc::clone(&headline),
            sharing,
            changed_at: None,
        };
        let mut service = service;
        service.read_summaries()?;
        if service.tables_are_behind()? {
            service.changed_at = Some(service.clock.monotonic());
        }
        let link = AnalyticsLink {
            messages: sender,
            headline,
        };
        Ok((service, link))
    }

    /// Runs until all links are dropped.
    pub(crate) fn run(mut self) {
        loop {
            let due = self.changed_at.map(|at| {
                let waited = self.clock.monotonic().saturating_sub(at);
                self.materialise_every.saturating_sub(waited)
            });
            // Others tell nobody what they write, so it is looked for.
            let due = due.or_else(|| self.follows_summaries().then_some(self.materialise_every));
            let message = match due {
                None => self
                    .messages
                    .recv()
                    .map_err(|_gone| RecvTimeoutError::Disconnected),
                Some(due) => self.messages.recv_timeout(due),
            };
            match message {
                Ok(Message::End(reply)) => {
                    let done = self.materialise();
                    answer(&reply, done);
                    return;
                }
                Ok(message) => self.handle(message),
                Err(RecvTimeoutError::Timeout) => {
                    self.catch_up(When::Due);
                    if let Err(error) = self.materialise() {
                        tracing::debug!(%error, "the derived tables are written later");
                        self.changed_at = Some(self.clock.monotonic());
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn follows_summaries(&self) -> bool {
        let sharing = self.sharing.as_ref();
        sharing.is_some_and(|sharing| sharing.follow == Follow::Summaries)
    }

    /// Takes in what other processes have written.
    fn catch_up(&mut self, when: When) {
        if !self.follows_summaries() {
            return;
        }
        let now = self.clock.monotonic();
        let due = |sharing: &Sharing| when == When::Now || sharing.is_due(now);
        if !self.sharing.as_ref().is_some_and(|s| due(s) && s.moved()) {
            return;
        }
        match self.read_summaries() {
            Ok(()) => {
                self.changed_at.get_or_insert(now);
            }
            Err(error) => tracing::warn!(%error, "the figures are brought up to date later"),
        }
    }

    /// Makes the figures from the summaries in the store.
    fn read_summaries(&mut self) -> Result<(), StoreError> {
        let before = self.sharing.as_ref().and_then(Sharing::sums);
        let began = self.clock.monotonic();
        self.rebuild()?;
        let now = self.clock.monotonic();
        if let (Some(sharing), Some(before)) = (&mut self.sharing, before) {
            sharing.read(before, now, now.saturating_sub(began));
        }
        Ok(())
    }

    /// Makes the figures from the summaries in the store.
    fn rebuild(&mut self) -> Result<(), StoreError> {
        let (first, level) = self.routes.anywhere();
        self.state = through_any(first, |via| {
            let from = ReadSource::Level { via, level };
            let mut state = Analytics::new(Arc::clone(self.store.catalog()), self.regions.clone());
            for table in LineTable::ALL {
                let scope = BucketScope::all(table);
                self.store
                    .scan_summaries(&scope, from, &mut |key, summary| state.apply(key, &summary))?;
            }
            Ok(state)
        })?;
        self.show();
        Ok(())
    }

    /// Whether the derived tables hold other lines than the summaries: the process that should
    /// have written them ended before it did.
    fn tables_are_behind(&self) -> Result<bool, StoreError> {
        let (first, level) = self.routes.anywhere();
        let countries = through_any(first, |via| {
            let from = ReadSource::Level { via, level };
            self.store.read_derived(COUNTRY_METRICS, from)
        })?;
        let lines = |row: &String| {
            let row: serde_json::Value = serde_json::from_str(row).ok()?;
            row.get("lines")?.as_u64()
        };
        let derived: u64 = countries.rows.values().filter_map(lines).sum();
        Ok(derived != self.headline.lines())
    }

    fn show(&self) {
        let lines = self.state.sales().map(|(_, _, day)| day.all.lines).sum();
        self.headline.lines.store(lines, Ordering::Release);
        self.headline.messages.fetch_add(1, Ordering::Relaxed);
    }

    fn handle(&mut self, message: Message) {
        match message {
            // Figures that are read from the summaries have it from there.
            Message::Delta(_) if self.follows_summaries() => {}
            Message::Shared => {
                if let Some(sharing) = &mut self.sharing {
                    sharing.follow = Follow::Summaries;
                }
            }
            Message::Delta(delta) => {
                let mut lines = 0;
                for (key, summary) in &delta {
                    if key.table == LineTable::Transactions {
                        lines += summary.tally.lines;
                    }
                    self.state.apply(*key, summary);
                }
                self.headline.lines.fetch_add(lines, Ordering::AcqRel);
                self.headline.messages.fetch_add(1, Ordering::Relaxed);
                let now = self.clock.monotonic();
                self.changed_at.get_or_insert(now);
            }
            Message::Ask(filter, question) => match self.part(&filter) {
                Ok(None) => question(Ok((&self.state, &self.settings))),
                Ok(Some(part)) => question(Ok((&part, &self.settings))),
                Err(error) => question(Err(error)),
            },
            Message::Regions(regions) => {
                if regions != self.regions {
                    self.state.route_by(regions.clone());
                    self.regions = regions;
                    // The derived tables name regions.
                    let now = self.clock.monotonic();
                    self.changed_at.get_or_insert(now);
                }
            }
            Message::Weigh(weights, reply) => {
                self.settings.weights = weights;
                // The derived table of customers has the score.
                let now = self.clock.monotonic();
                self.changed_at.get_or_insert(now);
                answer(&reply, ());
            }
            Message::Materialise(extent, reply) => {
                if extent == Extent::Always {
                    self.changed_at = Some(self.clock.monotonic());
                }
                self.catch_up(When::Now);
                let done = self.materialise();
                answer(&reply, done);
            }
            // Handled where messages are received, because it ends the service.
            Message::End(reply) => answer(&reply, Ok(())),
            Message::Barrier(reply) => {
                self.catch_up(When::Now);
                answer(&reply, ());
            }
        }
    }

    /// The figures of the lines that pass a filter; `None` for those of all lines, which are at
    /// hand.
    fn part(&mut self, filter: &Filter) -> Result<Option<Analytics>, AnalyseError> {
        self.catch_up(When::Due);
        self.correct()?;
        if *filter == Filter::default() {
            return Ok(None);
        }
        let scope = self.state.scope(filter);
        let mut part = Analytics::empty_part(&self.state, filter.clone());
        let from = self.routes.read_anywhere();
        for table in LineTable::ALL {
            let buckets = BucketScope {
                table,
                countries: filter.countries.clone(),
                from: filter.from,
                to: filter.to,
            };
            self.store
                .scan_summaries(&buckets, from, &mut |key, summary| {
                    if scope.holds_bucket(key) {
                        part.apply(key, &summary);
                    }
                })?;
        }
        Ok(Some(part))
    }

    /// Looks up where the lines of invoices lie that are in several buckets.
    fn correct(&mut self) -> Result<(), StoreError> {
        if !self.state.needs_correction() {
            return Ok(());
        }
        let wanted: BTreeSet<u64> = self.state.spanning().collect();
        let mut invoices: BTreeMap<u64, Vec<SpanningPart>> = BTreeMap::new();
        let catalog = Arc::clone(self.store.catalog());
        let scope = BucketScope::all(LineTable::Transactions);
        self.store
            .scan_rows(&scope, self.routes.read_anywhere(), &mut |key, lines| {
                for line in &lines {
                    let fingerprint = fingerprint(line);
                    if wanted.contains(&fingerprint) {
                        add_part(
                            invoices.entry(fingerprint).or_default(),
                            key,
                            line,
                            &catalog,
                        );
                    }
                }
            })?;
        let corrections = SpanCorrections::new(
            invoices
                .into_iter()
                .map(|(fingerprint, parts)| SpanningInvoice { fingerprint, parts }),
        );
        self.state.correct(corrections);
        Ok(())
    }

    /// The tables that others read. Nothing else is left to do when a load ends, so two cores
    /// share the work.
    fn tables(&self) -> [DerivedRows; 3] {
        let (state, settings) = (&self.state, &self.settings);
        std::thread::scope(|scope| {
            let customers = scope.spawn(|| customer_rows(state, settings));
            let (products, countries) = (product_rows(state), country_rows(state));
            let customers = customers
                .join()
                .unwrap_or_else(|panic| resume_unwind(panic));
            [customers, products, countries]
        })
    }

    fn materialise(&mut self) -> Result<(), AnalyseError> {
        if self.changed_at.is_none() {
            return Ok(());
        }
        let sharing = self.sharing.as_ref();
        if sharing.is_some_and(|sharing| sharing.tables == Tables::LeftToOthers) {
            self.changed_at = None;
            return Ok(());
        }
        self.correct()?;
        let tables = self.tables();
        let (via, level) = self.routes.anywhere();
        self.store.write_derived(&tables, via, level)?;
        self.changed_at = None;
        Ok(())
    }
}

/// The fingerprint of a line's invoice, as [`crate::model::Summary::invoices`] has it.
pub(super) fn fingerprint(line: &StoredLine) -> u64 {
    xxhash_rust::xxh3::xxh3_64(line.invoice_no.as_bytes())
}

fn add_part(parts: &mut Vec<SpanningPart>, key: BucketKey, line: &StoredLine, catalog: &Catalog) {
    let stock = catalog.product_name(line.product).map(|name| name.stock);
    if parts.last().is_none_or(|part| part.key != key) {
        // Buckets are visited one after the other, so a new one comes last.
        parts.push(SpanningPart {
            key,
            customers: Vec::new(),
            stock: Vec::new(),
        });
    }
    if let Some(part) = parts.last_mut() {
        part.customers.push(line.customer);
        part.stock.extend(stock);
    }
}

/// Answers a question; whoever asked may have given up.
fn answer<T>(reply: &Sender<T>, value: T) {
    if reply.send(value).is_err() {
        tracing::debug!("nobody waits for this answer any more");
    }
}

impl AnalyticsLink {
    /// Where consumers send what was acknowledged.
    pub(crate) fn deltas(&self) -> DeltaSink {
        DeltaSink(self.messages.clone())
    }

    /// Lines of sales in the figures now.
    pub(crate) fn lines(&self) -> u64 {
        self.headline.lines()
    }

    /// Messages handled since the engine was opened.
    pub(crate) fn handled(&self) -> u64 {
        self.headline.messages.load(Ordering::Relaxed)
    }

    /// Messages that wait.
    pub(crate) fn queued(&self) -> usize {
        self.messages.len()
    }

    /// Waits until everything sent before is in the figures.
    pub(crate) fn settle(&self) {
        let (reply, done) = bounded(1);
        let sent = self.messages.send(Message::Barrier(reply));
        if sent.is_err() || self.wait(&done).is_err() {
            tracing::debug!("the analytics service has ended");
        }
    }

    /// The figures under a filter.
    pub(crate) fn report(&self, filter: Filter) -> Result<Report, AnalyseError> {
        self.figures(filter, Report::build)
    }

    /// What `compute` makes of the figures under a filter. It runs on the thread of the service:
    /// while it does, consumers may have to wait.
    pub(crate) fn figures<T: Send + 'static>(
        &self,
        filter: Filter,
        compute: impl FnOnce(&Analytics, &ReportSettings) -> T + Send + 'static,
    ) -> Result<T, AnalyseError> {
        self.ask(|reply| {
            let question = move |state: Result<(&Analytics, &ReportSettings), AnalyseError>| {
                answer(
                    &reply,
                    state.map(|(figures, settings)| compute(figures, settings)),
                );
            };
            Message::Ask(filter, Box::new(question))
        })?
    }

    /// Puts countries in these regions in every answer to what is asked from now on.
    pub(crate) fn route_by(&self, regions: Regions) {
        if self.messages.send(Message::Regions(regions)).is_err() {
            tracing::debug!("the analytics service has ended; regions are not needed");
        }
    }

    /// Weighs the value score so in every answer from now on.
    pub(crate) fn weigh(&self, weights: Weights) -> Result<(), AnalyseError> {
        self.ask(|reply| Message::Weigh(weights, reply))
    }

    /// Writes the derived tables.
    pub(crate) fn materialise(&self, extent: Extent) -> Result<(), AnalyseError> {
        self.ask(|reply| Message::Materialise(extent, reply))?
    }

    /// Writes the derived tables if they are behind, and ends the service.
    pub(crate) fn end(&self) -> Result<(), AnalyseError> {
        self.ask(Message::End)?
    }

    fn ask<T>(&self, message: impl FnOnce(Sender<T>) -> Message) -> Result<T, AnalyseError> {
        let (reply, answer) = bounded(1);
        self.messages
            .send(message(reply))
            .map_err(|_gone| AnalyseError::Ended)?;
        self.wait(&answer)
    }

    /// Waits for an answer as long as the service runs: what is sent while it ends may be taken
    /// by nobody and lie in the queue.
    fn wait<T>(&self, answer: &Receiver<T>) -> Result<T, AnalyseError> {
        loop {
            match answer.recv_timeout(LOOK_EVERY) {
                Ok(value) => return Ok(value),
                Err(RecvTimeoutError::Disconnected) => return Err(AnalyseError::Ended),
                Err(RecvTimeoutError::Timeout) => {
                    if self.headline.ended.load(Ordering::Acquire) {
                        return answer.try_recv().map_err(|_none| AnalyseError::Ended);
                    }
                }
            }
        }
    }
}

impl Drop for AnalyticsService {
    fn drop(&mut self) {
        self.headline.ended.store(true, Ordering::Release);
    }
}

/// When summaries are read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    /// When that does not take too much of the time.
    Due,
    /// Somebody waits for it.
    Now,
}

/// The consumers' end of the service.
#[derive(Clone)]
pub(crate) struct DeltaSink(Sender<Message>);

impl DeltaSink {
    /// Says that other processes consume too.
    pub(crate) fn shared(&self) {
        if self.0.send(Message::Shared).is_err() {
            tracing::debug!("the analytics service has ended; figures are not needed");
        }
    }

    /// Sends a delta; waits while the service is behind.
    pub(crate) fn send(&self, delta: Delta) {
        if self.0.send(Message::Delta(delta)).is_err() {
            tracing::debug!("the analytics service has ended; deltas are not needed");
        }
    }
}
