//! The tables, how they are made, and whether those that are there are ours.
//!
//! * Lines: partition (country, day, shard) = a bucket, clustered by what tells lines apart.
//! * Summaries: partition (kind of line, country, month), so that reading all of them is a few
//!   hundred partitions and not one per bucket.
//! * Nothing is ever deleted from these. Derived tables are the exception: a row that is gone from
//!   the figures is deleted, for readers who know nothing of us.
//!
//! Names cannot be bound, so the keyspace's is checked ([`Keyspace`]) and put into the text;
//! everything else is bound.

use scylla::client::session::Session;
use scylla::statement::{Consistency, Statement};

use super::config::{Keyspace, Options};
use super::errors::{Act, Failed};
use super::session::{SCAN_TIMEOUT, connected, unreadable};
use crate::model::{ConsistencyLevel, Dc};
use crate::ports::{Outcome, StoreError};

/// Version of the tables. Another one is refused, never written to.
pub(super) const VERSION: i32 = 1;

/// Partitions that the rows of a derived table are spread over.
pub(super) const PARTS: u64 = 16;

/// How long the row of a connection test is kept, seconds.
const PROBE_KEPT_SECS: i32 = 3_600;

/// A read that a replica does not answer is sent to the next one soon, not after the usual time of
/// reads, of which a new table knows none: the other nodes need some 14 s to miss one that is gone.
const OPTIONS: &str = "speculative_retry = '50ms'";

const RAISE_REMEDY: &str = "use the program that made it, or another keyspace \
                            (live.cassandra_keyspace) and load the files again";
const SETUP_REMEDY: &str = "run `retail-engine setup`: it makes what is missing, and only that";
const NAMES_REMEDY: &str = "set the data centre of each node (cassandra-rackdc.properties) to \
                            Europe_DC, Americas_DC or AsiaPacific_DC, or connect to another cluster";

/// What became of one step of setting up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Made {
    /// It was not there.
    Now,
    /// It was there already.
    Before,
}

/// One step of setting up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetupStep {
    /// What was made, such as `keyspace retail` or `table retail.transactions`.
    pub what: String,
    /// Whether it had to be.
    pub made: Made,
}

