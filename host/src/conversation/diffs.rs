//! What an edit changed, line by line.

use session_plugin_api::transcript::Json;
use similar::{ChangeTag, TextDiff};

use super::masking::{Look, Mask, Masked};

/// How many lines around a change are shown.
const AROUND: usize = 3;

/// What an edit changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diff {
    /// The places that changed.
    pub hunks: Vec<Hunk>,
    /// How many lines are left out.
    pub left_out: u64,
}

/// A place that changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hunk {
    /// Its first line before and after the edit, where that is known.
    pub place: Option<(u64, u64)>,
    /// Its lines.
    pub lines: Vec<DiffLine>,
}

/// A line of a diff.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiffLine {
    /// What became of it.
    pub change: Change,
    /// The line, without its break.
    pub text: Masked,
}

/// What became of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing.
    Same,
    /// It is no longer there.
    Removed,
    /// It is new.
    Added,
}

impl Diff {
    /// What distinguishes two texts.
    pub(super) fn between(old: &str, new: &str, look: Look<'_>) -> Self {
        let mask = look.mask;
        // The texts are masked before they are compared: a secret may have several lines.
        let (old, new) = (mask.text(old), mask.text(new));
        let diff = TextDiff::configure()
            .deadline(look.until)
            .diff_lines(old.as_str(), new.as_str());
        let mut hunks = Vec::new();
        for group in diff.grouped_ops(AROUND) {
            let changes = group.iter().flat_map(|operation| diff.iter_changes(operation));
            let lines = changes.map(|change| {
                let text = mask.text(change.value_ref().trim_end_matches(['\n', '\r']));
                let change = match change.tag() {
                    ChangeTag::Equal => Change::Same,
                    ChangeTag::Delete => Change::Removed,
                    ChangeTag::Insert => Change::Added,
                };
                DiffLine { change, text }
            });
            hunks.push(Hunk {
                place: None,
                lines: lines.collect(),
            });
        }
        Self { hunks, left_out: 0 }.cut(look.extent.most())
    }

    /// What a tool says that it changed: `structuredPatch`. `None` if it says nothing.
    pub(super) fn of_patch(patch: Json<'_>, look: Look<'_>) -> Option<Self> {
        let hunks = patch.elements().into_iter().map(|hunk| hunk_of(hunk, look.mask));
        let hunks: Vec<Hunk> = hunks.filter(|hunk| !hunk.lines.is_empty()).collect();
        (!hunks.is_empty()).then(|| Self { hunks, left_out: 0 }.cut(look.extent.most()))
    }

    /// Leaves out what is beyond this many bytes.
    fn cut(mut self, most: usize) -> Self {
        let mut bytes = 0_usize;
        for hunk in &mut self.hunks {
            let mut fits = |line: &DiffLine| {
                bytes = bytes.saturating_add(line.text.as_str().len() + 1);
                bytes <= most
            };
            let shown = hunk.lines.iter().take_while(|line| fits(line)).count();
            self.left_out += (hunk.lines.len() - shown) as u64;
            hunk.lines.truncate(shown);
        }
        self.hunks.retain(|hunk| !hunk.lines.is_empty());
        self
    }
}

fn hunk_of(hunk: Json<'_>, mask: &Mask) -> Hunk {
    let number = |key: &str| hunk.get(key)?.parse::<u64>().ok();
    let lines = hunk.get("lines").unwrap_or_default().elements();
    let lines: Vec<_> = lines
        .into_iter()
        .filter_map(|line| Some(line.text()?.decode()))
        .collect();
    if lines.is_empty() {
        return Hunk::default();
    }
    // They are masked together: a secret may have several lines.
    let masked = mask.text(&lines.join("\n"));
    let changed = |text: &str| match text.as_bytes().first() {
        Some(b'+') => Change::Added,
        Some(b'-') => Change::Removed,
        _ => Change::Same,
    };
    let changes: Vec<Change> = masked.as_str().split('\n').map(changed).collect();
    let texts = masked.parts(|text| {
        let lines = text.split('\n');
        lines
            .map(|line| line.strip_prefix(['+', '-', ' ']).unwrap_or(line))
            .collect()
    });
    let lines = changes.into_iter().zip(texts);
    Hunk {
        place: number("oldStart").zip(number("newStart")),
        lines: lines.map(|(change, text)| DiffLine { change, text }).collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use secret_detector::Rules;

    use super::*;
    use crate::conversation::Extent;

    fn mask() -> Mask {
        Mask::new(Arc::new(Rules::shipped().unwrap()))
    }

    fn told(diff: &Diff) -> Vec<String> {
        let lines = diff.hunks.iter().flat_map(|hunk| &hunk.lines);
        let told = lines.map(|line| {
            let sign = match line.change {
                Change::Same => ' ',
                Change::Removed => '-',
                Change::Added => '+',
            };
            format!("{sign}{}", line.text.as_str())
        });
        told.collect()
    }

    #[test]
    fn lines_that_differ_are_told_with_their_surroundings() {
        let old: String = (0..20).map(|number| format!("line {number}\n")).collect();
        let diff = Diff::between(
            &old,
            &old.replace("line 10\n", "tea\n"),
            Look::new(&mask(), Extent::Whole),
        );
        let expected = [
            " line 7", " line 8", " line 9", "-line 10", "+tea", " line 11", " line 12", " line 13",
        ];
        assert_eq!(told(&diff), expected);
        let long = old.repeat(1_000);
        let cut = Diff::between("", &long, Look::new(&mask(), Extent::Beginning));
        assert!(told(&cut).len() > 2_000);
        assert_eq!(told(&cut).len() as u64 + cut.left_out, 20_000);
    }

    #[test]
    fn a_patch_keeps_its_places_and_loses_its_secrets() {
        let key = ["AKIA", "QMGK2UPXJNE74YPX"].concat();
        let patch = format!(r#"[{{"oldStart":4,"newStart":5,"lines":[" a","-{key}","+b"]}}, 7]"#);
        let diff = Diff::of_patch(serde_json::from_str(&patch).unwrap(), Look::new(&mask(), Extent::Whole)).unwrap();
        assert_eq!(diff.hunks[0].place, Some((4, 5)));
        assert_eq!(told(&diff), [" a", "-[redacted: aws-access-token]", "+b"]);
        assert_eq!(Diff::of_patch(Json::default(), Look::new(&mask(), Extent::Whole)), None);
    }
}
