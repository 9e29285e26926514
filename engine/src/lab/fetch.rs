//! Fetching the servers' jars with Maven, which checks what it fetches and keeps it for the next
//! time.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::AtomicBool;

use crate::model::Dc;

use super::error::LabError;
use super::place::{Home, Server};
use super::program::run_until;
use super::told::LabTold;

const KAFKA_POM: &str = include_str!("../../../assets/lab/kafka-pom.xml");
const CASSANDRA_POM: &str = include_str!("../../../assets/lab/cassandra-pom.xml");
/// The plugin that copies. Maven's own choice of one differs from release to release.
const COPY: &str = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies";

/// One server for each set of jars; all nodes share theirs.
const SETS: [(Server, &str, &str); 2] = [
    (Server::Kafka, "kafka-pom.xml", KAFKA_POM),
    (Server::Node(Dc::Europe), "cassandra-pom.xml", CASSANDRA_POM),
];

/// Refuses a home whose jars are not all there.
pub(super) fn check(home: &Home) -> Result<(), LabError> {
    for (server, ..) in SETS {
        let path = home.jars(server);
        if !path.is_dir() {
            return Err(LabError::NotFetched { server, path });
        }
    }
    Ok(())
}

/// The servers whose jars are not there; one node stands for all.
pub(super) fn missing(home: &Home) -> Vec<Server> {
    let sets = SETS.iter().map(|(server, ..)| *server);
    sets.filter(|server| !home.jars(*server).is_dir()).collect()
}

/// Fetches what is not there; `tell` is told what.
pub(super) fn fetch(
    home: &Home,
    maven: &Path,
    given_up: &AtomicBool,
    tell: &mut dyn FnMut(LabTold),
) -> Result<(), LabError> {
    for (server, name, pom) in SETS {
        let jars = home.jars(server);
        if jars.is_dir() {
            continue;
        }
        tell(LabTold::Fetching(server));
        fetch_one(home, (server, name, pom), &jars, maven, given_up)?;
    }
    Ok(())
}

/// Copies into a folder beside the final one, which then gets its name: what was cut off is never
/// taken for complete.
fn fetch_one(
    home: &Home,
    (server, name, pom): (Server, &str, &str),
    jars: &Path,
    maven: &Path,
    given_up: &AtomicBool,
) -> Result<(), LabError> {
    let failed = |path: &Path| {
        let path = path.to_path_buf();
        move |source| LabError::Home {
            what: "cannot be written",
            source,
            path,
        }
    };
    let poms = home.poms();
    let file = poms.join(name);
    fs::create_dir_all(&poms)
        .and_then(|()| fs::write(&file, pom))
        .map_err(failed(&file))?;
    let partial = jars.with_extension("partial");
    if partial.exists() {
        fs::remove_dir_all(&partial).map_err(failed(&partial))?;
    }
    let mut command = Command::new(maven);
    command
        .args(["--batch-mode", "--quiet", "--file"])
        .arg(&file)
        .args([COPY, "-DincludeScope=runtime"])
        .arg(format!("-DoutputDirectory={}", partial.display()));
    let said = poms.join("mvn.out");
    let ran = run_until(&mut command, "mvn", "maven", &said, given_up)?;
    let has_jars = fs::read_dir(&partial).is_ok_and(|mut entries| entries.next().is_some());
    if !ran.succeeded || !has_jars {
        return Err(LabError::Fetch {
            server,
            output: ran.tail(),
        });
    }
    fs::rename(&partial, jars).map_err(failed(jars))
}

#[cfg(test)]
mod tests {
    use super::super::place::{CASSANDRA_VERSION, KAFKA_VERSION};
    use super::*;

    #[test]
    fn the_poms_name_the_versions_that_the_folders_do() {
        assert!(KAFKA_POM.contains(&format!(">{KAFKA_VERSION}<")));
        assert!(CASSANDRA_POM.contains(&format!(">{CASSANDRA_VERSION}<")));
    }

    #[test]
    fn jars_that_are_not_there_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::at(dir.path()).unwrap();
        let error = check(&home).unwrap_err();
        assert!(error.to_string().starts_with("the jars of Kafka are not"));
        fs::create_dir_all(home.jars(Server::Kafka)).unwrap();
        let error = check(&home).unwrap_err();
        assert!(error.to_string().contains("cassandra-5.0.9"), "{error}");
        fs::create_dir_all(home.jars(Server::Node(Dc::Europe))).unwrap();
        check(&home).unwrap();
    }
}
