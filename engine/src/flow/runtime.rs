//! The running engine: its parts, its threads, and how they start and end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use arc_swap::ArcSwap;
use crossbeam_channel::bounded;
use parking_lot::Mutex;

use super::alerts::AlertDesk;
use super::analyse::{AnalyticsLink, AnalyticsService};
use super::check::Checks;
use super::compare::{Compared, Comparer, LastCompared};
use super::consume::{Consumer, ConsumerOptions};
use super::counters::Counters;
use super::drill::{DrillError, DrillOutcome, DrillRequest, Drills};
use super::faults::FaultDesk;
use super::gate::Gate;
use super::generation::stored_generation;
use super::loads::Loads;
use super::position::Position;
use super::probe::{Canary, Prober};
use super::produce::Rate;
use super::quarantine::QuarantineDesk;
use super::retain::Retention;
use super::roles::{Begin, Roles, Watch};
use super::routes::Routes;
use super::routing::RoutingDesk;
use super::sampler::{Sampler, keep_time};
use super::shared::Sharing;
use super::ways::Ways;
use crate::analytics::{Settings as ReportSettings, StatusLimits, Weights};
use crate::config::Settings;
use crate::failover::{Policy, RouteState, TransitionEvent, WriteMode};
use crate::handle::Snapshot;
use crate::model::{Dc, Topic};
use crate::ports::{Clock, Comparison, Entropy, Log, RepairReport, Store, StoreError};
use crate::telemetry::{EventKind, EventLog, Health, Metrics, MonitoringServer, PortChoice};
use crate::watch::history::History;
use crate::wire::{OpenError, Ports};

/// Lines that a consumer keeps in memory to judge duplicates by, some 250 bytes each with the
/// summaries of their buckets. Those of the flushes on their way stay in any case, and a bucket
/// is seldom touched again after that.
const CACHE_LINES: usize = 5_000;

/// How long closing waits for the load that runs: it appends how far it came, which takes
/// milliseconds where the log answers.
const LOAD_PATIENCE: Duration = Duration::from_secs(3);

/// Asks to compare or repair that may wait: one for each data centre and kind.
const ASKS: usize = 6;

/// All parts of a running engine.
pub(crate) struct Runtime {
    pub(crate) settings: Settings,
    pub(crate) log: Arc<dyn Log>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) routes: Arc<Routes>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) canary: Arc<Canary>,
    pub(crate) ways: Arc<Ways>,
    pub(crate) alerts: AlertDesk,
    pub(crate) history: ArcSwap<History>,
    pub(crate) last_compared: LastCompared,
    pub(crate) events: EventLog,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) faults: FaultDesk,
    pub(crate) loads: Loads,
    pub(crate) routing: RoutingDesk,
    pub(crate) checks: Checks,
    pub(crate) quarantine: QuarantineDesk,
    pub(crate) analytics: AnalyticsLink,
    pub(crate) rate: Arc<Rate>,
    pub(crate) consumers: Vec<ConsumerHandle>,
    /// Pauses and ends the consumers.
    pub(crate) consuming: Arc<Gate>,
    /// Ends everything else.
    pub(crate) running: Arc<Gate>,
    pub(crate) snapshot: ArcSwap<Snapshot>,
    pub(crate) roles: Roles,
    /// Held while a drill runs: there is one at a time.
    pub(crate) drilling: Mutex<()>,
    /// The drill that runs, as others see it.
    pub(crate) drills: Drills,
    /// Held while the list of drills is read or written.
    pub(crate) drill_list: Mutex<()>,
    waker: Mutex<Option<Waker>>,
    monitoring: Mutex<Option<MonitoringServer>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    consumer_threads: Mutex<Vec<JoinHandle<()>>>,
    analytics_thread: Mutex<Option<JoinHandle<()>>>,
    /// Dropped last, when no part touches the data directory any more.
    _lock: crate::embedded::disk::DataDirLock,
}

/// Called after each new snapshot.
type Waker = Box<dyn Fn() + Send + Sync>;

/// A consumer as others see it.
pub(crate) struct ConsumerHandle {
    /// Its topic.
    pub(crate) topic: Topic,
    /// Where it stands.
    pub(crate) position: Arc<Position>,
    /// Why it ended, if it did.
    pub(crate) failed: Arc<Mutex<Option<String>>>,
}

