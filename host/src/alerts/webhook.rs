//! Sends an alert to the webhook: one POST with JSON, which a secret may sign.

use std::{fmt, net::IpAddr, time::Duration};

use backon::{BlockingRetryable, ExponentialBuilder};
use hmac::{Hmac, KeyInit, Mac};
use hyper::Uri;
use serde_json::json;
use sha2::Sha256;
use ureq::Agent;

use crate::{
    clock,
    config::{ConfigError, WebhookSettings},
    hex::hex,
    state::AlertRecord,
};

/// How long a request may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How long the first retry waits; the second waits four times as long.
const FIRST_WAIT: Duration = Duration::from_millis(500);

/// The header with the signature of the body.
const SIGNATURE: &str = "x-session-host-signature";

/// A webhook. Neither its address nor its secret is ever shown.
pub(super) struct Webhook {
    agent: Agent,
    url: String,
    secret: Option<Vec<u8>>,
}

/// Why the webhook did not take an alert.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotTaken {
    /// It answered with an error.
    #[error("it answered with the status {0}")]
    Status(u16),
    /// It did not answer.
    #[error("it cannot be reached: {0}")]
    Unreachable(String),
}

impl NotTaken {
    /// Whether the same request may succeed later.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::Status(status) => matches!(status, 408 | 429 | 500..),
            Self::Unreachable(_) => true,
        }
    }
}

impl fmt::Debug for Webhook {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Webhook(..)")
    }
}

impl Webhook {
    /// The webhook of these settings. It uses the proxy of the environment, but not to reach this machine.
    pub(super) fn new(settings: &WebhookSettings) -> Result<Self, ConfigError> {
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            // A redirect would send the alert to a place that nobody configured.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(TIMEOUT))
            .user_agent(concat!("session-host/", env!("CARGO_PKG_VERSION")));
        if is_this_machine(&settings.url) {
            config = config.proxy(None);
        }
        Ok(Self {
            agent: config.build().into(),
            url: settings.url.clone(),
            secret: settings.secret()?,
        })
    }

    /// Sends an alert, and sends it twice more if that may help.
    pub(super) fn deliver(&self, alert: &AlertRecord) -> Result<(), NotTaken> {
        let body = body(alert);
        let retries = ExponentialBuilder::default()
            .with_min_delay(FIRST_WAIT)
            .with_factor(4.0)
            .with_max_times(2);
        let send = || self.send(&body);
        send.retry(retries).when(NotTaken::is_passing).call()
    }

    fn send(&self, body: &str) -> Result<(), NotTaken> {
        let mut request = self.agent.post(&self.url).header("content-type", "application/json");
        if let Some(secret) = &self.secret {
            request = request.header(SIGNATURE, signature(secret, body.as_bytes()));
        }
        // The address may contain a secret.
        let unreachable = |error: ureq::Error| NotTaken::Unreachable(error.to_string().replace(&self.url, "(address)"));
        let response = request.send(body).map_err(unreachable)?;
        match response.status().as_u16() {
            200..300 => Ok(()),
            status => Err(NotTaken::Status(status)),
        }
    }
}

fn body(alert: &AlertRecord) -> String {
    json!({
        "alert": alert.key,
        "kind": alert.kind.as_str(),
        "text": alert.text,
        "fired_at": clock::text_of(alert.fired_at),
        "scope": alert.scope,
        "period": alert.period,
        "value_usd": alert.value_usd,
        "budget_usd": alert.budget_usd,
    })
    .to_string()
}

/// The HMAC-SHA-256 of a body, as the header has it.
fn signature(secret: &[u8], body: &[u8]) -> String {
    // HMAC takes keys of any length.
    let mac = Hmac::<Sha256>::new_from_slice(secret).map(|mac| mac.chain_update(body).finalize().into_bytes());
    mac.map_or_else(|_| String::new(), |mac| format!("sha256={}", hex(mac)))
}

fn is_this_machine(url: &str) -> bool {
    let uri: Option<Uri> = url.parse().ok();
    let host = uri.as_ref().and_then(Uri::host).unwrap_or_default();
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_that_of_rfc_4231() {
        let expected = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(signature(b"Jefe", b"what do ya want for nothing?"), expected);
    }

    #[test]
    fn the_loopback_has_no_proxy() {
        for url in ["http://127.0.0.1:80/a", "http://localhost/", "http://[::1]:8/"] {
            assert!(is_this_machine(url), "{url}");
        }
        assert!(!is_this_machine("https://example.com/127.0.0.1"));
    }
}
