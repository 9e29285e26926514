//! Metrics in Prometheus' text format, behind typed methods.
//!
//! Callers on the hot path add once per batch; a counter is an atomic that was looked up when
//! the engine opened. All counters are there from the start, because a counter that has not
//! moved is known to be 0. A gauge is there only while its value is known.

use std::time::Duration;

use prometheus::{
    Encoder, Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec,
    IntGaugeVec, Opts, Registry, TextEncoder,
};
use thiserror::Error;

use crate::config::Mode;
use crate::model::{Dc, PerDc, PerRegion, Reading, Reason, Region, TopicPartition};
use crate::ports::DcState;
use crate::watch::rates::Hop;

/// A bounded queue whose depth is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Queue {
    /// Between the reader and the log.
    Read,
    /// Between the consumer of a region and the replicas.
    Write(Region),
    /// Between the flushes and the figures.
    Analytics,
}

impl Queue {
    /// All queues, in the order of the flow.
    pub const ALL: [Self; 5] = [
        Self::Read,
        Self::Write(Region::Europe),
        Self::Write(Region::Americas),
        Self::Write(Region::AsiaPacific),
        Self::Analytics,
    ];

    /// The name in JSON and metric labels.
    pub const fn slug(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write(Region::Europe) => "write_europe",
            Self::Write(Region::Americas) => "write_americas",
            Self::Write(Region::AsiaPacific) => "write_asiapacific",
            Self::Analytics => "analytics",
        }
    }
}

/// Why metrics could not be made or written out.
#[derive(Debug, Error)]
#[error("metrics: {0}")]
pub struct MetricsError(#[from] prometheus::Error);

impl MetricsError {
    /// What a person can do about it.
    pub const fn remedy(&self) -> &'static str {
        "this is a fault of the program: two metrics were given one name"
    }
}

/// Seconds, from a fast local flush to a request that is about to time out.
const FLUSH_BUCKETS: &[f64] = &[
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];
/// Seconds from reading a line to seeing it in all three data centres: an outage makes it hours.
const VISIBLE_BUCKETS: &[f64] = &[
    0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 600.0, 3_600.0, 10_800.0,
];

/// The metrics of one engine. Cheap to share; every method may be called from any thread.
pub struct Metrics {
    registry: Registry,
    lines: [IntCounter; Hop::ALL.len()],
    rejects: [IntCounter; Reason::ALL.len()],
    new_lines: PerRegion<IntCounter>,
    write_errors: PerDc<IntCounter>,
    failovers: PerRegion<IntCounter>,
    flushes: PerRegion<IntCounter>,
    log_syncs: IntCounter,
    lag_lines: IntGaugeVec,
    lag_age: GaugeVec,
    dc_up: GaugeVec,
    hints: IntGaugeVec,
    disk: IntGaugeVec,
    ledger_gap: IntGaugeVec,
    queues: IntGaugeVec,
    hint_window: GaugeVec,
    disk_used: GaugeVec,
    stalled: IntGaugeVec,
    workers_failed: IntGaugeVec,
    sampled_at: GaugeVec,
    flush_seconds: PerRegion<Histogram>,
    visible_seconds: Histogram,
    request_seconds: PerDc<Histogram>,
}

