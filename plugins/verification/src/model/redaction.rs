//! Limits what errors show of a response, because a server may send back the key or text of the transcript.

use super::api_key::ApiKey;

/// The maximum number of characters shown.
const TOLD: usize = 200;
/// The number of characters examined.
const LOOKED_AT: usize = 600;
/// The shortest run of letters and digits that is hidden because the transcript also contains it.
const RUN_OF_TRANSCRIPT: usize = 8;
/// The shortest run that is hidden because the key also contains it.
const RUN_OF_KEY: usize = 4;

/// The beginning of a text, without the parts that also occur in `private` or in the key.
pub(super) fn excerpt(text: &str, private: &str, key: Option<&ApiKey>) -> String {
    let folded = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let characters: Vec<char> = folded.chars().take(LOOKED_AT).collect();
    let mut hidden = vec![false; characters.len()];
    hide(&characters, &mut hidden, &letters(private), RUN_OF_TRANSCRIPT);
    if let Some(key) = key {
        hide(&characters, &mut hidden, &letters(key.reveal()), RUN_OF_KEY);
    }
    let mut told = String::new();
    let mut was_hidden = false;
    for (character, hidden) in characters.into_iter().zip(hidden).take(TOLD) {
        if !hidden {
            told.push(character);
        } else if !was_hidden {
            told.push_str("[...]");
        }
        was_hidden = hidden;
    }
    told
}

/// Only letters and digits, so that escapes and line breaks hide nothing.
fn letters(text: &str) -> String {
    text.chars().filter_map(letter).collect()
}

fn letter(character: char) -> Option<char> {
    character
        .is_alphanumeric()
        .then(|| character.to_lowercase().next())
        .flatten()
}

fn hide(characters: &[char], hidden: &mut [bool], private: &str, run: usize) {
    let places: Vec<(usize, char)> = characters
        .iter()
        .enumerate()
        .filter_map(|(place, character)| Some((place, letter(*character)?)))
        .collect();
    for window in places.windows(run) {
        let text: String = window.iter().map(|(_, letter)| letter).collect();
        if let ([(first, _), .., (last, _)], true) = (window, private.contains(&text)) {
            hidden[*first..=*last].fill(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::KeySource;

    fn key(text: &str) -> ApiKey {
        let source = KeySource::Variable("KEY".to_owned());
        source.read(|_| Some(text.to_owned())).unwrap().unwrap()
    }

    #[test]
    fn text_of_the_transcript_is_hidden() {
        let private = "The merger with Brightwater\nis secret.";
        let told = excerpt("bad input: 'merger with Brightwater\\nis SECRET' at 7", private, None);
        assert!(told.starts_with("bad input: '") && told.ends_with("' at 7"), "{told}");
        for word in ["merger", "Bright", "SECRET"] {
            assert!(!told.contains(word), "{told}");
        }
    }

    #[test]
    fn possible_parts_of_the_key_are_hidden() {
        let told = excerpt("no such key: sk-abcd****wxyz", "", Some(&key("sk-abcd1234567890wxyz")));
        assert_eq!(told, "no such key: [...]****[...]");
    }

    #[test]
    fn only_the_beginning_is_told_on_one_line() {
        let told = excerpt(&"a b\n\n\tc ".repeat(1_000), "", None);
        assert_eq!(told.chars().count(), TOLD);
        assert!(told.starts_with("a b c a b c"));
        assert_eq!(excerpt("", "", None), "");
    }
}
