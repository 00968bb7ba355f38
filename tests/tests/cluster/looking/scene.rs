//! Hosts that share a database and the sessions.

use std::time::Duration;

use serde_json::Value;
use session_host::postgres::{Limits, Session};
use session_host_tests::{Database, Service, WAITS_FOR_A_LOCK, World, wait_until};

/// A world whose host keeps its state at this address, with these plugins.
pub(super) fn host_at(url: &str, plugins: &[&str]) -> World {
    let mut world = World::with(plugins);
    world.set_variable("SESSION_HOST_STATE", url);
    world
}

/// Another such world, over the sessions of the first.
pub(super) fn beside(first: &World, url: &str, plugins: &[&str]) -> World {
    let mut world = host_at(url, plugins);
    let sessions = first.sessions();
    world.set_variable("SESSION_HOST_SESSIONS", sessions.to_str().unwrap());
    world
}

/// What `session-host cluster --json` prints.
#[track_caller]
pub(super) fn cluster(world: &World) -> Value {
    let ran = world.host(&["cluster", "--json"]).exits(0);
    serde_json::from_str(&ran.stdout).unwrap()
}

/// What is listed of a processor, a line for each machine.
pub(super) fn listed<'a>(cluster: &'a Value, processor: &str) -> Vec<&'a Value> {
    let listed = cluster["processors"].as_array().unwrap().iter();
    listed.filter(|listed| listed["processor"] == processor).collect()
}

/// The buckets of `probe` that each host owns.
pub(super) fn buckets(world: &World) -> Vec<u64> {
    let cluster = cluster(world);
    let listed = listed(&cluster, "probe").into_iter();
    listed.map(|listed| listed["buckets"].as_u64().unwrap()).collect()
}

/// The messages of the service's warnings of a kind.
#[track_caller]
pub(super) fn warnings(service: &Service, kind: &str) -> Vec<String> {
    let health = service.get("/api/health").is(200).json();
    let warnings = health["warnings"].as_array().unwrap().iter();
    let of_kind = warnings.filter(|warning| warning["kind"] == kind);
    of_kind
        .map(|warning| warning["message"].as_str().unwrap().to_owned())
        .collect()
}

/// Waits until a scrape has this line.
#[track_caller]
pub(super) fn wait_for_metric(service: &Service, line: &str) {
    wait_until(line, || service.get("/metrics").body.lines().any(|told| told == line));
}

/// Somebody who has changed rows in a transaction that is open.
pub(super) struct Somebody<'server> {
    database: &'server Database<'server>,
    session: Session,
}

impl<'server> Somebody<'server> {
    #[track_caller]
    pub(super) fn changes(database: &'server Database<'server>, change: &str) -> Self {
        const PATIENCE: Duration = Duration::from_secs(120);
        let patient = Limits {
            statement: PATIENCE,
            lock: PATIENCE,
            answer: PATIENCE,
        };
        let mut session = Session::open(&database.url().parse().unwrap(), "somebody", patient).unwrap();
        session.batch("begin", "BEGIN").unwrap();
        session.batch("change", change).unwrap();
        Self { database, session }
    }

    /// Commits when a host waits for the rows.
    #[track_caller]
    pub(super) fn commits_once_another_waits(mut self) {
        wait_until("another waits for the rows", || {
            self.database.sql(WAITS_FOR_A_LOCK) == "t"
        });
        self.session.batch("commit", "COMMIT").unwrap();
    }
}
