//! Commands of Chromium beyond WebDriver.

use fantoccini::wd::WebDriverCompatibleCommand;
use hyper::Method;
use serde_json::{Value, json};
use url::{ParseError, Url};

/// A command to a session.
#[derive(Debug)]
pub(crate) struct ToSession {
    path: &'static str,
    body: Value,
}

impl ToSession {
    /// What the console has told since the last time.
    pub(crate) fn console() -> Self {
        Self {
            path: "se/log",
            body: json!({"type": "browser"}),
        }
    }

    /// A command of the protocol for developers.
    pub(crate) fn devtools(command: &str, params: &Value) -> Self {
        Self {
            path: "goog/cdp/execute",
            body: json!({"cmd": command, "params": params}),
        }
    }
}

impl WebDriverCompatibleCommand for ToSession {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.body.to_string()))
    }
}
