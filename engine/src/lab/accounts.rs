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
    let made = match probe::cassandra(at, Some(account)) {
        Ok(_) => Ok(()),
        Err(_) => probe::run(at, &first(), &made(account)),
    };
    // Also where the account is there: whoever made it may not have come to this.
    made.and_then(|()| probe::run(at, account, &[closed()]))
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

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};

    use super::*;

    const STARTUP: u8 = 0x01;
    const AUTH_RESPONSE: u8 = 0x0f;
    const BAD_CREDENTIALS: u32 = 0x0100;

    /// A node with accounts, and what it was asked to change.
    #[derive(Default)]
    struct Node {
        logins: Vec<(String, String)>,
        changes: Vec<String>,
    }

    impl Node {
        fn knows(accounts: &[&Account]) -> Self {
            Self {
                logins: accounts
                    .iter()
                    .map(|a| (a.name.clone(), a.password.clone()))
                    .collect(),
                changes: Vec::new(),
            }
        }

        /// Kind and body of the answer to a request.
        fn answer(&mut self, kind: u8, body: &[u8]) -> (u8, Vec<u8>) {
            match kind {
                STARTUP => (0x03, vec![0, 0]),
                AUTH_RESPONSE => {
                    let token = String::from_utf8_lossy(&body[4..]).into_owned();
                    let mut words = token.split('\0').skip(1).map(ToOwned::to_owned);
                    let login = (words.next().unwrap(), words.next().unwrap());
                    if self.logins.contains(&login) {
                        return (0x10, vec![0xff; 4]);
                    }
                    let mut refusal = BAD_CREDENTIALS.to_be_bytes().to_vec();
                    refusal.extend([0, 2, b'n', b'o']);
                    (0x00, refusal)
                }
                _ => self.query(&String::from_utf8_lossy(&body[4..body.len() - 3])),
            }
        }

        fn query(&mut self, query: &str) -> (u8, Vec<u8>) {
            if query.starts_with("SELECT") {
                // A column of text with one row, which names the node's own data centre.
                let mut rows = vec![0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1];
                rows.extend([0, 1, b'k', 0, 1, b't', 0, 1, b'c', 0, 0x0d]);
                rows.extend([0, 0, 0, 1, 0, 0, 0, 9]);
                rows.extend(b"Europe_DC");
                return (0x08, rows);
            }
            let mut words = query.split('\'');
            if query.starts_with("CREATE ROLE") {
                let name = query.split(' ').nth(5).unwrap().to_owned();
                self.logins.push((name, words.nth(1).unwrap().to_owned()));
            }
            if query == closed() {
                self.logins.retain(|(name, _)| name != FIRST);
            }
            self.changes.push(query.to_owned());
            (0x08, vec![0, 0, 0, 1])
        }

        /// Serves one connection to its end.
        fn serve(&mut self, mut stream: TcpStream) {
            let mut header = [0; 9];
            while stream.read_exact(&mut header).is_ok() {
                let length = u32::from_be_bytes(header[5..].try_into().unwrap());
                let mut body = vec![0; length as usize];
                stream.read_exact(&mut body).unwrap();
                let (kind, body) = self.answer(header[4], &body);
                let mut frame = vec![0x84, 0, 0, 0, kind];
                frame.extend(u32::try_from(body.len()).unwrap().to_be_bytes());
                frame.extend(body);
                stream.write_all(&frame).unwrap();
            }
        }

        /// Makes the account at this node, which serves so many connections.
        fn made(mut self, account: &Account, connections: usize) -> Self {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            let SocketAddr::V4(at) = listener.local_addr().unwrap() else {
                panic!("an IPv4 address");
            };
            let thread = std::thread::Builder::new()
                .name("test-node".to_owned())
                .spawn(move || {
                    for stream in listener.incoming().take(connections) {
                        self.serve(stream.unwrap());
                    }
                    self
                })
                .unwrap();
            make(at, account).unwrap();
            thread.join().unwrap()
        }
    }

    #[test]
    fn the_first_account_is_closed_also_where_that_was_cut_short_before() {
        let ours = Account {
            name: "lab".to_owned(),
            password: "random".to_owned(),
        };
        let login = (ours.name.clone(), ours.password.clone());
        let new = Node::knows(&[&first()]).made(&ours, 3);
        assert_eq!(new.logins, std::slice::from_ref(&login));
        assert_eq!(new.changes.len(), 3);
        let cut_short = Node::knows(&[&first(), &ours]).made(&ours, 2);
        assert_eq!(cut_short.logins, [login]);
        assert_eq!(cut_short.changes, [closed()]);
    }
}
