//! Markdown as HTML that can do nothing.
//!
//! Only the tags below are written, and of attributes only `href`, `rel` and `start`. Raw HTML is text. A link leads to `http`,
//! `https` or `mailto`; an image becomes a link, because a page loads nothing from elsewhere.

use std::fmt::Write as _;

use maud::{Escaper, Markup, PreEscaped};
use pulldown_cmark::{Event, HeadingLevel, Parser, Tag, TagEnd, TextMergeStream};

use crate::{
    conversation::{MARKDOWN, Masked},
    printable,
};

/// How deep elements nest. What is deeper loses its elements, not its text: browsers nest no deeper than 512.
const DEEPEST: usize = 64;

/// A masked text in Markdown.
pub(super) fn rendered(text: &Masked) -> Markup {
    PreEscaped(html_of(text.as_str()))
}

fn html_of(text: &str) -> String {
    let mut writer = Writer {
        html: String::with_capacity(text.len() * 5 / 4),
        open: Vec::new(),
        is_in_head: false,
        is_in_link: false,
    };
    TextMergeStream::new(Parser::new_ext(text, MARKDOWN)).for_each(|event| writer.take(event));
    writer.html
}

struct Writer {
    html: String,
    /// What ends each open element.
    open: Vec<Ending>,
    is_in_head: bool,
    is_in_link: bool,
}

/// What ends an element.
enum Ending {
    /// This.
    Tags(&'static str),
    /// The address of a link that leads nowhere, as text.
    Address(String),
}

impl Writer {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Code(text) => {
                self.html.push_str("<code>");
                self.text(&text);
                self.html.push_str("</code>");
            }
            Event::Text(text)
            | Event::Html(text)
            | Event::InlineHtml(text)
            | Event::InlineMath(text)
            | Event::DisplayMath(text)
            | Event::FootnoteReference(text) => self.text(&text),
            Event::SoftBreak => self.html.push('\n'),
            Event::HardBreak => self.html.push_str("<br>"),
            Event::Rule => self.html.push_str("<hr>"),
            Event::TaskListMarker(true) => self.html.push_str("[x] "),
            Event::TaskListMarker(false) => self.html.push_str("[ ] "),
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Link { dest_url, .. } => return self.link(&dest_url, ""),
            Tag::Image { dest_url, .. } => return self.link(&dest_url, "image: "),
            Tag::List(Some(first)) => {
                let begin = format!("<ol start=\"{first}\">");
                return self.element(&begin, "</ol>");
            }
            Tag::TableHead => self.is_in_head = true,
            _ => {}
        }
        let (begin, end) = match tag {
            Tag::Paragraph => ("<p>", "</p>"),
            // The page and its sections have the headings above.
            Tag::Heading {
                level: HeadingLevel::H1,
                ..
            } => ("<h3>", "</h3>"),
            Tag::Heading {
                level: HeadingLevel::H2,
                ..
            } => ("<h4>", "</h4>"),
            Tag::Heading {
                level: HeadingLevel::H3,
                ..
            } => ("<h5>", "</h5>"),
            Tag::Heading { .. } => ("<h6>", "</h6>"),
            Tag::BlockQuote(_) => ("<blockquote>", "</blockquote>"),
            Tag::CodeBlock(_) | Tag::HtmlBlock => ("<pre><code>", "</code></pre>"),
            Tag::List(_) => ("<ul>", "</ul>"),
            Tag::Item => ("<li>", "</li>"),
            Tag::Table(_) => ("<table>", "</tbody></table>"),
            Tag::TableHead => ("<thead><tr>", "</tr></thead><tbody>"),
            Tag::TableRow => ("<tr>", "</tr>"),
            Tag::TableCell if self.is_in_head => ("<th>", "</th>"),
            Tag::TableCell => ("<td>", "</td>"),
            Tag::Emphasis => ("<em>", "</em>"),
            Tag::Strong => ("<strong>", "</strong>"),
            Tag::Strikethrough => ("<del>", "</del>"),
            _ => ("", ""),
        };
        self.element(begin, end);
    }

    fn element(&mut self, begin: &str, end: &'static str) {
        let is_shown = self.open.len() < DEEPEST;
        self.html.push_str(if is_shown { begin } else { "" });
        self.open.push(Ending::Tags(if is_shown { end } else { "" }));
    }

    fn link(&mut self, address: &str, label: &'static str) {
        if self.is_in_link || !may_lead_to(address) || self.open.len() >= DEEPEST {
            self.html.push_str(label);
            self.open.push(Ending::Address(address.to_owned()));
            return;
        }
        self.is_in_link = true;
        // Writing to a String does not fail.
        let _ = write!(self.html, "<a href=\"");
        let _ = write!(Escaper::new(&mut self.html), "{address}");
        self.html.push_str("\" rel=\"noopener noreferrer nofollow\">");
        self.html.push_str(label);
        self.open.push(Ending::Tags("</a>"));
    }

    fn end(&mut self, tag: TagEnd) {
        if tag == TagEnd::TableHead {
            self.is_in_head = false;
        }
        match self.open.pop() {
            Some(Ending::Tags(end)) => {
                self.is_in_link &= end != "</a>";
                self.html.push_str(end);
            }
            Some(Ending::Address(address)) if !address.is_empty() => {
                self.text(&format!(" ({address})"));
            }
            Some(Ending::Address(_)) | None => {}
        }
    }

    fn text(&mut self, text: &str) {
        // Writing to a String does not fail.
        let _ = write!(Escaper::new(&mut self.html), "{}", printable::lines(text));
    }
}

