//! The format of Anthropic's Messages API: the form is a tool that the model must call.

use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

use super::{
    Question,
    api_key::ApiKey,
    budget::Usage,
    received::{NoAnswer, Received},
};

pub(super) fn headers(key: Option<&ApiKey>) -> Vec<(&'static str, String)> {
    let mut headers = vec![("anthropic-version", "2023-06-01".to_owned())];
    headers.extend(key.map(|key| ("x-api-key", key.reveal().to_owned())));
    headers
}

pub(super) fn request(question: &Question, model: &str, max_output_tokens: u32) -> Value {
    json!({
        "model": model,
        "max_tokens": max_output_tokens,
        "system": question.instruction,
        "messages": [{"role": "user", "content": question.data}],
        "tools": [{"name": question.form, "description": question.purpose, "input_schema": question.schema}],
        "tool_choice": {"type": "tool", "name": question.form},
    })
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow, default)]
    content: Vec<Block<'a>>,
    stop_reason: Option<String>,
    usage: Option<Tokens>,
}

#[derive(Deserialize)]
struct Block<'a> {
    r#type: String,
    name: Option<String>,
    #[serde(borrow)]
    input: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Tokens {
    #[serde(default)]
    input_tokens: u64,
    #[serde(default)]
    output_tokens: u64,
    #[serde(default)]
    cache_read_input_tokens: Option<u64>,
    #[serde(default)]
    cache_creation_input_tokens: Option<u64>,
}

pub(super) fn read(body: &[u8], form: &str) -> Received {
    let message: Message<'_> = match serde_json::from_slice(body) {
        Ok(message) => message,
        Err(error) => return Received::malformed(error.to_string()),
    };
    Received {
        usage: message.usage.as_ref().map(Tokens::usage),
        json: message.form(form),
    }
}

impl Message<'_> {
    fn form(&self, form: &str) -> Result<String, NoAnswer> {
        if let Some(reason @ ("max_tokens" | "refusal" | "model_context_window_exceeded")) = self.stop_reason.as_deref()
        {
            return Err(NoAnswer::Unfinished(reason.to_owned()));
        }
        let is_call = |block: &&Block<'_>| block.r#type == "tool_use" && block.name.as_deref() == Some(form);
        let calls: Vec<&Block<'_>> = self.content.iter().filter(is_call).collect();
        match calls.as_slice() {
            [Block { input: Some(input), .. }] => Ok(input.get().to_owned()),
            calls => Err(NoAnswer::Malformed(format!(
                "it has {} tool calls instead of one",
                calls.len()
            ))),
        }
    }
}

impl Tokens {
    fn usage(&self) -> Usage {
        let cached = [self.cache_read_input_tokens, self.cache_creation_input_tokens];
        let cached = cached.into_iter().flatten().fold(0, u64::saturating_add);
        Usage {
            input_tokens: self.input_tokens.saturating_add(cached),
            output_tokens: self.output_tokens,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_value(body: &Value) -> Received {
        read(body.to_string().as_bytes(), "form")
    }

    #[test]
    fn the_input_of_the_forced_tool_is_the_answer() {
        let body = json!({
            "type": "message", "stop_reason": "tool_use", "new_field": 1,
            "content": [
                {"type": "text", "text": "Well,"},
                {"type": "tool_use", "id": "t", "name": "form", "input": {"a": [1]}},
            ],
            "usage": {
                "input_tokens": 5, "output_tokens": 7,
                "cache_read_input_tokens": 2, "cache_creation_input_tokens": null,
            },
        });
        let received = read_value(&body);
        assert_eq!(received.json.unwrap(), r#"{"a":[1]}"#);
        let usage = received.usage.unwrap();
        assert_eq!((usage.input_tokens, usage.output_tokens), (7, 7));
    }

    #[test]
    fn an_answer_without_one_call_is_none() {
        let call = json!({"type": "tool_use", "name": "form", "input": {}});
        let other = json!({"type": "tool_use", "name": "other", "input": {}});
        for content in [
            json!([]),
            json!([call, call]),
            json!([other]),
            json!([{"type": "text", "text": "{}"}]),
        ] {
            let received = read_value(&json!({"content": content, "usage": {"input_tokens": 3}}));
            assert!(matches!(received.json, Err(NoAnswer::Malformed(_))), "{content}");
            assert_eq!(received.usage.unwrap().input_tokens, 3);
        }
        let cut = read_value(&json!({"content": [call], "stop_reason": "max_tokens"}));
        assert_eq!(cut.json, Err(NoAnswer::Unfinished("max_tokens".to_owned())));
    }

    #[test]
    fn a_response_in_another_format_is_malformed() {
        for body in ["", "{", "[]", "null", "<html>", r#"{"content":"text"}"#] {
            assert!(
                matches!(read(body.as_bytes(), "form").json, Err(NoAnswer::Malformed(_))),
                "{body}"
            );
        }
    }
}
