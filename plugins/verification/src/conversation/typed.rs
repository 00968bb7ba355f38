//! What a person typed, without what the agent puts among it.

use std::borrow::Cow;

/// Elements that the agent writes into the user's text: its own notes, and the output of commands and tasks.
const OF_THE_AGENT: [&str; 7] = [
    "system-reminder",
    "task-notification",
    "local-command-caveat",
    "local-command-stdout",
    "local-command-stderr",
    "bash-stdout",
    "bash-stderr",
];

/// The text without those elements. One that is not closed is the person's own text.
pub(super) fn typed(text: Cow<'_, str>) -> Cow<'_, str> {
    OF_THE_AGENT.into_iter().fold(text, without)
}

fn without<'a>(text: Cow<'a, str>, name: &str) -> Cow<'a, str> {
    let (opening, closing) = (format!("<{name}>"), format!("</{name}>"));
    let mut rest = &*text;
    let mut kept = String::new();
    while let Some((before, element)) = rest.split_once(&opening) {
        let Some((_, after)) = element.split_once(&closing) else {
            break;
        };
        kept.push_str(before);
        kept.push(' ');
        rest = after;
    }
    match kept.is_empty() {
        true => text,
        false => Cow::Owned(kept + rest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_agent_wrote_is_left_out() {
        let text =
            "one <system-reminder>a\nb</system-reminder>two<bash-stdout>c</bash-stdout><bash-stdout></bash-stdout>";
        assert_eq!(
            typed(Cow::Borrowed(text)).split_whitespace().collect::<Vec<_>>(),
            ["one", "two"]
        );
    }

    #[test]
    fn what_a_person_typed_stays() {
        for text in [
            "<b>bold</b>",
            "<system-reminder> is a tag",
            "</bash-stdout><bash-stdout>",
            "<command-args>net of VAT</command-args>",
        ] {
            assert!(matches!(typed(Cow::Borrowed(text)), Cow::Borrowed(same) if same == text));
        }
    }
}
