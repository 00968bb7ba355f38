//! Bytes as text.

/// The bytes as lower-case hex digits, two for each.
///
/// ```
/// assert_eq!(session_plugin_api::hex([0x0a, 0xff]), "0aff");
/// ```
#[must_use]
pub fn hex(bytes: impl AsRef<[u8]>) -> String {
    const DIGITS: [u8; 16] = *b"0123456789abcdef";
    let halves = bytes.as_ref().iter().flat_map(|byte| [byte >> 4, byte & 0xF]);
    halves.map(|half| char::from(DIGITS[usize::from(half)])).collect()
}