impl Metrics {
    /// The metrics of an engine in `mode`, counters at 0, gauges not known yet.
    pub fn new(mode: Mode) -> Result<Self, MetricsError> {
        let make = Maker(Registry::new());
        let lines = make.counters("retail_lines_total", "Lines that passed a hop", "hop")?;
        let rejects = make.counters("retail_rejects_total", "Rows set aside", "reason")?;
        let new = make.counters(
            "retail_new_lines_total",
            "Lines not stored before",
            "region",
        )?;
        let errors = make.counters("retail_write_errors_total", "Failed writes", "dc")?;
        let failovers = make.counters("retail_failovers_total", "Failovers begun", "region")?;
        let flushes = make.counters("retail_flushes_total", "Flushes durable", "region")?;
        let flush = make.histograms("retail_flush_seconds", "A flush, till durable", "region")?;
        let request =
            make.histograms("retail_request_seconds", "A request, till answered", "dc")?;
        let visible = HistogramOpts::new(
            "retail_visible_seconds",
            "From reading the first of some lines till all are visible in all data centres",
        );
        let metrics = Self {
            lines: Hop::ALL.map(|hop| lines.with_label_values(&[hop.slug()])),
            rejects: Reason::ALL.map(|reason| rejects.with_label_values(&[reason.slug()])),
            new_lines: PerRegion::from_fn(|r| new.with_label_values(&[r.slug()])),
            write_errors: PerDc::from_fn(|dc| errors.with_label_values(&[dc.name()])),
            failovers: PerRegion::from_fn(|r| failovers.with_label_values(&[r.slug()])),
            flushes: PerRegion::from_fn(|r| flushes.with_label_values(&[r.slug()])),
            log_syncs: make.add(IntCounter::new(
                "retail_log_syncs_total",
                "Syncs of the log to disk",
            )?)?,
            lag_lines: make.gauges(
                "retail_lag_lines",
                "Lines appended and not committed",
                &["region", "partition"],
            )?,
            lag_age: make.float_gauges(
                "retail_lag_age_seconds",
                "Age of the oldest line not committed",
                &["region"],
            )?,
            dc_up: make.float_gauges(
                "retail_dc_up",
                "1 up, 0.5 suspect, 0 down; absent when unknown",
                &["dc"],
            )?,
            hints: make.gauges("retail_hints_pending", "Hints that wait", &["dc"])?,
            disk: make.gauges("retail_disk_bytes", "Bytes on disk", &["dc"])?,
            ledger_gap: make.gauges(
                "retail_ledger_gap_lines",
                "Lines that the ledger of the newest ended load cannot place",
                &[],
            )?,
            queues: make.gauges("retail_queue_depth", "Entries in a queue", &["queue"])?,
            hint_window: make.float_gauges(
                "retail_hint_window_used_ratio",
                "Part of the hint window that has passed; 1 when a repair is needed",
                &["dc"],
            )?,
            disk_used: make.float_gauges(
                "retail_disk_used_ratio",
                "Part of the disk in use",
                &["dc"],
            )?,
            stalled: make.gauges(
                "retail_consumer_stalled",
                "1 while lines wait and nothing is committed, else 0",
                &["region"],
            )?,
            workers_failed: make.gauges(
                "retail_workers_failed",
                "Workers that ended before they should",
                &[],
            )?,
            sampled_at: make.float_gauges(
                "retail_sampled_timestamp_seconds",
                "When all this was measured",
                &[],
            )?,
            flush_seconds: PerRegion::from_fn(|r| flush.with_label_values(&[r.slug()])),
            visible_seconds: make.add(Histogram::with_opts(
                visible.buckets(VISIBLE_BUCKETS.to_vec()),
            )?)?,
            request_seconds: PerDc::from_fn(|dc| request.with_label_values(&[dc.name()])),
            registry: make.0.clone(),
        };
        let build = Opts::new("retail_build_info", "Always 1; the labels tell the build")
            .const_label("version", env!("CARGO_PKG_VERSION"))
            .const_label("mode", mode.slug());
        make.add(Gauge::with_opts(build)?)?.set(1.0);
        Ok(metrics)
    }

    /// Counts lines that passed a hop.
    pub fn add_lines(&self, hop: Hop, lines: u64) {
        self.lines[hop as usize].inc_by(lines);
    }

    /// Lines that have passed a hop since the engine opened.
    pub fn lines(&self, hop: Hop) -> u64 {
        self.lines[hop as usize].get()
    }

    /// Counts rows set aside.
    pub fn add_rejects(&self, reason: Reason, rows: u64) {
        self.rejects[reason as usize].inc_by(rows);
    }

    /// Counts lines that were not stored before.
    pub fn add_new_lines(&self, region: Region, lines: u64) {
        self.new_lines[region].inc_by(lines);
    }

    /// Counts writes that failed or timed out at a data centre.
    pub fn add_write_errors(&self, dc: Dc, writes: u64) {
        self.write_errors[dc].inc_by(writes);
    }

    /// Counts a region that left its home.
    pub fn add_failover(&self, region: Region) {
        self.failovers[region].inc();
    }

    /// Counts a durable flush and the time that it took.
    pub fn add_flush(&self, region: Region, took: Duration) {
        self.flushes[region].inc();
        self.flush_seconds[region].observe(took.as_secs_f64());
    }

    /// Counts syncs of the log.
    pub fn add_log_syncs(&self, syncs: u64) {
        self.log_syncs.inc_by(syncs);
    }

    /// Measures the way of lines that were read together, from the first of them being read till
    /// all are in all three data centres.
    pub fn observe_visible(&self, took: Duration) {
        self.visible_seconds.observe(took.as_secs_f64());
    }

    /// Measures a request through a data centre.
    pub fn observe_request(&self, dc: Dc, took: Duration) {
        self.request_seconds[dc].observe(took.as_secs_f64());
    }

    /// Sets the lag of a partition of a region's topic; other topics have no lag of their own.
    pub fn set_lag_lines(&self, of: TopicPartition, lines: &Reading<u64>) {
        if let crate::model::Topic::Lines(region) = of.topic {
            let partition = of.partition.0.to_string();
            set_count(
                &self.lag_lines,
                &[region.slug(), &partition],
                lines.known().copied(),
            );
        }
    }

