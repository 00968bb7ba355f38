//! Removes the prefix that a tool adds to each line: a number, a file name, a quotation mark.

/// The prefix of each line. Numbers differ between lines, white space pads them, and `grep` writes `:` or `-` after
/// them.
pub(super) struct Prefix<'t>(&'t str);

impl<'t> Prefix<'t> {
    /// The last line, if it consists of only a prefix that the line before it also begins with.
    pub(super) fn alone_in_last(lines: &[&'t str]) -> Option<Self> {
        let (last, before) = lines.split_last()?;
        let prefix = Self(last.trim());
        // A line that ends with a letter or a digit may be content. `cat -A` shows a tab as `^I`.
        let untabbed = last.trim_end_matches("^I");
        let may_be_content = untabbed.ends_with(|character: char| character.is_alphanumeric() || character == '=');
        let begins_line_before = || {
            let behind = before.last().and_then(|line| prefix.behind(line));
            behind.is_some_and(|rest| !rest.trim().is_empty())
        };
        (prefix.0.is_empty() || !may_be_content && begins_line_before()).then_some(prefix)
    }

    /// The rest of a line after the prefix. `None` if the line does not have the prefix.
    pub(super) fn behind<'l>(&self, line: &'l str) -> Option<&'l str> {
        let is_digit = |character: char| character.is_ascii_digit();
        let (mut line, mut prefix) = (line.trim_start(), self.0);
        while let Some(sign) = prefix.chars().next() {
            let further = &prefix[sign.len_utf8()..];
            (line, prefix) = match sign {
                '0'..='9' if line.starts_with(is_digit) => {
                    (line.trim_start_matches(is_digit), further.trim_start_matches(is_digit))
                }
                ':' | '-' => (line.strip_prefix([':', '-'])?, further),
                _ if sign.is_whitespace() => (line.trim_start(), further.trim_start()),
                _ => (line.strip_prefix(sign)?, further),
            };
        }
        Some(line)
    }
}
