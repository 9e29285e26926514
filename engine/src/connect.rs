//! The steps of a connection test: are the settings complete, do the names resolve, do the ports
//! answer; then, through the drivers of live mode, logins, data centres, rights, and a record and a
//! row that make the round trip. Those two go into the topic and the table of probes, where nothing
//! is counted; where setup has not made these yet, that step is listed as not tested.
//!
//! The steps run in order and stop at the first that fails: what follows would fail for the same
//! cause, and would only hide it.

use std::io;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use crate::config::LiveSettings;
use crate::live::cassandra::{ClusterCheck, Rights};
use crate::live::kafka::probe::{self, Probe};
use crate::ports::{Entropy as _, StoreError, SystemEntropy};

/// How long a port may take to answer.
pub const PORT_TIMEOUT: Duration = Duration::from_secs(2);

/// Why the round trip is not tried before the first setup.
const NOT_SET_UP: &str = "there is nothing to write to yet; setup makes topics and tables";

/// A step, in the order in which they run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Everything that a connection needs is given.
    Settings,
    /// Each name has an address.
    Names,
    /// Each port takes a connection.
    Ports,
    /// The brokers' certificate.
    KafkaTls,
    /// The account at the brokers.
    KafkaLogin,
    /// What it may do.
    KafkaRights,
    /// The account at the nodes.
    CassandraLogin,
    /// The three data centres are there.
    DataCentres,
    /// What the account may do in the keyspace.
    KeyspaceRights,
    /// A record into a topic and a row into a table, and both back.
    RoundTrip,
}

impl Step {
    /// All, in order.
    pub const ALL: [Self; 10] = [
        Self::Settings,
        Self::Names,
        Self::Ports,
        Self::KafkaTls,
        Self::KafkaLogin,
        Self::KafkaRights,
        Self::CassandraLogin,
        Self::DataCentres,
        Self::KeyspaceRights,
        Self::RoundTrip,
    ];

    /// On screen.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Settings => "Settings complete",
            Self::Names => "Names resolve",
            Self::Ports => "Ports answer",
            Self::KafkaTls => "Kafka TLS",
            Self::KafkaLogin => "Kafka login",
            Self::KafkaRights => "Kafka rights",
            Self::CassandraLogin => "Cassandra login",
            Self::DataCentres => "Data centres",
            Self::KeyspaceRights => "Keyspace rights",
            Self::RoundTrip => "Round trip",
        }
    }
}

/// What became of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepResult {
    /// It passed.
    Passed {
        /// What was found.
        found: String,
        /// How long it took.
        took: Duration,
    },
    /// It failed.
    Failed {
        /// Object and what happened to it.
        what: String,
        /// The likely cause.
        cause: String,
        /// What to do.
        remedy: String,
        /// How long it took.
        took: Duration,
    },
    /// An earlier step failed.
    NotRun,
    /// There is nothing to try it on, and why.
    NotTested(&'static str),
}

/// What is connected to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Broker,
    Node,
}

impl Kind {
    const fn noun(self) -> &'static str {
        match self {
            Self::Broker => "Kafka broker",
            Self::Node => "Cassandra node",
        }
    }
}

/// Why a step failed: what, the likely cause, the remedy.
pub(crate) type Failure = (String, String, String);

/// Runs the test and tells each step as it is over. Blocks for as long as names and ports take:
/// for a thread of its own.
pub fn test(live: &LiveSettings, tell: &mut dyn FnMut(Step, StepResult)) {
    let mut run = Run {
        tell,
        failed: false,
    };
    let endpoints = run.step(Step::Settings, || endpoints(live));
    let addresses = run.step(Step::Names, || resolve(&endpoints.unwrap_or_default()));
    run.step(Step::Ports, || connect(&addresses.unwrap_or_default()));
    let kafka = run.step(Step::KafkaTls, || probe::connect(live));
    if let Some(kafka) = &kafka {
        run.step(Step::KafkaLogin, || kafka.login());
        run.step(Step::KafkaRights, || kafka.rights());
    } else {
        for step in [Step::KafkaLogin, Step::KafkaRights] {
            (run.tell)(step, StepResult::NotRun);
        }
    }
    let cluster = run.step(Step::CassandraLogin, || cassandra_login(live));
    run.step(Step::DataCentres, || data_centres(cluster.as_ref()));
    run.step(Step::KeyspaceRights, || {
        keyspace_rights(live, cluster.as_ref())
    });
    run.step_if_set_up(Step::RoundTrip, || {
        round_trip(kafka.as_ref(), cluster.as_ref())
    });
}

