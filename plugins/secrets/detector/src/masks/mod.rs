//! What may be a secret although no rule knows it: what is kept or sent for another reason does without it.
//!
//! A rule has to be right where it finds something, for a finding is work for a person. A mask costs a part of a message,
//! so it may hide what is no secret, as long as the message stays of use: hashes, UUIDs, paths, words and numbers stay.

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

/// A part of a text that is masked, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mask {
    /// What stands in its place.
    pub(crate) reason: &'static str,
    /// Where it is.
    pub(crate) range: Range<usize>,
}

/// All forms that are told by a word.
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

/// All that is masked in a text; ranges may overlap.
pub(crate) fn masks(text: &str) -> Vec<Mask> {
    let mut masks = SEARCH.masks(text);
    masks.append(&mut urls::parameters(text));
    masks.append(&mut pgpass::passwords(text));
    masks.append(&mut random::masks(text));
    masks
}

/// Whether a value is filled in later, or masked already: `$TOKEN`, `${{ secrets.TOKEN }}`, `<token>`, `***`.
fn is_placeholder(value: &str) -> bool {
    /// What is longer is no placeholder, in bytes.
    const LOOKED_AT: usize = 128;
    let value = &value[..value.floor_char_boundary(LOOKED_AT)];
    value.starts_with(['$', '<', '{', '%', '[', '*', '(']) || value.contains("...") || value.contains('…')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_filled_in_later_is_a_placeholder() {
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
