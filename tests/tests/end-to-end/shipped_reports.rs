//! The reports of the shipped processors, over transcripts whose figures were added up by hand.

mod blocks;
mod calls;
mod days;
mod failures;
mod groups;
mod screens;

use serde_json::{Value, json};
use session_host_tests::World;

/// A price list on which a million tokens cost one dollar, whatever they are.
const PRICES: &str = "[processors.usage.prices.house]
input = 1.0
output = 1.0
cache_read = 1.0
cache_write_5m = 1.0
cache_write_1h = 1.0
";

const MILLION: u64 = 1_000_000;

/// The lines of a session in a directory.
struct Session {
    id: &'static str,
    cwd: &'static str,
    lines: String,
}

impl Session {
    fn new(id: &'static str, cwd: &'static str) -> Self {
        Self {
            id,
            cwd,
            lines: String::new(),
        }
    }

    /// A line of this session.
    fn line(mut self, kind: &str, at: &str, more: &Value) -> Self {
        let mut line = json!({
            "type": kind, "timestamp": at, "sessionId": self.id, "cwd": self.cwd, "uuid": self.name("line"),
        });
        line.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.lines += &format!("{line}\n");
        self
    }

    /// A response of a model, for millions of tokens of input.
    fn response(self, at: &str, millions: u64) -> Self {
        self.response_of("house", at, [millions * MILLION, 0, 0, 0])
    }

    /// A response: input, output, tokens written to the cache, and read from it.
    fn response_of(self, model: &str, at: &str, tokens: [u64; 4]) -> Self {
        let answer = self.answer(model, tokens);
        self.line("assistant", at, &answer)
    }

    /// A response of a subagent that stands only in a line on its progress.
    fn progress(self, at: &str, millions: u64) -> Self {
        let mut relayed = self.answer("house", [millions * MILLION, 0, 0, 0]);
        relayed["type"] = json!("assistant");
        relayed["timestamp"] = json!(at);
        self.line(
            "progress",
            at,
            &json!({"data": {"type": "agent_progress", "message": relayed}}),
        )
    }

    fn answer(&self, model: &str, [input, output, written, read]: [u64; 4]) -> Value {
        json!({
            "requestId": self.name("req"),
            "message": {
                "id": self.name("msg"), "model": model, "role": "assistant", "content": [],
                "usage": {
                    "input_tokens": input, "output_tokens": output,
                    "cache_creation_input_tokens": written, "cache_read_input_tokens": read,
                },
            },
        })
    }

    /// A call of a tool, and its result.
    fn call(self, at: &str, tool: &str, input: &Value, result: CallResult) -> Self {
        let id = self.name("toolu");
        let called = json!({"type": "tool_use", "id": id, "name": tool, "input": input});
        let (is_error, text) = match result {
            CallResult::Done => (false, "done"),
            CallResult::Failed(text) => (true, text),
        };
        let result = json!({"type": "tool_result", "tool_use_id": id, "is_error": is_error, "content": text});
        self.line(
            "assistant",
            at,
            &json!({"message": {"role": "assistant", "content": [called]}}),
        )
        .line("user", at, &json!({"message": {"role": "user", "content": [result]}}))
    }

    /// What a person types.
    fn prompt(self, at: &str, text: &str) -> Self {
        self.line("user", at, &json!({"message": {"role": "user", "content": text}}))
    }

    /// A name that nothing else has.
    fn name(&self, of: &str) -> String {
        format!("{of}_{}{:08}", self.id, self.lines.lines().count())
    }
}

/// How a call ends.
#[derive(Clone, Copy)]
enum CallResult {
    Done,
    Failed(&'static str),
}

/// A world in which these processors have processed these sessions of users.
#[track_caller]
fn world(processors: &[&str], config: &str, sessions: &[(&str, Session)]) -> World {
    let mut world = World::with(processors);
    world.config(config);
    world.set_variable("SESSION_HOST_TIMEZONE", "UTC");
    for (user, session) in sessions {
        world.write(&format!("{user}/{}.jsonl", session.id), &session.lines);
    }
    drop(world.run(&[]).exits(0));
    world
}

/// A world of the usage processor.
#[track_caller]
fn usage(sessions: &[(&str, Session)]) -> World {
    world(&["usage"], PRICES, sessions)
}

/// The answer to a report.
#[track_caller]
fn report(world: &World, arguments: &[&str]) -> Value {
    world.host(&[&["report", "--json"], arguments].concat()).exits(0).json()
}

/// These columns of the rows of a report.
#[track_caller]
fn rows<const N: usize>(world: &World, arguments: &[&str], columns: [&str; N]) -> Value {
    let answer = report(world, arguments);
    let names: Vec<&str> = answer["columns"]
        .as_array()
        .unwrap()
        .iter()
        .map(|column| column["name"].as_str().unwrap())
        .collect();
    let places = columns.map(|wanted| {
        let place = names.iter().position(|name| *name == wanted);
        place.unwrap_or_else(|| panic!("{wanted} is none of {names:?}"))
    });
    let rows = answer["rows"].as_array().unwrap().iter();
    rows.map(|row| places.iter().map(|place| row[*place].clone()).collect::<Value>())
        .collect()
}