struct Run<'a> {
    tell: &'a mut dyn FnMut(Step, StepResult),
    failed: bool,
}

impl Run<'_> {
    fn step<T>(
        &mut self,
        step: Step,
        work: impl FnOnce() -> Result<(T, String), Failure>,
    ) -> Option<T> {
        self.step_if_set_up(step, || work().map(Some))
    }

    /// A step that finds `None` where it has nothing to be tried on.
    fn step_if_set_up<T>(
        &mut self,
        step: Step,
        work: impl FnOnce() -> Result<Option<(T, String)>, Failure>,
    ) -> Option<T> {
        if self.failed {
            (self.tell)(step, StepResult::NotRun);
            return None;
        }
        let begun = Instant::now();
        let done = work();
        let took = begun.elapsed();
        match done {
            Ok(Some((value, found))) => {
                (self.tell)(step, StepResult::Passed { found, took });
                Some(value)
            }
            Ok(None) => {
                (self.tell)(step, StepResult::NotTested(NOT_SET_UP));
                None
            }
            Err((what, cause, remedy)) => {
                self.failed = true;
                let failed = StepResult::Failed {
                    what,
                    cause,
                    remedy,
                    took,
                };
                (self.tell)(step, failed);
                None
            }
        }
    }
}

type Endpoint = (Kind, String);

fn endpoints(live: &LiveSettings) -> Result<(Vec<Endpoint>, String), Failure> {
    let missing = |key: &str, variable: &str| {
        (
            format!("{key} is empty"),
            "nothing says where to connect".to_owned(),
            format!("set it, or {variable} in the environment"),
        )
    };
    if live.kafka_bootstrap_servers.is_empty() {
        return Err(missing(
            "live.kafka_bootstrap_servers",
            "KAFKA_BOOTSTRAP_SERVERS",
        ));
    }
    if live.cassandra_contact_points.is_empty() {
        return Err(missing(
            "live.cassandra_contact_points",
            "CASSANDRA_CONTACT_POINTS",
        ));
    }
    if live.cassandra_keyspace.is_empty() {
        return Err(missing(
            "live.cassandra_keyspace",
            "RETAIL_CASSANDRA_KEYSPACE",
        ));
    }
    for (account, secret, variable) in [
        (
            &live.kafka_username,
            &live.kafka_password,
            "RETAIL_KAFKA_PASSWORD",
        ),
        (
            &live.cassandra_username,
            &live.cassandra_password,
            "RETAIL_CASSANDRA_PASSWORD",
        ),
    ] {
        if !account.is_empty() && !secret.is_set() {
            return Err((
                format!("the account {account:?} has no password"),
                "passwords are read from the environment or from a settings file that nobody \
                 else may read"
                    .to_owned(),
                format!("set {variable} and start again, or leave the account empty"),
            ));
        }
    }
    let brokers = live.kafka_bootstrap_servers.iter();
    let nodes = live.cassandra_contact_points.iter();
    let all: Vec<Endpoint> = brokers
        .map(|at| (Kind::Broker, at.clone()))
        .chain(nodes.map(|at| (Kind::Node, at.clone())))
        .collect();
    for (kind, at) in &all {
        let port = at.rsplit_once(':').map(|(_, port)| port.parse::<u16>());
        if !matches!(port, Some(Ok(_))) {
            return Err((
                format!("{at:?} is not host:port"),
                format!("the port of this {} is missing or no number", kind.noun()),
                "write it as in 10.0.1.11:9092; Kafka most often listens on 9092, Cassandra on \
                 9042"
                    .to_owned(),
            ));
        }
    }
    let found = format!(
        "{} brokers, {} nodes",
        live.kafka_bootstrap_servers.len(),
        live.cassandra_contact_points.len()
    );
    Ok((all, found))
}

type Address = (Kind, String, Vec<SocketAddr>);

fn resolve(endpoints: &[Endpoint]) -> Result<(Vec<Address>, String), Failure> {
    let mut all = Vec::new();
    for (kind, at) in endpoints {
        let found = at.to_socket_addrs().map(Iterator::collect::<Vec<_>>);
        let why = match found {
            Ok(addresses) if !addresses.is_empty() => {
                all.push((*kind, at.clone(), addresses));
                continue;
            }
            Ok(_none) => "it has no address".to_owned(),
            Err(error) => error.to_string(),
        };
        return Err((
            format!("{} {at} has no address: {why}", kind.noun()),
            "the name is mistyped, or this machine asks a name server that does not know it"
                .to_owned(),
            "check the name, the VPN and the name server; an address such as 10.0.1.11 needs none"
                .to_owned(),
        ));
    }
    let found = format!("{} of {}", all.len(), endpoints.len());
    Ok((all, found))
}

