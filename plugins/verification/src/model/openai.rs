//! The format of OpenAI's chat completions, which many servers support: the form is a strict JSON schema.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Question,
    api_key::ApiKey,
    budget::Usage,
    received::{NoAnswer, Received},
    schema::without_lengths,
};

pub(super) fn headers(key: Option<&ApiKey>) -> Vec<(&'static str, String)> {
    key.map(|key| ("authorization", format!("Bearer {}", key.reveal())))
        .into_iter()
        .collect()
}

pub(super) fn request(question: &Question, model: &str, max_output_tokens: u32) -> Value {
    let schema = without_lengths(question.schema.clone());
    json!({
        "model": model,
        "max_completion_tokens": max_output_tokens,
        "messages": [
            {"role": "system", "content": question.instruction},
            {"role": "user", "content": question.data},
        ],
        "response_format": {
            "type": "json_schema",
            "json_schema": {
                "name": question.form,
                "description": question.purpose,
                "strict": true,
                "schema": schema,
            },
        },
    })
}

#[derive(Deserialize)]
struct Completion {
    #[serde(default)]
    choices: Vec<Choice>,
    usage: Option<Tokens>,
}

#[derive(Deserialize)]
struct Choice {
    message: Message,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Message {
    content: Option<String>,
    refusal: Option<String>,
}

#[derive(Deserialize)]
struct Tokens {
    #[serde(default)]
    prompt_tokens: u64,
    #[serde(default)]
    completion_tokens: u64,
}

pub(super) fn read(body: &[u8]) -> Received {
    let completion: Completion = match serde_json::from_slice(body) {
        Ok(completion) => completion,
        Err(error) => return Received::malformed(error.to_string()),
    };
    let usage = completion.usage.as_ref().map(|tokens| Usage {
        input_tokens: tokens.prompt_tokens,
        output_tokens: tokens.completion_tokens,
    });
    Received {
        usage,
        json: form(completion),
    }
}

fn form(completion: Completion) -> Result<String, NoAnswer> {
    let mut choices = completion.choices.into_iter();
    let (Some(choice), None) = (choices.next(), choices.next()) else {
        return Err(NoAnswer::Malformed("it does not have exactly one choice".to_owned()));
    };
    match (choice.finish_reason.as_deref(), choice.message) {
        (Some(reason @ ("length" | "content_filter")), _) => Err(NoAnswer::Unfinished(reason.to_owned())),
        (_, Message { refusal: Some(_), .. }) => Err(NoAnswer::Unfinished("refusal".to_owned())),
        (
            _,
            Message {
                content: Some(json), ..
            },
        ) => Ok(json),
        _ => Err(NoAnswer::Malformed("it has no content".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_value(body: &Value) -> Received {
        read(body.to_string().as_bytes())
    }

    #[test]
    fn the_content_of_the_choice_is_the_answer() {
        let body = json!({
            "object": "chat.completion",
            "choices": [{
                "index": 0, "finish_reason": "stop",
                "message": {"role": "assistant", "content": "{\"a\":1}", "refusal": null},
            }],
            "usage": {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12},
        });
        let received = read_value(&body);
        assert_eq!(received.json.unwrap(), r#"{"a":1}"#);
        let usage = received.usage.unwrap();
        assert_eq!((usage.input_tokens, usage.output_tokens), (5, 7));
    }

    #[test]
    fn an_answer_that_was_cut_or_refused_is_unfinished() {
        let choice = |reason: &str, refusal: Option<&str>| {
            let message = json!({"content": "{", "refusal": refusal});
            json!({"choices": [{"finish_reason": reason, "message": message}]})
        };
        for body in [
            choice("length", None),
            choice("content_filter", None),
            choice("stop", Some("no")),
        ] {
            assert!(matches!(read_value(&body).json, Err(NoAnswer::Unfinished(_))), "{body}");
        }
    }

    #[test]
    fn a_response_in_another_format_is_malformed() {
        for body in [
            "",
            "[]",
            "<html>",
            "{}",
            r#"{"choices":[]}"#,
            r#"{"choices":[{"message":{}}]}"#,
        ] {
            assert!(
                matches!(read(body.as_bytes()).json, Err(NoAnswer::Malformed(_))),
                "{body}"
            );
        }
    }
}
