//! Secrets that Markdown hides from the rules.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::{
    entry::Part,
    masking::{Excerpt, Mask, Masked},
};

/// The Markdown of transcripts. What shows it must read the same Markdown as what looks for secrets in it.
pub const MARKDOWN: Options = Options::ENABLE_TABLES
    .union(Options::ENABLE_STRIKETHROUGH)
    .union(Options::ENABLE_TASKLISTS);

/// A masked text in Markdown. If Markdown joins parts of a secret, as in `ghp\_...`, the part is the text without Markdown,
/// masked again.
pub(super) fn markdown(text: Excerpt, mask: &Mask) -> Part {
    let plain = plain(text.text.as_str());
    let masked = mask.text(&plain);
    if masked.as_str() == plain {
        return Part::Markdown(text);
    }
    Part::Text(Excerpt {
        text: masked,
        left_out: text.left_out,
    })
}

/// A masked text of the model's reasoning, which is in Markdown too.
pub(super) fn thinking(text: Excerpt, mask: &Mask) -> Part {
    match markdown(text, mask) {
        Part::Markdown(text) => Part::Thinking(text),
        Part::Text(text) => Part::Folded(Masked::fixed("Thinking"), text),
        other => other,
    }
}

/// What people read of a text in Markdown, then where its links lead to.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut addresses = String::new();
    for event in Parser::new_ext(text, MARKDOWN) {
        match event {
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                addresses.push('\n');
                addresses.push_str(&dest_url);
            }
            Event::Text(text) | Event::Code(text) | Event::Html(text) | Event::InlineHtml(text) => {
                plain.push_str(&text)
            }
            Event::SoftBreak | Event::HardBreak => plain.push('\n'),
            Event::End(
                TagEnd::Paragraph
                | TagEnd::Heading(_)
                | TagEnd::Item
                | TagEnd::CodeBlock
                | TagEnd::TableCell
                | TagEnd::TableRow,
            ) => plain.push('\n'),
            _ => {}
        }
    }
    plain + &addresses
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use secret_detector::Rules;

    use super::*;

    fn shown(text: &str) -> Part {
        let mask = Mask::new(Arc::new(Rules::shipped().unwrap()));
        markdown(mask.excerpt(text, usize::MAX), &mask)
    }

    #[test]
    fn markdown_hides_no_secret() {
        let key = ["AKIA", "QMGK2UPXJNE74YPX"].concat();
        for (before, after) in key.char_indices().skip(1).map(|(place, _)| key.split_at(place)) {
            for hidden in [
                format!("your {before}**{after}**"),
                format!("your {before}&#{};{}", u32::from(after.as_bytes()[0]), &after[1..]),
                format!("# your {before}`{after}`"),
                format!("your {before}~~{after}~~"),
                format!("|a|\n|-|\n|{before}~~{after}~~|"),
                format!("[a](https://b.example/?c=&#65;{}&d)", &key[1..]),
                format!("![a](https://b.example/?c=&#65;{}&d)", &key[1..]),
            ] {
                let Part::Text(text) = shown(&hidden) else {
                    panic!("{hidden} stays Markdown")
                };
                assert!(!text.text.as_str().contains(&key), "{text:?}");
            }
        }
    }

    #[test]
    fn thinking_hides_no_secret() {
        let mask = Mask::new(Arc::new(Rules::shipped().unwrap()));
        let shown = |text: &str| thinking(mask.excerpt(text, usize::MAX), &mask);
        let Part::Folded(_, text) = shown(&["AKIA", "**QMGK2UPXJNE74YPX**"].concat()) else {
            panic!("it stays Markdown")
        };
        assert!(!text.text.as_str().contains("QMGK"), "{text:?}");
        assert!(matches!(shown("**Perhaps**"), Part::Thinking(_)));
    }

    #[test]
    fn what_hides_nothing_stays_markdown() {
        for text in [
            "# a\n\n**b** `c`",
            "[a](https://b.example) ~~c~~",
            "|a|\n|-|\n|b|",
            "a key: AKIAQMGK2UPXJNE7",
            "",
        ] {
            assert!(matches!(shown(text), Part::Markdown(_)), "{text}");
        }
    }
}