fn connect(addresses: &[Address]) -> Result<((), String), Failure> {
    for (kind, at, candidates) in addresses {
        let mut last = None;
        for candidate in candidates {
            match TcpStream::connect_timeout(candidate, PORT_TIMEOUT) {
                Ok(_closed_when_dropped) => {
                    last = None;
                    break;
                }
                Err(error) => last = Some(error),
            }
        }
        if let Some(error) = last {
            return Err(refused(*kind, at, &error));
        }
    }
    let found = format!("{} of {}", addresses.len(), addresses.len());
    Ok(((), found))
}

fn refused(kind: Kind, at: &str, error: &io::Error) -> Failure {
    let noun = kind.noun();
    let (did, cause, remedy) = match error.kind() {
        io::ErrorKind::ConnectionRefused => (
            "refuses the connection".to_owned(),
            "the machine is there, and nothing listens on that port: it is not started, or \
             listens on another port or another interface",
            "start it, or look up its listeners (listeners of a broker, native_transport_port \
             and rpc_address of a node)",
        ),
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => (
            format!("does not answer within {} s", PORT_TIMEOUT.as_secs()),
            "a firewall drops the packets, or the address belongs to no machine",
            "check the address, then the firewall between here and there",
        ),
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => (
            "cannot be reached".to_owned(),
            "there is no route to it from this machine",
            "check the network and the VPN",
        ),
        _ => (
            format!("cannot be connected to: {error}"),
            "the system refused the connection",
            "check the address and the network",
        ),
    };
    (
        format!("{noun} {at} {did}"),
        cause.to_owned(),
        remedy.to_owned(),
    )
}

fn cassandra_login(live: &LiveSettings) -> Result<(ClusterCheck, String), Failure> {
    let (cluster, nodes) = ClusterCheck::login(live).map_err(|error| cassandra_failure(&error))?;
    let encrypted = if live.cassandra_tls {
        "encrypted"
    } else {
        "not encrypted"
    };
    Ok((cluster, format!("{nodes} nodes, {encrypted}")))
}

fn data_centres(cluster: Option<&ClusterCheck>) -> Result<((), String), Failure> {
    let found = cluster
        .ok_or(StoreError::Closed)
        .and_then(ClusterCheck::data_centres);
    let (names, clocks) = found.map_err(|error| cassandra_failure(&error))?;
    Ok(((), format!("{}; {clocks}", names.join(", "))))
}

fn keyspace_rights(
    live: &LiveSettings,
    cluster: Option<&ClusterCheck>,
) -> Result<((), String), Failure> {
    let rights = cluster
        .ok_or(StoreError::Closed)
        .and_then(ClusterCheck::rights);
    let keyspace = &live.cassandra_keyspace;
    let found = match rights.map_err(|error| cassandra_failure(&error))? {
        Rights::Ready => format!("keyspace {keyspace} is ready"),
        Rights::NotSetUp => format!("there is no keyspace {keyspace} yet; setup makes it"),
    };
    Ok(((), found))
}

/// A record and a row with a number that no other test has.
fn round_trip(
    kafka: Option<&Probe>,
    cluster: Option<&ClusterCheck>,
) -> Result<Option<((), String)>, Failure> {
    let number = SystemEntropy::default().next_u64();
    let record = kafka.map(|kafka| kafka.round_trip(number)).transpose()?;
    let row = cluster
        .map(|cluster| cluster.round_trip(number))
        .transpose();
    let row = row.map_err(|error| cassandra_failure(&error))?;
    let (Some(Some(record)), Some(Some(row))) = (record, row) else {
        return Ok(None);
    };
    let (record, row) = (record.as_millis(), row.as_millis());
    Ok(Some((
        (),
        format!("a record in {record} ms, a row at QUORUM in {row} ms"),
    )))
}

fn cassandra_failure(error: &StoreError) -> Failure {
    let cause = match error {
        StoreError::Unreachable { .. } => {
            "the port answers, and not as a Cassandra node does: it is starting or stopped, \
             another program listens there, or one side speaks TLS and the other does not"
        }
        StoreError::Refused { .. } => {
            "the cluster is another one than the settings say, or is set up otherwise"
        }
        _ => "the nodes that answer are too few, or too slow",
    };
    (
        error.to_string(),
        cause.to_owned(),
        error.remedy().to_owned(),
    )
}

