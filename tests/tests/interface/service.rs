//! A service that serves a world of two sessions, one of which fails.

use std::net::SocketAddr;

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
    process: session_host_tests::Service,
}

/// The world that the examples of the description speak of.
pub(crate) fn world() -> World {
    let mut world = World::new();
    world.set_variable("SESSION_HOST_API_TOKEN", TOKEN);
    world.install("usage");
    world.install("search");
    world.install("probe");
    world.write("alice/3f2c.jsonl", "{\"do\":\"rows\",\"count\":1}\n");
    world.write(FAILING, format!("{{\"long\":\"{}\"}}\n", "x".repeat(1000)));
    world.config("max_session_bytes = 900");
    world
}

impl Service {
    pub(crate) fn start() -> Self {
        Self::start_in(world())
    }

    #[track_caller]
    pub(crate) fn start_in(world: World) -> Self {
        let process = world.serve(&[]);
        Self {
            address: process.address(),
            world,
            process,
        }
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
        self.process.signal(libc::SIGTERM);
        wait_until("the service has taken the signal", || {
            self.process.log().contains("a second signal ends the process at once")
        });
    }

    /// Asks the service to end, and waits until it has; gives its log.
    #[track_caller]
    pub(crate) fn ends(self) -> String {
        let (status, log) = self.process.stop();
        assert_eq!(status, Some(0), "{log}");
        log
    }
}