impl ConsumerHandle {
    fn new(topic: Topic, log: &dyn Log, generation: u64) -> Self {
        Self {
            topic,
            position: Arc::new(Position::new(log.partitions(topic), generation)),
            failed: Arc::default(),
        }
    }
}

impl Runtime {
    /// Starts the parts that `roles` names.
    pub(crate) fn start(
        settings: Settings,
        ports: Ports,
        roles: Roles,
    ) -> Result<Arc<Self>, OpenError> {
        let internal = |what: String| OpenError::Internal(what);
        let Ports {
            log,
            store,
            clock,
            entropy,
            own_dir,
            lock,
        } = ports;
        let metrics =
            Arc::new(Metrics::new(settings.mode).map_err(|error| internal(error.to_string()))?);
        let events = EventLog::new(Arc::clone(&metrics), Arc::clone(&clock));
        let (asks, asked) = bounded(ASKS);
        let policy = Policy {
            detect_after: settings.failover.detection,
            hold_down: settings.failover.hold_down,
            ..Policy::default()
        };
        let tell = events.clone();
        let routes = Arc::new(Routes::new(
            policy,
            Arc::clone(&clock),
            asks,
            Box::new(move |event| tell_transition(&tell, event)),
        ));
        let routing = RoutingDesk::open(&settings.data_dir)?;
        let report = report_settings(&settings.analytics).map_err(internal)?;
        let (service, analytics) = AnalyticsService::open(
            Arc::clone(&store),
            Arc::clone(&routes),
            Arc::clone(&clock),
            routing.regions(),
            report,
            settings.analytics.materialise_interval,
            Sharing::of(&log, &roles)?,
        )?;
        let generation = stored_generation(store.as_ref())?;
        let topics = roles.consume.iter();
        let consumers = topics
            .map(|topic| ConsumerHandle::new(*topic, log.as_ref(), generation))
            .collect();
        let faults = FaultDesk::open(&own_dir, Arc::clone(&clock), events.clone())?;
        let quarantine = QuarantineDesk::open(&own_dir)?;
        let loads = Loads::of_marks(log.as_ref())?;
        let alerts = AlertDesk::new(&settings.alerts);
        let rate = Rate::default();
        rate.set(settings.flow.rate_limit);
        let runtime = Arc::new(Self {
            snapshot: ArcSwap::from_pointee(Snapshot::starting(settings.mode, clock.now())),
            settings,
            log,
            store,
            clock,
            entropy,
            routes,
            counters: Arc::default(),
            canary: Arc::default(),
            ways: Arc::new(Ways::new(Arc::clone(&metrics))),
            alerts,
            history: ArcSwap::default(),
            last_compared: Arc::default(),
            events,
            metrics,
            faults,
            loads,
            routing,
            checks: Checks::default(),
            quarantine,
            analytics,
            rate: Arc::new(rate),
            consumers,
            consuming: Arc::default(),
            running: Arc::default(),
            roles,
            drilling: Mutex::default(),
            drills: Drills::default(),
            drill_list: Mutex::default(),
            waker: Mutex::default(),
            monitoring: Mutex::default(),
            threads: Mutex::default(),
            consumer_threads: Mutex::default(),
            analytics_thread: Mutex::default(),
            _lock: lock,
        });
        let thread = spawn("analytics", move || service.run())?;
        *runtime.analytics_thread.lock() = Some(thread);
        runtime.start_monitoring();
        runtime.start_consumers()?;
        runtime.start_watchers(asked)?;
        let lines = runtime.analytics.lines();
        runtime.events.emit(EventKind::EngineOpened { lines });
        Ok(runtime)
    }

    /// Serves metrics and health, if the settings name a port. An engine without works too.
    fn start_monitoring(self: &Arc<Self>) {
        let monitoring = &self.settings.monitoring;
        let wanted = monitoring.port;
        if wanted == 0 {
            return;
        }
        let engine = Arc::downgrade(self);
        let health = move || {
            engine.upgrade().map_or_else(
                || Health {
                    ok: false,
                    details: serde_json::json!("the engine has ended"),
                },
                |engine| engine.health(),
            )
        };
        let metrics = Arc::clone(&self.metrics);
        match MonitoringServer::start(
            SocketAddr::new(monitoring.address, wanted),
            PortChoice::NextFree,
            metrics,
            Arc::new(health),
        ) {
            Ok(server) => {
                let port = server.port();
                *self.monitoring.lock() = Some(server);
                self.events
                    .emit(EventKind::MonitoringStarted { port, wanted });
            }
            Err(error) => {
                let cause = error.to_string();
                self.events.emit(EventKind::MonitoringFailed { cause });
            }
        }
    }

