//! A server to be measured, and connections to it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use session_host_tests::{Cpu, cpu_of};

use crate::programs::{EVERY, Host, without_settings};

/// A server, ended when it is dropped.
pub(crate) struct Service {
    child: Child,
    /// Kept, so that the server can go on writing to it.
    _stdout: BufReader<ChildStdout>,
    address: SocketAddr,
    token: String,
}

/// A connection that is kept.
pub(crate) struct Connection {
    stream: BufReader<TcpStream>,
    /// The header line by which the server knows who asks.
    identity: String,
}

impl Service {
    /// Starts a server over the transcripts below `sessions`, by whose schedule nothing is due.
    pub(crate) fn start(host: &Host, sessions: &Path) -> Result<Self> {
        Self::start_by(Self::command(host, sessions, &host.scratch)?, &host.scratch)
    }

    /// Starts a server with one worker that shares its state with others, with a data directory of its own.
    pub(crate) fn sharing(host: &Host, sessions: &Path, data: &Path, state: &str, lease: Duration) -> Result<Self> {
        let mut command = Self::command(host, sessions, data)?;
        command
            .args(["--workers=1", "--state", state])
            .env("SESSION_HOST_LEASE_SECONDS", lease.as_secs().to_string());
        Self::start_by(command, data)
    }

    /// Starts a server whose state is in PostgreSQL and has no sessions to process. It writes a snapshot into this folder at
    /// once, and its reports come from there.
    pub(crate) fn reporting(
        host: &Host,
        sessions: &Path,
        data: &Path,
        state: &str,
        snapshots: Option<&Path>,
    ) -> Result<Self> {
        const NEVER_AGAIN: &str = "1000000";
        let mut command = Self::command(host, sessions, data)?;
        command.args(["--state", state]).env("SESSION_HOST_TICK_SECONDS", "1");
        if let Some(folder) = snapshots {
            command
                .env("SESSION_HOST_SNAPSHOTS", folder)
                .env("SESSION_HOST_SNAPSHOT_SECONDS", NEVER_AGAIN);
        }
        Self::start_by(command, data)
    }

    fn command(host: &Host, sessions: &Path, data: &Path) -> Result<Command> {
        std::fs::create_dir_all(data)?;
        let mut command = Command::new(&host.program);
        without_settings(&mut command);
        command
            .args(["serve", "--recursive", "--listen=127.0.0.1:0"])
            .arg("--sessions")
            .arg(sessions)
            .arg("--plugins")
            .arg(host.plugins.join(EVERY))
            .arg("--data")
            .arg(data)
            .env("XDG_CONFIG_HOME", data)
            .env("SESSION_HOST_STARTUP_GRACE_SECONDS", "100000")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        Ok(command)
    }

    /// Starts a server whose data directory is `data`.
    fn start_by(mut command: Command, data: &Path) -> Result<Self> {
        let mut child = command.spawn().context("cannot start the server")?;
        let stdout = child.stdout.take().context("the server has no output")?;
        let mut stdout = BufReader::new(stdout);
        let mut line = String::new();
        stdout.read_line(&mut line)?;
        let (_, address) = line.split_once("http://").context("the server told no address")?;
        let address = address.trim().parse()?;
        Ok(Self {
            child,
            _stdout: stdout,
            address,
            token: std::fs::read_to_string(data.join("api-token")).context("the server made no token")?,
        })
    }

    /// The CPU time that it has taken.
    pub(crate) fn cpu(&self) -> Duration {
        cpu_of(self.child.id(), Cpu::Own)
    }

    /// A connection to it, which bears its token.
    pub(crate) fn connect(&self) -> Result<Connection> {
        self.connect_as(format!("authorization: Bearer {}", self.token.trim()))
    }

    /// A connection of a browser whose user has signed in.
    pub(crate) fn sign_in(&self) -> Result<Connection> {
        let form = format!("token={}", self.token.trim());
        let mut answer = String::new();
        let mut stream = TcpStream::connect(self.address)?;
        write!(
            stream,
            "POST /sign-in HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{form}",
            form.len()
        )?;
        stream.read_to_string(&mut answer)?;
        let mut lines = answer.lines();
        let cookie = lines.find_map(|line| line.strip_prefix("set-cookie: ")?.split(';').next());
        self.connect_as(format!("cookie: {}", cookie.context("the server gives no cookie")?))
    }

    fn connect_as(&self, identity: String) -> Result<Connection> {
        let stream = TcpStream::connect(self.address)?;
        stream.set_nodelay(true)?;
        Ok(Connection {
            stream: BufReader::new(stream),
            identity,
        })
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // One that has ended already is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Connection {
    /// Sends a request and reads the answer to its end; gives the status.
    pub(crate) fn call(&mut self, method: &str, target: &str) -> Result<u16> {
        let identity = &self.identity;
        let request =
            format!("{method} {target} HTTP/1.1\r\nhost: localhost\r\n{identity}\r\ncontent-length: 0\r\n\r\n");
        self.stream.get_mut().write_all(request.as_bytes())?;
        let mut status = 0;
        let mut length = 0;
        loop {
            let mut line = String::new();
            if self.stream.read_line(&mut line)? == 0 {
                bail!("the server closed the connection");
            }
            let line = line.trim_end().to_ascii_lowercase();
            if let Some(rest) = line.strip_prefix("http/1.1 ") {
                status = rest.get(..3).unwrap_or_default().parse()?;
            } else if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse()?;
            } else if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        Ok(status)
    }

    /// Calls these targets in turn, again and again, for so long; gives how long each call took.
    pub(crate) fn call_for(&mut self, duration: Duration, method: &str, targets: &[&str]) -> Result<Vec<Duration>> {
        let begin = Instant::now();
        let mut latencies = Vec::new();
        for target in targets.iter().cycle() {
            if begin.elapsed() >= duration {
                break;
            }
            let began = Instant::now();
            let status = self.call(method, target)?;
            if status != 200 {
                bail!("{method} {target} is answered with {status}");
            }
            latencies.push(began.elapsed());
        }
        Ok(latencies)
    }

    /// Lets the processor process everything again and again, until it is told to stop; gives how long each run took.
    pub(crate) fn keep_busy(&mut self, processor: &str, stop: &AtomicBool) -> Result<Vec<Duration>> {
        let mut runs = Vec::new();
        while !stop.load(Ordering::Acquire) {
            let began = Instant::now();
            self.call(
                "POST",
                &format!("/api/admin/run-session-processor?processor={processor}"),
            )?;
            runs.push(began.elapsed());
            self.call("POST", &format!("/api/admin/reprocess?processor={processor}"))?;
        }
        Ok(runs)
    }
}
