//! Transcripts that say what they cost.

use serde_json::json;

/// A response of a transcript.
#[derive(Clone, Copy, Debug)]
pub struct Spending<'a> {
    /// Its session, so that no two are the same.
    pub session: &'a str,
    /// The project.
    pub project: &'a str,
    /// When it was given.
    pub at: jiff::Timestamp,
    /// What it cost.
    pub usd: f64,
}

impl Spending<'_> {
    /// The line of the transcript.
    #[must_use]
    pub fn line(&self) -> String {
        let Self {
            session,
            project,
            at,
            usd,
        } = self;
        let line = json!({
            "type": "assistant", "uuid": format!("u-{session}"), "requestId": format!("r-{session}"), "sessionId": session,
            "timestamp": at.to_string(), "cwd": format!("/src/{project}"), "costUSD": usd,
            "message": {
                "id": format!("m-{session}"), "role": "assistant", "model": "claude-opus-5-5", "content": [],
                "usage": {"input_tokens": 1, "output_tokens": 0},
            },
        });
        format!("{line}\n")
    }
}
