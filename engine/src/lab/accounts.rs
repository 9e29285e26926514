//! The account at the nodes of a secured lab. At the broker it is part of the data from the start.

use std::io;
use std::net::SocketAddrV4;

use crate::model::Dc;

use super::error::LabError;
use super::probe::{self, Ring};
use super::secrets::Account;

/// The account that every new node has, until [`make`] has made one with a random password and has
/// taken its rights from this one.
const FIRST: &str = "cassandra";

fn first() -> Account {
    Account {
        name: FIRST.to_owned(),
        password: FIRST.to_owned(),
    }
}

/// What a node says of the others. It knows the account only when all nodes have joined; until
/// then it knows its first one.
pub(super) fn ring(at: SocketAddrV4, account: &Account) -> io::Result<Ring> {
    let asked = probe::cassandra(at, Some(account));
    if asked.is_ok() {
        return asked;
    }
    probe::cassandra(at, Some(&first())).or(asked)
}

/// Makes the account at all nodes, when every one of them has joined: kept in each data centre, so
/// that it can log in where one is lost. Doing it again changes nothing.
pub(super) fn make(at: SocketAddrV4, account: &Account) -> Result<(), LabError> {
    if probe::cassandra(at, Some(account)).is_ok() {
        return Ok(());
    }
    probe::run(at, &first(), &made(account))
        .and_then(|()| probe::run(at, account, &[closed()]))
        .map_err(|error| LabError::Tool {
            tool: "making the account at the nodes".to_owned(),
            output: error.to_string(),
        })
}

/// Neither a keyspace's options nor an account's can be bound; both are the lab's own words.
fn made(account: &Account) -> [String; 2] {
    let copies = Dc::ALL.map(|dc| format!("'{}': 1", dc.name())).join(", ");
    let (name, password) = (&account.name, &account.password);
    [
        format!(
            "ALTER KEYSPACE system_auth WITH replication = \
             {{'class': 'NetworkTopologyStrategy', {copies}}}"
        ),
        format!(
            "CREATE ROLE IF NOT EXISTS {name} WITH PASSWORD = '{password}' AND LOGIN = true \
             AND SUPERUSER = true"
        ),
    ]
}

fn closed() -> String {
    format!("ALTER ROLE {FIRST} WITH SUPERUSER = false AND LOGIN = false")
}
