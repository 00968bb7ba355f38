//! Just enough of HTTP/1.1 to ask the service what ordinary clients do not ask.

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use serde_json::Value;
use session_host_tests::wait_until;

/// A request that is yet to be sent.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// What the service answers.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    body: Vec<u8>,
}

impl Request {
    pub(crate) fn new(method: &str, target: impl Into<String>) -> Self {
        Self {
            method: method.to_uppercase(),
            target: target.into(),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    pub(crate) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub(crate) fn bearing(self, token: &str) -> Self {
        self.header("Authorization", format!("Bearer {token}"))
    }

    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// The same with another parameter.
    pub(crate) fn parameter(mut self, name: &str, value: &str) -> Self {
        let before = if self.target.contains('?') { '&' } else { '?' };
        self.target.push(before);
        self.target.push_str(&format!("{name}={}", encoded(value)));
        self
    }

    /// The request as it goes over the wire.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let Self {
            method, target, body, ..
        } = self;
        let mut head = format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !body.is_empty() {
            head.push_str(&format!(
                "Content-Type: application/json\r\nContent-Length: {}\r\n",
                body.len()
            ));
        }
        head.push_str("\r\n");
        [head.as_bytes(), body].concat()
    }

    #[track_caller]
    pub(crate) fn send(&self, address: SocketAddr) -> Answer {
        let mut stream = connect(address);
        // A server that refuses the head or the body may close before all of it is sent.
        let _ = stream.write_all(&self.bytes());
        Answer::read(&mut stream)
    }
}

/// A connection whose answers are waited for, but not forever.
#[track_caller]
pub(crate) fn connect(address: SocketAddr) -> TcpStream {
    const PATIENCE: Duration = Duration::from_secs(120);
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Waits until the server has read all that was sent: nothing waits in its end of the connection any more.
#[track_caller]
pub(crate) fn wait_until_read(stream: &TcpStream) {
    let (server, client) = (stream.peer_addr().unwrap(), stream.local_addr().unwrap());
    let ends = [server, client].map(|end| format!(":{:04X}", end.port()));
    wait_until("the server has read what was sent", || {
        let connections = fs::read_to_string("/proc/net/tcp").unwrap();
        connections.lines().any(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let is_ours = |place: usize, end: &str| fields.get(place).is_some_and(|address| address.ends_with(end));
            is_ours(1, &ends[0])
                && is_ours(2, &ends[1])
                && fields.get(4).is_some_and(|queues| queues.ends_with(":00000000"))
        })
    });
}

impl Answer {
    /// Reads the one answer of a connection, to its end.
    #[track_caller]
    pub(crate) fn read(stream: &mut TcpStream) -> Self {
        let mut bytes = Vec::new();
        // A connection that is closed with bytes unread ends in an error after the answer.
        let ended = stream.read_to_end(&mut bytes);
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| panic!("no answer: {ended:?}, {:?}", String::from_utf8_lossy(&bytes)));
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let answer = Self {
            status,
            head,
            body: bytes.split_off(end + 4),
        };
        assert_eq!(answer.header("Transfer-Encoding"), None, "answers tell their length");
        answer
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        let (_, value) = lines.find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        Some(value.trim())
    }

    /// The type of the body, without its parameters.
    pub(crate) fn content_type(&self) -> Option<&str> {
        self.header("Content-Type")?.split(';').next()
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in `{}`", self.text()))
    }
}

/// A value as it stands in a query.
fn encoded(value: &str) -> String {
    let encode = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    value.bytes().map(encode).collect()
}
