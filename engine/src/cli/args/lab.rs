//! The command line of `lab`.

use std::net::Ipv4Addr;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::lab::{CommitlogSync, LabOptions, Security, Server};
use crate::model::Dc;

const EXAMPLES: &str = "\
Examples:
  retail-engine lab up                              fetch, start, wait until all answer
  retail-engine lab status                          processes and what each server says
  retail-engine lab kill europe                     lose a data centre, as when its power fails
  retail-engine lab start europe                    and bring it back
  retail-engine lab nodetool europe repair -full retail
  retail-engine lab down                            end all servers; the data stays
  retail-engine lab up --home /tmp/lab2 --first-address 127.0.1.1 --jmx-port 7209

SERVER is kafka, europe, americas or asiapacific. Needs Java 17, and Maven the first time.";

/// `lab`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct LabArgs {
    /// Where the lab is kept [default: the platform's place for program data]
    #[arg(long, global = true, value_name = "DIR", env = "RETAIL_LAB_HOME")]
    pub(crate) home: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) act: LabAct,
}

/// What is done with the lab.
#[derive(Debug, Subcommand)]
pub(crate) enum LabAct {
    /// Fetch the servers with Maven
    Fetch,
    /// Start what does not run, and wait until every server answers
    Up(UpArgs),
    /// Processes, and what each server says
    Status,
    /// End a server at once, as when its power fails
    Kill(ServerArgs),
    /// End a server in order
    Stop(ServerArgs),
    /// Stop a server where it stands: it keeps its connections and answers nothing
    Pause(ServerArgs),
    /// Let a paused server go on
    Resume(ServerArgs),
    /// Start a server that was ended, and wait until it serves
    Start(ServerArgs),
    /// End every server in order
    Down,
    /// End every server and delete its data
    Wipe,
    /// The end of a server's log
    Logs(LogsArgs),
    /// Run Cassandra's nodetool against a node
    Nodetool(NodetoolArgs),
}

/// How the lab is set up; what is left out stays as it was.
#[derive(Debug, Args)]
pub(crate) struct UpArgs {
    /// Address of the broker and of the first node; the other nodes have the next two
    #[arg(long, value_name = "ADDRESS")]
    first_address: Option<Ipv4Addr>,
    /// Port of the broker; its controller has the next one
    #[arg(long, value_name = "PORT")]
    kafka_port: Option<u16>,
    /// Port of CQL
    #[arg(long, value_name = "PORT")]
    cql_port: Option<u16>,
    /// Port between nodes
    #[arg(long, value_name = "PORT")]
    storage_port: Option<u16>,
    /// JMX port of the first node; the next ones are 100 and 200 above
    #[arg(long, value_name = "PORT")]
    jmx_port: Option<u16>,
    /// When a node syncs what it acknowledges: periodic loses the last 0.1 s of a killed node
    #[arg(long, value_enum)]
    commitlog_sync: Option<Sync>,
    /// How sure a node must be that another one is dead, 5 to 16
    #[arg(long)]
    phi: Option<u8>,
    /// With an account and encrypted connections, for a program built with `--features tls`
    #[arg(long)]
    secured: bool,
}

impl UpArgs {
    /// The options `before` with what was given.
    pub(crate) fn over(&self, before: &LabOptions) -> LabOptions {
        LabOptions {
            first_address: self.first_address.unwrap_or(before.first_address),
            kafka_port: self.kafka_port.unwrap_or(before.kafka_port),
            cql_port: self.cql_port.unwrap_or(before.cql_port),
            storage_port: self.storage_port.unwrap_or(before.storage_port),
            jmx_port: self.jmx_port.unwrap_or(before.jmx_port),
            commitlog_sync: self
                .commitlog_sync
                .map_or(before.commitlog_sync, Sync::meant),
            phi: self.phi.unwrap_or(before.phi),
            security: if self.secured {
                Security::Secured
            } else {
                before.security
            },
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Sync {
    Periodic,
    Group,
    Batch,
}

impl Sync {
    const fn meant(self) -> CommitlogSync {
        match self {
            Self::Periodic => CommitlogSync::Periodic,
            Self::Group => CommitlogSync::Group,
            Self::Batch => CommitlogSync::Batch,
        }
    }
}

/// One server.
#[derive(Debug, Args)]
pub(crate) struct ServerArgs {
    /// kafka, europe, americas or asiapacific
    #[arg(value_parser = server)]
    pub(crate) server: Server,
}

/// A server's log.
#[derive(Debug, Args)]
pub(crate) struct LogsArgs {
    /// kafka, europe, americas or asiapacific
    #[arg(value_parser = server)]
    pub(crate) server: Server,
    /// Lines from the end
    #[arg(long, default_value_t = 40)]
    pub(crate) lines: u16,
}

/// A tool's own arguments.
#[derive(Debug, Args)]
pub(crate) struct NodetoolArgs {
    /// europe, americas or asiapacific
    #[arg(value_parser = dc)]
    pub(crate) dc: Dc,
    /// What nodetool is to do
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) args: Vec<String>,
}

fn server(text: &str) -> Result<Server, &'static str> {
    Server::parse(text).ok_or("one of kafka, europe, americas, asiapacific")
}

fn dc(text: &str) -> Result<Dc, &'static str> {
    Dc::parse(text).ok_or("one of europe, americas, asiapacific")
}
