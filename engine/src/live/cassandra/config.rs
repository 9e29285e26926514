//! Settings of live mode as the driver takes them.

use std::collections::HashMap;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use scylla::client::session_builder::SessionBuilder;
use scylla::policies::address_translator::AddressTranslator;

use crate::config::{LiveSettings, Secret, Settings};
use crate::ports::StoreError;

/// A keyspace is named in statements, which take no bound value there.
const KEYSPACE_BYTES_MAX: usize = 48;

/// How long a request waits where nothing says otherwise.
const ASKING_TIMEOUT: Duration = Duration::from_secs(2);

/// An account of the cluster.
#[derive(Debug, Clone)]
pub(super) struct Account {
    pub(super) name: String,
    pub(super) password: Secret,
}

/// Everything that a connection needs, checked.
#[derive(Debug, Clone)]
pub(super) struct Options {
    /// First nodes to ask, host:port.
    pub(super) contact_points: Vec<String>,
    pub(super) keyspace: Keyspace,
    pub(super) account: Option<Account>,
    /// Copies in each data centre, when the keyspace is made.
    pub(super) replication: u8,
    pub(super) tls: Tls,
    /// Announced address to reachable one.
    pub(super) addresses: HashMap<SocketAddr, SocketAddr>,
    /// How long a request waits for its level.
    pub(super) request_timeout: Duration,
    /// How long the nodes keep hints.
    pub(super) hint_window: Duration,
}

/// Whether connections are encrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tls {
    Off,
    /// Certificates are checked against those of the system, or of a file.
    On {
        ca_file: Option<PathBuf>,
    },
}

/// Name of a keyspace: letters, digits and underscores, so that it can stand in a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Keyspace(String);

