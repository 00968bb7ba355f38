//! Masks text that may be a secret although no rule recognises it, before the text is stored or sent.
//!
//! A rule must be precise, because a person has to follow up each finding. A mask only costs part of a message. It may
//! hide text that is not a secret, as long as the message stays useful: hashes, UUIDs, paths, words and numbers stay.

#[cfg(test)]
mod checks;
mod commands;
mod headers;
mod names;
mod pairs;
mod pgpass;
mod quotes;
mod random;
mod shapes;
mod urls;

use std::ops::Range;

use self::shapes::Search;

/// A masked part of a text, and the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mask {
    /// The text that replaces it.
    pub(crate) reason: &'static str,
    /// Its position in the text.
    pub(crate) range: Range<usize>,
}

/// All shapes that begin with a known word.
static SEARCH: Search = Search::new(&[
    &urls::USERS,
    &urls::HOOKS,
    &names::ENCLOSED,
    &names::UNQUOTED,
    &names::KEYS,
    &names::PLACES,
    &headers::HEADERS,
    &commands::COMMANDS,
]);

/// All masks of a text; ranges may overlap.
pub(crate) fn masks(text: &str) -> Vec<Mask> {
    let mut masks = SEARCH.masks(text);
    masks.append(&mut urls::parameters(text));
    masks.append(&mut pgpass::passwords(text));
    masks.append(&mut random::masks(text));
    masks
}

/// Whether a value is a placeholder or already masked: `$TOKEN`, `${{ secrets.TOKEN }}`, `<token>`, `***`.
fn is_placeholder(value: &str) -> bool {
    /// How many bytes of a value are examined. Placeholders are shorter.
    const LOOKED_AT: usize = 128;
    let value = &value[..value.floor_char_boundary(LOOKED_AT)];
    value.starts_with(['$', '<', '{', '%', '[', '*', '(']) || value.contains("...") || value.contains('…')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recognises_placeholders() {
        for value in [
            "$TOKEN",
            "${{ secrets.A }}",
            "<token>",
            "***",
            "{{ x }}",
            "%s",
            "sk-...",
            "[redacted: a]",
        ] {
            assert!(is_placeholder(value), "{value}");
        }
        assert!(!is_placeholder("hunter2"));
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_text_is_no_panic(text in "(password|token|key|://|Bearer |[a-zA-Z0-9@:/=?&. \n\"'\\\\é-]){0,60}") {
            for mask in masks(&text) {
                proptest::prop_assert!(text.get(mask.range).is_some_and(|masked| !masked.is_empty()));
            }
        }
    }
}
