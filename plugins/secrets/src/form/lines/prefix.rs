//! What a tool writes before each line: a number, the name of a file, a sign of quotation.

/// What stands before each line. Numbers differ from line to line, white space pads them, and `grep` writes `:` or `-`
/// behind them.
pub(super) struct Prefix<'t>(&'t str);

impl<'t> Prefix<'t> {
    /// The prefix that stands in the last line alone, if it also begins the line before.
    pub(super) fn alone_in_last(lines: &[&'t str]) -> Option<Self> {
        let (last, before) = lines.split_last()?;
        let prefix = Self(last.trim());
        // What ends in a letter or a digit may be a line that ends so. `^I` is how `cat -A` shows a tab.
        let untabbed = last.trim_end_matches("^I");
        let may_be_content = untabbed.ends_with(|character: char| character.is_alphanumeric() || character == '=');
        let begins_line_before = || {
            let behind = before.last().and_then(|line| prefix.behind(line));
            behind.is_some_and(|rest| !rest.trim().is_empty())
        };
        (prefix.0.is_empty() || !may_be_content && begins_line_before()).then_some(prefix)
    }

    /// What follows the prefix in a line. `None` where that has it not.
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
