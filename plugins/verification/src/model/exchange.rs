//! Sends one request over the network and receives the answer.

use std::{fmt, io, time::Duration};

use ureq::Agent;

use super::address::BaseUrl;

/// A request that is ready to be sent.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    pub(super) url: &'a str,
    pub(super) headers: &'a Headers,
    pub(super) body: &'a str,
    pub(super) timeout: Duration,
}

/// Headers. One of them may contain the key, so their values are never shown.
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
        let mut sending = self.agent.post(request.url).header("content-type", "application/json");
        for (name, value) in &request.headers.0 {
            sending = sending.header(*name, value);
        }
        let sending = sending.config().timeout_global(Some(request.timeout)).build();
        let mut response = sending.send(request.body).map_err(NoResponse::from)?;
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