/// The tables with their columns.
fn tables() -> [(&'static str, String); 12] {
    let lines = "(country text, day date, shard tinyint, invoice_date timestamp, invoice_no text, \
                 stock_code text, line_id bigint, description text, quantity int, \
                 unit_price decimal, customer_id text, occurrence int, \
                 PRIMARY KEY ((country, day, shard), invoice_date, invoice_no, stock_code, line_id))";
    [
        (
            "schema_version",
            "(id text PRIMARY KEY, version int)".to_owned(),
        ),
        ("transactions", lines.to_owned()),
        ("returns", lines.to_owned()),
        (
            "bucket_summaries",
            "(line_table text, country text, month int, day date, shard tinyint, summary blob, \
             PRIMARY KEY ((line_table, country, month), day, shard))"
                .to_owned(),
        ),
        (
            "rejects",
            "(load_id bigint, chunk int, row_no bigint, line bigint, byte_offset bigint, \
             column_name text, reason text, message text, raw text, \
             PRIMARY KEY ((load_id, chunk), row_no))"
                .to_owned(),
        ),
        (
            "notes",
            "(kind text, name text, value blob, PRIMARY KEY ((kind), name))".to_owned(),
        ),
        ("probes", "(dc text PRIMARY KEY, id bigint)".to_owned()),
        (
            "derived_heads",
            "(table_name text PRIMARY KEY, stamp bigint)".to_owned(),
        ),
        (
            "derived_rows",
            "(table_name text, part tinyint, row_key text, row_json text, \
             PRIMARY KEY ((table_name, part), row_key))"
                .to_owned(),
        ),
        (
            "customer_analytics",
            "(part tinyint, customer_id text, region text, last_purchase_date date, \
             total_purchases bigint, total_amount decimal, country text, \
             first_purchase_date date, items bigint, lines bigint, recency_days int, \
             recency_score int, frequency_score int, monetary_score int, value_score double, \
             segment text, value_segment text, status text, next_action text, \
             next_action_reason text, row_json text, PRIMARY KEY ((part), customer_id))"
                .to_owned(),
        ),
        (
            "product_analytics",
            "(part tinyint, stock_code text, description text, is_product boolean, lines bigint, \
             total_purchases bigint, items bigint, total_amount decimal, share double, \
             row_json text, PRIMARY KEY ((part), stock_code))"
                .to_owned(),
        ),
        (
            "country_metrics",
            "(part tinyint, country text, region text, lines bigint, total_purchases bigint, \
             items bigint, total_amount decimal, customers bigint, share double, \
             average_order_value decimal, growth double, market_category text, row_json text, \
             PRIMARY KEY ((part), country))"
                .to_owned(),
        ),
    ]
}

fn create_keyspace(keyspace: &Keyspace, replication: u8) -> String {
    let dcs = Dc::ALL.map(|dc| format!("'{}': {replication}", dc.name()));
    format!(
        "CREATE KEYSPACE IF NOT EXISTS {} WITH replication = \
         {{'class': 'NetworkTopologyStrategy', {}}} AND durable_writes = true",
        keyspace.as_str(),
        dcs.join(", ")
    )
}

/// The data centres of the cluster, as its nodes tell.
pub(super) fn data_centres(session: &Session) -> Vec<String> {
    let state = session.get_cluster_state();
    let nodes = state.get_nodes_info().iter();
    let mut names: Vec<String> = nodes.filter_map(|node| node.datacenter.clone()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Whether all data centres that are written to exist under their names. Before anything is
/// written: a keyspace over a name that does not exist would store nothing there.
pub(super) fn check_data_centres(session: &Session) -> Result<Vec<String>, StoreError> {
    let found = data_centres(session);
    let missing: Vec<&str> = Dc::ALL
        .into_iter()
        .map(Dc::name)
        .filter(|name| !found.iter().any(|found| found == name))
        .collect();
    if missing.is_empty() {
        return Ok(found);
    }
    Err(StoreError::Refused {
        what: format!(
            "the cluster has the data centres {}, and not {}",
            found.join(", "),
            missing.join(", ")
        ),
        remedy: NAMES_REMEDY,
    })
}

/// Statements about the schema, not in the hot path: unprepared, through any node.
struct Desk<'a> {
    session: &'a Session,
    keyspace: &'a Keyspace,
}

impl Desk<'_> {
    fn at_quorum(&self, act: Act) -> Failed {
        Failed {
            level: ConsistencyLevel::Quorum,
            ..self.failed(act)
        }
    }

    fn failed(&self, act: Act) -> Failed {
        Failed {
            act,
            // Any node may answer; the first in order stands for it.
            via: Dc::Europe,
            level: ConsistencyLevel::One,
            after: SCAN_TIMEOUT,
            connected: connected(self.session),
        }
    }

    async fn run(&self, text: String) -> Result<(), StoreError> {
        let done = self.session.query_unpaged(text, &[]).await;
        done.map(|_done| ())
            .map_err(|error| self.failed(Act::Write).execution(&error))
    }

    /// Tables of the keyspace; `None` when there is no such keyspace.
    async fn present(&self) -> Result<Option<Vec<String>>, StoreError> {
        let name = self.keyspace.as_str();
        let keyspaces = self
            .names(
                "SELECT keyspace_name FROM system_schema.keyspaces WHERE keyspace_name = ?",
                name,
            )
            .await?;
        if keyspaces.is_empty() {
            return Ok(None);
        }
        let text = "SELECT table_name FROM system_schema.tables WHERE keyspace_name = ?";
        self.names(text, name).await.map(Some)
    }

    async fn names(&self, text: &str, keyspace: &str) -> Result<Vec<String>, StoreError> {
        let failed = self.failed(Act::Read);
        let rows = self
            .session
            .query_unpaged(text, (keyspace,))
            .await
            .map_err(|error| failed.execution(&error))?
            .into_rows_result()
            .map_err(|error| unreadable(failed.via, &error))?;
        let mut names = Vec::new();
        for row in rows
            .rows::<(String,)>()
            .map_err(|error| unreadable(failed.via, &error))?
        {
            let (name,) = row.map_err(|error| unreadable(failed.via, &error))?;
            names.push(name);
        }
        Ok(names)
    }

    /// The version that the tables say they have; `None` when they say none.
    async fn version(&self) -> Result<Option<i32>, StoreError> {
        match self.version_at(Consistency::Quorum).await {
            // With one data centre left it is read from there: work may go on.
            Err(error) if error.outcome() != Outcome::Fatal => {
                self.version_at(Consistency::One).await
            }
            done => done,
        }
    }

    async fn version_at(&self, consistency: Consistency) -> Result<Option<i32>, StoreError> {
        let failed = self.failed(Act::Read);
        let mut statement = Statement::new(format!(
            "SELECT version FROM {}.schema_version WHERE id = 'schema'",
            self.keyspace.as_str()
        ));
        statement.set_consistency(consistency);
        let rows = self
            .session
            .query_unpaged(statement, &[])
            .await
            .map_err(|error| failed.execution(&error))?
            .into_rows_result()
            .map_err(|error| unreadable(failed.via, &error))?;
        let first = rows
            .maybe_first_row::<(i32,)>()
            .map_err(|error| unreadable(failed.via, &error))?;
        Ok(first.map(|(version,)| version))
    }
}

/// Makes keyspace and tables, those that are missing. It may be run again at any time.
pub(super) async fn set_up(
    session: &Session,
    options: &Options,
) -> Result<Vec<SetupStep>, StoreError> {
    check_data_centres(session)?;
    let keyspace = &options.keyspace;
    let desk = Desk { session, keyspace };
    let present = desk.present().await?;
    let name = keyspace.as_str();
    let mut steps = vec![SetupStep {
        what: format!("keyspace {name}"),
        made: if present.is_some() {
            Made::Before
        } else {
            Made::Now
        },
    }];
    let present = present.unwrap_or_default();
    if present.iter().any(|table| table == "schema_version") {
        check_version(keyspace, desk.version().await?.unwrap_or(VERSION))?;
    }
    desk.run(create_keyspace(keyspace, options.replication))
        .await?;
    for (table, columns) in tables() {
        desk.run(format!(
            "CREATE TABLE IF NOT EXISTS {name}.{table} {columns} WITH {OPTIONS}"
        ))
        .await?;
        let is_there = present.iter().any(|present| present == table);
        steps.push(SetupStep {
            what: format!("table {name}.{table}"),
            made: if is_there { Made::Before } else { Made::Now },
        });
    }
    session
        .await_schema_agreement()
        .await
        .map_err(|error| StoreError::Unreachable {
            what: format!("the nodes do not agree on the schema: {error}"),
        })?;
    // The last step: tables without it are those of a setup that was cut short.
    let mut statement = Statement::new(format!(
        "INSERT INTO {name}.schema_version (id, version) VALUES ('schema', ?)"
    ));
    statement.set_consistency(Consistency::Quorum);
    session
        .query_unpaged(statement, (VERSION,))
        .await
        .map_err(|error| desk.failed(Act::Write).execution(&error))?;
    Ok(steps)
}

/// Whether the keyspace is there, whole, and of this program's version.
pub(super) async fn check(session: &Session, keyspace: &Keyspace) -> Result<(), StoreError> {
    let desk = Desk { session, keyspace };
    let name = keyspace.as_str();
    let refused = |what: String| StoreError::Refused {
        what,
        remedy: SETUP_REMEDY,
    };
    let Some(present) = desk.present().await? else {
        return Err(refused(format!("there is no keyspace {name}")));
    };
    let missing: Vec<&str> = tables()
        .iter()
        .map(|(table, _)| *table)
        .filter(|table| !present.iter().any(|present| present == table))
        .collect();
    if !missing.is_empty() {
        return Err(refused(format!(
            "the keyspace {name} lacks the tables {}",
            missing.join(", ")
        )));
    }
    match desk.version().await? {
        Some(found) => check_version(keyspace, found),
        None => Err(refused(format!(
            "the setup of the keyspace {name} was cut short"
        ))),
    }
}

/// Whether there is such a keyspace.
pub(super) async fn exists(session: &Session, keyspace: &Keyspace) -> Result<bool, StoreError> {
    let desk = Desk { session, keyspace };
    Ok(desk.present().await?.is_some())
}

/// Writes a probe of a connection test and nothing else: whether the account may write.
pub(super) async fn touch(session: &Session, keyspace: &Keyspace) -> Result<(), StoreError> {
    let desk = Desk { session, keyspace };
    let name = keyspace.as_str();
    desk.run(format!(
        "INSERT INTO {name}.probes (dc, id) VALUES ('connection test', 0)"
    ))
    .await
}

/// Writes a row of probes and reads it back, both at QUORUM. It goes by itself after
/// [`PROBE_KEPT_SECS`].
pub(super) async fn round_trip(
    session: &Session,
    keyspace: &Keyspace,
    number: i64,
) -> Result<(), StoreError> {
    let desk = Desk { session, keyspace };
    let name = keyspace.as_str();
    // A row of its own: two tests at a time do not meet.
    let key = format!("connection test {number:016x}");
    let mut insert = Statement::new(format!(
        "INSERT INTO {name}.probes (dc, id) VALUES (?, ?) USING TTL ?"
    ));
    insert.set_consistency(Consistency::Quorum);
    session
        .query_unpaged(insert, (&key, number, PROBE_KEPT_SECS))
        .await
        .map_err(|error| desk.at_quorum(Act::Write).execution(&error))?;
    let mut select = Statement::new(format!("SELECT id FROM {name}.probes WHERE dc = ?"));
    select.set_consistency(Consistency::Quorum);
    let failed = desk.at_quorum(Act::Read);
    let rows = session
        .query_unpaged(select, (&key,))
        .await
        .map_err(|error| failed.execution(&error))?
        .into_rows_result()
        .map_err(|error| unreadable(failed.via, &error))?;
    let found = rows
        .maybe_first_row::<(i64,)>()
        .map_err(|error| unreadable(failed.via, &error))?;
    match found {
        Some((found,)) if found == number => Ok(()),
        other => Err(unreadable(
            failed.via,
            &format!("a row was written at QUORUM, and {other:?} was read of it"),
        )),
    }
}

fn check_version(keyspace: &Keyspace, found: i32) -> Result<(), StoreError> {
    let age = match found.cmp(&VERSION) {
        std::cmp::Ordering::Equal => return Ok(()),
        std::cmp::Ordering::Less => "older",
        std::cmp::Ordering::Greater => "newer",
    };
    Err(StoreError::Refused {
        what: format!(
            "the tables of the keyspace {} have version {found}, {age} than this program's {VERSION}",
            keyspace.as_str()
        ),
        remedy: RAISE_REMEDY,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keyspace_has_its_copies_in_each_data_centre() {
        let keyspace = Keyspace::new("retail").unwrap();
        assert_eq!(
            create_keyspace(&keyspace, 3),
            "CREATE KEYSPACE IF NOT EXISTS retail WITH replication = \
             {'class': 'NetworkTopologyStrategy', 'Europe_DC': 3, 'Americas_DC': 3, \
             'AsiaPacific_DC': 3} AND durable_writes = true"
        );
    }

    #[test]
    fn another_version_is_refused_by_name() {
        let keyspace = Keyspace::new("retail").unwrap();
        assert!(check_version(&keyspace, VERSION).is_ok());
        for (found, age) in [(VERSION - 1, "older"), (VERSION + 1, "newer")] {
            let error = check_version(&keyspace, found).unwrap_err();
            assert!(error.to_string().contains(age), "{error}");
            assert_eq!(error.outcome(), crate::ports::Outcome::Fatal);
        }
    }
}
