//! The lab as a whole: set up, started, broken, mended, asked, removed.

use std::fs;
use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::model::Dc;

use super::accounts;
use super::conf;
use super::error::LabError;
use super::fetch;
use super::options::{LabOptions, Security};
use super::place::{Home, Server};
use super::probe;
use super::process::{ProcessState, Processes, Signal};
use super::program::{self, Programs};
use super::secrets::{Account, Secrets};
use super::told::LabTold;

/// Four JVMs that start at once have needed 36 s on two processors, and minutes where others
/// compiled meanwhile. One that ends is noticed at once, so that only a hanging one takes as long.
const READY_WITHIN: Duration = Duration::from_mins(8);
/// A node drains before it ends; 12 s were measured.
const STOPPED_WITHIN: Duration = Duration::from_mins(1);
/// The system ends, stops or continues a process at once.
const SIGNALLED_WITHIN: Duration = Duration::from_secs(10);
/// A server that has just ended may hold its ports for a moment.
const LET_GO_WITHIN: Duration = Duration::from_secs(2);
/// Between two looks at a condition.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What a server must answer to be ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    /// It serves clients.
    Serving,
    /// And, of a node: it knows the two others.
    Joined,
}

/// How a server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerStatus {
    /// Which.
    pub server: Server,
    /// Its process.
    pub state: ProcessState,
    /// Number of its process.
    pub pid: Option<i32>,
    /// Where clients connect.
    pub address: String,
    /// What it answers, or why it does not.
    pub answer: Result<String, String>,
    /// Its log.
    pub log: PathBuf,
}

impl ServerStatus {
    /// As an object.
    pub fn json(&self) -> Value {
        json!({
            "server": self.server.slug(),
            "state": self.state,
            "pid": self.pid,
            "address": self.address,
            "answers": self.answer.is_ok(),
            "said": self.answer.as_ref().unwrap_or_else(|said| said),
            "log": self.log,
        })
    }
}

/// A lab.
#[derive(Debug, Clone)]
pub struct Lab {
    home: Home,
    options: LabOptions,
    processes: Processes,
    programs: Programs,
    given_up: Arc<AtomicBool>,
}

impl Lab {
    /// Where a lab is kept when nobody says otherwise; `None` for an account without a home.
    pub fn default_home() -> Option<PathBuf> {
        directories::ProjectDirs::from("", "", "retail-lab").map(|dirs| dirs.data_dir().into())
    }

    /// A lab that was set up before.
    pub fn open(home: &Path) -> Result<Self, LabError> {
        let home = Home::at(home)?;
        match saved_options(&home)? {
            Some(options) => Ok(Self::of(home, options)),
            None => Err(LabError::Absent {
                path: home.root().to_path_buf(),
            }),
        }
    }

    /// A lab with these options, set up before or not. Data that was made with other addresses
    /// is not touched: a node knows itself by its address.
    pub fn with(home: &Path, options: LabOptions) -> Result<Self, LabError> {
        if !cfg!(target_os = "linux") {
            return Err(LabError::Platform);
        }
        options.check()?;
        let home = Home::at(home)?;
        if let Some(saved) = saved_options(&home)? {
            let moved = LabOptions {
                commitlog_sync: saved.commitlog_sync,
                phi: saved.phi,
                ..options.clone()
            };
            if moved != saved && home.data_of_all().exists() {
                return Err(LabError::OtherOptions {
                    path: home.options(),
                });
            }
        }
        Ok(Self::of(home, options))
    }

    /// Options of the lab at a home, if one was set up there.
    pub fn options_at(home: &Path) -> Result<Option<LabOptions>, LabError> {
        saved_options(&Home::at(home)?)
    }

    fn of(home: Home, options: LabOptions) -> Self {
        let processes = Processes::of(home.clone());
        Self {
            home,
            options,
            processes,
            programs: Programs::default(),
            given_up: Arc::default(),
        }
    }

    /// With other programs than those of the path.
    #[must_use]
    pub fn running_by(mut self, programs: Programs) -> Self {
        self.programs = programs;
        self
    }

    /// Fetching and waiting end with [`LabError::GivenUp`] once this is set.
    #[must_use]
    pub fn given_up_by(mut self, given_up: Arc<AtomicBool>) -> Self {
        self.given_up = given_up;
        self
    }

    /// The programs that it runs.
    pub const fn programs(&self) -> &Programs {
        &self.programs
    }

