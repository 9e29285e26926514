//! `/metrics` and `/health` over HTTP: on this machine only, unless the settings name another
//! address.
//!
//! The server has a thread and a runtime of its own, so that nothing it does can hold up the
//! engine, and the engine cannot keep it from answering that something is wrong.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use thiserror::Error;
use tokio::sync::oneshot;

use super::metrics::Metrics;

/// Ports after the wanted one that are tried: enough for every engine on a developer's machine.
const NEXT_PORTS: u16 = 20;
/// How long an open connection may hold up the end.
const GRACE: Duration = Duration::from_secs(1);
/// The content type of Prometheus' text format.
const METRICS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What to do when the wanted port is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PortChoice {
    /// Take the next free one and say which.
    NextFree,
    /// Refuse.
    Strict,
}

/// How the engine is.
#[derive(Debug, Clone, PartialEq)]
pub struct Health {
    /// Whether it does what it should; answered with 200, else with 503.
    pub ok: bool,
    /// The details.
    pub details: serde_json::Value,
}

/// Asked by `/health`, on the server's thread. It must answer at once.
pub trait HealthSource: Send + Sync {
    /// The health at this moment.
    fn health(&self) -> Health;
}

impl<F: Fn() -> Health + Send + Sync> HealthSource for F {
    fn health(&self) -> Health {
        self()
    }
}

/// Why there is no endpoint.
#[derive(Debug, Error)]
pub enum ServerError {
    /// The port, or every port tried, is taken.
    #[error("ports {first} to {last} are in use")]
    PortsTaken {
        /// First port tried.
        first: u16,
        /// Last port tried.
        last: u16,
    },
    /// The system refused.
    #[error("cannot listen on port {port}: {source}")]
    Listen {
        /// The port.
        port: u16,
        /// What it said.
        source: io::Error,
    },
}

impl ServerError {
    /// What a person can do about it.
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::PortsTaken { .. } => "choose another with MONITORING_PORT, or 0 for none",
            Self::Listen { .. } => "choose a port above 1023 with MONITORING_PORT, or 0 for none",
        }
    }
}

