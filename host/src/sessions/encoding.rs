//! Decodes transcripts in UTF-16, which a redirection in PowerShell writes, so that processors only see UTF-8.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE};

/// UTF-16 as UTF-8, in which invalid UTF-16 becomes U+FFFD; `None` for anything else.
pub(crate) fn decoded_utf_16(bytes: &[u8]) -> Option<Vec<u8>> {
    match utf_16(bytes)?.decode_with_bom_removal(bytes).0 {
        Cow::Owned(decoded) => Some(decoded.into_bytes()),
        Cow::Borrowed(_) => None,
    }
}

/// The encoding, recognised by a byte order mark before an ASCII character, or by the beginning of a JSON object.
fn utf_16(bytes: &[u8]) -> Option<&'static Encoding> {
    match bytes {
        [0xff, 0xfe, 1..=0x7f, 0, ..] | [b'{', 0, b'"', 0, ..] => Some(UTF_16LE),
        [0xfe, 0xff, 0, 1..=0x7f, ..] | [0, b'{', 0, b'"', ..] => Some(UTF_16BE),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "{\"cwd\":\"/home/b\u{fc}ro \u{1f375}\"}\n";

    fn decoded(bytes: impl IntoIterator<Item = u8>) -> Vec<u8> {
        let bytes: Vec<u8> = bytes.into_iter().collect();
        decoded_utf_16(&bytes).unwrap_or(bytes)
    }

    #[test]
    fn both_orders_are_decoded_with_and_without_a_mark() {
        for mark in ["", "\u{feff}"] {
            let text = format!("{mark}{LINE}");
            let units = || text.encode_utf16();
            assert_eq!(decoded(units().flat_map(u16::to_le_bytes)), LINE.as_bytes());
            assert_eq!(decoded(units().flat_map(u16::to_be_bytes)), LINE.as_bytes());
        }
    }

    #[test]
    fn half_a_unit_at_the_end_becomes_one_replacement_character() {
        let units = LINE.encode_utf16().flat_map(u16::to_le_bytes);
        assert_eq!(decoded(units.chain([b'{'])), format!("{LINE}\u{fffd}").as_bytes());
    }

    #[test]
    fn anything_else_stays_unchanged() {
        for bytes in [
            LINE.as_bytes(),
            b"\xef\xbb\xbf{}",
            b"\xff\xfe{\"a\":1}",
            b"\xff\xfe",
            b"\0\0\0\0{}",
            b"{\0",
            b"",
        ] {
            assert_eq!(decoded(bytes.iter().copied()), bytes);
        }
    }
}
