//! A server to be measured, and connections to it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

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
    token: String,
}

impl Service {
    /// Starts a server over the transcripts below `sessions`, by whose schedule nothing is due.
    pub(crate) fn start(host: &Host, sessions: &Path) -> Result<Self> {
        std::fs::create_dir_all(&host.scratch)?;
        let mut command = Command::new(&host.program);
        without_settings(&mut command);
        command
            .args(["serve", "--recursive", "--listen=127.0.0.1:0"])
            .arg("--sessions")
            .arg(sessions)
            .arg("--plugins")
            .arg(host.plugins.join(EVERY))
            .arg("--data")
            .arg(&host.scratch)
            .env("XDG_CONFIG_HOME", &host.scratch)
            .env("SESSION_HOST_STARTUP_GRACE_SECONDS", "100000")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
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
            token: std::fs::read_to_string(host.scratch.join("api-token")).context("the server made no token")?,
        })
    }

    /// A connection to it, which bears its token.
    pub(crate) fn connect(&self) -> Result<Connection> {
        let stream = TcpStream::connect(self.address)?;
        stream.set_nodelay(true)?;
        Ok(Connection {
            stream: BufReader::new(stream),
            token: self.token.trim().to_owned(),
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
        let token = &self.token;
        let request = format!(
            "{method} {target} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\ncontent-length: 0\r\n\r\n"
        );
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

    /// Calls again and again for so long; gives how long each call took.
    pub(crate) fn call_for(&mut self, duration: Duration, method: &str, target: &str) -> Result<Vec<Duration>> {
        let begin = Instant::now();
        let mut latencies = Vec::new();
        while begin.elapsed() < duration {
            let began = Instant::now();
            let status = self.call(method, target)?;
            if status != 200 {
                bail!("{method} {target} is answered with {status}");
            }
            latencies.push(began.elapsed());
        }
        Ok(latencies)
    }

    /// Lets the processor process everything again and again, until it is told to stop; gives the number of runs.
    pub(crate) fn keep_busy(&mut self, processor: &str, stop: &AtomicBool) -> Result<u64> {
        let mut runs = 0;
        while !stop.load(Ordering::Acquire) {
            for verb in ["run-session-processor", "reprocess"] {
                self.call("POST", &format!("/api/admin/{verb}?processor={processor}"))?;
            }
            runs += 1;
        }
        Ok(runs)
    }
}