    /// Well when every worker lives and writes are not held up.
    fn health(&self) -> Health {
        let snapshot = self.snapshot.load();
        Health {
            ok: snapshot.workers_failed.is_empty() && snapshot.write_mode == WriteMode::Full,
            details: serde_json::json!({
                "mode": snapshot.mode,
                "health": snapshot.health,
                "findings": snapshot.findings,
                "alerts": snapshot.alerts,
                "at": snapshot.at,
                "lines": snapshot.lines,
                "lag": snapshot.lag,
                "write_mode": snapshot.write_mode,
                "workers_failed": snapshot.workers_failed,
            }),
        }
    }

    fn start_consumers(self: &Arc<Self>) -> Result<(), OpenError> {
        if self.roles.begin == Begin::Held {
            self.consuming.pause();
        }
        for handle in &self.consumers {
            let consumer = Consumer {
                topic: handle.topic,
                log: Arc::clone(&self.log),
                store: Arc::clone(&self.store),
                clock: Arc::clone(&self.clock),
                routes: Arc::clone(&self.routes),
                gate: Arc::clone(&self.consuming),
                counters: Arc::clone(&self.counters),
                metrics: Arc::clone(&self.metrics),
                ways: Arc::clone(&self.ways),
                deltas: self.analytics.deltas(),
                position: Arc::clone(&handle.position),
                options: ConsumerOptions {
                    flush_lines: self.settings.flow.flush_lines as usize,
                    cache_lines: CACHE_LINES,
                },
            };
            let name = format!("consume-{}", handle.topic.name());
            let failed = Arc::clone(&handle.failed);
            let events = self.events.clone();
            let gate = Arc::clone(&self.consuming);
            let worker = name.clone();
            let thread = spawn(&name, move || {
                let (log, topic) = (Arc::clone(&consumer.log), consumer.topic);
                let Err(error) = consumer.run() else {
                    return;
                };
                if !gate.is_stopped() {
                    let cause = error.to_string();
                    *failed.lock() = Some(cause.clone());
                    events.emit(EventKind::WorkerFailed { worker, cause });
                }
                // Nobody reads its partitions here any more, and others may.
                log.leave(topic);
            })?;
            self.consumer_threads.lock().push(thread);
        }
        Ok(())
    }

    fn start_watchers(
        self: &Arc<Self>,
        asks: crossbeam_channel::Receiver<super::routes::Ask>,
    ) -> Result<(), OpenError> {
        let mut threads = self.threads.lock();
        let sampler = Sampler::new(Arc::clone(self));
        threads.push(spawn("sampler", move || sampler.run())?);
        let timed = Arc::clone(self);
        threads.push(spawn("time", move || keep_time(&timed))?);
        if self.roles.watch == Watch::Off {
            return Ok(());
        }
        let comparer = Comparer {
            store: Arc::clone(&self.store),
            routes: Arc::clone(&self.routes),
            events: self.events.clone(),
            last: Arc::clone(&self.last_compared),
            asks,
        };
        threads.push(spawn("compare", move || comparer.run())?);
        if let Some(keep) = self.settings.log.retention {
            let retention = Retention {
                log: Arc::clone(&self.log),
                clock: Arc::clone(&self.clock),
                events: self.events.clone(),
                keep,
                gate: Arc::clone(&self.running),
            };
            threads.push(spawn("retention", move || retention.run())?);
        }
        for via in Dc::ALL {
            let prober = Prober {
                via,
                store: Arc::clone(&self.store),
                clock: Arc::clone(&self.clock),
                routes: Arc::clone(&self.routes),
                canary: Arc::clone(&self.canary),
                entropy: Arc::clone(&self.entropy),
                gate: Arc::clone(&self.running),
            };
            threads.push(spawn(&format!("probe-{via}"), move || prober.run())?);
        }
        Ok(())
    }

    /// Reads every data centre on its own and compares.
    pub(crate) fn verify(&self) -> Result<Comparison, StoreError> {
        let comparison = self.store.compare()?;
        *self.last_compared.lock() = Some(Compared::of(&comparison));
        Ok(comparison)
    }

