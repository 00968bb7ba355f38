//! Errors of which the class is known: the measure of the processor `errors`.
//!
//! `labelled.jsonl` holds one sample a line: `{"of": "tool", "tool": "Bash", "code": "...", "text": "...", "class": "..."}`.
//! `of` is `tool`, `api` or `interruption`; `tool` stands where a tool failed, `code` where the agent has a name for the
//! error. The words are those that agents and programs write, the rest is made up.

use serde::Deserialize;
use serde_json::{Value, json};

/// An error and its class.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// What failed.
    pub of: Origin,
    /// The tool that failed.
    pub tool: Option<String>,
    /// What the agent calls the error.
    pub code: Option<String>,
    /// What was said.
    pub text: String,
    /// The class that the shipped rules should give.
    pub class: String,
}

/// What failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A call of a tool.
    Tool,
    /// A request to the model.
    Api,
    /// Nothing: a person stopped the agent.
    Interruption,
}

/// Why the samples cannot be read: the set is damaged.
#[derive(Debug, thiserror::Error)]
#[error("tests/errors/labelled.jsonl, line {line}: {source}")]
pub struct Damaged {
    line: usize,
    r#source: serde_json::Error,
}

/// The samples.
///
/// # Errors
/// Names the line of the set that is damaged.
pub fn samples() -> Result<Vec<Sample>, Damaged> {
    let lines = include_str!("../labelled.jsonl").lines();
    let parsed = lines.enumerate().map(|(number, line)| {
        serde_json::from_str(line).map_err(|source| Damaged {
            line: number + 1,
            source,
        })
    });
    parsed.collect()
}

impl Sample {
    /// The sample as lines of a transcript. The line of the error has the `uuid`.
    #[must_use]
    pub fn transcript_lines(&self, uuid: &str) -> Vec<Value> {
        match self.of {
            Origin::Tool => {
                let call = json!({"type": "tool_use", "id": uuid, "name": self.tool, "input": {"of": uuid}});
                let result =
                    json!({"type": "tool_result", "tool_use_id": uuid, "is_error": true, "content": self.text});
                vec![
                    json!({"type": "assistant", "message": {"content": [call]}}),
                    json!({"type": "user", "uuid": uuid, "toolDenialKind": self.code, "message": {"content": [result]}}),
                ]
            }
            Origin::Api => vec![
                json!({"type": "assistant", "uuid": uuid, "isApiErrorMessage": true, "error": self.code,
                       "message": {"model": "<synthetic>", "content": self.said()}}),
            ],
            Origin::Interruption => vec![json!({"type": "user", "uuid": uuid, "message": {"content": self.said()}})],
        }
    }

    fn said(&self) -> Value {
        json!([{"type": "text", "text": self.text}])
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn every_class_has_several_samples() {
        let mut classes: BTreeMap<String, u32> = BTreeMap::new();
        for sample in samples().unwrap() {
            *classes.entry(sample.class).or_default() += 1;
        }
        assert!(
            classes.len() >= 24 && classes.values().all(|samples| *samples >= 2),
            "{classes:?}"
        );
    }

    #[test]
    fn a_tool_is_named_where_a_tool_failed() {
        for sample in samples().unwrap() {
            assert!(sample.of == Origin::Tool || sample.tool.is_none(), "{sample:?}");
        }
    }

    #[test]
    fn the_line_of_the_error_has_the_uuid() {
        for sample in samples().unwrap() {
            let lines = sample.transcript_lines("u1");
            assert_eq!(lines.last().and_then(|line| line["uuid"].as_str()), Some("u1"));
        }
    }
}
