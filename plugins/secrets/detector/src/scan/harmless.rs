//! Remembers short strings on which no rule is worth trying.
//!
//! The lines of a transcript repeat many strings, such as the session and the directory. Searching them once is enough,
//! because the rules that are worth trying depend on nothing but the string and its key.

use std::hash::BuildHasher;

use rustc_hash::FxBuildHasher;

/// Some of the harmless strings that were met lately, each with its key.
#[derive(Debug, Default)]
pub(super) struct Harmless {
    /// Each string has one place. A newer one takes the place of an older one.
    places: Vec<Place>,
}

#[derive(Debug, Default)]
struct Place {
    key: Option<String>,
    /// `None` before the first string.
    text: Option<String>,
}

/// The number of places.
const PLACES: usize = 512;

/// The maximum size of a string in bytes. Longer ones are seldom repeated.
const LONGEST: usize = 64;

impl Harmless {
    /// Whether the string is known to be harmless.
    pub(super) fn contains(&self, key: Option<&str>, text: &str) -> bool {
        let is_here = |known: &Place| known.text.as_deref() == Some(text) && known.key.as_deref() == key;
        text.len() <= LONGEST && self.places.get(place(key, text)).is_some_and(is_here)
    }

    /// Remembers a harmless string, unless it is long.
    pub(super) fn insert(&mut self, key: Option<&str>, text: &str) {
        if text.len() > LONGEST {
            return;
        }
        self.places.resize_with(PLACES, Place::default);
        let place = &mut self.places[place(key, text)];
        set(&mut place.text, Some(text));
        set(&mut place.key, key);
    }
}

/// Sets a text in the memory of the one before.
fn set(place: &mut Option<String>, text: Option<&str>) {
    match (place, text) {
        (Some(place), Some(text)) => text.clone_into(place),
        (place, text) => *place = text.map(str::to_owned),
    }
}

/// The place of a string. Strings that share a place only displace each other.
fn place(key: Option<&str>, text: &str) -> usize {
    FxBuildHasher.hash_one((key, text)) as usize % PLACES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_string_of_the_same_key_is_known() {
        let mut harmless = Harmless::default();
        assert!(!harmless.contains(None, ""));
        harmless.insert(Some("cwd"), "/home");
        harmless.insert(None, "");
        assert!(harmless.contains(Some("cwd"), "/home") && harmless.contains(None, ""));
        for (key, text) in [
            (None, "/home"),
            (Some("cw"), "d/home"),
            (Some("cwd"), "/hom"),
            (Some(""), ""),
        ] {
            assert!(!harmless.contains(key, text), "{key:?} {text}");
        }
    }

    #[test]
    fn any_number_of_strings_takes_little_memory() {
        let mut harmless = Harmless::default();
        for number in 0..10_000 {
            harmless.insert(Some("uuid"), &number.to_string());
            assert!(harmless.contains(Some("uuid"), &number.to_string()));
        }
        let long = "a".repeat(LONGEST + 1);
        harmless.insert(None, &long);
        assert!(!harmless.contains(None, &long) && harmless.places.len() == PLACES);
    }
}
