//! Sessions for the probe, and what the tests look at.

use serde_json::{Value, json};
use session_host_tests::{Service, World};

/// Writes sessions that give one row each.
pub(crate) fn write_sessions(world: &World, count: usize) {
    for number in 0..count {
        world.write(&format!("alice/{number}.jsonl"), r#"{"do":"rows","count":1}"#);
    }
}

/// A world with the probe and sessions that give one row each, and a server that has processed them.
#[track_caller]
pub(crate) fn serve_processed(sessions: usize) -> (World, Service) {
    let world = World::with(&["probe"]);
    write_sessions(&world, sessions);
    let service = world.serve(&[]);
    drop(service.run("probe").is(200));
    (world, service)
}

/// The one value that a query of the server gives.
#[track_caller]
pub(crate) fn value(service: &Service, sql: &str) -> Value {
    service.query(sql, &json!([])).is(200).json()["rows"][0][0].clone()
}

/// The warnings that health has for a processor.
#[track_caller]
pub(crate) fn warnings_of(service: &Service, processor: &str) -> Value {
    service.get("/api/health").is(200).json()["processors"][processor]["warnings"].clone()
}

/// The one listing of a processor.
#[track_caller]
pub(crate) fn listed(service: &Service, processor: &str, status: &str) -> Value {
    let answer = service.get("/api/admin/processors").is(200).json();
    let all = answer["processors"].as_array().unwrap();
    let found = all
        .iter()
        .find(|file| file["processor"] == processor && file["status"] == status);
    found
        .unwrap_or_else(|| panic!("no {status} {processor} in {answer}"))
        .clone()
}
