//! The faults that there are, with the command of each; and those in force.

use retail_engine::failover::drill::scenarios;
use retail_engine::handle::Snapshot;

use crate::views::format;

/// A scenario on the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultRow {
    /// In words.
    pub title: &'static str,
    /// What fails.
    pub faults: String,
    /// What is to be expected.
    pub expect: &'static str,
    /// The arguments of `retail-engine`.
    pub args: Vec<String>,
}

impl FaultRow {
    /// The command over a data directory.
    pub fn command(&self, data_dir: &str) -> String {
        format!(
            "retail-engine {} --data-dir {data_dir}",
            self.args.join(" ")
        )
    }
}

/// All scenarios.
pub fn rows() -> Vec<FaultRow> {
    scenarios()
        .into_iter()
        .map(|scenario| {
            let faults: Vec<String> = scenario.faults.iter().map(ToString::to_string).collect();
            let secs = scenario.lasts.as_secs().to_string();
            let args = ["drill", "--scenario", scenario.name, "--duration", &secs];
            FaultRow {
                title: scenario.title,
                faults: faults.join(", "),
                expect: scenario.expect,
                args: args.map(str::to_owned).to_vec(),
            }
        })
        .collect()
}

/// A fault in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseRow {
    /// Its number.
    pub id: retail_engine::failover::lease::LeaseId,
    /// What fails.
    pub fault: String,
    /// Who began it.
    pub by: String,
    /// When it ends by itself.
    pub left: String,
}

/// Those in force.
pub fn leases(snapshot: &Snapshot) -> Vec<LeaseRow> {
    snapshot
        .faults
        .iter()
        .map(|lease| {
            let left = (lease.ends_at - snapshot.at).to_std().unwrap_or_default();
            LeaseRow {
                id: lease.id,
                fault: lease.fault.to_string(),
                by: lease.started_by.clone(),
                left: format::duration(left),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_has_its_command() {
        let rows = rows();
        assert!(rows.len() >= 9);
        let command = rows[0].command("d");
        let expect = "retail-engine drill --scenario europe-down --duration 12 --data-dir d";
        assert_eq!(command, expect);
    }
}
