//! The servers of a lab and where everything of them is kept.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::model::Dc;

use super::error::LabError;

/// Releases that the lab runs; the poms name the same.
pub(super) const KAFKA_VERSION: &str = "4.3.1";
/// See [`KAFKA_VERSION`].
pub(super) const CASSANDRA_VERSION: &str = "5.0.9";

/// A server of the lab.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Server {
    /// The broker.
    Kafka,
    /// The only node of a data centre.
    Node(Dc),
}

impl Server {
    /// All servers, in the order in which they are shown.
    pub const ALL: [Self; 4] = [
        Self::Kafka,
        Self::Node(Dc::Europe),
        Self::Node(Dc::Americas),
        Self::Node(Dc::AsiaPacific),
    ];

    /// The name on the command line, in files and in JSON.
    pub const fn slug(self) -> &'static str {
        match self {
            Self::Kafka => "kafka",
            Self::Node(dc) => dc.region().slug(),
        }
    }

    /// The server of a name: `kafka`, a region, or a data centre.
    pub fn parse(text: &str) -> Option<Self> {
        if text.eq_ignore_ascii_case("kafka") {
            return Some(Self::Kafka);
        }
        Dc::parse(text).map(Self::Node)
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kafka => f.write_str("Kafka"),
            Self::Node(dc) => dc.fmt(f),
        }
    }
}

/// Paths below the lab's home.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Home(PathBuf);

impl Home {
    /// The home at a path; made absolute, because the servers run in another directory.
    pub(super) fn at(path: &Path) -> Result<Self, LabError> {
        let absolute = std::path::absolute(path).map_err(|source| LabError::Home {
            what: "has no absolute path",
            source,
            path: path.to_path_buf(),
        })?;
        // A class path is a list of paths, and an argument file one of words.
        let unfit = |c: char| c == ':' || c == '"' || c == '\\' || c.is_control() || c == ' ';
        if absolute.to_str().is_none_or(|text| text.contains(unfit)) {
            return Err(LabError::HomeName { path: absolute });
        }
        Ok(Self(absolute))
    }

    pub(super) fn root(&self) -> &Path {
        &self.0
    }

    pub(super) fn options(&self) -> PathBuf {
        self.0.join("lab.json")
    }

    pub(super) fn processes(&self) -> PathBuf {
        self.0.join("processes.json")
    }

    pub(super) fn lock(&self) -> PathBuf {
        self.0.join("lab.lock")
    }

    /// The jars of a server; the version is in the name, so that another one is fetched anew.
    pub(super) fn jars(&self, server: Server) -> PathBuf {
        let name = match server {
            Server::Kafka => format!("kafka-{KAFKA_VERSION}"),
            Server::Node(_) => format!("cassandra-{CASSANDRA_VERSION}"),
        };
        self.0.join("lib").join(name)
    }

    pub(super) fn poms(&self) -> PathBuf {
        self.0.join("poms")
    }

    pub(super) fn conf_of_all(&self) -> PathBuf {
        self.0.join("conf")
    }

    /// Configuration of a server. No other process has this path on its command line.
    pub(super) fn conf(&self, server: Server) -> PathBuf {
        self.conf_of_all().join(server.slug())
    }

    /// Configuration of nodetool, the same for all nodes.
    pub(super) fn nodetool_conf(&self) -> PathBuf {
        self.conf_of_all().join("nodetool")
    }

    /// What a secured lab is protected with.
    pub(super) fn secrets(&self) -> PathBuf {
        self.0.join("secrets")
    }

    /// The password of its account.
    pub(super) fn password(&self) -> PathBuf {
        self.secrets().join("password")
    }

    pub(super) fn data_of_all(&self) -> PathBuf {
        self.0.join("data")
    }

    pub(super) fn data(&self, server: Server) -> PathBuf {
        self.data_of_all().join(server.slug())
    }

    pub(super) fn logs(&self) -> PathBuf {
        self.0.join("log")
    }

    /// What the process wrote to its standard output and error; of the broker, its log.
    pub(super) fn output(&self, server: Server) -> PathBuf {
        self.logs().join(format!("{}.out", server.slug()))
    }

    /// The log that tells most about a server.
    pub(super) fn log(&self, server: Server) -> PathBuf {
        match server {
            Server::Kafka => self.output(server),
            Server::Node(_) => self.logs().join(format!("{}.log", server.slug())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_known_by_slug_region_and_data_centre() {
        for server in Server::ALL {
            assert_eq!(Server::parse(server.slug()), Some(server));
        }
        assert_eq!(Server::parse("Europe_DC"), Some(Server::Node(Dc::Europe)));
        assert_eq!(Server::parse("KAFKA"), Some(Server::Kafka));
        assert_eq!(Server::parse("1"), None);
    }

    #[test]
    fn a_home_that_java_would_misread_is_refused() {
        for bad in ["/tmp/a b", "/tmp/a:b", "/tmp/a\"b"] {
            let error = Home::at(Path::new(bad)).unwrap_err();
            assert!(error.to_string().contains(bad.trim_matches('"')) || bad.contains('"'));
            assert!(!error.remedy().is_empty());
        }
        let home = Home::at(Path::new("relative")).unwrap();
        assert!(home.root().is_absolute());
    }
}