/// A running endpoint; it ends when the value is dropped.
#[derive(Debug)]
pub struct MonitoringServer {
    port: u16,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl MonitoringServer {
    /// Listens on a port of an address, or the next free one. Returns once the port is taken:
    /// from then on requests are answered.
    pub fn start(
        wanted: SocketAddr,
        choice: PortChoice,
        metrics: Arc<Metrics>,
        health: Arc<dyn HealthSource>,
    ) -> Result<Self, ServerError> {
        let (listener, port) = bind(wanted.ip(), wanted.port(), choice)?;
        let failed = |source| ServerError::Listen { port, source };
        listener.set_nonblocking(true).map_err(failed)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()
            .map_err(failed)?;
        let listener = {
            let _inside = runtime.enter();
            tokio::net::TcpListener::from_std(listener).map_err(failed)?
        };
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name("monitoring".to_owned())
            .spawn(move || runtime.block_on(serve(listener, router(metrics, health), stopped)))
            .map_err(failed)?;
        Ok(Self {
            port,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// The port in use.
    pub const fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for MonitoringServer {
    fn drop(&mut self) {
        // Dropping the sender is the signal; a thread that panicked has nothing left to end.
        self.stop = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the monitoring thread panicked");
        }
    }
}

fn bind(address: IpAddr, port: u16, choice: PortChoice) -> Result<(TcpListener, u16), ServerError> {
    let last = match choice {
        // Port 0 is the system's choice: there is nothing after it to try.
        PortChoice::NextFree if port > 0 => port.saturating_add(NEXT_PORTS),
        PortChoice::NextFree | PortChoice::Strict => port,
    };
    for candidate in port..=last {
        match TcpListener::bind((address, candidate)) {
            Ok(listener) => {
                let port = listener.local_addr().map_or(candidate, |addr| addr.port());
                return Ok((listener, port));
            }
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
            Err(source) => {
                return Err(ServerError::Listen {
                    port: candidate,
                    source,
                });
            }
        }
    }
    Err(ServerError::PortsTaken { first: port, last })
}

fn router(metrics: Arc<Metrics>, health: Arc<dyn HealthSource>) -> Router {
    Router::new()
        .route(
            "/metrics",
            get(move || async move { metrics_page(&metrics) }),
        )
        .route(
            "/health",
            get(move || async move { health_page(&health.health()) }),
        )
}

fn metrics_page(metrics: &Metrics) -> Response {
    match metrics.text() {
        Ok(text) => ([(header::CONTENT_TYPE, METRICS_TYPE)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

fn health_page(health: &Health) -> Response {
    let status = if health.ok {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let json = [(header::CONTENT_TYPE, "application/json")];
    (status, json, health.details.to_string()).into_response()
}

async fn serve(listener: tokio::net::TcpListener, router: Router, stopped: oneshot::Receiver<()>) {
    let (begin_end, ending) = oneshot::channel::<()>();
    let server = axum::serve(listener, router).with_graceful_shutdown(async move {
        // Sent or dropped: both mean the end.
        drop(stopped.await);
        drop(begin_end);
    });
    let overdue = async move {
        drop(ending.await);
        tokio::time::sleep(GRACE).await;
    };
    // The server itself never fails; a client that keeps its connection is cut off.
    tokio::select! {
        result = server.into_future() => drop(result),
        () = overdue => {}
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{Ipv4Addr, TcpStream};
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Instant;

    use super::*;
    use crate::config::Mode;
    use crate::watch::rates::Hop;

    fn start(port: u16, choice: PortChoice) -> Result<MonitoringServer, ServerError> {
        let metrics = Arc::new(Metrics::new(Mode::Embedded).unwrap());
        metrics.add_lines(Hop::Write, 42);
        let ok = AtomicBool::new(true);
        let health = move || Health {
            ok: ok.fetch_and(false, Ordering::Relaxed),
            details: serde_json::json!({"mode": "embedded"}),
        };
        let wanted = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        MonitoringServer::start(wanted, choice, metrics, Arc::new(health))
    }

    fn get(port: u16, path: &str) -> String {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    #[test]
    fn metrics_and_health_are_served() {
        let server = start(0, PortChoice::Strict).unwrap();
        let metrics = get(server.port(), "/metrics");
        assert!(metrics.starts_with("HTTP/1.1 200"), "{metrics}");
        assert!(metrics.contains("text/plain; version=0.0.4"), "{metrics}");
        assert!(
            metrics.contains("retail_lines_total{hop=\"write\"} 42"),
            "{metrics}"
        );
        let well = get(server.port(), "/health");
        assert!(well.starts_with("HTTP/1.1 200"), "{well}");
        assert!(well.ends_with("{\"mode\":\"embedded\"}"), "{well}");
        let ill = get(server.port(), "/health");
        assert!(ill.starts_with("HTTP/1.1 503"), "{ill}");
        assert!(get(server.port(), "/other").starts_with("HTTP/1.1 404"));
    }

    #[test]
    fn a_taken_port_is_passed_over_or_refused() {
        let first = start(0, PortChoice::Strict).unwrap();
        let next = start(first.port(), PortChoice::NextFree).unwrap();
        assert!(next.port() > first.port());
        let error = start(first.port(), PortChoice::Strict).unwrap_err();
        let port = first.port();
        assert_eq!(
            error.to_string(),
            format!("ports {port} to {port} are in use")
        );
    }

    #[test]
    fn a_client_that_stays_does_not_hold_up_the_end() {
        let server = start(0, PortChoice::Strict).unwrap();
        let port = server.port();
        let mut stuck = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        write!(stuck, "GET /metrics HTTP/1.1\r\n").unwrap();
        let begun = Instant::now();
        drop(server);
        assert!(begun.elapsed() < GRACE * 10);
        assert!(
            TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok(),
            "the port is free again"
        );
    }
}
