//! What the server was asked.

use std::io::{BufRead, Read};

use serde_json::Value;

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct Request {
    /// The path, such as `/v1/messages`.
    pub path: String,
    /// The headers, their names in small letters.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl Request {
    /// Reads a request; `None` when the connection ends before one.
    pub(crate) fn read(stream: &mut impl BufRead) -> Option<Self> {
        let mut line = String::new();
        stream.read_line(&mut line).ok()?;
        let path = line.split(' ').nth(1)?.to_owned();
        let mut headers = Vec::new();
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).ok()?;
            let Some((name, value)) = line.split_once(':') else {
                break;
            };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut request = Self {
            path,
            headers,
            body: String::new(),
        };
        let length = request
            .header("content-length")
            .and_then(|length| length.parse().ok())?;
        stream.take(length).read_to_string(&mut request.body).ok()?;
        Some(request)
    }

    /// A header's value.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    #[must_use]
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("a request to a model is JSON")
    }

    /// Whether the request is one of Anthropic's format, else it is one of OpenAI's.
    #[must_use]
    pub fn is_anthropic(&self) -> bool {
        self.path.ends_with("/messages")
    }

    /// The name of the form that is asked for, such as `verifications`.
    #[must_use]
    pub fn form(&self) -> String {
        let json = self.json();
        let name = match self.is_anthropic() {
            true => &json["tool_choice"]["name"],
            false => &json["response_format"]["json_schema"]["name"],
        };
        name.as_str().unwrap_or_default().to_owned()
    }

    /// What the model is given to read, without the instruction.
    #[must_use]
    pub fn data(&self) -> String {
        let json = self.json();
        let last = json["messages"].as_array().and_then(|messages| messages.last());
        let content = last.and_then(|message| message["content"].as_str());
        content.unwrap_or_default().to_owned()
    }

    /// The instruction.
    #[must_use]
    pub fn instruction(&self) -> String {
        let json = self.json();
        let instruction = match self.is_anthropic() {
            true => &json["system"],
            false => &json["messages"][0]["content"],
        };
        instruction.as_str().unwrap_or_default().to_owned()
    }
}
