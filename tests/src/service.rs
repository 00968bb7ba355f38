//! The server in a world, and requests to it over real connections.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

use serde_json::Value;

use crate::{ran::send, world::World};

/// Longer than any answer of a test takes.
const PATIENCE: Duration = Duration::from_secs(120);

/// `session-host serve`, running in a world; killed when it is dropped.
#[derive(Debug)]
pub struct Service {
    child: Child,
    address: SocketAddr,
    token: Option<String>,
    /// Kept, so that the server can go on writing to it.
    _stdout: BufReader<ChildStdout>,
    log: PathBuf,
}

/// What the server answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers as they were sent, a line each, in small letters.
    pub head: String,
    /// The body.
    pub body: String,
}

impl World {
    /// Starts the server, and waits until it serves. Nothing is due by itself unless `variables` say so.
    #[must_use]
    #[track_caller]
    pub fn serve(&self, variables: &[(&str, &str)]) -> Service {
        self.serve_by(self.serving(variables))
    }

    /// Starts the server by this command, and waits until it serves.
    #[must_use]
    #[track_caller]
    pub fn serve_by(&self, mut command: Command) -> Service {
        let log = self.path("server.log");
        let written = File::create(&log).expect("the log can be made");
        command.stdout(Stdio::piped()).stderr(written).stdin(Stdio::null());
        let mut child = command.spawn().expect("the server can be started");
        let mut stdout = BufReader::new(child.stdout.take().expect("the output is piped"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("the server's output can be read");
        let Some((_, address)) = line.split_once("http://") else {
            panic!("the server tells no address; its log:\n{}", read(&log));
        };
        Service {
            child,
            address: address.trim().parse().expect("an address"),
            token: token_of(&command),
            _stdout: stdout,
            log,
        }
    }

    /// `session-host serve` with these variables, on a port that the system chooses.
    #[must_use]
    pub fn serving(&self, variables: &[(&str, &str)]) -> Command {
        let mut command = self.command(&["serve"]);
        command
            .env("SESSION_HOST_LISTEN", "127.0.0.1:0")
            .env("SESSION_HOST_STARTUP_GRACE_SECONDS", "100000")
            .env("SESSION_HOST_TICK_SECONDS", "1")
            .envs(variables.iter().copied());
        command
    }
}

/// The token of a server that was started by this command: the configured one, else the one that it has made.
fn token_of(command: &Command) -> Option<String> {
    let variable = |name: &str| {
        let mut set = command.get_envs().filter_map(|(known, value)| Some((known, value?)));
        set.find(|(known, value)| *known == name && !value.is_empty())
            .map(|(_, value)| value.to_owned())
    };
    if let Some(token) = variable("SESSION_HOST_API_TOKEN") {
        return token.into_string().ok();
    }
    let made = || variable("SESSION_HOST_DATA").map(|data| Path::new(&data).join("api-token"));
    let file = variable("SESSION_HOST_API_TOKEN_FILE")
        .map(PathBuf::from)
        .or_else(made)?;
    fs::read_to_string(file).ok().map(|token| token.trim().to_owned())
}

/// The variables with which the server runs what is due from the start.
pub const AT_ONCE: (&str, &str) = ("SESSION_HOST_STARTUP_GRACE_SECONDS", "0");

impl Service {
    /// The token that it wants, where that can be told.
    #[must_use]
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// Where it serves.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The process's number.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// `GET`.
    #[must_use]
    #[track_caller]
    pub fn get(&self, target: &str) -> Answer {
        self.call("GET", target, "")
    }

    /// `POST`, without a body.
    #[track_caller]
    pub fn post(&self, target: &str) -> Answer {
        self.call("POST", target, "")
    }

    /// `POST /api/admin/run-session-processor`.
    #[track_caller]
    pub fn run(&self, processor: &str) -> Answer {
        self.post(&format!("/api/admin/run-session-processor?processor={processor}"))
    }

    /// `POST /api/admin/query` with a statement and its parameters.
    #[must_use]
    #[track_caller]
    pub fn query(&self, sql: &str, params: &Value) -> Answer {
        let body = serde_json::json!({"sql": sql, "params": params}).to_string();
        self.call("POST", "/api/admin/query", &body)
    }

    /// Any request, with the server's token where it has one.
    #[must_use]
    #[track_caller]
    pub fn call(&self, method: &str, target: &str, body: &str) -> Answer {
        self.call_with(method, target, &self.authorization(), body)
    }

    /// Any request, with these header lines.
    #[must_use]
    #[track_caller]
    pub fn call_with(&self, method: &str, target: &str, headers: &str, body: &str) -> Answer {
        let stream = self.send_with(method, target, headers, body);
        Answer::read(stream).unwrap_or_else(|| panic!("{method} {target} is not answered"))
    }

    /// Sends a request with the server's token; the answer is yet to be read from the connection.
    #[must_use]
    #[track_caller]
    pub fn begin(&self, method: &str, target: &str, body: &str) -> TcpStream {
        self.send_with(method, target, &self.authorization(), body)
    }

    /// Sends a request with these header lines; the answer is yet to be read from the connection.
    #[must_use]
    #[track_caller]
    pub fn begin_with(&self, method: &str, target: &str, headers: &str) -> TcpStream {
        self.send_with(method, target, headers, "")
    }

    /// The line of the head that bears the server's token; nothing where it has none.
    #[must_use]
    pub fn authorization(&self) -> String {
        let token = self.token.as_deref();
        token.map_or_else(String::new, |token| format!("authorization: Bearer {token}\r\n"))
    }

    #[track_caller]
    fn send_with(&self, method: &str, target: &str, headers: &str, body: &str) -> TcpStream {
        let mut stream = self.connect();
        let request = format!(
            "{method} {target} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n{body}",
            body.len()
        );
        // A server that refuses a large request answers before it has all of it.
        let _ = stream.write_all(request.as_bytes());
        stream
    }

    /// A connection to it.
    #[must_use]
    #[track_caller]
    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).expect("the server takes a connection");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time-out can be set");
        stream
    }

