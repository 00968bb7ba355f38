//! What the server does with a request.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
};

use serde_json::{Value, json};

use crate::Request;

/// What the server does with a request.
#[derive(Clone, Debug)]
pub struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Body,
}

#[derive(Clone, Debug)]
enum Body {
    /// JSON of the form, in the format of the request.
    Form(String),
    /// These bytes.
    Text(String),
    /// What was sent.
    Echo,
    /// Nothing, until the other side gives up.
    Nothing,
    /// Half of what is announced.
    Half,
    /// More and more, until the other side gives up.
    Endless,
}

impl Reply {
    /// An answer in the format of the request, of this form: JSON, or what pretends to be it.
    #[must_use]
    pub fn form(json: impl Into<String>) -> Self {
        Self::of(200, Body::Form(json.into()))
    }

    /// Status 200 with any body.
    #[must_use]
    pub fn text(body: impl Into<String>) -> Self {
        Self::of(200, Body::Text(body.into()))
    }

    /// A status, with an error as both formats have it.
    #[must_use]
    pub fn status(status: u16) -> Self {
        let error = json!({"error": {"type": "error_of_the_test", "message": format!("status {status}")}});
        Self::of(status, Body::Text(error.to_string()))
    }

    /// Status 400, and what was sent is sent back.
    #[must_use]
    pub fn echo() -> Self {
        Self::of(400, Body::Echo)
    }

    /// No answer: the connection stays open until the other side gives up.
    #[must_use]
    pub fn silence() -> Self {
        Self::of(200, Body::Nothing)
    }

    /// Half an answer: the connection is closed in the middle of the body.
    #[must_use]
    pub fn half() -> Self {
        Self::of(200, Body::Half)
    }

    /// An answer without an end.
    #[must_use]
    pub fn endless() -> Self {
        Self::of(200, Body::Endless)
    }

    /// The same with a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    fn of(status: u16, body: Body) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body,
        }
    }

    /// Does it. That the other side hangs up is part of many tests.
    pub(crate) fn send(&self, request: &Request, stream: &mut TcpStream) -> io::Result<()> {
        match &self.body {
            Body::Form(json) => self.send_whole(&in_format(request, json), stream),
            Body::Text(text) => self.send_whole(text, stream),
            Body::Echo => self.send_whole(&request.body, stream),
            Body::Nothing => until_hung_up(stream),
            Body::Half => {
                self.send_head(Some(1_000), stream)?;
                stream.write_all(br#"{"content": [{"type": "#)
            }
            Body::Endless => {
                self.send_head(None, stream)?;
                loop {
                    stream.write_all(&[b' '; 4096])?;
                }
            }
        }
    }

    fn send_whole(&self, body: &str, stream: &mut TcpStream) -> io::Result<()> {
        self.send_head(Some(body.len()), stream)?;
        stream.write_all(body.as_bytes())
    }

    fn send_head(&self, length: Option<usize>, stream: &mut TcpStream) -> io::Result<()> {
        let mut head = format!(
            "HTTP/1.1 {} Told\r\nconnection: close\r\ncontent-type: application/json\r\n",
            self.status
        );
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if let Some(length) = length {
            head.push_str(&format!("content-length: {length}\r\n"));
        }
        head.push_str("\r\n");
        stream.write_all(head.as_bytes())
    }
}

fn until_hung_up(stream: &mut TcpStream) -> io::Result<()> {
    let mut rest = [0; 64];
    while stream.read(&mut rest)? > 0 {}
    Ok(())
}

fn in_format(request: &Request, json: &str) -> String {
    let body = match request.is_anthropic() {
        true => {
            // What is no JSON at all cannot stand in this format but as text.
            let input: Value = serde_json::from_str(json).unwrap_or_else(|_| json.into());
            json!({
                "id": "msg_1", "type": "message", "role": "assistant", "model": "test-model", "stop_reason": "tool_use",
                "content": [{"type": "tool_use", "id": "toolu_1", "name": request.form(), "input": input}],
                "usage": {"input_tokens": 100, "output_tokens": 20},
            })
        }
        false => json!({
            "id": "c_1", "object": "chat.completion", "model": "test-model",
            "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": json}}],
            "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120},
        }),
    };
    body.to_string()
}
