//! Asking a server whether it serves: as few bytes of its protocol as that takes.
//!
//! Not a client. The drivers retry, remember and reconnect, which is what a question about one
//! server at one moment must not do.
//!
//! Sources: the CQL native protocol, version 4; the Kafka protocol guide, Metadata version 1.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, SocketAddrV4, TcpStream};
use std::time::Duration;

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};

use super::secrets::Account;

/// How long one question may take in all its parts together with connecting, each by itself.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long a change of the schema or of the roles may take.
const CHANGE_PATIENCE: Duration = Duration::from_secs(20);
/// Longer than any answer to what is asked here; a length above it is another protocol.
const ANSWER_MAX: usize = 1 << 20;

/// The data centres that a node knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ring {
    /// Its own.
    pub(super) own: String,
    /// Those of the other nodes, dead ones too.
    pub(super) peers: Vec<String>,
}

/// Asks a node for its own data centre and those of its peers. The account is told to a node that
/// asks for one.
pub(super) fn cassandra(address: SocketAddrV4, account: Option<&Account>) -> io::Result<Ring> {
    let mut node = Cql(connect(address)?);
    node.start(account)?;
    let own = node.column("SELECT data_center FROM system.local")?;
    let peers = node.column("SELECT data_center FROM system.peers")?;
    let own = own.into_iter().next().ok_or_else(|| odd("no local row"))?;
    Ok(Ring { own, peers })
}

/// Runs statements at a node, one after the other, as an account.
pub(super) fn run(
    address: SocketAddrV4,
    account: &Account,
    statements: &[String],
) -> io::Result<()> {
    let mut node = Cql(connect(address)?);
    // A change of the schema waits for the other nodes.
    node.0.set_read_timeout(Some(CHANGE_PATIENCE))?;
    node.start(Some(account))?;
    for statement in statements {
        node.query(statement)?;
    }
    Ok(())
}

/// Asks a broker how many brokers are in service.
pub(super) fn kafka(address: SocketAddrV4) -> io::Result<u32> {
    const METADATA: i16 = 3;
    const VERSION: i16 = 1;
    const CLIENT: &[u8] = b"lab";
    const ALL_TOPICS: i32 = -1;
    let mut stream = connect(address)?;
    let mut request = BytesMut::new();
    request.put_i16(METADATA);
    request.put_i16(VERSION);
    request.put_i32(1);
    request.put_i16(3);
    request.put_slice(CLIENT);
    request.put_i32(ALL_TOPICS);
    let mut framed = BytesMut::new();
    framed.put_u32(u32::try_from(request.len()).map_err(io::Error::other)?);
    framed.put_slice(&request);
    stream.write_all(&framed)?;
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let mut answer = read(&mut stream, u32::from_be_bytes(length))?;
    let _correlation = answer.try_get_i32().map_err(io::Error::other)?;
    answer.try_get_u32().map_err(io::Error::other)
}

fn connect(address: SocketAddrV4) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&SocketAddr::V4(address), PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn read(stream: &mut TcpStream, length: u32) -> io::Result<Bytes> {
    let length = usize::try_from(length).map_err(io::Error::other)?;
    if length > ANSWER_MAX {
        return Err(odd("an answer of an impossible length"));
    }
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes)?;
    Ok(bytes.into())
}