    /// Runs a drill between two events.
    pub(crate) fn told_drill(
        self: &Arc<Self>,
        request: &DrillRequest,
    ) -> Result<DrillOutcome, DrillError> {
        let scenario = request.scenario.clone();
        self.events.emit(EventKind::DrillStarted { scenario });
        let outcome = self.drill(request);
        let scenario = request.scenario.clone();
        let cause = outcome.as_ref().err().map(ToString::to_string);
        self.events.emit(EventKind::DrillEnded { scenario, cause });
        outcome
    }

    /// Makes the data centres equal.
    pub(crate) fn repair(&self) -> Result<RepairReport, StoreError> {
        let done = self.store.repair()?;
        *self.last_compared.lock() = None;
        self.events.emit(EventKind::Repaired {
            buckets: done.buckets_repaired,
            lines: done.lines_copied,
        });
        Ok(done)
    }

    /// Sets what is called after each new snapshot.
    pub(crate) fn set_waker(&self, waker: Waker) {
        *self.waker.lock() = Some(waker);
    }

    /// Says that there is a new snapshot.
    pub(crate) fn wake(&self) {
        if let Some(waker) = self.waker.lock().as_ref() {
            waker();
        }
    }

    /// Port of the metrics, if they are served.
    pub(crate) fn monitoring_port(&self) -> Option<u16> {
        self.monitoring.lock().as_ref().map(MonitoringServer::port)
    }

    /// Ends every part in order: what feeds first, what is fed last. Returns what failed.
    pub(crate) fn stop(&self) -> Vec<String> {
        self.loads.stop();
        self.faults.end_all(self.log.as_ref(), self.store.as_ref());
        self.loads.wait_for_end(LOAD_PATIENCE);
        self.consuming.stop();
        self.log.wake();
        join(&mut self.consumer_threads.lock());
        self.running.stop();
        if self.roles.watch == Watch::On {
            self.routes.end_asks();
        }
        join(&mut self.threads.lock());
        drop(self.monitoring.lock().take());
        let mut failures = Vec::new();
        if let Err(error) = self.analytics.end() {
            failures.push(error.to_string());
        }
        join(&mut self.analytics_thread.lock().take().into_iter().collect());
        if let Err(error) = self.log.close() {
            failures.push(error.to_string());
        }
        if let Err(error) = self.store.close() {
            failures.push(error.to_string());
        }
        failures
    }
}

/// The settings of the figures.
fn report_settings(analytics: &crate::config::AnalyticsSettings) -> Result<ReportSettings, String> {
    let mut settings = ReportSettings::standard().map_err(|error| error.to_string())?;
    settings.weights = Weights::new(
        analytics.weight_recency,
        analytics.weight_frequency,
        analytics.weight_monetary,
    )
    .map_err(|error| error.to_string())?;
    settings.status = StatusLimits {
        active_days: analytics.active_days,
        recently_inactive_days: analytics.inactive_days,
        vip_days: analytics.vip_at_risk_days,
        vip_amount_above: analytics.vip_amount,
        vip_invoices_above: analytics.vip_invoices,
    };
    Ok(settings)
}

/// Starts a named thread.
pub(crate) fn spawn(
    name: &str,
    work: impl FnOnce() + Send + 'static,
) -> Result<JoinHandle<()>, OpenError> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .map_err(|error| OpenError::Internal(format!("thread {name}: {error}")))
}

fn join(threads: &mut Vec<JoinHandle<()>>) {
    for thread in threads.drain(..) {
        if thread.join().is_err() {
            tracing::error!("a thread ended with a panic");
        }
    }
}

fn tell_transition(events: &EventLog, event: &TransitionEvent) {
    let region = event.region;
    tracing::info!(%region, from = ?event.from, to = ?event.to, reason = %event.reason, "route");
    match (event.from, event.to) {
        (_, RouteState::FailedOver { dc }) => {
            events.emit(EventKind::FailedOver { region, to: dc });
        }
        (RouteState::FailingBack { .. } | RouteState::FailedOver { .. }, RouteState::Home) => {
            events.emit(EventKind::FailedBack { region });
        }
        (_, RouteState::Suspect) => {
            events.emit(EventKind::RegionSuspect { region });
        }
        (_, RouteState::FailingBack { .. }) => {
            events.emit(EventKind::FailingBack { region });
        }
        (RouteState::Suspect, RouteState::Home) => {
            events.emit(EventKind::RegionRecovered { region });
        }
        (RouteState::Home, RouteState::Home) => {}
    }
}
