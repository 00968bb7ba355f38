//! Transcripts to try a plugin on: ordinary ones, and malformed files that a sessions directory may hold beside them.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// A session key and its transcript.
type Sample = (&'static str, &'static [u8]);

macro_rules! ordinary {
    ($($key:literal),+ $(,)?) => {
        [$(($key, include_bytes!(concat!("../../../../tests/transcripts/", $key)).as_slice())),+]
    };
}

const ORDINARY: [Sample; 6] = ordinary![
    "alice/opening-hours.jsonl",
    "alice/opening-hours-resumed.jsonl",
    "bruno/rain-gauge.jsonl",
    "bruno/old-agent.jsonl",
    "chen/live.jsonl",
    "chen/quiet.jsonl",
];

const ODD: [Sample; 6] = [
    ("odd/empty.jsonl", b""),
    ("odd/blank-lines.jsonl", b"\n\n  \r\n\n"),
    ("odd/no-json.jsonl", b"not json\n{\"type\":\n[1,2]\n\"text\"\nnull\n"),
    (
        "odd/not-utf-8.jsonl",
        b"{\"type\":\"user\",\"cwd\":\"\xff\xfe\"}\n\xc3\x28\n",
    ),
    (
        "odd/unexpected-types.jsonl",
        br#"{"type":7,"uuid":[],"timestamp":{},"sessionId":null,"message":"text"}
{"type":"assistant","message":{"content":{"type":"tool_use"},"usage":"many","model":1}}
{"type":"user","message":{"content":[null,1,"text",[],{"type":"tool_result","tool_use_id":5,"content":[[]]}]}}
{"type":"telepathy","message":null,"timestamp":"9999-99-99T99:99:99Z"}
"#,
    ),
    (
        "odd/torn.jsonl",
        br#"{"type":"user","message":{"role":"user","content":"hel"#,
    ),
];

/// The length of the longest line, in bytes: that of a pasted image.
const LONG_LINE: usize = 8 << 20;

/// The depth of the most deeply nested value.
const DEEP: usize = 10_000;

/// Writes the samples below `folder`; returns the sessions directory.
pub(super) fn write(folder: &Path) -> io::Result<PathBuf> {
    let sessions = folder.join("sessions");
    for (key, transcript) in ORDINARY.into_iter().chain(ODD) {
        write_one(&sessions, key, transcript)?;
    }
    let long = format!(
        r#"{{"type":"user","message":{{"content":"{}"}}}}"#,
        "x".repeat(LONG_LINE)
    );
    write_one(&sessions, "odd/long-line.jsonl", long.as_bytes())?;
    let deep = format!(r#"{{"message":{}{}}}"#, "[".repeat(DEEP), "]".repeat(DEEP));
    write_one(&sessions, "odd/deeply-nested.jsonl", deep.as_bytes())?;
    Ok(sessions)
}

fn write_one(sessions: &Path, key: &str, transcript: &[u8]) -> io::Result<()> {
    let path = sessions.join(key);
    fs::create_dir_all(path.parent().unwrap_or(sessions))?;
    fs::write(path, transcript)
}