    pub(super) const fn place(&self) -> &Home {
        &self.home
    }

    /// Where it is kept.
    pub fn home(&self) -> &Path {
        self.home.root()
    }

    /// How it is set up.
    pub const fn options(&self) -> &LabOptions {
        &self.options
    }

    /// Log of a server.
    pub fn log(&self, server: Server) -> PathBuf {
        self.home.log(server)
    }

    /// The last lines of a server's log.
    pub fn log_tail(&self, server: Server, lines: usize) -> String {
        program::tail_of_file(&self.log(server), lines)
    }

    /// The account that the servers of a secured lab know, once it is up; `None` for an open one.
    pub fn account(&self) -> Result<Option<Account>, LabError> {
        Ok(self.secrets()?.map(|secrets| secrets.account))
    }

    /// The file with the password of the account; `None` for an open lab.
    pub fn password_file(&self) -> Option<PathBuf> {
        match self.options.security {
            Security::Open => None,
            Security::Secured => Some(self.home.password()),
        }
    }

    /// What the servers are protected with, once it is made.
    fn secrets(&self) -> Result<Option<Secrets>, LabError> {
        match self.options.security {
            Security::Open => Ok(None),
            Security::Secured => Secrets::read(&self.home).map(Some),
        }
    }

    /// The variables with which the engine uses this lab. Passwords are not among them: see
    /// [`Lab::account`].
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let client = |server| self.options.client(server).to_string();
        let nodes: Vec<_> = Dc::ALL.map(|dc| client(Server::Node(dc))).into();
        let mut all = vec![
            ("RETAIL_MODE", "live".to_owned()),
            ("KAFKA_BOOTSTRAP_SERVERS", client(Server::Kafka)),
            ("CASSANDRA_CONTACT_POINTS", nodes.join(",")),
        ];
        if let Ok(Some(secrets)) = self.secrets() {
            let authority = secrets.authority.display().to_string();
            let name = secrets.account.name;
            all.extend([
                ("RETAIL_KAFKA_SECURITY", "sasl_tls".to_owned()),
                ("RETAIL_KAFKA_SASL_MECHANISM", "scram_sha_512".to_owned()),
                ("RETAIL_KAFKA_USERNAME", name.clone()),
                ("RETAIL_KAFKA_CA_FILE", authority.clone()),
                ("RETAIL_CASSANDRA_TLS", "true".to_owned()),
                ("RETAIL_CASSANDRA_USERNAME", name),
                ("RETAIL_CASSANDRA_CA_FILE", authority),
            ]);
        }
        all
    }

    /// Fetches the jars that are not there; `tell` hears what is done.
    pub fn fetch(&self, tell: &mut dyn FnMut(LabTold)) -> Result<(), LabError> {
        fetch::fetch(&self.home, &self.programs.maven, &self.given_up, tell)
    }

    /// Starts what does not run, and waits until every server answers and every node knows the
    /// others.
    pub fn up(&self, tell: &mut dyn FnMut(LabTold)) -> Result<(), LabError> {
        fetch::check(&self.home)?;
        program::check_java(&self.programs.java)?;
        let mut starting = Vec::new();
        for server in Server::ALL {
            match self.processes.state(server)?.0 {
                ProcessState::Down => starting.push(server),
                ProcessState::Paused => self.resume(server)?,
                ProcessState::Running => {}
            }
        }
        for server in &starting {
            self.check_ports(*server)?;
        }
        self.configure()?;
        for server in &starting {
            self.launch(*server)?;
            tell(LabTold::Started(*server));
        }
        self.wait_ready(&Server::ALL, Readiness::Joined, tell)?;
        self.make_account()
    }

    fn make_account(&self) -> Result<(), LabError> {
        match self.secrets()? {
            None => Ok(()),
            Some(Secrets { account, .. }) => {
                accounts::make(self.options.probed(Server::Node(Dc::Europe)), &account)
            }
        }
    }

    /// Starts a server that does not run, and waits until it serves.
    pub fn start(&self, server: Server) -> Result<(), LabError> {
        self.begin(server)?;
        self.wait_ready(&[server], Readiness::Serving, &mut |_told| {})
    }

    /// Starts a server that does not run, and does not wait for it.
    pub fn begin(&self, server: Server) -> Result<(), LabError> {
        if self.processes.state(server)?.0 != ProcessState::Down {
            return Ok(());
        }
        self.check_ports(server)?;
        self.launch(server)
    }

    /// Ends a server at once, as when its power fails.
    pub fn kill(&self, server: Server) -> Result<(), LabError> {
        self.processes.signal(server, Signal::Kill)?;
        self.until(server, "end", SIGNALLED_WITHIN, ProcessState::Down)
    }

    /// Ends a server in order.
    pub fn stop(&self, server: Server) -> Result<(), LabError> {
        // A paused one does not hear that it should end.
        self.processes.signal(server, Signal::Resume)?;
        self.processes.signal(server, Signal::Terminate)?;
        self.until(server, "end", STOPPED_WITHIN, ProcessState::Down)
    }

    /// Stops a server where it stands: its connections stay, and nothing is answered.
    pub fn pause(&self, server: Server) -> Result<(), LabError> {
        self.processes.signal(server, Signal::Pause)?;
        self.until(server, "stop", SIGNALLED_WITHIN, ProcessState::Paused)
    }

    /// Lets a paused server go on.
    pub fn resume(&self, server: Server) -> Result<(), LabError> {
        self.processes.signal(server, Signal::Resume)?;
        self.until(server, "go on", SIGNALLED_WITHIN, ProcessState::Running)
    }

    /// Ends every server in order; one that does not follow is killed.
    pub fn down(&self, tell: &mut dyn FnMut(LabTold)) -> Result<(), LabError> {
        let mut ending = Vec::new();
        for server in Server::ALL {
            if self.state(server)? == ProcessState::Down {
                continue;
            }
            self.processes.signal(server, Signal::Resume)?;
            self.processes.signal(server, Signal::Terminate)?;
            ending.push(server);
        }
        for server in ending {
            let ended = self.until(server, "end", STOPPED_WITHIN, ProcessState::Down);
            if matches!(ended, Err(LabError::DidNotFollow { .. })) {
                tell(LabTold::Killed(server));
                self.kill(server)?;
            } else {
                ended?;
            }
        }
        Ok(())
    }

    /// Ends every server and deletes data, logs and options; the jars stay.
    pub fn wipe(&self, tell: &mut dyn FnMut(LabTold)) -> Result<(), LabError> {
        self.down(tell)?;
        for path in [
            self.home.data_of_all(),
            self.home.logs(),
            self.home.secrets(),
        ] {
            removed(fs::remove_dir_all(&path), path)?;
        }
        for path in [self.home.processes(), self.home.options()] {
            removed(fs::remove_file(&path), path)?;
        }
        Ok(())
    }

    /// State of a server's process.
    pub fn state(&self, server: Server) -> Result<ProcessState, LabError> {
        Ok(self.processes.state(server)?.0)
    }

    /// How every server is. Asks those that run.
    pub fn status(&self) -> Result<Vec<ServerStatus>, LabError> {
        Server::ALL
            .into_iter()
            .map(|server| {
                let (state, pid) = self.processes.state(server)?;
                let answer = match state {
                    ProcessState::Running => self.ask(server),
                    ProcessState::Paused | ProcessState::Down => Err(state.slug().to_owned()),
                };
                Ok(ServerStatus {
                    server,
                    state,
                    pid,
                    address: self.options.client(server).to_string(),
                    answer,
                    log: self.log(server),
                })
            })
            .collect()
    }

    /// Runs nodetool against a node, and returns what it printed.
    pub fn nodetool(&self, dc: Dc, args: &[&str]) -> Result<String, LabError> {
        let mut command = conf::nodetool(&self.programs.java, &self.home, &self.options, dc, args);
        let ran = program::run(&mut command, "java", "openjdk-17-jre-headless")?;
        if ran.succeeded {
            return Ok(ran.text);
        }
        Err(LabError::Tool {
            tool: format!("nodetool {} on {dc}", args.join(" ")),
            output: ran.tail(),
        })
    }

    /// Makes a node equal to the others in a keyspace. After a kill: with `periodic` syncs the
    /// node has lost rows that it acknowledged, and no hint brings them back.
    pub fn repair(&self, dc: Dc, keyspace: &str) -> Result<(), LabError> {
        self.nodetool(dc, &["repair", "-full", keyspace]).map(drop)
    }

    /// Waits until servers answer; `tell` hears of each that does.
    pub fn wait_ready(
        &self,
        servers: &[Server],
        readiness: Readiness,
        tell: &mut dyn FnMut(LabTold),
    ) -> Result<(), LabError> {
        let begun = Instant::now();
        let mut waiting = servers.to_vec();
        loop {
            let mut still = Vec::new();
            for server in waiting {
                match self.is_ready(server, readiness) {
                    Ok(()) => tell(LabTold::Ready {
                        server,
                        address: self.options.client(server),
                        after: begun.elapsed(),
                    }),
                    Err(last) => still.push((server, last)),
                }
            }
            let Some((server, last)) = still.first().cloned() else {
                return Ok(());
            };
            self.refuse_ended(&still)?;
            if self.given_up.load(Ordering::Relaxed) {
                return Err(LabError::GivenUp);
            }
            if begun.elapsed() > READY_WITHIN {
                let path = self.log(server);
                return Err(LabError::NotReady {
                    server,
                    waited: READY_WITHIN,
                    last,
                    tail: program::quoted_tail(&path),
                    path,
                });
            }
            std::thread::sleep(LOOK_EVERY);
            waiting = still.into_iter().map(|(server, _)| server).collect();
        }
    }

    /// A server that ended will not become ready.
    fn refuse_ended(&self, waiting: &[(Server, String)]) -> Result<(), LabError> {
        for (server, _) in waiting {
            if self.state(*server)? == ProcessState::Down {
                // What kept it from starting stands in its output; its log may not exist yet.
                let path = self.home.output(*server);
                return Err(LabError::Ended {
                    server: *server,
                    tail: program::quoted_tail(&path),
                    path,
                });
            }
        }
        Ok(())
    }

    fn is_ready(&self, server: Server, readiness: Readiness) -> Result<(), String> {
        let address = self.options.probed(server);
        match server {
            Server::Kafka => match probe::kafka(address) {
                Ok(0) => Err("no broker is in service".to_owned()),
                Ok(_) => Ok(()),
                Err(error) => Err(error.to_string()),
            },
            Server::Node(dc) => {
                let ring = self.ring(dc).map_err(|error| error.to_string())?;
                if ring.own != dc.name() {
                    return Err(format!("it is in {}", ring.own));
                }
                let knows = |other: Dc| ring.peers.iter().any(|peer| peer == other.name());
                match dc.others().find(|other| !knows(*other)) {
                    Some(other) if readiness == Readiness::Joined => {
                        Err(format!("it does not know {other} yet"))
                    }
                    _ => Ok(()),
                }
            }
        }
    }

    fn ring(&self, dc: Dc) -> io::Result<probe::Ring> {
        let at = self.options.probed(Server::Node(dc));
        match self.secrets().map_err(io::Error::other)? {
            None => probe::cassandra(at, None),
            Some(Secrets { account, .. }) => accounts::ring(at, &account),
        }
    }

    fn ask(&self, server: Server) -> Result<String, String> {
        let address = self.options.probed(server);
        let answer = match server {
            Server::Kafka => {
                probe::kafka(address).map(|brokers| format!("{brokers} broker in service"))
            }
            Server::Node(dc) => self.ring(dc).map(|ring| {
                let mut peers = ring.peers;
                peers.sort_unstable();
                format!("{}, knows {}", ring.own, peers.join(" and "))
            }),
        };
        answer.map_err(|error| error.to_string())
    }

    fn until(
        &self,
        server: Server,
        what: &'static str,
        within: Duration,
        wanted: ProcessState,
    ) -> Result<(), LabError> {
        let begun = Instant::now();
        while self.state(server)? != wanted {
            if begun.elapsed() > within {
                return Err(LabError::DidNotFollow {
                    server,
                    what,
                    waited: within,
                });
            }
            std::thread::sleep(LOOK_EVERY / 10);
        }
        Ok(())
    }

    /// Writes options and configuration; the options last, as the sign that it is set up.
    fn configure(&self) -> Result<(), LabError> {
        let secrets = match self.options.security {
            Security::Open => None,
            Security::Secured => Some(Secrets::of(&self.home, &self.options)?),
        };
        conf::write_all(&self.home, &self.options, secrets.as_ref())?;
        let logs = self.home.logs();
        let path = self.home.options();
        fs::create_dir_all(&logs)
            .and_then(|()| serde_json::to_vec_pretty(&self.options).map_err(io::Error::other))
            .and_then(|bytes| fs::write(&path, bytes))
            .map_err(|source| LabError::Home {
                what: "cannot be written",
                source,
                path,
            })
    }

    fn launch(&self, server: Server) -> Result<(), LabError> {
        if server == Server::Kafka && !conf::is_formatted(&self.home) {
            let mut command =
                conf::format_broker(&self.programs.java, &self.home, self.secrets()?.as_ref());
            let ran = program::run(&mut command, "java", "openjdk-17-jre-headless")?;
            if !ran.succeeded {
                return Err(LabError::Tool {
                    tool: "StorageTool format".to_owned(),
                    output: ran.tail(),
                });
            }
        }
        let command = conf::run(&self.programs.java, &self.home, &self.options, server);
        self.processes.start(server, command)
    }

    /// A server that cannot listen ends with a page of stack trace; this says it in a sentence.
    fn check_ports(&self, server: Server) -> Result<(), LabError> {
        let begun = Instant::now();
        for (address, option) in self.options.listeners(server) {
            let is_taken = || {
                TcpListener::bind(address)
                    .is_err_and(|error| error.kind() == io::ErrorKind::AddrInUse)
            };
            while is_taken() {
                if begun.elapsed() > LET_GO_WITHIN {
                    return Err(LabError::PortTaken {
                        server,
                        address,
                        option,
                    });
                }
                std::thread::sleep(LOOK_EVERY);
            }
        }
        Ok(())
    }
}

