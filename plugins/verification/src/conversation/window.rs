//! Limits how much of a conversation the model gets.

use std::{borrow::Cow, collections::VecDeque};

use super::{Speaker, Turn};

/// The maximum number of turns; the latest ones are used.
const TURNS: usize = 100;
/// The maximum length of a turn in characters. A longer turn is reduced to its beginning and end.
const CHARACTERS_OF_A_TURN: usize = 4_000;
/// The part of that length that the beginning gets.
const CHARACTERS_OF_ITS_BEGINNING: usize = 3_000;
/// The maximum number of characters of all turns. The oldest turns are omitted.
const CHARACTERS: usize = 120_000;

/// A turn in the form that the model gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GivenTurn<'a> {
    pub(crate) speaker: Speaker,
    pub(crate) text: Cow<'a, str>,
}

/// The latest turns, as far as the limits allow.
pub(crate) fn latest(turns: &[Turn]) -> VecDeque<GivenTurn<'_>> {
    let mut given = VecDeque::new();
    let mut characters = 0;
    for turn in turns.iter().rev().take(TURNS) {
        let text = shortened(&turn.text);
        characters += text.chars().count();
        if characters > CHARACTERS {
            break;
        }
        let speaker = turn.speaker;
        given.push_front(GivenTurn { speaker, text });
    }
    given
}

fn shortened(text: &str) -> Cow<'_, str> {
    let characters = text.chars().count();
    if characters <= CHARACTERS_OF_A_TURN {
        return Cow::Borrowed(text);
    }
    let place = |character: usize| {
        text.char_indices()
            .nth(character)
            .map_or(text.len(), |(place, _)| place)
    };
    let end = characters - (CHARACTERS_OF_A_TURN - CHARACTERS_OF_ITS_BEGINNING);
    let left_out = characters - CHARACTERS_OF_A_TURN;
    let (beginning, end) = (&text[..place(CHARACTERS_OF_ITS_BEGINNING)], &text[place(end)..]);
    Cow::Owned(format!("{beginning}\n[{left_out} characters are left out here]\n{end}"))
}

#[cfg(test)]
mod tests {
    use session_plugin_api::{Session, Timestamp};

    use super::*;
    use crate::conversation::Conversation;

    fn conversation(texts: impl Iterator<Item = String>) -> Conversation {
        let lines: Vec<String> = texts
            .map(|text| format!(r#"{{"type":"user","message":{{"content":"{text}"}}}}"#))
            .collect();
        let transcript = lines.join("\n");
        Conversation::of(&Session::from_bytes(
            "a/s.jsonl",
            "a",
            Timestamp::default(),
            transcript.as_bytes(),
        ))
    }

    #[test]
    fn the_last_hundred_turns_are_given_in_their_order() {
        let conversation = conversation((0..120).map(|number| number.to_string()));
        let given = latest(&conversation.turns);
        assert_eq!((given.len(), &*given[0].text, &*given[99].text), (100, "20", "119"));
    }

    #[test]
    fn of_a_long_turn_beginning_and_end_are_given() {
        let text = format!("{}{}{}", "ä".repeat(3_000), "b".repeat(500), "ö".repeat(1_000));
        let conversation = conversation([text].into_iter());
        let given = latest(&conversation.turns);
        assert!(!given[0].text.contains('b') && given[0].text.contains("[500 characters are left out here]"));
        assert_eq!(given[0].text.matches(['ä', 'ö']).count(), CHARACTERS_OF_A_TURN);
    }

    #[test]
    fn the_oldest_of_too_many_characters_are_left_out() {
        let conversation = conversation((0..50).map(|number| format!("{number}{}", "a".repeat(3_998))));
        let given = latest(&conversation.turns);
        assert_eq!(given.len(), 30);
        assert!(given.back().unwrap().text.starts_with("49a"));
    }
}
