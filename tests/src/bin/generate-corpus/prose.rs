//! Text of the kinds that transcripts hold: what people type, what tools print, what files contain.

use crate::random::Random;

const WORDS: &[&str] = &[
    "the",
    "a",
    "of",
    "to",
    "and",
    "in",
    "that",
    "is",
    "with",
    "for",
    "this",
    "from",
    "when",
    "which",
    "after",
    "before",
    "request",
    "response",
    "session",
    "parser",
    "handler",
    "database",
    "migration",
    "schema",
    "query",
    "index",
    "cache",
    "thread",
    "worker",
    "queue",
    "timeout",
    "retry",
    "connection",
    "transaction",
    "commit",
    "branch",
    "test",
    "fixture",
    "failure",
    "warning",
    "module",
    "package",
    "version",
    "release",
    "config",
    "service",
    "client",
    "server",
    "token",
    "buffer",
    "stream",
    "reader",
    "writer",
    "encoder",
    "record",
    "column",
    "table",
    "report",
    "dashboard",
    "naïve",
    "fix",
    "add",
    "remove",
    "rename",
    "check",
    "verify",
    "update",
    "refactor",
    "document",
    "explain",
    "measure",
    "→",
    "✓",
];

const CODE: &[&str] = &[
    "    return self.items.get(key, \"\")\n",
    "fn parse(input: &str) -> Result<Value, Error> {\n",
    "        println!(\"{name}: {value:?}\");\n",
    "    if (response.status !== 200) {\n",
    "\t\tlog.Printf(\"cannot open %q: %v\", path, err)\n",
    "  const path = 'C:\\\\Users\\\\build\\\\out';\n",
    "}\n",
    "\n",
    "import { useEffect, useState } from \"react\";\n",
    "    assert_eq!(found, expected, \"after {rounds} rounds\");\n",
    "INSERT INTO sessions (id, name, started_at) VALUES ($1, $2, now());\n",
    "        // Keep the order in which they came, so that reports agree.\n",
    "def test_round_trip(tmp_path):\n",
    "  \"dependencies\": { \"left-pad\": \"^1.3.0\" },\n",
];

const OUTPUT: &[&str] = &[
    "test sessions::scan::finds_nested_files ... ok\n",
    "\u{1b}[32m✓\u{1b}[0m 14 passed (1.2s)\n",
    "warning: unused variable: `count`\n",
    "  --> src/reader.rs:112:9\n",
    "src/lib.rs:88:    pub fn open(path: &Path) -> io::Result<Self> {\n",
    "-rw-r--r--  1 build build   4096 Jan 12 09:14 Cargo.toml\n",
    "On branch main\nYour branch is up to date with 'origin/main'.\n",
    "Error: expected \"}\" at line 3, column 14\n",
    "d362298 Keep the tables as they were\n",
];

/// Sentences of about `length` bytes.
pub(crate) fn sentences(random: &mut Random, length: u64) -> String {
    let mut text = String::new();
    while (text.len() as u64) < length {
        if !text.is_empty() {
            text.push_str(if random.per_mille(100) { ".\n\n" } else { " " });
        }
        text.push_str(random.one_of(WORDS));
    }
    text
}

/// Lines of program text of about `length` bytes.
pub(crate) fn code(random: &mut Random, length: u64) -> String {
    lines(random, length, CODE)
}

/// What a command may print, of about `length` bytes.
pub(crate) fn output(random: &mut Random, length: u64) -> String {
    lines(random, length, OUTPUT)
}

/// Program text as the Read tool shows it, each line after its number.
pub(crate) fn numbered(text: &str) -> String {
    text.lines()
        .enumerate()
        .map(|(index, line)| format!("{:>6}→{line}\n", index + 1))
        .collect()
}

/// The path of a source file below `directory`.
pub(crate) fn path(random: &mut Random, directory: &str) -> String {
    let extension = random.one_of(&["rs", "py", "ts", "go", "md", "sql"]);
    let (folder, name) = (random.one_of(&WORDS[16..60]), random.one_of(&WORDS[16..60]));
    format!("{directory}/src/{folder}/{name}.{extension}")
}

fn lines(random: &mut Random, length: u64, choices: &[&str]) -> String {
    let mut text = String::new();
    while (text.len() as u64) < length {
        text.push_str(random.one_of(choices));
        if random.per_mille(300) {
            text.push_str("    ");
            text.push_str(&sentences(random, 40));
            text.push('\n');
        }
    }
    text
}
