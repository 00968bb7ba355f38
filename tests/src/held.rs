//! A session whose attempt waits for the test.

use std::{fs, path::PathBuf};

use serde_json::json;

use crate::world::{World, wait_until};

/// A session whose attempt waits until it is let go.
#[derive(Debug)]
pub struct Held {
    started: PathBuf,
    go_on: PathBuf,
}

impl Held {
    /// Writes such a session; it gives one row.
    #[must_use]
    pub fn write(world: &World, session: &str) -> Self {
        Self::before(world, session, &json!({"do": "rows", "count": 1}).to_string())
    }

    /// Writes such a session; it takes these steps once it is let go.
    #[must_use]
    pub fn before(world: &World, session: &str, steps: &str) -> Self {
        Self::between(world, session, "", steps)
    }

    /// Writes such a session; it takes the first steps before it waits, and the others once it is let go.
    #[must_use]
    pub fn between(world: &World, session: &str, first: &str, then: &str) -> Self {
        let name = session.replace('/', "-");
        let held = Self {
            started: world.path(format!("started-{name}")),
            go_on: world.path(format!("go-on-{name}")),
        };
        let touch = json!({"do": "touch", "path": held.started}).to_string();
        let wait = json!({"do": "wait_for_file", "path": held.go_on}).to_string();
        let lines = [first, &touch, &wait, then].into_iter().filter(|line| !line.is_empty());
        let lines: String = lines.flat_map(|line| [line, "\n"]).collect();
        world.write(session, lines);
        held
    }

    /// Whether the attempt is under way.
    #[must_use]
    pub fn has_started(&self) -> bool {
        self.started.exists()
    }

    /// Waits until the attempt is under way.
    #[track_caller]
    pub fn starts(&self) {
        wait_until("the attempt is under way", || self.has_started());
    }

    /// Lets the attempt go on.
    pub fn let_go(&self) {
        fs::write(&self.go_on, "").expect("a file can be made in the world");
    }
}
