//! Checks that a user of the session said the text that the model quotes, because the model may invent quotes.

use std::ops::Range;

use session_plugin_api::Timestamp;

use super::{
    Conversation, Speaker,
    wrapping::{is_hidden, unescaped},
};

/// The text of all users' turns in a session, with white space folded.
#[derive(Debug)]
pub(crate) struct UserTurns {
    turns: Vec<(String, Timestamp)>,
}

/// A quote found in a user's turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FoundQuote {
    /// The quote as the user said it, with white space folded.
    pub(crate) text: String,
    /// The time when it was first said.
    pub(crate) said_at: Timestamp,
    /// Its position; `None` if it occurs more than once, so that the position is ambiguous.
    pub(crate) place: Option<Place>,
}

/// A range within one of the users' turns, after folding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    turn: usize,
    bytes: Range<usize>,
}

impl Place {
    /// Whether two ranges overlap.
    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        self.turn == other.turn && self.bytes.start < other.bytes.end && other.bytes.start < self.bytes.end
    }
}

impl UserTurns {
    /// The users' text in the complete session, including turns that the model does not get.
    pub(crate) fn of(conversation: &Conversation) -> Self {
        let turns = conversation.turns.iter();
        let of_users = turns.filter(|turn| turn.speaker == Speaker::User);
        Self {
            turns: of_users.map(|turn| (folded(&turn.text), turn.said_at)).collect(),
        }
    }

    /// Whether no user said anything.
    pub(crate) fn is_empty(&self) -> bool {
        self.turns.is_empty()
    }

    /// Finds a quote; `None` if no user said it.
    ///
    /// The model reads escaped text, so an escaped quote also matches.
    pub(crate) fn find(&self, quote: &str) -> Option<FoundQuote> {
        let as_given = folded(quote);
        self.find_folded(&as_given)
            .or_else(|| self.find_folded(&unescaped(&as_given)))
    }

    fn find_folded(&self, quote: &str) -> Option<FoundQuote> {
        if quote.is_empty() {
            return None;
        }
        let turns = self.turns.iter().enumerate();
        let mut found = turns.flat_map(|(turn, (text, said_at))| {
            let starts = text.match_indices(quote).map(|(start, _)| start);
            starts.map(move |start| (turn, start, said_at))
        });
        let (turn, start, said_at) = found.next()?;
        let place = Place {
            turn,
            bytes: start..start + quote.len(),
        };
        Some(FoundQuote {
            text: quote.to_owned(),
            said_at: *said_at,
            place: found.next().is_none().then_some(place),
        })
    }
}

/// Text with each run of white space replaced by one space, trimmed, and without invisible characters.
pub(crate) fn folded(text: &str) -> String {
    let visible: String = text.chars().filter(|character| !is_hidden(*character)).collect();
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use session_plugin_api::Session;

    use super::*;

    fn user_turns(texts: &[&str]) -> UserTurns {
        let lines: Vec<String> = texts
            .iter()
            .map(|text| serde_json::json!({"type": "user", "message": {"content": text}}).to_string())
            .chain([r#"{"type":"assistant","message":{"content":"only the assistant said so"}}"#.to_owned()])
            .collect();
        let transcript = lines.join("\n");
        let session = Session::from_bytes("a/s.jsonl", "a", Timestamp::from_micros(7), transcript.as_bytes());
        UserTurns::of(&Conversation::of(&session))
    }

    #[test]
    fn white_space_is_folded_and_nothing_else() {
        let turns = user_turns(&["No,\n\n revenue   is net\tof VAT."]);
        let found = turns.find("  No, revenue is\nnet of VAT. ").unwrap();
        assert_eq!(
            (&*found.text, found.said_at, found.place.is_some()),
            ("No, revenue is net of VAT.", Timestamp::from_micros(7), true)
        );
        for invented in ["no, revenue is net", "revenue is not net", "revenueis net", "", " \n"] {
            assert_eq!(turns.find(invented), None, "{invented}");
        }
    }

    #[test]
    fn the_assistants_words_are_not_a_users_quote() {
        assert_eq!(user_turns(&["hello"]).find("only the assistant said so"), None);
    }

    #[test]
    fn a_quote_does_not_reach_over_two_turns() {
        assert_eq!(user_turns(&["one", "two"]).find("one two"), None);
    }

    #[test]
    fn a_quote_of_the_escaped_text_counts() {
        let turns = user_turns(&["keep x < 5 && y > 2, never &lt;"]);
        assert_eq!(
            turns.find("x &lt; 5 &amp;&amp; y &gt; 2").unwrap().text,
            "x < 5 && y > 2"
        );
        assert_eq!(turns.find("never &lt;").unwrap().text, "never &lt;");
    }

    #[test]
    fn a_quote_that_stands_twice_has_no_place() {
        for turns in [
            &["no, wrong", "no, wrong again"][..],
            &["no, wrong, and again: no, wrong"],
        ] {
            assert_eq!(user_turns(turns).find("no, wrong").unwrap().place, None);
        }
    }

    #[test]
    fn quotes_overlap_where_they_have_text_in_common() {
        let turns = user_turns(&["no, net of VAT, always", "gross of VAT"]);
        let overlap = |one: &str, other: &str| {
            let place = |quote: &str| turns.find(quote).unwrap().place.unwrap();
            place(one).overlaps(&place(other))
        };
        assert!(overlap("net of VAT", "net of VAT, a"));
        assert!(overlap("net of VAT, always", "no, net"));
        assert!(!overlap("no,", " net of VAT"));
        assert!(!overlap("net of", "gross of"));
    }
}
