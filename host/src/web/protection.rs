//! The headers that tell browsers what a page may do.

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, header},
    middleware::Next,
    response::Response,
};

use crate::hex::hex;

/// A number that is used once: the scripts and styles of one answer bear it.
#[derive(Clone, Debug)]
pub(super) struct Nonce(String);

impl Nonce {
    /// A new one.
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub(super) fn new() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes)?;
        Ok(Self(hex(bytes)))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The policy of a page whose scripts and styles bear it.
    pub(super) fn policy(&self) -> Option<HeaderValue> {
        let policy = format!(
            "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'self' 'nonce-{nonce}'; img-src 'self'; \
             connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
            nonce = self.0
        );
        HeaderValue::try_from(policy).ok()
    }
}

/// Adds the headers that an answer of the page does not have itself. All answers of the service have some more.
pub(super) async fn protect(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    add(headers, header::CACHE_CONTROL, "no-store");
    add(headers, header::REFERRER_POLICY, "same-origin");
    add(
        headers,
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    );
    add(
        headers,
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    );
    response
}

fn add(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers.entry(name).or_insert(HeaderValue::from_static(value));
}
