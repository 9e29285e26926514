//! A local lab as rows: what setting it up needs, how far it is, how its servers are.

use std::collections::BTreeMap;

use retail_engine::lab::{LabPlan, LabTold, ListenerState, ProcessState, Server, ServerStatus};

use crate::views::format;
use crate::widgets::Status;

/// Something that a lab needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// What.
    pub name: &'static str,
    /// Whether it is there.
    pub status: Status,
    /// In words.
    pub found: String,
    /// How to mend it.
    pub remedy: Option<String>,
}

/// What a lab needs of this machine, and what of that is there.
pub fn needs(plan: &LabPlan) -> Vec<Need> {
    let need = |name, status, found| Need {
        name,
        status,
        found,
        remedy: None,
    };
    let program = |name, found: &Result<String, retail_engine::lab::LabError>| match found {
        Ok(found) => need(name, Status::Ok, found.clone()),
        Err(error) => Need {
            remedy: Some(error.remedy()),
            ..need(name, Status::Critical, error.to_string())
        },
    };
    let fetched = plan.fetches.is_empty();
    let mut needs = vec![program("Java 17", &plan.java)];
    needs.push(if fetched {
        need(
            "Maven",
            Status::Neutral,
            "not needed: nothing is fetched".to_owned(),
        )
    } else {
        program("Maven", &plan.maven)
    });
    needs.push(if fetched {
        need(
            "Download",
            Status::Ok,
            "nothing: Kafka and Cassandra are there".to_owned(),
        )
    } else {
        let bytes = format::bytes(plan.fetch_bytes_about);
        let found = format!("about {bytes}: Kafka and Cassandra as released, once");
        need("Download", Status::Neutral, found)
    });
    let memory = format!(
        "about {} for 4 processes",
        format::bytes(plan.memory_bytes_about)
    );
    needs.push(need("Memory", Status::Neutral, memory));
    let home = plan.home.display().to_string();
    needs.push(need("Folder", Status::Neutral, home));
    needs.push(ports(plan));
    needs
}

fn ports(plan: &LabPlan) -> Need {
    let taken: Vec<String> = plan.taken().map(|it| it.address.to_string()).collect();
    if !taken.is_empty() {
        return Need {
            name: "Ports",
            status: Status::Critical,
            found: format!("in use by something else: {}", taken.join(", ")),
            remedy: Some("end what listens there, or stop the other lab".to_owned()),
        };
    }
    let mut by_host: BTreeMap<std::net::Ipv4Addr, Vec<String>> = BTreeMap::new();
    for listener in &plan.listeners {
        let port = listener.address.port().to_string();
        by_host
            .entry(*listener.address.ip())
            .or_default()
            .push(port);
    }
    let hosts = by_host
        .iter()
        .map(|(host, ports)| format!("{host}: {}", ports.join(" ")));
    let all_own = plan
        .listeners
        .iter()
        .all(|listener| listener.state == ListenerState::Own);
    let word = if all_own { "in use by the lab" } else { "free" };
    Need {
        name: "Ports",
        status: Status::Ok,
        found: format!("{word}; {}", hosts.collect::<Vec<_>>().join("; ")),
        remedy: None,
    }
}

/// How setting up stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Course {
    /// It is under way.
    Running,
    /// Everything answers.
    Done,
    /// It ended before that.
    Failed,
}

/// A step of setting up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepRow {
    /// What is done.
    pub name: String,
    /// How it stands.
    pub status: Status,
    /// In words.
    pub found: String,
}