    /// Sends the process a signal, such as `libc::SIGTERM`.
    pub fn signal(&self, signal: i32) {
        send(self.child.id(), signal);
    }

    /// What it has logged up to now.
    #[must_use]
    #[track_caller]
    pub fn log(&self) -> String {
        read(&self.log)
    }

    /// Waits for the end; gives the exit status (`None` where a signal ended it) and the log.
    #[track_caller]
    pub fn ends(mut self) -> (Option<i32>, String) {
        let status = self.child.wait().expect("the server can be waited for");
        (status.code(), self.log())
    }

    /// Asks it to end, and waits for that.
    #[track_caller]
    pub fn stop(self) -> (Option<i32>, String) {
        self.signal(libc::SIGTERM);
        self.ends()
    }
}

fn read(log: &Path) -> String {
    fs::read_to_string(log).expect("the log can be read")
}

impl Drop for Service {
    fn drop(&mut self) {
        // One that has ended already is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Answer {
    /// Reads an answer to the end of the connection; `None` where there is none.
    #[must_use]
    pub fn read(mut stream: TcpStream) -> Option<Self> {
        let mut bytes = Vec::new();
        // A connection that is cut off after the answer has the answer.
        let _ = stream.read_to_end(&mut bytes);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let (head, body) = text.split_once("\r\n\r\n")?;
        Some(Self {
            status: head.get(9..12)?.parse().ok()?,
            head: head.to_ascii_lowercase(),
            body: body.to_owned(),
        })
    }

    /// Checks the status, and shows the body where it is another.
    #[must_use = "an answer has more to check than its status; `drop` it where it has not"]
    #[track_caller]
    pub fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.body);
        self
    }

    /// The value of a header, in small letters; `None` where there is none.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(known, _)| *known == name).map(|(_, value)| value).next()
    }

    /// The body as JSON.
    #[must_use]
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in {}", self.body))
    }

    /// What an answer that refuses says.
    #[must_use]
    #[track_caller]
    pub fn detail(&self) -> String {
        let json = self.json();
        let detail = json.get("detail").and_then(Value::as_str);
        assert_eq!(json.as_object().map(serde_json::Map::len), Some(1), "{json}");
        detail.expect("a detail that is text").to_owned()
    }
}