    /// Sets the age of a region's oldest unread line.
    pub fn set_lag_age(&self, region: Region, age: &Reading<Duration>) {
        let secs = age.known().map(Duration::as_secs_f64);
        set_number(&self.lag_age, &[region.slug()], secs);
    }

    /// Sets the state of a data centre.
    pub fn set_dc_state(&self, dc: Dc, state: DcState) {
        let up = match state {
            DcState::Up => Some(1.0),
            // Below 1 for an alert on any trouble, above 0 for one on being down.
            DcState::Suspect => Some(0.5),
            DcState::Down => Some(0.0),
            DcState::Unknown => None,
        };
        set_number(&self.dc_up, &[dc.name()], up);
    }

    /// Sets how many hints wait for a data centre.
    pub fn set_hints(&self, dc: Dc, hints: &Reading<u64>) {
        set_count(&self.hints, &[dc.name()], hints.known().copied());
    }

    /// Sets the bytes on the disk of a data centre.
    pub fn set_disk_bytes(&self, dc: Dc, bytes: &Reading<u64>) {
        set_count(&self.disk, &[dc.name()], bytes.known().copied());
    }

    /// Sets the lines that the newest ended load's ledger cannot place; 0 when it closes.
    pub fn set_ledger_gap(&self, lines: &Reading<u64>) {
        set_count(&self.ledger_gap, &[], lines.known().copied());
    }

    /// Sets the depth of a queue.
    pub fn set_queue_depth(&self, queue: Queue, entries: &Reading<u64>) {
        set_count(&self.queues, &[queue.slug()], entries.known().copied());
    }

    /// Sets the part of the hint window that has passed, 0 to 1.
    pub fn set_hint_window_used(&self, dc: Dc, used: &Reading<f64>) {
        set_number(&self.hint_window, &[dc.name()], used.known().copied());
    }

    /// Sets the part of the disk of a data centre that is in use, 0 to 1.
    pub fn set_disk_used(&self, dc: Dc, used: &Reading<f64>) {
        set_number(&self.disk_used, &[dc.name()], used.known().copied());
    }

    /// Sets whether lines of a region wait and nothing is committed: 1 if so, else 0.
    pub fn set_consumer_stalled(&self, region: Region, stalled: &Reading<u64>) {
        set_count(&self.stalled, &[region.slug()], stalled.known().copied());
    }

    /// Sets how many workers ended before they should.
    pub fn set_workers_failed(&self, workers: u64) {
        set_count(&self.workers_failed, &[], Some(workers));
    }

    /// Says that everything was measured at `unix_secs`.
    pub fn set_sampled_at(&self, unix_secs: f64) {
        set_number(&self.sampled_at, &[], Some(unix_secs));
    }

