//! Sessions that wait for the test, and what the tests look at.

use std::{fs, path::PathBuf};

use serde_json::{Value, json};
use session_host_tests::{Service, World, wait_until};

/// A session whose attempt waits until it is let go.
pub(crate) struct Held {
    started: PathBuf,
    go_on: PathBuf,
}

impl Held {
    /// Writes such a session; it gives one row.
    pub(crate) fn write(world: &World, session: &str) -> Self {
        let name = session.replace('/', "-");
        let held = Self {
            started: world.path(format!("started-{name}")),
            go_on: world.path(format!("go-on-{name}")),
        };
        let steps = [
            json!({"do": "touch", "path": held.started}),
            json!({"do": "wait_for_file", "path": held.go_on}),
            json!({"do": "rows", "count": 1}),
        ];
        world.write(session, steps.map(|step| step.to_string()).join("\n"));
        held
    }

    /// Whether the attempt is under way.
    pub(crate) fn has_started(&self) -> bool {
        self.started.exists()
    }

    /// Waits until the attempt is under way.
    #[track_caller]
    pub(crate) fn starts(&self) {
        wait_until("the attempt is under way", || self.has_started());
    }

    /// Lets the attempt go on.
    pub(crate) fn let_go(&self) {
        fs::write(&self.go_on, "").unwrap();
    }
}

/// Writes sessions that give one row each.
pub(crate) fn write_sessions(world: &World, count: usize) {
    for number in 0..count {
        world.write(&format!("alice/{number}.jsonl"), r#"{"do":"rows","count":1}"#);
    }
}

/// The one value that a query of the server gives.
#[track_caller]
pub(crate) fn value(service: &Service, sql: &str) -> Value {
    service.query(sql, &json!([])).is(200).json()["rows"][0][0].clone()
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