fn odd(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

/// A connection that speaks CQL.
struct Cql(TcpStream);

impl Cql {
    const ERROR: u8 = 0x00;
    const STARTUP: u8 = 0x01;
    const QUERY: u8 = 0x07;
    const AUTHENTICATE: u8 = 0x03;
    const AUTH_RESPONSE: u8 = 0x0f;
    const WARNINGS: u8 = 0x08;

    fn start(&mut self, account: Option<&Account>) -> io::Result<()> {
        let mut body = BytesMut::new();
        body.put_u16(1);
        put_text(&mut body, "CQL_VERSION")?;
        put_text(&mut body, "3.0.0")?;
        let (answered, _) = self.exchange(Self::STARTUP, &body)?;
        if answered != Self::AUTHENTICATE {
            return Ok(());
        }
        let account = account.ok_or_else(|| odd("it asks for an account"))?;
        let token = format!("\0{}\0{}", account.name, account.password);
        body.clear();
        body.put_u32(u32::try_from(token.len()).map_err(io::Error::other)?);
        body.put_slice(token.as_bytes());
        self.call(Self::AUTH_RESPONSE, &body).map(drop)
    }

    /// The only column of a query, which must be text.
    fn column(&mut self, query: &str) -> io::Result<Vec<String>> {
        text_column(self.query(query)?)
    }

    fn query(&mut self, query: &str) -> io::Result<Bytes> {
        const ONE: u16 = 1;
        let mut body = BytesMut::new();
        body.put_u32(u32::try_from(query.len()).map_err(io::Error::other)?);
        body.put_slice(query.as_bytes());
        body.put_u16(ONE);
        body.put_u8(0);
        self.call(Self::QUERY, &body)
    }

    fn call(&mut self, operation: u8, body: &[u8]) -> io::Result<Bytes> {
        self.exchange(operation, body).map(|(_, answer)| answer)
    }

    /// Sends a request; kind and body of the answer.
    fn exchange(&mut self, operation: u8, body: &[u8]) -> io::Result<(u8, Bytes)> {
        const VERSION: u8 = 4;
        const HEADER: usize = 9;
        let mut frame = BytesMut::with_capacity(HEADER + body.len());
        frame.put_u8(VERSION);
        frame.put_u8(0);
        frame.put_u16(0);
        frame.put_u8(operation);
        frame.put_u32(u32::try_from(body.len()).map_err(io::Error::other)?);
        frame.put_slice(body);
        self.0.write_all(&frame)?;
        let mut header = [0; HEADER];
        self.0.read_exact(&mut header)?;
        let mut header = header.as_slice();
        let _version = header.get_u8();
        let flags = header.get_u8();
        let _stream = header.get_u16();
        let answered = header.get_u8();
        let mut answer = read(&mut self.0, header.get_u32())?;
        if flags & Self::WARNINGS != 0 {
            for _ in 0..get_u16(&mut answer)? {
                get_text(&mut answer)?;
            }
        }
        if answered == Self::ERROR {
            let code = get_u32(&mut answer)?;
            let said = get_text(&mut answer)?;
            return Err(io::Error::other(format!("error {code:#06x}: {said}")));
        }
        Ok((answered, answer))
    }
}

/// The rows of a result with one column of text.
fn text_column(mut answer: Bytes) -> io::Result<Vec<String>> {
    const ROWS: u32 = 2;
    const ONE_TABLE: u32 = 1;
    const TEXT: [u16; 2] = [0x01, 0x0d];
    if get_u32(&mut answer)? != ROWS {
        return Err(odd("an answer without rows"));
    }
    let flags = get_u32(&mut answer)?;
    if get_u32(&mut answer)? != 1 || flags & !ONE_TABLE != 0 {
        return Err(odd("an answer that is not one column on one page"));
    }
    // Keyspace, table and column; the first two once for all columns or once for this one.
    for _ in 0..3 {
        get_text(&mut answer)?;
    }
    if !TEXT.contains(&get_u16(&mut answer)?) {
        return Err(odd("a column that is not text"));
    }
    let rows = get_u32(&mut answer)?;
    (0..rows).map(|_| get_value(&mut answer)).collect()
}

fn put_text(into: &mut BytesMut, text: &str) -> io::Result<()> {
    into.put_u16(u16::try_from(text.len()).map_err(io::Error::other)?);
    into.put_slice(text.as_bytes());
    Ok(())
}

fn get_u16(from: &mut Bytes) -> io::Result<u16> {
    from.try_get_u16().map_err(io::Error::other)
}

fn get_u32(from: &mut Bytes) -> io::Result<u32> {
    from.try_get_u32().map_err(io::Error::other)
}

fn get_text(from: &mut Bytes) -> io::Result<String> {
    let length = usize::from(get_u16(from)?);
    take_text(from, length)
}

/// A value; one that is not there is empty.
fn get_value(from: &mut Bytes) -> io::Result<String> {
    let length = from.try_get_i32().map_err(io::Error::other)?;
    usize::try_from(length).map_or_else(|_absent| Ok(String::new()), |n| take_text(from, n))
}

fn take_text(from: &mut Bytes, length: usize) -> io::Result<String> {
    if from.remaining() < length {
        return Err(odd("an answer that ends too early"));
    }
    String::from_utf8(from.split_to(length).into()).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};
    use std::thread::JoinHandle;

    use super::*;

    /// A server that takes `asked` bytes and gives an answer, once for each of them.
    fn server(answers: Vec<(usize, Vec<u8>)>) -> (SocketAddrV4, JoinHandle<()>) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let SocketAddr::V4(address) = listener.local_addr().unwrap() else {
            panic!("an IPv4 address");
        };
        let thread = std::thread::Builder::new()
            .name("test-server".to_owned())
            .spawn(move || {
                let (mut stream, _) = listener.accept().unwrap();
                for (asked, answer) in answers {
                    let mut request = vec![0; asked];
                    stream.read_exact(&mut request).unwrap();
                    stream.write_all(&answer).unwrap();
                }
            })
            .unwrap();
        (address, thread)
    }

    fn frame(operation: u8, flags: u8, body: &[u8]) -> Vec<u8> {
        let mut frame = vec![0x84, flags, 0, 0, operation];
        frame.extend(u32::try_from(body.len()).unwrap().to_be_bytes());
        frame.extend(body);
        frame
    }

    fn rows(values: &[&str]) -> Vec<u8> {
        let mut body = BytesMut::new();
        body.put_u32(2);
        body.put_u32(1);
        body.put_u32(1);
        for name in ["system", "local", "data_center"] {
            put_text(&mut body, name).unwrap();
        }
        body.put_u16(0x0d);
        body.put_u32(u32::try_from(values.len()).unwrap());
        for value in values {
            body.put_u32(u32::try_from(value.len()).unwrap());
            body.put_slice(value.as_bytes());
        }
        body.to_vec()
    }

    const STARTUP_BYTES: usize = 9 + 2 + 2 + 11 + 2 + 5;
    const LOCAL_BYTES: usize = 9 + 4 + "SELECT data_center FROM system.local".len() + 3;

    #[test]
    fn a_node_tells_its_ring() {
        let mut warned = BytesMut::new();
        warned.put_u16(1);
        put_text(&mut warned, "slow").unwrap();
        warned.put_slice(&rows(&["Americas_DC", "AsiaPacific_DC"]));
        let (address, thread) = server(vec![
            (STARTUP_BYTES, frame(0x02, 0, &[])),
            (LOCAL_BYTES, frame(0x08, 0, &rows(&["Europe_DC"]))),
            (LOCAL_BYTES, frame(0x08, 0x08, &warned)),
        ]);
        let ring = cassandra(address, None).unwrap();
        assert_eq!(ring.own, "Europe_DC");
        assert_eq!(ring.peers, ["Americas_DC", "AsiaPacific_DC"]);
        thread.join().unwrap();
    }

    #[test]
    fn an_error_of_a_node_is_quoted() {
        let mut body = BytesMut::new();
        body.put_u32(0x1001);
        put_text(&mut body, "overloaded").unwrap();
        let (address, thread) = server(vec![(STARTUP_BYTES, frame(0, 0, &body))]);
        let error = cassandra(address, None).unwrap_err();
        assert_eq!(error.to_string(), "error 0x1001: overloaded");
        thread.join().unwrap();
    }

    #[test]
    fn an_account_is_told_to_a_node_that_asks_for_one() {
        let account = Account {
            name: "me".to_owned(),
            password: "pass".to_owned(),
        };
        let token_bytes = 9 + 4 + "\0me\0pass".len();
        let (address, thread) = server(vec![
            (STARTUP_BYTES, frame(0x03, 0, &[])),
            (token_bytes, frame(0x10, 0, &[0xff; 4])),
            (LOCAL_BYTES, frame(0x08, 0, &rows(&["Europe_DC"]))),
            (LOCAL_BYTES, frame(0x08, 0, &rows(&[]))),
        ]);
        assert_eq!(cassandra(address, Some(&account)).unwrap().own, "Europe_DC");
        thread.join().unwrap();
        let (address, thread) = server(vec![(STARTUP_BYTES, frame(0x03, 0, &[]))]);
        let error = cassandra(address, None).unwrap_err();
        assert!(error.to_string().contains("asks for an account"), "{error}");
        thread.join().unwrap();
    }

    #[test]
    fn answers_of_another_protocol_are_refused() {
        let (address, thread) = server(vec![(10, b"HTTP/1.1 400 Bad Request".to_vec())]);
        assert!(cassandra(address, None).is_err());
        thread.join().unwrap();
        let (address, thread) = server(vec![(21, b"HTTP".to_vec())]);
        let error = kafka(address).unwrap_err();
        assert!(error.to_string().contains("impossible length"), "{error}");
        thread.join().unwrap();
        assert!(text_column(Bytes::from_static(b"\0\0\0\x02\0\0")).is_err());
    }

    #[test]
    fn a_broker_tells_how_many_serve() {
        let mut answer = BytesMut::new();
        answer.put_u32(8);
        answer.put_u32(1);
        answer.put_u32(1);
        let (address, thread) = server(vec![(21, answer.to_vec())]);
        assert_eq!(kafka(address).unwrap(), 1);
        thread.join().unwrap();
    }
}
