//! Extracts the text of a panic.

use std::any::Any;

/// The text of a panic's payload, or a note if the payload is not text.
#[must_use]
pub fn panic_text(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a payload that is not text")
}
