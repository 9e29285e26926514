//! The configuration of the servers, and the commands that they are started with.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::model::Dc;

use super::error::LabError;
use super::options::{CommitlogSync, LabOptions};
use super::place::{Home, Server};
use super::program::{argument_file, class_path, java, property};

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

/// Writes the configuration of all servers.
pub(super) fn write_all(home: &Home, options: &LabOptions) -> Result<(), LabError> {
    let kafka = home.conf(Server::Kafka);
    write(&kafka, "jvm.args", KAFKA_JVM)?;
    write(&kafka, "server.properties", &broker(home, options))?;
    for dc in Dc::ALL {
        write_node(home, options, dc)?;
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

fn write_node(home: &Home, options: &LabOptions, dc: Dc) -> Result<(), LabError> {
    let server = Server::Node(dc);
    let conf = home.conf(server);
    let agent = agent(&home.jars(server))?;
    let jvm = format!("{CASSANDRA_JVM}{JAVA_MODULES}-javaagent:{agent}\n");
    write(&conf, "jvm.args", &jvm)?;
    write(&conf, "cassandra.yaml", &node(options, dc))?;
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

fn broker(home: &Home, options: &LabOptions) -> String {
    fill(
        SERVER_PROPERTIES,
        &[
            ("address", options.first_address.to_string()),
            ("kafka_port", options.kafka_port.to_string()),
            ("controller_port", options.controller_port().to_string()),
            ("data", home.data(Server::Kafka).display().to_string()),
        ],
    )
}

fn node(options: &LabOptions, dc: Dc) -> String {
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
            ("cql_port", options.cql_port.to_string()),
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
pub(super) fn run(home: &Home, options: &LabOptions, server: Server) -> Command {
    let conf = home.conf(server);
    let jars = home.jars(server);
    let mut command = Command::new(java());
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
pub(super) fn format_broker(home: &Home) -> Command {
    let mut command = Command::new(java());
    command
        .args([
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
        ])
        .args(["-cp", &class_path(None, &home.jars(Server::Kafka))])
        .args(["kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c"])
        .arg(home.conf(Server::Kafka).join("server.properties"));
    command
}

/// Whether the broker's data folder was made.
pub(super) fn is_formatted(home: &Home) -> bool {
    home.data(Server::Kafka).join("meta.properties").exists()
}

/// The command that runs nodetool against a node.
pub(super) fn nodetool(home: &Home, options: &LabOptions, dc: Dc, args: &[&str]) -> Command {
    let mut command = Command::new(java());
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
        let error = write_all(&home, &options()).unwrap_err();
        assert!(matches!(error, LabError::NotFetched { .. }), "{error}");
        fs::write(jars.join("jamm-0.4.0.jar"), "").unwrap();
        write_all(&home, &options()).unwrap();
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
        let text = node(&options(), Dc::Americas);
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
            let command = run(&home, &options(), server);
            let named = |args: &std::ffi::OsStr| {
                let conf = home.conf(server);
                args.to_string_lossy().contains(&*conf.to_string_lossy())
            };
            assert!(command.get_args().any(named), "{command:?}");
        }
    }
}
