//! What can be chosen about a lab, and whether it fits together.

use std::net::{Ipv4Addr, SocketAddrV4};

use serde::{Deserialize, Serialize};

use crate::model::Dc;

use super::error::LabError;
use super::place::Server;

/// Between the JMX ports of two nodes.
const JMX_STEP: u16 = 100;

/// When a node syncs what it acknowledges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CommitlogSync {
    /// Every second, after the acknowledgement: a killed node loses its last rows, about 0.1 s.
    /// Cassandra's own default.
    Periodic,
    /// Before the acknowledgement, those of 10 ms together.
    Group,
    /// Before the acknowledgement, each batch by itself.
    Batch,
}

impl CommitlogSync {
    /// All ways.
    pub const ALL: [Self; 3] = [Self::Periodic, Self::Group, Self::Batch];

    /// The name on the command line and in Cassandra's configuration.
    pub const fn slug(self) -> &'static str {
        match self {
            Self::Periodic => "periodic",
            Self::Group => "group",
            Self::Batch => "batch",
        }
    }
}

/// Whether clients are asked who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Security {
    /// Nobody is asked, and nothing is encrypted.
    #[default]
    Open,
    /// Clients need an account, and connections are encrypted. Both are for trying how an engine
    /// fares with such servers: the lab itself keeps ports for itself that need less.
    Secured,
}

/// How a lab is set up. Two labs run side by side when their addresses and JMX ports differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabOptions {
    /// Address of the broker and of the first node; the other nodes have the next two.
    pub first_address: Ipv4Addr,
    /// Port of the broker; its controller has the next one.
    pub kafka_port: u16,
    /// Port of CQL, the same on all nodes.
    pub cql_port: u16,
    /// Port between nodes.
    pub storage_port: u16,
    /// JMX port of the first node; the next ones are 100 and 200 above. JMX listens on 127.0.0.1
    /// only, whatever the addresses are.
    pub jmx_port: u16,
    /// When a node syncs.
    pub commitlog_sync: CommitlogSync,
    /// How sure a node must be that another one is dead, 5 to 16: 6 takes some 14 s.
    pub phi: u8,
    /// Whether clients are asked who they are.
    #[serde(default)]
    pub security: Security,
}

impl Default for LabOptions {
    fn default() -> Self {
        Self {
            first_address: Ipv4Addr::LOCALHOST,
            kafka_port: 9092,
            cql_port: 9042,
            storage_port: 7000,
            jmx_port: 7199,
            commitlog_sync: CommitlogSync::Periodic,
            phi: 6,
            security: Security::Open,
        }
    }
}

impl LabOptions {
    /// Refuses what cannot run or would be reachable from other machines.
    pub fn check(&self) -> Result<(), LabError> {
        let refused = |what: &'static str, value: String| LabError::Options { what, value };
        let last = self.address(Dc::AsiaPacific);
        if !self.first_address.is_loopback() || !last.is_loopback() || last < self.first_address {
            return Err(refused(
                "the addresses must be of this machine only, 127.0.0.1 to 127.255.255.252",
                self.first_address.to_string(),
            ));
        }
        let mut ports = vec![
            self.kafka_port,
            self.controller_port(),
            self.cql_port,
            self.storage_port,
        ];
        if self.security == Security::Secured {
            ports.extend([self.sasl_port(), self.own_kafka_port(), self.own_cql_port()]);
        }
        ports.sort_unstable();
        // 0 would be the system's choice, which nobody could be told.
        if ports.contains(&0) || ports.windows(2).any(|pair| pair.first() == pair.last()) {
            return Err(refused(
                "the ports of broker, controller, CQL and between nodes must differ",
                format!("{ports:?}"),
            ));
        }
        if self.jmx_port == 0 || self.jmx_port > u16::MAX - 2 * JMX_STEP {
            return Err(refused(
                "the JMX port and those 100 and 200 above it must be ports",
                self.jmx_port.to_string(),
            ));
        }
        if !(5..=16).contains(&self.phi) {
            return Err(refused("phi must be 5 to 16", self.phi.to_string()));
        }
        Ok(())
    }

    /// Address of a data centre's node.
    pub fn address(&self, dc: Dc) -> Ipv4Addr {
        let offset = u32::try_from(dc.index()).unwrap_or(0);
        Ipv4Addr::from_bits(self.first_address.to_bits().wrapping_add(offset))
    }

    /// Port of the broker's controller.
    pub const fn controller_port(&self) -> u16 {
        self.kafka_port.wrapping_add(1)
    }

