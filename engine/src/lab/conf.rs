//! The configuration of the servers, and the commands that they are started with.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::model::Dc;

use super::error::LabError;
use super::options::{CommitlogSync, LabOptions};
use super::place::{Home, Server};
use super::program::{argument_file, class_path, property};
use super::secrets::{Secrets, make_private};

const SERVER_PROPERTIES: &str = include_str!("../../../assets/lab/server.properties");
const KAFKA_JVM: &str = include_str!("../../../assets/lab/kafka.jvm");
const CASSANDRA_YAML: &str = include_str!("../../../assets/lab/cassandra.yaml");
const CASSANDRA_JVM: &str = include_str!("../../../assets/lab/cassandra.jvm");
const NODETOOL_JVM: &str = include_str!("../../../assets/lab/nodetool.jvm");
const JAVA_MODULES: &str = include_str!("../../../assets/lab/java-modules");
const LOGBACK_XML: &str = include_str!("../../../assets/lab/logback.xml");

/// Identity of the Kafka cluster: 16 bytes in base64. A fixed one, so that the same data is known
/// again.
const CLUSTER_ID: &str = "cmV0YWlsLWxhYi0wMDAwMQ";

/// Thirds of the ring, from -2^63.
const fn token(dc: Dc) -> i64 {
    match dc {
        Dc::Europe => -3_074_457_345_618_258_603,
        Dc::Americas => 0,
        Dc::AsiaPacific => 3_074_457_345_618_258_602,
    }
}

/// Writes the configuration of all servers. With secrets, it has them in it, and nobody else may
/// read it.
pub(super) fn write_all(
    home: &Home,
    options: &LabOptions,
    secrets: Option<&Secrets>,
) -> Result<(), LabError> {
    if secrets.is_some() {
        make_private(&home.conf_of_all())?;
    }
    let kafka = home.conf(Server::Kafka);
    write(&kafka, "jvm.args", KAFKA_JVM)?;
    write(&kafka, "server.properties", &broker(home, options, secrets))?;
    for dc in Dc::ALL {
        write_node(home, options, secrets, dc)?;
    }
    let nodetool = home.nodetool_conf();
    let logback = nodetool.join("logback.xml");
    let jvm = format!(
        "{JAVA_MODULES}{NODETOOL_JVM}{}\n{}\n",
        // It keeps a history in the home directory of its user.
        property("user.home", &nodetool),
        property("logback.configurationFile", file_url(&logback)),
    );
    write(&nodetool, "jvm.args", &jvm)?;
    let log = home.logs().join("nodetool.log");
    write(&nodetool, "logback.xml", &logging(&log, "WARN"))
}

fn write_node(
    home: &Home,
    options: &LabOptions,
    secrets: Option<&Secrets>,
    dc: Dc,
) -> Result<(), LabError> {
    let server = Server::Node(dc);
    let conf = home.conf(server);
    let agent = agent(&home.jars(server))?;
    let jvm = format!("{CASSANDRA_JVM}{JAVA_MODULES}-javaagent:{agent}\n");
    write(&conf, "jvm.args", &jvm)?;
    write(&conf, "cassandra.yaml", &node(options, secrets, dc))?;
    let rack = format!("dc={}\nrack=rack1\n", dc.name());
    write(&conf, "cassandra-rackdc.properties", &rack)?;
    write(&conf, "logback.xml", &logging(&home.log(server), "INFO"))
}

/// The agent that measures memory; its version is in its name, which nothing else tells.
fn agent(jars: &Path) -> Result<String, LabError> {
    let missing = || LabError::NotFetched {
        server: Server::Node(Dc::Europe),
        path: jars.to_path_buf(),
    };
    let entries = fs::read_dir(jars).map_err(|_absent| missing())?;
    entries
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .find(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("jamm-")
        })
        .map(|path| path.display().to_string())
        .ok_or_else(missing)
}

fn broker(home: &Home, options: &LabOptions, secrets: Option<&Secrets>) -> String {
    let at = |protocol: &str, port: u16| format!("{protocol}://{}:{port}", options.first_address);
    let listeners = match secrets {
        None => vec![at("PLAINTEXT", options.kafka_port)],
        Some(_) => vec![
            at("SASL_SSL", options.kafka_port),
            at("SASL_PLAINTEXT", options.sasl_port()),
            at("PLAINTEXT", options.own_kafka_port()),
        ],
    };
    fill(
        SERVER_PROPERTIES,
        &[
            ("address", options.first_address.to_string()),
            ("listeners", listeners.join(",")),
            ("security", secrets.map(broker_security).unwrap_or_default()),
            ("controller_port", options.controller_port().to_string()),
            ("data", home.data(Server::Kafka).display().to_string()),
        ],
    )
}