/// Whether a link may lead there: to the web or to a mailbox. Browsers drop line breaks from addresses, so none may be in it.
fn may_lead_to(address: &str) -> bool {
    let begins = |scheme: &str| {
        let start = address.get(..scheme.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    };
    ["http://", "https://", "mailto:"].into_iter().any(begins) && printable::is_printable(address)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn markdown_becomes_html() {
        for (text, html) in [
            (
                "# a\n\nb *c* **d** ~~e~~ `f<`",
                "<h3>a</h3><p>b <em>c</em> <strong>d</strong> <del>e</del> <code>f&lt;</code></p>",
            ),
            ("3. a\n4. b", "<ol start=\"3\"><li>a</li><li>b</li></ol>"),
            ("```rust onload=x\n<b>\n```", "<pre><code>&lt;b&gt;\n</code></pre>"),
            (
                "| a |\n|---|\n| b |",
                "<table><thead><tr><th>a</th></tr></thead><tbody><tr><td>b</td></tr></tbody></table>",
            ),
            ("- [x] a", "<ul><li>[x] a</li></ul>"),
        ] {
            assert_eq!(html_of(text), html, "{text}");
        }
    }

    #[test]
    fn html_is_text_and_links_lead_to_the_web() {
        let link = |to: &str| format!("<p><a href=\"{to}\" rel=\"noopener noreferrer nofollow\">a</a></p>");
        for (text, html) in [
            (
                "<script>alert(1)</script>",
                "<pre><code>&lt;script&gt;alert(1)&lt;/script&gt;</code></pre>".to_owned(),
            ),
            (
                "a <b onclick=x>c</b>",
                "<p>a &lt;b onclick=x&gt;c&lt;/b&gt;</p>".to_owned(),
            ),
            ("[a](https://b.example/?c&d)", link("https://b.example/?c&amp;d")),
            ("[a](MAILTO:b@c.example)", link("MAILTO:b@c.example")),
            ("[a](javascript:alert(1))", "<p>a (javascript:alert(1))</p>".to_owned()),
            ("[a](data:text/html,b)", "<p>a (data:text/html,b)</p>".to_owned()),
            ("[a](//b.example)", "<p>a (//b.example)</p>".to_owned()),
            ("[a](/failures)", "<p>a (/failures)</p>".to_owned()),
            (
                "<https://a.example>",
                "<p><a href=\"https://a.example\" rel=\"noopener noreferrer nofollow\">https://a.example</a></p>"
                    .to_owned(),
            ),
            ("![a](x.png)", "<p>image: a (x.png)</p>".to_owned()),
            ("a\u{202e}b\x1b[31m", "<p>a\\u{202e}b\\x1b[31m</p>".to_owned()),
        ] {
            assert_eq!(html_of(text), html, "{text}");
        }
        let nested = html_of("[![a](https://b.example/c.png)](https://d.example)");
        assert_eq!(nested.matches("<a ").count(), 1, "{nested}");
    }

    #[test]
    fn depth_costs_elements_and_no_text() {
        let html = html_of(&format!("{} tea", ">".repeat(5_000)));
        assert_eq!(html.matches("<blockquote>").count(), DEEPEST);
        assert!(html.contains("tea"));
    }

    /// The tags of a text, and the attributes of each.
    fn tags(html: &str) -> Vec<String> {
        let tags = html
            .split('<')
            .skip(1)
            .map(|piece| piece.split_once('>').expect("a tag ends").0.to_owned());
        tags.collect()
    }

    fn is_allowed(tag: &str) -> bool {
        const PLAIN: &[&str] = &[
            "p",
            "h3",
            "h4",
            "h5",
            "h6",
            "blockquote",
            "pre",
            "code",
            "ul",
            "ol",
            "li",
            "table",
            "thead",
            "tbody",
            "tr",
            "th",
            "td",
            "em",
            "strong",
            "del",
            "a",
            "br",
            "hr",
        ];
        let is_list = |rest: &str| {
            let number = rest.strip_prefix("ol start=\"").and_then(|rest| rest.strip_suffix('"'));
            number.is_some_and(|number| number.parse::<u64>().is_ok())
        };
        let is_link = |rest: &str| {
            let inside = rest
                .strip_prefix("a href=\"")
                .and_then(|rest| rest.strip_suffix("\" rel=\"noopener noreferrer nofollow\""));
            inside.is_some_and(|address| !address.contains('"') && may_lead_to(address))
        };
        PLAIN.contains(&tag.trim_start_matches('/')) || is_list(tag) || is_link(tag)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn only_these_tags_and_attributes_are_written(
            pieces in prop::collection::vec(prop_oneof![
                "[ -~\n]{0,12}",
                "\\PC{0,6}",
                prop::sample::select(vec![
                    "<script>", "</script>", "<img src=x onerror=alert(1)>", "javascript:", "[a](", ")", "![", "](", "https://a\"b",
                    "<a href=\"https://x\">", "\n\n", "> ", "- ", "1. ", "99999999999. ", "```\n", "|a|b|\n|-|-|\n", "&lt;", "&#60;", "&quot;",
                    "<style>", "<!--", "-->", "<![CDATA[", "\\", "`", "*", "_", "~~", "# ", "[x]: javascript:alert(1)\n", "[x]",
                    "<javascript:alert(1)>", "<https://a.b>", "\t", "\0", "\u{202e}", "\x1b[31m",
                ]).prop_map(str::to_owned),
            ], 0..24),
        ) {
            let html = html_of(&pieces.concat());
            let mut open = Vec::new();
            for tag in tags(&html) {
                prop_assert!(is_allowed(&tag), "{tag} in {html}");
                let name = tag.split(' ').next().unwrap_or_default().to_owned();
                match name.strip_prefix('/') {
                    Some(name) => prop_assert_eq!(open.pop(), Some(name.to_owned()), "{}", html),
                    None if !matches!(&*name, "br" | "hr") => open.push(name),
                    None => {}
                }
            }
            prop_assert!(open.is_empty(), "{html}");
            let is_visible = !html.contains(['\u{202e}', '\x1b', '\0']);
            prop_assert!(is_visible);
        }
    }
}
