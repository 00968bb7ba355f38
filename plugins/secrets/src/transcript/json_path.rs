//! The position of a string in an event, as people read it.

use std::fmt::Write as _;

use super::{Enclosure, Place, Role, strings::Escaped};
use crate::concealment::Concealment;

/// The path from an event to one of its strings: `message.content[0].input.command`.
///
/// A key with other characters than letters, digits, `_`, `-` and `$` is quoted (`files["src/main.rs"]`), `headers{}`
/// is one of the keys of `headers`, and the part after ` -> ` is within a string that is itself JSON. A very long path
/// is truncated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct JsonPath {
    segments: Vec<Segment>,
}

/// The maximum number of segments in the text. One more is stored, to show that there are more.
const WRITTEN_SEGMENTS: usize = 64;

/// The maximum size of a key in bytes. A longer key is left out.
const WRITTEN_BYTES: usize = 120;

/// One segment of the path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Segment {
    /// The value of a key.
    Key(String),
    /// The value of a key that is too long to show: its beginning could be the beginning of a secret.
    LongKey,
    /// An element of a list.
    Position(usize),
    /// One of the keys of an object.
    AnyKey,
    /// The JSON within the string.
    Embedded,
}

impl JsonPath {
    /// The path to a string.
    pub(crate) fn of(Place { enclosures, role }: Place<'_>) -> Self {
        let (outer, innermost) = match role {
            Role::Key => (&enclosures[..enclosures.len().saturating_sub(1)], Some(Segment::AnyKey)),
            Role::Value => (enclosures, None),
        };
        let segments = outer.iter().map(|enclosure| match enclosure {
            Enclosure::Object(key) => Segment::of_key(*key),
            Enclosure::List { position, .. } => Segment::Position(*position),
        });
        Self {
            segments: segments.chain(innermost).take(WRITTEN_SEGMENTS + 1).collect(),
        }
    }

    /// The empty path, for text that is not in JSON.
    pub(crate) fn nowhere() -> Self {
        Self { segments: Vec::new() }
    }

    /// The path with these segments.
    pub(crate) fn from_segments(segments: Vec<Segment>) -> Self {
        Self { segments }
    }

    /// The path that continues within the string that this path leads to.
    pub(crate) fn into_embedded(mut self, inner: Self) -> Self {
        self.segments.push(Segment::Embedded);
        self.segments.extend(inner.segments);
        self
    }

    /// The path as text. Secrets in its keys are concealed, and a very long path is truncated.
    pub(crate) fn written(&self, concealment: &Concealment) -> String {
        let mut written = String::new();
        for segment in self.segments.iter().take(WRITTEN_SEGMENTS) {
            write_segment(segment, concealment, &mut written);
        }
        if self.segments.len() > WRITTEN_SEGMENTS {
            written.push_str("...");
        }
        concealment.apply(&written).to_owned()
    }
}

impl Segment {
    fn of_key(key: Option<Escaped<'_>>) -> Self {
        match key.map(|key| key.decode_short(WRITTEN_BYTES)) {
            None => Self::Key(String::new()),
            Some(None) => Self::LongKey,
            Some(Some(key)) => Self::Key(key.into_owned()),
        }
    }
}

fn write_segment(segment: &Segment, concealment: &Concealment, written: &mut String) {
    match segment {
        Segment::Key(key) => write_key(concealment.apply(key), written),
        Segment::LongKey => written.push_str("[...]"),
        Segment::Position(position) => {
            let _ = write!(written, "[{position}]");
        }
        Segment::AnyKey => written.push_str("{}"),
        Segment::Embedded => written.push_str(" -> "),
    }
}

fn write_key(key: &str, written: &mut String) {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-' | '$');
    if !key.is_empty() && key.chars().all(is_plain) {
        let is_first = written.is_empty() || written.ends_with(" -> ");
        written.push_str(if is_first { "" } else { "." });
        written.push_str(key);
    } else {
        let _ = write!(written, "[{key:?}]");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{secret::Secret, transcript::for_each_string};

    fn paths(json: &str, concealment: &Concealment) -> Vec<String> {
        let mut paths = Vec::new();
        for_each_string(json, |place, _| {
            paths.push(JsonPath::of(place).written(concealment));
        });
        paths
    }

    #[test]
    fn a_path_is_written_as_one_would_write_it_in_code() {
        let json = r#"{"message":{"content":[0,{"input":{"a b":{"\"":"x"}, "": "y"}}]}}"#;
        let expected = [
            "{}",
            "message{}",
            "message.content[1]{}",
            "message.content[1].input{}",
            r#"message.content[1].input["a b"]{}"#,
            r#"message.content[1].input["a b"]["\""]"#,
            "message.content[1].input{}",
            r#"message.content[1].input[""]"#,
        ];
        assert_eq!(paths(json, &Concealment::default()), expected);
    }

    #[test]
    fn a_path_within_a_string_follows_an_arrow() {
        let path = |key: &str| JsonPath::from_segments(vec![Segment::Key(key.into()), Segment::Position(0)]);
        let path = path("text").into_embedded(path("config"));
        assert_eq!(path.written(&Concealment::default()), "text[0] -> config[0]");
    }

    #[test]
    fn a_key_that_is_a_secret_is_concealed() {
        let secrets = [Secret::of_line("a \"secret\"")];
        let concealment = Concealment::of(&secrets).unwrap();
        let json = r#"{"the a \"secret\" key":["x"]}"#;
        assert_eq!(paths(json, &concealment)[1], r#"["***"][0]"#);
    }

    #[test]
    fn nothing_grows_without_bounds() {
        let deep = "[".repeat(1000) + "\"x\"" + &"]".repeat(1000);
        assert_eq!(paths(&deep, &Concealment::default()), ["[0]".repeat(64) + "..."]);
        let long = format!("{{\"{}\":\"x\"}}", "k".repeat(1000));
        assert_eq!(paths(&long, &Concealment::default())[1], "[...]");
    }
}