/// The steps, and how far they are: `fetches` and `running` as they were at the beginning.
pub fn steps(
    fetches: &[Server],
    running: &[Server],
    told: &[LabTold],
    course: Course,
) -> Vec<StepRow> {
    let begun = |at: Option<usize>, over: bool, doing: &str, done: String| match (at, over, course)
    {
        (_, true, _) => (Status::Ok, done),
        (Some(_), false, Course::Failed) => (Status::Critical, "it ended here".to_owned()),
        (Some(_), false, Course::Running | Course::Done) => (Status::Stale, doing.to_owned()),
        (None, false, Course::Failed) => (Status::Unknown, "not reached".to_owned()),
        (None, false, Course::Running | Course::Done) => (Status::Unknown, "waits".to_owned()),
    };
    let mut rows = Vec::new();
    for (server, name) in [
        (Server::Kafka, "Kafka"),
        (Server::Node(retail_engine::model::Dc::Europe), "Cassandra"),
    ] {
        let at = told.iter().position(|it| *it == LabTold::Fetching(server));
        let over = !fetches.contains(&server) || at.is_some_and(|at| at + 1 < told.len());
        let done = if fetches.contains(&server) {
            "fetched"
        } else {
            "there already"
        };
        let (status, found) = begun(at, over, "fetching\u{2026}", done.to_owned());
        rows.push(StepRow {
            name: format!("Fetch {name}"),
            status,
            found,
        });
    }
    for server in Server::ALL {
        let at = told.iter().position(|it| *it == LabTold::Started(server));
        let ready = told.iter().find_map(|it| match it {
            LabTold::Ready {
                server: of,
                address,
                after,
            } if *of == server => Some((*address, *after)),
            _ => None,
        });
        let at = at.or_else(|| running.contains(&server).then_some(0));
        let done = ready.map_or_else(String::new, |(address, after)| {
            format!("answers at {address} after {}", format::duration(after))
        });
        let doing = "starting; it does not answer yet";
        let (status, found) = begun(at, ready.is_some(), doing, done);
        rows.push(StepRow {
            name: format!("Start {server}"),
            status,
            found,
        });
    }
    rows
}

/// A server in the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerRow {
    /// Its name.
    pub name: String,
    /// Its process in a word.
    pub process: (Status, &'static str),
    /// Number of its process.
    pub pid: String,
    /// Where clients connect.
    pub address: String,
    /// What it answers.
    pub says: String,
}

/// The servers in rows.
pub fn servers(all: &[ServerStatus]) -> Vec<ServerRow> {
    let row = |of: &ServerStatus| {
        let process = match (of.state, &of.answer) {
            (ProcessState::Running, Ok(_)) => (Status::Ok, "answers"),
            (ProcessState::Running, Err(_)) => (Status::Warn, "runs"),
            (ProcessState::Paused, _) => (Status::Warn, "paused"),
            (ProcessState::Down, _) => (Status::Neutral, "down"),
        };
        ServerRow {
            name: of.server.to_string(),
            process,
            pid: of.pid.map_or_else(String::new, |pid| pid.to_string()),
            address: of.address.clone(),
            says: match (of.state, &of.answer) {
                (ProcessState::Down, _) => String::new(),
                (_, Ok(said) | Err(said)) => said.clone(),
            },
        }
    };
    all.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddrV4};
    use std::time::Duration;

    use retail_engine::model::Dc;

    use super::*;

    const EUROPE: Server = Server::Node(Dc::Europe);

    fn found(rows: &[StepRow]) -> Vec<(Status, &str)> {
        rows.iter()
            .map(|row| (row.status, row.found.as_str()))
            .collect()
    }

    #[test]
    fn each_step_waits_runs_and_is_done_in_its_turn() {
        let fetches = [EUROPE];
        let begun = steps(&fetches, &[], &[], Course::Running);
        assert_eq!(begun[0].found, "there already");
        assert_eq!(begun[1].found, "waits");
        let mut told = vec![LabTold::Fetching(EUROPE)];
        let fetching = steps(&fetches, &[], &told, Course::Running);
        assert_eq!(fetching[1].found, "fetching\u{2026}");
        let failed = steps(&fetches, &[], &told, Course::Failed);
        assert_eq!(failed[1].status, Status::Critical);
        assert_eq!(failed[2].found, "not reached");
        told.push(LabTold::Started(Server::Kafka));
        told.push(LabTold::Ready {
            server: Server::Kafka,
            address: SocketAddrV4::new(Ipv4Addr::LOCALHOST, 9_092),
            after: Duration::from_secs(9),
        });
        let rows = steps(&fetches, &[EUROPE], &told, Course::Running);
        assert_eq!(
            found(&rows)[1..4],
            [
                (Status::Ok, "fetched"),
                (Status::Ok, "answers at 127.0.0.1:9092 after 9.00 s"),
                (Status::Stale, "starting; it does not answer yet"),
            ]
        );
    }
}
