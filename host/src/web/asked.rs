//! The parameters in the address of a page.

use axum::http::Uri;
use serde::de::DeserializeOwned;

use crate::http::answer::Refusal;

/// The parameters. A field that a form leaves empty counts as missing.
pub(super) fn asked<T: DeserializeOwned>(uri: &Uri) -> Result<T, Refusal> {
    serde_urlencoded::from_str(&filled(uri)).map_err(Refusal::bad_request)
}

/// The query of an address without the fields that are empty.
pub(super) fn filled(uri: &Uri) -> String {
    let pairs = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let filled = pairs.filter(|(_, value)| !value.is_empty());
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(filled)
        .finish()
}