/// Accounts of PLAIN stand here; those of SCRAM are put into the data when it is made.
fn broker_security(secrets: &Secrets) -> String {
    const MODULES: &str = "org.apache.kafka.common.security";
    let Secrets {
        account,
        keystore,
        keystore_password,
        ..
    } = secrets;
    let mut lines = vec![
        "sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512".to_owned(),
        "ssl.keystore.type=PKCS12".to_owned(),
        format!("ssl.keystore.location={}", keystore.display()),
        format!("ssl.keystore.password={keystore_password}"),
        format!("ssl.key.password={keystore_password}"),
    ];
    for listener in ["sasl_ssl", "sasl_plaintext"] {
        let mut login = |mechanism: &str, module: &str| {
            lines.push(format!(
                "listener.name.{listener}.{mechanism}.sasl.jaas.config={MODULES}.{module};"
            ));
        };
        let (name, password) = (&account.name, &account.password);
        let user = format!("plain.PlainLoginModule required user_{name}=\"{password}\"");
        login("plain", &user);
        for mechanism in SCRAM {
            login(
                &mechanism.to_ascii_lowercase(),
                "scram.ScramLoginModule required",
            );
        }
    }
    lines.join("\n") + "\n"
}

/// An account of its own for each mechanism.
const SCRAM: [&str; 2] = ["SCRAM-SHA-256", "SCRAM-SHA-512"];

fn node_security(options: &LabOptions, secrets: &Secrets) -> String {
    let Secrets {
        keystore,
        keystore_password,
        ..
    } = secrets;
    format!(
        "native_transport_port_ssl: {}\n\
         authenticator: PasswordAuthenticator\n\
         authorizer: CassandraAuthorizer\n\
         client_encryption_options:\n  \
           enabled: true\n  \
           optional: false\n  \
           require_client_auth: false\n  \
           store_type: PKCS12\n  \
           keystore: {}\n  \
           keystore_password: \"{keystore_password}\"\n",
        options.cql_port,
        keystore.display()
    )
}

fn node(options: &LabOptions, secrets: Option<&Secrets>, dc: Dc) -> String {
    // Of two ports the first one is that where nothing is encrypted.
    let cql_port = options.probed(Server::Node(dc)).port();
    let seeds: Vec<_> = Dc::ALL
        .map(|dc| options.address(dc).to_string())
        .into_iter()
        .collect();
    let (sync, concurrent_writes) = match options.commitlog_sync {
        CommitlogSync::Periodic => (
            "commitlog_sync: periodic\ncommitlog_sync_period: 1000ms",
            16,
        ),
        // A write keeps its thread until the sync, so that more of them are under way.
        CommitlogSync::Group => (
            "commitlog_sync: group\ncommitlog_sync_group_window: 10ms",
            128,
        ),
        CommitlogSync::Batch => ("commitlog_sync: batch", 128),
    };
    fill(
        CASSANDRA_YAML,
        &[
            ("token", token(dc).to_string()),
            ("seeds", seeds.join(",")),
            ("address", options.address(dc).to_string()),
            ("storage_port", options.storage_port.to_string()),
            ("cql_port", cql_port.to_string()),
            (
                "security",
                secrets
                    .map(|secrets| node_security(options, secrets))
                    .unwrap_or_default(),
            ),
            ("commitlog_sync", sync.to_owned()),
            ("concurrent_writes", concurrent_writes.to_string()),
            ("phi", options.phi.to_string()),
        ],
    )
}

fn logging(log: &Path, level: &str) -> String {
    fill(
        LOGBACK_XML,
        &[
            ("log", log.display().to_string()),
            ("level", level.to_owned()),
        ],
    )
}

/// The text with `@name@` replaced by its value.
fn fill(text: &str, values: &[(&str, String)]) -> String {
    values.iter().fold(text.to_owned(), |text, (name, value)| {
        text.replace(&format!("@{name}@"), value)
    })
}

fn file_url(path: &Path) -> String {
    format!("file://{}", path.display())
}

fn write(folder: &Path, name: &str, text: &str) -> Result<(), LabError> {
    let path = folder.join(name);
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(&path, text))
        .map_err(|source| LabError::Home {
            what: "cannot be written",
            source,
            path,
        })
}

/// The command that runs a server until it is ended.
pub(super) fn run(java: &Path, home: &Home, options: &LabOptions, server: Server) -> Command {
    let conf = home.conf(server);
    let jars = home.jars(server);
    let mut command = Command::new(java);
    command.arg(argument_file(&conf.join("jvm.args")));
    match server {
        Server::Kafka => {
            command
                .args(["-cp", &class_path(None, &jars), "kafka.Kafka"])
                .arg(conf.join("server.properties"));
        }
        Server::Node(dc) => {
            let url = |name: &str| file_url(&conf.join(name));
            command.args([
                property("cassandra.config", url("cassandra.yaml")),
                property(
                    "cassandra-rackdc.properties",
                    url("cassandra-rackdc.properties"),
                ),
                property("cassandra.storagedir", home.data(server)),
                property("cassandra.logdir", home.logs()),
                property("logback.configurationFile", url("logback.xml")),
                property("cassandra.jmx.local.port", options.jmx(dc).to_string()),
            ]);
            command.args([
                "-cp",
                &class_path(Some(&conf), &jars),
                "org.apache.cassandra.service.CassandraDaemon",
            ]);
        }
    }
    command
}

