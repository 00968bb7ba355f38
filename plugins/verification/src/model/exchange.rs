//! Sends one request over the network and receives the answer.
//!
//! # Threads
//! A request that waits for its server cannot be interrupted, so each has a thread of its own. The thread of the attempt
//! asks meanwhile whether to stop. Then it leaves the request alone, which ends by its own timeout.

use std::{
    fmt, io,
    sync::mpsc::{RecvTimeoutError, sync_channel},
    thread,
    time::Duration,
};

use ureq::Agent;

use super::{
    address::BaseUrl,
    cancellation::{ASK_AGAIN, Cancellation},
};

/// A request that is ready to be sent.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    pub(super) url: &'a str,
    pub(super) headers: &'a Headers,
    pub(super) body: &'a str,
    pub(super) timeout: Duration,
    pub(super) cancellation: &'a dyn Cancellation,
}

/// Headers. One of them may contain the key, so their values are never shown.
#[derive(Clone)]
pub(crate) struct Headers(pub(super) Vec<(&'static str, String)>);

impl fmt::Debug for Headers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_list()
            .entries(self.0.iter().map(|(name, _)| name))
            .finish()
    }
}

/// A response with any status.
#[derive(Clone, Debug, Default)]
pub(crate) struct Response {
    pub(super) status: u16,
    pub(super) retry_after: Option<String>,
    pub(super) body: Vec<u8>,
}

/// Why there is no response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NoResponse {
    /// The server took too long.
    Timeout,
    /// There was no connection, or it was lost.
    Connection(String),
    /// The response is too large.
    TooLarge,
    /// The host wants the session to stop.
    Cancelled,
}

/// Sends requests. A trait, so that tests need no network.
pub(crate) trait Exchange: fmt::Debug + Send + Sync {
    /// Sends a request and waits for the response.
    fn exchange(&self, request: &Request<'_>) -> Result<Response, NoResponse>;
}

/// HTTP, with TLS if the URL says so.
#[derive(Debug)]
pub(crate) struct HttpExchange {
    agent: Agent,
    max_response_bytes: u64,
}

impl HttpExchange {
    /// An exchange with this address. Responses may have `max_response_bytes` bytes.
    ///
    /// It uses the proxy of the environment (`HTTPS_PROXY` and similar), but not to reach this machine.
    pub(crate) fn new(base_url: &BaseUrl, max_response_bytes: u64) -> Self {
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            // A redirect would send the key and the transcript to a place that nobody configured.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("session-host-verification/", env!("CARGO_PKG_VERSION")));
        if base_url.is_this_machine() {
            config = config.proxy(None);
        }
        Self {
            agent: config.build().into(),
            max_response_bytes,
        }
    }
}

impl Exchange for HttpExchange {
    fn exchange(&self, request: &Request<'_>) -> Result<Response, NoResponse> {
        let sending = Sending {
            agent: self.agent.clone(),
            url: request.url.to_owned(),
            headers: request.headers.clone(),
            body: request.body.to_owned(),
            timeout: request.timeout,
            max_response_bytes: self.max_response_bytes,
        };
        let (sender, answer) = sync_channel(1);
        let send = move || {
            // Nobody waits for the answer once the session has stopped.
            let _ = sender.send(sending.send());
        };
        let started = thread::Builder::new().name("model-request".to_owned()).spawn(send);
        started.map_err(|error| NoResponse::Connection(format!("cannot start a thread: {error}")))?;
        loop {
            match answer.recv_timeout(ASK_AGAIN) {
                Ok(answer) => return answer,
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(NoResponse::Connection("the request panicked".to_owned()));
                }
                Err(RecvTimeoutError::Timeout) if request.cancellation.is_cancelled() => {
                    return Err(NoResponse::Cancelled);
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }
}

/// A request on its way, in the thread that sends it.
struct Sending {
    agent: Agent,
    url: String,
    headers: Headers,
    body: String,
    timeout: Duration,
    max_response_bytes: u64,
}

impl Sending {
    fn send(self) -> Result<Response, NoResponse> {
        let mut sending = self.agent.post(&self.url).header("content-type", "application/json");
        for (name, value) in &self.headers.0 {
            sending = sending.header(*name, value);
        }
        let sending = sending.config().timeout_global(Some(self.timeout)).build();
        let mut response = sending.send(&self.body).map_err(NoResponse::from)?;
        let retry_after = response.headers().get("retry-after");
        Ok(Response {
            status: response.status().as_u16(),
            retry_after: retry_after.and_then(|value| value.to_str().ok()).map(str::to_owned),
            body: response
                .body_mut()
                .with_config()
                .limit(self.max_response_bytes)
                .read_to_vec()
                .map_err(NoResponse::from)?,
        })
    }
}

impl From<ureq::Error> for NoResponse {
    fn from(error: ureq::Error) -> Self {
        match error {
            ureq::Error::Timeout(_) => Self::Timeout,
            ureq::Error::BodyExceedsLimit(_) => Self::TooLarge,
            ureq::Error::Io(error) if error.kind() == io::ErrorKind::TimedOut => Self::Timeout,
            error => Self::Connection(error.to_string()),
        }
    }
}