/// What was not there needs no removing.
fn removed(result: io::Result<()>, path: PathBuf) -> Result<(), LabError> {
    match result {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(LabError::Home {
            what: "cannot be removed",
            source,
            path,
        }),
        _ => Ok(()),
    }
}

fn saved_options(home: &Home) -> Result<Option<LabOptions>, LabError> {
    let path = home.options();
    match fs::read_to_string(&path) {
        Ok(text) => {
            let options = serde_json::from_str(&text);
            options.map(Some).map_err(|error| LabError::Damaged {
                what: error.to_string(),
                path,
            })
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(LabError::Home {
            what: "cannot be read",
            source,
            path,
        }),
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_lab_that_was_not_set_up_is_told_and_not_made() {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().join("lab");
        let error = Lab::open(&home).unwrap_err();
        assert!(matches!(error, LabError::Absent { .. }), "{error}");
        assert!(!home.exists());
        let lab = Lab::with(&home, LabOptions::default()).unwrap();
        let error = lab.up(&mut |_| {}).unwrap_err();
        assert!(matches!(error, LabError::NotFetched { .. }), "{error}");
        assert!(!home.exists());
        assert!(
            lab.status()
                .unwrap()
                .iter()
                .all(|server| server.state == ProcessState::Down)
        );
    }

    #[test]
    fn data_is_kept_from_other_addresses() {
        let dir = tempfile::tempdir().unwrap();
        let options = LabOptions::default();
        fs::create_dir_all(dir.path().join("data")).unwrap();
        let text = serde_json::to_string(&options).unwrap();
        fs::write(dir.path().join("lab.json"), text).unwrap();
        let eager = LabOptions {
            phi: 5,
            ..options.clone()
        };
        Lab::with(dir.path(), eager).unwrap();
        let moved = LabOptions {
            cql_port: 9142,
            ..options
        };
        let error = Lab::with(dir.path(), moved.clone()).unwrap_err();
        assert!(matches!(error, LabError::OtherOptions { .. }), "{error}");
        fs::remove_dir(dir.path().join("data")).unwrap();
        Lab::with(dir.path(), moved).unwrap();
    }

    #[test]
    fn a_port_in_use_is_told_with_the_option_that_moves_it() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let dir = tempfile::tempdir().unwrap();
        let options = LabOptions {
            cql_port: taken.local_addr().unwrap().port(),
            ..LabOptions::default()
        };
        let lab = Lab::with(dir.path(), options).unwrap();
        let error = lab.check_ports(Server::Node(Dc::Europe)).unwrap_err();
        assert!(error.remedy().contains("--cql-port"), "{error}");
    }

    #[test]
    fn the_environment_names_every_server() {
        let dir = tempfile::tempdir().unwrap();
        let lab = Lab::with(dir.path(), LabOptions::default()).unwrap();
        let text: Vec<_> = lab
            .environment()
            .into_iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        assert_eq!(
            text,
            [
                "RETAIL_MODE=live",
                "KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:9092",
                "CASSANDRA_CONTACT_POINTS=127.0.0.1:9042,127.0.0.2:9042,127.0.0.3:9042",
            ]
        );
    }
}