impl Keyspace {
    pub(super) fn new(name: &str) -> Result<Self, StoreError> {
        let fits = name.len() <= KEYSPACE_BYTES_MAX
            && name.starts_with(|c: char| c.is_ascii_lowercase())
            && name
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if fits {
            Ok(Self(name.to_owned()))
        } else {
            Err(StoreError::Refused {
                what: format!("{name:?} cannot be the name of a keyspace"),
                remedy: "set live.cassandra_keyspace to up to 48 lower-case letters, digits and \
                         underscores, the first one a letter",
            })
        }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Options {
    /// The options that settings say, or which one cannot be used.
    pub(super) fn of(settings: &Settings) -> Result<Self, StoreError> {
        Ok(Self {
            request_timeout: settings.store.request_timeout,
            hint_window: settings.store.hint_window,
            ..Self::of_live(&settings.live)?
        })
    }

    /// The same for who only connects and asks.
    pub(super) fn of_live(live: &LiveSettings) -> Result<Self, StoreError> {
        if live.cassandra_contact_points.is_empty() {
            return Err(StoreError::Refused {
                what: "live.cassandra_contact_points is empty".to_owned(),
                remedy: "set it, or CASSANDRA_CONTACT_POINTS in the environment",
            });
        }
        let account = (!live.cassandra_username.is_empty()).then(|| Account {
            name: live.cassandra_username.clone(),
            password: live.cassandra_password.clone(),
        });
        let tls = if live.cassandra_tls {
            let file = &live.cassandra_ca_file;
            Tls::On {
                ca_file: (!file.as_os_str().is_empty()).then(|| file.clone()),
            }
        } else {
            Tls::Off
        };
        Ok(Self {
            contact_points: live.cassandra_contact_points.clone(),
            keyspace: Keyspace::new(&live.cassandra_keyspace)?,
            account,
            replication: live.cassandra_replication,
            tls,
            addresses: addresses(&live.cassandra_addresses)?,
            request_timeout: ASKING_TIMEOUT,
            hint_window: Duration::MAX,
        })
    }

    /// Encrypts the connections of a session, where that is asked for.
    pub(super) fn encrypt(&self, builder: SessionBuilder) -> Result<SessionBuilder, StoreError> {
        match &self.tls {
            Tls::Off => Ok(builder),
            Tls::On { ca_file } => encrypted(builder, ca_file.as_deref()),
        }
    }

    /// What turns announced addresses into reachable ones; `None` where they are the same. With
    /// it, a node whose address is not listed is not connected to.
    pub(super) fn translator(&self) -> Option<Arc<dyn AddressTranslator>> {
        (!self.addresses.is_empty())
            .then(|| Arc::new(self.addresses.clone()) as Arc<dyn AddressTranslator>)
    }
}

#[cfg(feature = "tls")]
fn encrypted(
    builder: SessionBuilder,
    ca_file: Option<&Path>,
) -> Result<SessionBuilder, StoreError> {
    use openssl::ssl::{SslConnector, SslMethod};
    use scylla::client::session::OpenSsl010Config;

    let refused = |what: String| StoreError::Refused {
        what,
        remedy: "set live.cassandra_ca_file to a readable PEM file of the certificates that the \
                 nodes' own are signed by",
    };
    let mut connector = SslConnector::builder(SslMethod::tls_client())
        .map_err(|error| refused(format!("encryption cannot be set up: {error}")))?;
    if let Some(file) = ca_file {
        connector.set_ca_file(file).map_err(|error| {
            refused(format!(
                "the certificates cannot be read: {error}: {file:?}"
            ))
        })?;
    }
    Ok(builder.tls_context(Some(OpenSsl010Config::new(connector))))
}

#[cfg(not(feature = "tls"))]
fn encrypted(_: SessionBuilder, _: Option<&Path>) -> Result<SessionBuilder, StoreError> {
    Err(StoreError::Refused {
        what: "live.cassandra_tls is on, and this program was built without encryption".to_owned(),
        remedy: "build it with `--features tls`, or switch live.cassandra_tls off",
    })
}

/// Pairs of addresses, written as announced=reachable.
fn addresses(pairs: &[String]) -> Result<HashMap<SocketAddr, SocketAddr>, StoreError> {
    let mut all = HashMap::new();
    for pair in pairs {
        let resolved = pair.split_once('=').and_then(|(announced, reachable)| {
            let announced = announced.trim().parse().ok()?;
            let reachable = reachable.trim().to_socket_addrs().ok()?.next()?;
            Some((announced, reachable))
        });
        let Some((announced, reachable)) = resolved else {
            return Err(StoreError::Refused {
                what: format!("{pair:?} in live.cassandra_addresses is not a pair of addresses"),
                remedy: "write announced=reachable, each with its port, as in \
                         172.20.0.11:9042=127.0.0.1:9042",
            });
        };
        all.insert(announced, reachable);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keyspace_can_stand_in_a_statement() {
        for good in ["retail", "retail_2", "r"] {
            assert_eq!(Keyspace::new(good).unwrap().as_str(), good);
        }
        let long = "a".repeat(49);
        for bad in [
            "",
            "2retail",
            "Retail",
            "re tail",
            "a;b",
            "a\"b",
            long.as_str(),
        ] {
            let error = Keyspace::new(bad).unwrap_err();
            assert!(error.remedy().contains("live.cassandra_keyspace"), "{bad}");
        }
    }

    #[test]
    fn addresses_are_pairs() {
        let pair = "172.20.0.11:9042=127.0.0.1:9043".to_owned();
        let all = addresses(&[pair]).unwrap();
        let announced: SocketAddr = "172.20.0.11:9042".parse().unwrap();
        assert_eq!(all[&announced], "127.0.0.1:9043".parse().unwrap());
        for bad in ["172.20.0.11:9042", "a=b", "1.2.3.4:1=", "=1.2.3.4:1"] {
            assert!(addresses(&[bad.to_owned()]).is_err(), "{bad}");
        }
    }

    #[test]
    fn encryption_that_cannot_be_is_refused_and_never_left_out() {
        let mut settings = Settings::in_dir("x");
        settings.live.cassandra_tls = true;
        settings.live.cassandra_ca_file = "nowhere.pem".into();
        let options = Options::of(&settings).unwrap();
        let error = options
            .encrypt(SessionBuilder::new())
            .map(|_| ())
            .unwrap_err();
        let expect = if cfg!(feature = "tls") {
            "nowhere.pem"
        } else {
            "built without encryption"
        };
        assert!(error.to_string().contains(expect), "{error}");
    }
}