    /// Port of a secured broker where an account is needed and nothing is encrypted.
    pub const fn sasl_port(&self) -> u16 {
        self.kafka_port.wrapping_add(2)
    }

    /// Port of a secured broker that needs nothing: for itself and for the lab.
    pub(super) const fn own_kafka_port(&self) -> u16 {
        self.kafka_port.wrapping_add(3)
    }

    /// Port of a secured node where nothing is encrypted: for the lab.
    pub(super) const fn own_cql_port(&self) -> u16 {
        self.cql_port.wrapping_add(1)
    }

    /// Where the lab asks a server whether it serves.
    pub(super) fn probed(&self, server: Server) -> SocketAddrV4 {
        let port = match (self.security, server) {
            (Security::Open, _) => return self.client(server),
            (Security::Secured, Server::Kafka) => self.own_kafka_port(),
            (Security::Secured, Server::Node(_)) => self.own_cql_port(),
        };
        SocketAddrV4::new(*self.client(server).ip(), port)
    }

    /// Where clients of a server connect.
    pub fn client(&self, server: Server) -> SocketAddrV4 {
        match server {
            Server::Kafka => SocketAddrV4::new(self.first_address, self.kafka_port),
            Server::Node(dc) => SocketAddrV4::new(self.address(dc), self.cql_port),
        }
    }

    /// JMX port of a node.
    pub fn jmx(&self, dc: Dc) -> u16 {
        let place = u16::try_from(dc.index()).unwrap_or(0);
        self.jmx_port.saturating_add(JMX_STEP * place)
    }

    /// Every address that a server listens on, with the option that moves it.
    pub(super) fn listeners(&self, server: Server) -> Vec<(SocketAddrV4, &'static str)> {
        let mut all = self.open_listeners(server);
        if self.security == Security::Secured {
            let option = match server {
                Server::Kafka => "--kafka-port",
                Server::Node(_) => "--cql-port",
            };
            all.push((self.probed(server), option));
            if server == Server::Kafka {
                all.push((
                    SocketAddrV4::new(self.first_address, self.sasl_port()),
                    option,
                ));
            }
        }
        all
    }

    fn open_listeners(&self, server: Server) -> Vec<(SocketAddrV4, &'static str)> {
        match server {
            Server::Kafka => vec![
                (self.client(server), "--kafka-port"),
                (
                    SocketAddrV4::new(self.first_address, self.controller_port()),
                    "--kafka-port",
                ),
            ],
            Server::Node(dc) => vec![
                (self.client(server), "--cql-port"),
                (
                    SocketAddrV4::new(self.address(dc), self.storage_port),
                    "--storage-port",
                ),
                (
                    SocketAddrV4::new(Ipv4Addr::LOCALHOST, self.jmx(dc)),
                    "--jmx-port",
                ),
            ],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_server_has_its_own_addresses() {
        let options = LabOptions {
            first_address: Ipv4Addr::new(127, 0, 1, 1),
            ..LabOptions::default()
        };
        options.check().unwrap();
        let secured = LabOptions {
            security: Security::Secured,
            ..options.clone()
        };
        secured.check().unwrap();
        let clients: Vec<_> = Server::ALL.map(|s| options.client(s).to_string()).into();
        assert_eq!(
            clients,
            [
                "127.0.1.1:9092",
                "127.0.1.1:9042",
                "127.0.1.2:9042",
                "127.0.1.3:9042"
            ]
        );
        for options in [options, secured] {
            let mut all: Vec<_> = Server::ALL
                .into_iter()
                .flat_map(|server| options.listeners(server))
                .map(|(address, _)| address)
                .collect();
            let count = all.len();
            all.sort_unstable();
            all.dedup();
            assert_eq!(all.len(), count);
        }
    }

    #[test]
    fn what_cannot_run_is_refused() {
        let default = LabOptions::default;
        for options in [
            LabOptions {
                first_address: Ipv4Addr::new(10, 0, 0, 1),
                ..default()
            },
            LabOptions {
                first_address: Ipv4Addr::new(127, 255, 255, 254),
                ..default()
            },
            LabOptions {
                cql_port: 9093,
                ..default()
            },
            LabOptions {
                kafka_port: 0,
                ..default()
            },
            LabOptions {
                cql_port: 9094,
                security: Security::Secured,
                ..default()
            },
            LabOptions {
                jmx_port: 65_500,
                ..default()
            },
            LabOptions {
                phi: 4,
                ..default()
            },
        ] {
            let error = options.check().unwrap_err();
            assert!(!error.remedy().is_empty(), "{options:?}");
        }
    }
}
