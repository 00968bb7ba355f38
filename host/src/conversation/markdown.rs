//! Secrets that Markdown hides from the rules.

use pulldown_cmark::{Event, Parser, TagEnd};

use super::{
    entry::Part,
    masking::{Excerpt, Mask},
};

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

/// What people read of a text in Markdown.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for event in Parser::new(text) {
        match event {
            Event::Text(text) | Event::Code(text) | Event::Html(text) | Event::InlineHtml(text) => {
                plain.push_str(&text)
            }
            Event::SoftBreak | Event::HardBreak => plain.push('\n'),
            Event::End(TagEnd::Paragraph | TagEnd::Heading(_) | TagEnd::Item | TagEnd::CodeBlock) => plain.push('\n'),
            _ => {}
        }
    }
    plain
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
            ] {
                let Part::Text(text) = shown(&hidden) else {
                    panic!("{hidden} stays Markdown")
                };
                assert!(!text.text.as_str().contains(&key), "{text:?}");
            }
        }
    }

    #[test]
    fn what_hides_nothing_stays_markdown() {
        for text in ["# a\n\n**b** `c`", "a key: AKIAQMGK2UPXJNE7", ""] {
            assert!(matches!(shown(text), Part::Markdown(_)), "{text}");
        }
    }
}