/// The command that makes the broker's data folder.
pub(super) fn format_broker(java: &Path, home: &Home, secrets: Option<&Secrets>) -> Command {
    let mut command = Command::new(java);
    command
        .args([
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
        ])
        .args(["-cp", &class_path(None, &home.jars(Server::Kafka))])
        .args(["kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c"])
        .arg(home.conf(Server::Kafka).join("server.properties"));
    if let Some(Secrets { account, .. }) = secrets {
        for mechanism in SCRAM {
            let (name, password) = (&account.name, &account.password);
            let added = format!("{mechanism}=[name={name},password={password}]");
            command.args(["--add-scram", &added]);
        }
    }
    command
}

/// Whether the broker's data folder was made.
pub(super) fn is_formatted(home: &Home) -> bool {
    home.data(Server::Kafka).join("meta.properties").exists()
}

/// The command that runs nodetool against a node.
pub(super) fn nodetool(
    java: &Path,
    home: &Home,
    options: &LabOptions,
    dc: Dc,
    args: &[&str],
) -> Command {
    let mut command = Command::new(java);
    command
        .arg(argument_file(&home.nodetool_conf().join("jvm.args")))
        .args(["-cp", &class_path(None, &home.jars(Server::Node(dc)))])
        .arg("org.apache.cassandra.tools.NodeTool")
        .args(["-h", "127.0.0.1", "-p", &options.jmx(dc).to_string()])
        .args(args);
    command
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::lab::secrets::Account;

    fn options() -> LabOptions {
        LabOptions {
            first_address: Ipv4Addr::new(127, 0, 1, 1),
            commitlog_sync: CommitlogSync::Group,
            ..LabOptions::default()
        }
    }

    #[test]
    fn no_placeholder_is_left_over() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::at(dir.path()).unwrap();
        let jars = home.jars(Server::Node(Dc::Europe));
        fs::create_dir_all(&jars).unwrap();
        let error = write_all(&home, &options(), None).unwrap_err();
        assert!(matches!(error, LabError::NotFetched { .. }), "{error}");
        fs::write(jars.join("jamm-0.4.0.jar"), "").unwrap();
        let secrets = Secrets {
            account: Account {
                name: "someone".to_owned(),
                password: "pass1word".to_owned(),
            },
            keystore: "/k.p12".into(),
            keystore_password: "pass2word".to_owned(),
            authority: "/a.pem".into(),
        };
        for secrets in [None, Some(&secrets)] {
            write_all(&home, &options(), secrets).unwrap();
            no_placeholder_in(&home);
        }
        let broker = home.conf(Server::Kafka).join("server.properties");
        let text = fs::read_to_string(broker).unwrap();
        assert!(text.contains("user_someone=\"pass1word\";"), "{text}");
        let node = home.conf(Server::Node(Dc::Europe)).join("cassandra.yaml");
        let text = fs::read_to_string(node).unwrap();
        assert!(text.contains("keystore_password: \"pass2word\""), "{text}");
        assert!(!text.contains("pass1word"), "{text}");
    }

    fn no_placeholder_in(home: &Home) {
        let mut files = 0;
        for folder in fs::read_dir(home.root().join("conf")).unwrap() {
            for file in fs::read_dir(folder.unwrap().path()).unwrap() {
                let path = file.unwrap().path();
                let text = fs::read_to_string(&path).unwrap();
                // The voter `1@address` has the only at sign of all.
                let text = text.replace("1@127.0.1.1", "");
                assert!(!text.contains('@'), "{}", path.display());
                files += 1;
            }
        }
        assert_eq!(files, 2 + 3 * 4 + 2);
    }

    #[test]
    fn a_node_listens_on_its_own_address_and_syncs_as_told() {
        let text = node(&options(), None, Dc::Americas);
        for line in [
            "listen_address: 127.0.1.2",
            "rpc_address: 127.0.1.2",
            "initial_token: \"0\"",
            "      - seeds: \"127.0.1.1,127.0.1.2,127.0.1.3\"",
            "commitlog_sync: group",
            "concurrent_writes: 128",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}: {text}");
        }
    }

    #[test]
    fn a_server_is_known_by_its_folder_on_the_command_line() {
        let home = Home::at(Path::new("/tmp/lab")).unwrap();
        for server in Server::ALL {
            let command = run(Path::new("java"), &home, &options(), server);
            let named = |args: &std::ffi::OsStr| {
                let conf = home.conf(server);
                args.to_string_lossy().contains(&*conf.to_string_lossy())
            };
            assert!(command.get_args().any(named), "{command:?}");
        }
    }
}
