//! Determines the files that strings of a transcript come from, as far as tool calls name them.
//!
//! A tool call names a file in its input: `file_path`, `notebook_path` or `path`. All strings of the call and of its
//! result come from that file. Other strings come from no file.

use std::collections::HashMap;

use session_plugin_api::transcript::{Block, Event, ToolUse};

use super::{Enclosure, JsonPath, Segment};

/// The length of the longest key to recognise: `toolUseResult`.
const LONGEST_FIELD: usize = 13;

const FIELDS: [&str; 3] = ["file_path", "notebook_path", "path"];

/// The files that a session's tools were called with, by the ids of the calls.
#[derive(Debug, Default)]
pub(crate) struct ToolFiles {
    of_call: HashMap<String, String>,
}

/// A file that a call names, and where it names it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CalledFile {
    /// The file.
    pub(crate) file: String,
    /// The position of its path.
    pub(crate) json_path: JsonPath,
}

/// The files of the strings in one line.
#[derive(Debug, Default)]
pub(crate) struct FilesOfLine {
    of_block: Vec<Option<String>>,
    of_result: Option<String>,
}

impl ToolFiles {
    /// Remembers the files that a line's calls name, and returns them.
    pub(crate) fn observe(&mut self, event: &Event<'_>) -> Vec<CalledFile> {
        let mut files = Vec::new();
        for (position, block) in event.message.content.blocks().iter().enumerate() {
            if let Block::ToolUse(call) = block
                && let Some((field, file)) = named_file(call)
            {
                if let Some(id) = &call.id {
                    self.of_call.insert(id.clone().into_owned(), file.clone());
                }
                let json_path = path_of_input(position, field);
                files.push(CalledFile { file, json_path });
            }
        }
        files
    }

    /// The files of a line. Its calls, and the calls that it answers, must have been observed.
    pub(crate) fn of_line(&self, event: &Event<'_>) -> FilesOfLine {
        let of_call = |id: Option<&str>| self.of_call.get(id?).cloned();
        let blocks = event.message.content.blocks();
        let of_block: Vec<_> = blocks
            .iter()
            .map(|block| match block {
                Block::ToolUse(call) => named_file(call).map(|(_, file)| file),
                Block::ToolResult(result) => of_call(result.tool_use_id.as_deref()),
                _ => None,
            })
            .collect();
        let answered = blocks.iter().find_map(|block| match block {
            Block::ToolResult(result) => of_call(result.tool_use_id.as_deref()),
            _ => None,
        });
        FilesOfLine {
            of_block,
            of_result: answered.or_else(|| of_call(event.tool_use_id.as_deref())),
        }
    }
}

impl FilesOfLine {
    /// The file of a string.
    pub(crate) fn of_string(&self, enclosures: &[Enclosure<'_>]) -> Option<&str> {
        let key = |place: usize| match enclosures.get(place) {
            Some(Enclosure::Object(Some(key))) => key.decode_short(LONGEST_FIELD).unwrap_or_default(),
            _ => "".into(),
        };
        match (key(0).as_ref(), key(1).as_ref(), enclosures.get(2)) {
            ("message", "content", Some(Enclosure::List { position: block, .. })) => {
                self.of_block.get(*block)?.as_deref()
            }
            // The tool's own record of its result, or the result itself in old transcripts.
            ("toolUseResult" | "content", _, _) => self.of_result.as_deref(),
            _ => None,
        }
    }
}

fn named_file(call: &ToolUse<'_>) -> Option<(&'static str, String)> {
    FIELDS.into_iter().find_map(|field| {
        let file = call.input.get(field)?.text()?.decode();
        (!file.is_empty()).then(|| (field, file.into_owned()))
    })
}

fn path_of_input(block: usize, field: &str) -> JsonPath {
    let key = |key: &str| Segment::Key(key.to_owned());
    let segments = vec![
        key("message"),
        key("content"),
        Segment::Position(block),
        key("input"),
        key(field),
    ];
    JsonPath::from_segments(segments)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcript::for_each_string;

    fn event(line: &str) -> Event<'_> {
        Event::parse(line.as_bytes()).unwrap()
    }

    /// The parts of a line that come from a file.
    fn from_files(files: &ToolFiles, line: &str) -> Vec<(String, String)> {
        let of_line = files.of_line(&event(line));
        let mut found = Vec::new();
        for_each_string(line, |place, string| {
            if let Some(file) = of_line.of_string(place.enclosures) {
                found.push((string.decode().into_owned(), file.to_owned()));
            }
        });
        found
    }

    const CALLS: &str = r#"{"message":{"content":[{"type":"text","text":"a"},
        {"type":"tool_use","id":"t1","input":{"file_path":"/a.php"}},
        {"type":"tool_use","id":"t2","input":{"path":"/b.tf"}}, {"type":"tool_use","id":"t3","input":{"path":7}}]}}"#;

    #[test]
    fn a_call_names_a_file() {
        let mut files = ToolFiles::default();
        let called = files.observe(&event(CALLS));
        let called: Vec<_> = called
            .iter()
            .map(|called| (called.file.as_str(), called.json_path.written(&Default::default())))
            .collect();
        let expected = [
            ("/a.php", "message.content[1].input.file_path".to_owned()),
            ("/b.tf", "message.content[2].input.path".to_owned()),
        ];
        assert_eq!(called, expected);
        let from_files = from_files(&files, CALLS);
        assert!(from_files.contains(&("/a.php".into(), "/a.php".into())));
        assert!(from_files.contains(&("t2".into(), "/b.tf".into())));
        assert!(from_files.iter().all(|(string, _)| string != "a" && string != "t3"));
    }

    #[test]
    fn a_result_comes_from_the_file_of_its_call() {
        let mut files = ToolFiles::default();
        files.observe(&event(CALLS));
        let result = r#"{"message":{"content":[{"type":"tool_result","tool_use_id":"t1","content":"x"}]},
            "toolUseResult":{"stdout":"y"},"cwd":"z"}"#;
        let strings = from_files(&files, result);
        assert!(strings.contains(&("x".into(), "/a.php".into())) && strings.contains(&("y".into(), "/a.php".into())));
        assert!(strings.iter().all(|(string, _)| string != "z"));
        let old = r#"{"type":"tool_use_result","toolUseId":"t2","content":"x"}"#;
        assert!(from_files(&files, old).contains(&("x".into(), "/b.tf".into())));
    }

    #[test]
    fn the_result_of_an_unknown_call_comes_from_no_file() {
        let line = r#"{"message":{"content":[{"type":"tool_result","tool_use_id":"t9","content":"x"}]}}"#;
        assert_eq!(from_files(&ToolFiles::default(), line), []);
        assert_eq!(
            from_files(
                &ToolFiles::default(),
                r#"{"message":{"content":"a"},"toolUseResult":"b"}"#
            ),
            []
        );
    }
}
