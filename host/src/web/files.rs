//! The scripts and styles, which are in the binary. Their names hold their digests, so browsers keep them for good.

use axum::{
    body::Bytes,
    extract::Path,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::addresses::ASSETS;
use crate::http::answer::{Refusal, answer};

/// A file of the page.
#[derive(Clone, Copy, Debug)]
pub(super) struct PageFile {
    /// The name by which it is served.
    name: &'static str,
    content_type: &'static str,
    gzip: &'static [u8],
}

include!(concat!(env!("OUT_DIR"), "/page_files.rs"));

impl PageFile {
    /// The address of the file.
    pub(super) fn address(self) -> String {
        format!("{ASSETS}/{}", self.name)
    }
}

/// `GET /assets/NAME`: the file as it was compressed when the host was built. Every browser takes that.
pub(super) async fn file(Path(name): Path<String>) -> Response {
    let Some(file) = FILES.iter().find(|file| file.name == name) else {
        return Refusal::not_found("the page has no such file: reload it").into_response();
    };
    let mut response = answer(StatusCode::OK, file.content_type, Bytes::from_static(file.gzip));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    let forever = HeaderValue::from_static("public, max-age=31536000, immutable");
    headers.insert(header::CACHE_CONTROL, forever);
    response
}