#[cfg(test)]
mod secured_tests;

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;
    use crate::config::Settings;
    use crate::live::cassandra::TestKeyspace;
    use crate::live::kafka::TestTopics;

    fn live(brokers: &[String], nodes: &[String]) -> LiveSettings {
        let mut live = Settings::in_dir("x").live;
        live.kafka_bootstrap_servers = brokers.to_vec();
        live.cassandra_contact_points = nodes.to_vec();
        live
    }

    fn run(live: &LiveSettings) -> Vec<(Step, StepResult)> {
        let mut all = Vec::new();
        test(live, &mut |step, result| all.push((step, result)));
        all
    }

    #[test]
    fn a_port_behind_which_no_broker_is_passes_and_the_step_after_it_fails() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap().to_string();
        let told = run(&live(std::slice::from_ref(&at), std::slice::from_ref(&at)));
        assert_eq!(told.len(), Step::ALL.len());
        for (step, result) in told {
            match result {
                StepResult::Passed { .. } => assert!(step <= Step::Ports, "{step:?}"),
                StepResult::Failed { .. } => assert_eq!(step, Step::KafkaTls),
                StepResult::NotRun => assert!(step > Step::KafkaTls, "{step:?}"),
                other @ StepResult::NotTested(_) => panic!("{step:?}: {other:?}"),
            }
        }
    }

    #[test]
    #[ignore = "needs a lab: LAB_SERVERS"]
    fn the_steps_at_cassandra_pass_on_real_nodes() {
        let lab = std::env::var("LAB_SERVERS").expect("LAB_SERVERS says where the lab is");
        let of = |name: &str| -> Vec<String> {
            let part = lab.split(';').find_map(|part| part.strip_prefix(name));
            part.expect(name).split(',').map(Into::into).collect()
        };
        let mut live = live(&of("kafka="), &of("cassandra="));
        live.cassandra_keyspace = "t_not_there".into();
        let told = run(&live);
        for (step, expect) in [
            (Step::CassandraLogin, "3 nodes, not encrypted"),
            (
                Step::DataCentres,
                "Americas_DC, AsiaPacific_DC, Europe_DC; clocks agree to ",
            ),
            (
                Step::KeyspaceRights,
                "there is no keyspace t_not_there yet; setup makes it",
            ),
        ] {
            let result = told.iter().find(|(told, _)| *told == step).unwrap();
            let StepResult::Passed { found, .. } = &result.1 else {
                panic!("{result:?}");
            };
            assert!(found.starts_with(expect), "{found}");
        }
        let (_, last) = told.last().unwrap();
        assert_eq!(*last, StepResult::NotTested(NOT_SET_UP));
    }

    #[test]
    #[ignore = "needs a lab: LAB_SERVERS"]
    fn every_step_passes_on_real_servers_that_are_set_up() {
        let topics = TestTopics::new();
        let keyspace = TestKeyspace::new("connect");
        let mut live = topics.settings.live.clone();
        let of = &keyspace.settings.live;
        live.cassandra_contact_points
            .clone_from(&of.cassandra_contact_points);
        live.cassandra_keyspace.clone_from(&of.cassandra_keyspace);
        let told = run(&live);
        assert_eq!(told.len(), Step::ALL.len());
        for (step, result) in told {
            let StepResult::Passed { found, .. } = result else {
                panic!("{step:?}: {result:?}");
            };
            println!("{}: {found}", step.name());
        }
    }

    #[test]
    fn the_first_failing_step_is_named_with_cause_and_remedy() {
        // Bound and dropped: nobody listens there any more.
        let closed = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = closed.local_addr().unwrap().to_string();
        drop(closed);
        let told = run(&live(std::slice::from_ref(&at), std::slice::from_ref(&at)));
        let StepResult::Failed { what, .. } = &told[2].1 else {
            panic!("{told:?}");
        };
        assert_eq!(what, &format!("Kafka broker {at} refuses the connection"));
        assert!(told[3..].iter().all(|(_, r)| *r == StepResult::NotRun));
    }

    #[test]
    fn settings_that_cannot_work_are_refused_before_anything_is_sent() {
        let some = ["127.0.0.1:1".to_owned()];
        let mut account = live(&some, &some);
        account.kafka_username = "console".into();
        for bad in [
            live(&[], &some),
            live(&some, &[]),
            live(&["kafka".into()], &some),
            account,
        ] {
            let told = run(&bad);
            assert!(matches!(told[0].1, StepResult::Failed { .. }), "{told:?}");
        }
    }
}
