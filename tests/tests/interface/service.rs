//! A service that serves a world of two sessions, one of which fails.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::Value;
use session_host_tests::{World, wait_until};

use crate::client::{Answer, Request};

/// The token that services of tests have.
pub(crate) const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// Longer than what is allowed in the world: this session fails.
pub(crate) const FAILING: &str = "alice/long.jsonl";

/// `session-host serve` in a world of its own.
pub(crate) struct Service {
    pub(crate) world: World,
    pub(crate) address: SocketAddr,
    child: Child,
}

/// The world that the examples of the description speak of.
pub(crate) fn world() -> World {
    let mut world = World::new();
    world.install("usage");
    world.install("probe");
    world.write("alice/3f2c.jsonl", "{\"do\":\"rows\",\"count\":1}\n");
    world.write(FAILING, format!("{{\"long\":\"{}\"}}\n", "x".repeat(1000)));
    world.config("max_session_bytes = 900");
    world.set_variable("SESSION_HOST_LISTEN", "127.0.0.1:0");
    world.set_variable("SESSION_HOST_API_TOKEN", TOKEN);
    world
}

/// Starts `session-host serve` by this command, its log in the file `log`; gives it with the address.
pub(crate) fn start(world: &World, mut command: Command) -> (Child, SocketAddr) {
    let log = File::create(world.path("log")).unwrap();
    let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
    let mut first = String::new();
    let stdout = child.stdout.take().unwrap();
    BufReader::new(stdout).read_line(&mut first).unwrap();
    let address = first.trim_end().strip_prefix("session-host serves http://");
    let address = address.unwrap_or_else(|| panic!("`{first}`\n{}", log_of(world)));
    (child, address.parse().unwrap())
}

fn log_of(world: &World) -> String {
    fs::read_to_string(world.path("log")).unwrap()
}

impl Service {
    pub(crate) fn start() -> Self {
        Self::start_in(world())
    }

    pub(crate) fn start_in(world: World) -> Self {
        let (child, address) = start(&world, world.command(&["serve"]));
        Self { world, address, child }
    }

    #[track_caller]
    pub(crate) fn ask(&self, request: &Request) -> Answer {
        request.send(self.address)
    }

    /// Asks with the token.
    #[track_caller]
    pub(crate) fn admin(&self, request: Request) -> Answer {
        self.ask(&request.bearing(TOKEN))
    }

    /// The description as it is served.
    #[track_caller]
    pub(crate) fn description(&self) -> Value {
        self.ask(&Request::new("GET", "/api/openapi.json")).json()
    }

    /// Makes a run of a processor.
    #[track_caller]
    pub(crate) fn run(&self, processor: &str) -> Answer {
        self.admin(Request::new("POST", "/api/admin/run-session-processor").parameter("processor", processor))
    }

    /// Waits until the health was looked at.
    #[track_caller]
    pub(crate) fn wait_for_health(&self) {
        wait_until("the health was looked at", || {
            let health = self.ask(&Request::new("GET", "/api/health")).json();
            !health["checked_at"].is_null()
        });
    }

    /// Asks the service to end, and waits until it knows.
    #[track_caller]
    pub(crate) fn is_told_to_end(&self) {
        signal(&self.child, libc::SIGTERM);
        wait_until("the service has taken the signal", || {
            log_of(&self.world).contains("a second signal ends at once")
        });
    }

    /// Asks the service to end, and waits until it has; gives its log.
    #[track_caller]
    pub(crate) fn ends(mut self) -> String {
        signal(&self.child, libc::SIGTERM);
        let mut status = None;
        wait_until("the service ends", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        let log = log_of(&self.world);
        assert_eq!(status.unwrap().code(), Some(0), "{log}");
        log
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It has ended already, or its test has failed or needs it no more.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[allow(unsafe_code, reason = "the system call has no safe wrapper in std")]
fn signal(child: &Child, signal: i32) {
    // SAFETY: kill takes numbers and touches no memory; the process is a child that has not been waited for.
    assert_eq!(unsafe { libc::kill(child.id().cast_signed(), signal) }, 0);
}

/// Ends a process that a test has started, when the test ends.
pub(crate) struct Ended(pub(crate) Child);

impl Ended {
    pub(crate) fn signal(&self, number: i32) {
        signal(&self.0, number);
    }
}

impl Drop for Ended {
    fn drop(&mut self) {
        // As above.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// How long a step of a test may wait for a service.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
