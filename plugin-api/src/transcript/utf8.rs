//! Tells whether bytes are UTF-8.

use std::str::Utf8Error;

/// The bytes as text.
///
/// simdutf8 checks most lines at the speed of memory, but does not say where a fault is.
pub(super) fn text(bytes: &[u8]) -> Result<&str, Utf8Error> {
    match simdutf8::basic::from_utf8(bytes) {
        Ok(text) => Ok(text),
        Err(_) => std::str::from_utf8(bytes),
    }
}