    /// All metrics in Prometheus' text format.
    pub fn text(&self) -> Result<String, MetricsError> {
        let mut bytes = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

/// Sets a series, or takes it away when its value is not known.
fn set_count(gauge: &IntGaugeVec, labels: &[&str], value: Option<u64>) {
    match value {
        Some(value) => gauge
            .with_label_values(labels)
            .set(i64::try_from(value).unwrap_or(i64::MAX)),
        // A series that is not there need not be taken away.
        None => drop(gauge.remove_label_values(labels)),
    }
}

fn set_number(gauge: &GaugeVec, labels: &[&str], value: Option<f64>) {
    match value {
        Some(value) => gauge.with_label_values(labels).set(value),
        None => drop(gauge.remove_label_values(labels)),
    }
}

/// Makes metrics and registers them.
struct Maker(Registry);

impl Maker {
    fn add<C: prometheus::core::Collector + Clone + 'static>(
        &self,
        metric: C,
    ) -> Result<C, MetricsError> {
        self.0.register(Box::new(metric.clone()))?;
        Ok(metric)
    }

    fn counters(&self, name: &str, help: &str, label: &str) -> Result<IntCounterVec, MetricsError> {
        self.add(IntCounterVec::new(Opts::new(name, help), &[label])?)
    }

    fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> Result<IntGaugeVec, MetricsError> {
        self.add(IntGaugeVec::new(Opts::new(name, help), labels)?)
    }

    fn float_gauges(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
    ) -> Result<GaugeVec, MetricsError> {
        self.add(GaugeVec::new(Opts::new(name, help), labels)?)
    }

    fn histograms(
        &self,
        name: &str,
        help: &str,
        label: &str,
    ) -> Result<HistogramVec, MetricsError> {
        let opts = HistogramOpts::new(name, help).buckets(FLUSH_BUCKETS.to_vec());
        self.add(HistogramVec::new(opts, &[label])?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Topic;

    fn metrics() -> Metrics {
        Metrics::new(Mode::Embedded).unwrap()
    }

    fn has(metrics: &Metrics, line: &str) -> bool {
        metrics.text().unwrap().lines().any(|l| l.starts_with(line))
    }

    #[test]
    fn counters_are_there_from_the_start_and_add_up() {
        let metrics = metrics();
        assert!(has(&metrics, "retail_lines_total{hop=\"write\"} 0"));
        metrics.add_lines(Hop::Read, 541_909);
        metrics.add_lines(Hop::Read, 1);
        metrics.add_rejects(Reason::Cancellation, 9_287);
        metrics.add_failover(Region::Europe);
        metrics.add_write_errors(Dc::Americas, 1);
        metrics.add_new_lines(Region::AsiaPacific, 7);
        metrics.add_log_syncs(3);
        assert_eq!(metrics.lines(Hop::Read), 541_910);
        for line in [
            "retail_lines_total{hop=\"read\"} 541910",
            "retail_rejects_total{reason=\"cancellation\"} 9287",
            "retail_failovers_total{region=\"europe\"} 1",
            "retail_write_errors_total{dc=\"Americas_DC\"} 1",
            "retail_new_lines_total{region=\"asiapacific\"} 7",
            "retail_log_syncs_total 3",
            "retail_build_info{mode=\"embedded\",version=",
        ] {
            assert!(
                has(&metrics, line),
                "{line} is not in {}",
                metrics.text().unwrap()
            );
        }
        for (place, hop) in Hop::ALL.into_iter().enumerate() {
            assert_eq!(hop as usize, place);
        }
    }

    #[test]
    fn what_is_not_known_has_no_series() {
        let metrics = metrics();
        let partition = TopicPartition::new(Topic::Lines(Region::Americas), 2);
        let unknown = || Reading::Unknown("no answer".to_owned());
        let stale = Reading::Stale {
            value: 9,
            age: Duration::from_secs(37),
        };
        for gap in [unknown(), stale] {
            assert!(!has(&metrics, "retail_lag_lines{"));
            metrics.set_lag_lines(partition, &Reading::Known(12));
            assert!(has(
                &metrics,
                "retail_lag_lines{partition=\"2\",region=\"americas\"} 12"
            ));
            metrics.set_lag_lines(partition, &gap);
            assert!(!has(&metrics, "retail_lag_lines{"), "after {gap:?}");
        }
        metrics.set_ledger_gap(&unknown());
        assert!(!has(&metrics, "retail_ledger_gap_lines"));
        metrics.set_ledger_gap(&Reading::Known(0));
        assert!(has(&metrics, "retail_ledger_gap_lines 0"));
        for (state, shown) in [
            (DcState::Up, Some("1")),
            (DcState::Suspect, Some("0.5")),
            (DcState::Down, Some("0")),
            (DcState::Unknown, None),
        ] {
            metrics.set_dc_state(Dc::Europe, state);
            let line = shown.map(|v| format!("retail_dc_up{{dc=\"Europe_DC\"}} {v}"));
            let text = metrics.text().unwrap();
            let found = text.lines().find(|l| l.starts_with("retail_dc_up{"));
            assert_eq!(found.map(str::to_owned), line);
        }
    }

    #[test]
    fn durations_are_told_in_seconds() {
        let metrics = metrics();
        metrics.add_flush(Region::Europe, Duration::from_millis(20));
        metrics.observe_request(Dc::Europe, Duration::from_millis(3));
        metrics.observe_visible(Duration::from_secs(45));
        metrics.set_lag_age(
            Region::Europe,
            &Reading::Known(Duration::from_millis(1_500)),
        );
        metrics.set_hints(Dc::Europe, &Reading::Known(4));
        metrics.set_disk_bytes(Dc::Europe, &Reading::Known(8_000_000));
        metrics.set_queue_depth(Queue::Write(Region::Europe), &Reading::Known(2));
        for line in [
            "retail_flushes_total{region=\"europe\"} 1",
            "retail_flush_seconds_bucket{region=\"europe\",le=\"0.01\"} 0",
            "retail_flush_seconds_bucket{region=\"europe\",le=\"0.025\"} 1",
            "retail_request_seconds_count{dc=\"Europe_DC\"} 1",
            "retail_visible_seconds_bucket{le=\"60\"} 1",
            "retail_lag_age_seconds{region=\"europe\"} 1.5",
            "retail_hints_pending{dc=\"Europe_DC\"} 4",
            "retail_disk_bytes{dc=\"Europe_DC\"} 8000000",
            "retail_queue_depth{queue=\"write_europe\"} 2",
        ] {
            assert!(
                has(&metrics, line),
                "{line} is not in {}",
                metrics.text().unwrap()
            );
        }
    }
}
