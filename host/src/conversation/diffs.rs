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
        let mut room = Room::new(look.extent.most());
        for group in diff.grouped_ops(AROUND) {
            let changes = group.iter().flat_map(|operation| diff.iter_changes(operation));
            let lines = changes.filter_map(|change| {
                let text = change.value_ref().trim_end_matches(['\n', '\r']);
                let change = match change.tag() {
                    ChangeTag::Equal => Change::Same,
                    ChangeTag::Delete => Change::Removed,
                    ChangeTag::Insert => Change::Added,
                };
                room.line(change, text, mask)
            });
            hunks.push(Hunk {
                place: None,
                lines: lines.collect(),
            });
        }
        Self::of(hunks, &room)
    }

    /// What a tool says that it changed: `structuredPatch`. `None` if it says nothing.
    pub(super) fn of_patch(patch: Json<'_>, look: Look<'_>) -> Option<Self> {
        let mut room = Room::new(look.extent.most());
        let hunks = patch.elements().into_iter();
        let hunks = hunks.map(|hunk| hunk_of(hunk, look.mask, &mut room)).collect();
        let diff = Self::of(hunks, &room);
        (!diff.hunks.is_empty() || diff.left_out > 0).then_some(diff)
    }

    /// What is shown of a diff.
    fn of(mut hunks: Vec<Hunk>, room: &Room) -> Self {
        hunks.retain(|hunk| !hunk.lines.is_empty());
        Self {
            hunks,
            left_out: room.left_out,
        }
    }
}

/// The room for the lines of a diff. Lines behind the first that has none are only counted: to mask them takes long.
struct Room {
    bytes: usize,
    most: usize,
    left_out: u64,
}

impl Room {
    fn new(most: usize) -> Self {
        Self {
            bytes: 0,
            most,
            left_out: 0,
        }
    }

    fn is_full(&self) -> bool {
        self.bytes > self.most
    }

    /// A line, if there is room for it.
    fn line(&mut self, change: Change, text: &str, mask: &Mask) -> Option<DiffLine> {
        self.bytes = self.bytes.saturating_add(text.len() + 1);
        if self.is_full() {
            self.left_out += 1;
            return None;
        }
        let text = mask.text(text);
        Some(DiffLine { change, text })
    }
}

fn hunk_of(hunk: Json<'_>, mask: &Mask, room: &mut Room) -> Hunk {
    let number = |key: &str| hunk.get(key)?.parse::<u64>().ok();
    let lines = hunk.get("lines").unwrap_or_default().elements();
    if room.is_full() {
        room.left_out += lines.len() as u64;
        return Hunk::default();
    }
    let lines: Vec<_> = lines
        .into_iter()
        .filter_map(|line| Some(line.text()?.decode()))
        .collect();
    if lines.is_empty() {
        return Hunk::default();
    }
    // They are masked together: a secret may have several lines.
    let masked = mask.text(&lines.join("\n"));
    let lines = masked.as_str().split('\n').filter_map(|line| {
        let change = match line.as_bytes().first() {
            Some(b'+') => Change::Added,
            Some(b'-') => Change::Removed,
            _ => Change::Same,
        };
        // The sign before a secret may have hidden it, so `room` masks the line without it.
        room.line(change, line.strip_prefix(['+', '-', ' ']).unwrap_or(line), mask)
    });
    Hunk {
        place: number("oldStart").zip(number("newStart")),
        lines: lines.collect(),
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

    #[test]
    fn the_sign_of_a_line_hides_no_secret() {
        let rules = "[[rules]]\nid = \"house\"\ndescription = \"House\"\nregex = '''(?:^|[ \\n])(house-[0-9]{10})'''\nkeywords = [\"house-\"]\n";
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("rules.toml");
        std::fs::write(&file, rules).unwrap();
        let settings = serde_json::from_value(serde_json::json!({"rules_file": file})).unwrap();
        let mask = Mask::new(Arc::new(Rules::from_settings(&settings).unwrap()));
        let patch = r#"[{"lines":["-house-0123456789","+house-0123456789"]}]"#;
        let diff = Diff::of_patch(serde_json::from_str(patch).unwrap(), Look::new(&mask, Extent::Whole)).unwrap();
        assert!(told(&diff).iter().all(|line| line.contains("[redacted: ")), "{diff:?}");
    }

    #[test]
    fn the_lines_of_a_patch_that_are_left_out_are_counted() {
        let lines = vec!["+tea"; 10_000];
        let patch = serde_json::json!([{"lines": lines}, {"lines": lines}]).to_string();
        let diff = Diff::of_patch(
            serde_json::from_str(&patch).unwrap(),
            Look::new(&mask(), Extent::Beginning),
        )
        .unwrap();
        assert_eq!(told(&diff).len() as u64 + diff.left_out, 20_000);
        assert_eq!(diff.hunks.len(), 1);
    }
}
