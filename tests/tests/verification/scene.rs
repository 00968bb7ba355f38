//! A world with the processor and a model, transcripts, and answers.

use model_server::{ModelServer, Reply, Request};
use serde_json::{Value, json};
use session_host_tests::{Ran, World};

/// The key that the host is given, and that must be seen nowhere.
pub(crate) const KEY: &str = "sk-test-7c1f0e9d2b";

/// A world with the processor, and the model that it asks.
pub(crate) struct Scene {
    pub(crate) world: World,
    pub(crate) model: ModelServer,
}

impl Scene {
    /// A scene in which the model is spoken to in the format of Anthropic.
    pub(crate) fn new(model: ModelServer) -> Self {
        Self::with_settings(model, "")
    }

    /// The same with further settings.
    pub(crate) fn with_settings(model: ModelServer, settings: &str) -> Self {
        let mut world = World::with(&["verification"]);
        world.set_variable("TEST_MODEL_KEY", KEY);
        let url = model.url();
        world.config(&format!(
            "[processors.verification]\nformat = \"anthropic\"\nmodel = \"test-model\"\nbase_url = \"{url}\"\n\
             api_key_env = \"TEST_MODEL_KEY\"\n{settings}\n"
        ));
        Self { world, model }
    }

    /// Runs the processor, which must end with this status.
    #[track_caller]
    pub(crate) fn run(&self, status: i32) -> Ran {
        self.world.run(&["verification"]).exits(status)
    }

    /// Runs the processor, which must take all sessions, and gives the number of new items.
    #[track_caller]
    pub(crate) fn processed(&self, sessions: u64) -> u64 {
        let ran = self.run(0);
        let result = ran.result();
        assert_eq!((result.processed, result.errors), (sessions, 0), "{}", ran.stderr);
        result.items_extracted
    }

    /// Runs the processor, which must fail with all sessions, and gives what it says of the first.
    #[track_caller]
    pub(crate) fn failed(&self, sessions: u64) -> String {
        let ran = self.run(1);
        let result = ran.result();
        assert_eq!((result.processed, result.errors), (0, sessions), "{}", ran.stderr);
        result.errors_detail[0].error.clone()
    }

    /// The rows of a query.
    #[track_caller]
    pub(crate) fn rows(&self, sql: &str) -> Vec<Value> {
        self.world.rows(sql)
    }

    /// The requests for this form so far.
    pub(crate) fn requests(&self, form: &str) -> Vec<Request> {
        let mut requests = self.model.requests();
        requests.retain(|request| request.form() == form);
        requests
    }
}

/// A transcript in which a user says all this, each followed by an answer.
pub(crate) fn conversation(said: &[&str]) -> String {
    let mut lines = String::new();
    for (minute, text) in said.iter().enumerate() {
        let line = |kind: &str, second: u8, text: &str| {
            let timestamp = format!("2026-03-01T09:{minute:02}:{second:02}Z");
            let message = json!({"role": kind, "content": text});
            json!({"type": kind, "timestamp": timestamp, "message": message}).to_string()
        };
        lines.push_str(&format!(
            "{}\n{}\n",
            line("user", 0, text),
            line("assistant", 30, "I see.")
        ));
    }
    lines
}

/// A verification of finance, as the model reports it.
pub(crate) fn verification(detection_type: &str, content: &str, quote: &str) -> Value {
    json!({
        "detection_type": detection_type, "title": "Refunds", "content": content, "user_quote": quote,
        "domain": "finance", "entities": ["refund", "team lead"],
    })
}

/// The answer that reports these verifications.
pub(crate) fn reporting(verifications: &[Value]) -> Reply {
    Reply::form(json!({"verifications": verifications}).to_string())
}

/// The answer that finds no contradictions.
pub(crate) fn no_contradictions() -> Reply {
    Reply::form(json!({"contradictions": []}).to_string())
}

/// A model that reports these verifications where the conversation holds their quotes, and finds no contradictions.
pub(crate) fn model_that_reports(verifications: Vec<Value>) -> ModelServer {
    ModelServer::answering(move |request| match request.form().as_str() {
        "verifications" => reporting(&quoted_in(&request.data(), &verifications)),
        _ => no_contradictions(),
    })
}

/// Those of the verifications whose quotes stand in a text.
pub(crate) fn quoted_in(text: &str, verifications: &[Value]) -> Vec<Value> {
    let is_quoted = |verification: &&Value| text.contains(verification["user_quote"].as_str().unwrap());
    verifications.iter().filter(is_quoted).cloned().collect()
}
