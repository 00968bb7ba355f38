//! Finds the slash commands that a text records.

use std::borrow::Cow;

use session_plugin_api::transcript::Text;

/// The names of the slash commands that a text records as `<command-name>/NAME</command-name>`.
pub(crate) fn slash_commands(text: Text<'_>) -> Vec<Cow<'_, str>> {
    // Most texts contain no command, and unescaping takes longer than this check.
    if !text.may_contain("<command-name>") {
        return Vec::new();
    }
    commands_in(text.decode())
}

fn commands_in(text: Cow<'_, str>) -> Vec<Cow<'_, str>> {
    match text {
        Cow::Borrowed(text) => names(text).map(Cow::Borrowed).collect(),
        Cow::Owned(text) => names(&text).map(|name| Cow::Owned(name.to_owned())).collect(),
    }
}

fn names(text: &str) -> impl Iterator<Item = &str> {
    let after_each_tag = text.split("<command-name>/").skip(1);
    after_each_tag
        .filter_map(|rest| Some(rest.split_once("</command-name>")?.0))
        .filter(|name| is_name(name))
}

fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name
            .chars()
            .all(|char| char.is_ascii_alphanumeric() || matches!(char, '_' | ':' | '-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<Cow<'_, str>> {
        commands_in(Cow::Borrowed(text))
    }

    #[test]
    fn every_command_is_found_in_its_order() {
        let text = "<command-name>/clear</command-name>\n<command-args>x</command-args> <command-name>/bakery:bake-2_b</command-name>";
        assert_eq!(found(text), ["clear", "bakery:bake-2_b"]);
    }

    #[test]
    fn other_text_is_not_a_command() {
        for text in [
            "/clear",
            "<command-name>clear</command-name>",
            "<command-name>/</command-name>",
            "<command-name>/2fast</command-name>",
            "<command-name>/two words</command-name>",
            "<command-name>/clear",
            "<command-name>/größe</command-name>",
        ] {
            assert!(found(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn a_broken_tag_does_not_hide_the_next() {
        assert_eq!(found("<command-name>/<command-name>/cost</command-name>"), ["cost"]);
        assert_eq!(
            found("<command-name>/a b</command-name><command-name>/cost</command-name>"),
            ["cost"]
        );
    }

    #[test]
    fn names_are_borrowed_from_a_borrowed_text() {
        let names = found("<command-name>/clear</command-name>");
        assert!(matches!(names[0], Cow::Borrowed("clear")));
    }
}
