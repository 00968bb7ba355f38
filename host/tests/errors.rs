//! The rule for errors: the source of an error stands in its text, so it is not in its chain, and nobody prints it twice.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails where a step of it does"
)]

use std::{fs, path::Path};

/// The folders of code whose errors are looked at: those of the whole workspace.
const FOLDERS: [&str; 4] = ["host/src", "plugin-api/src", "plugins", "tests"];

/// The variants of all errors in a folder: the attribute with the text, and what follows it up to the next one.
fn variants(folder: &Path, found: &mut Vec<(String, String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            variants(&path, found);
            continue;
        }
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let source = fs::read_to_string(&path).unwrap();
        for part in source.split("#[error(").skip(1) {
            let (text, rest) = part.split_once(")]\n").expect("the attribute ends");
            let body = rest.split("\n}\n").next().unwrap_or_default();
            found.push((path.display().to_string(), text.to_owned(), body.to_owned()));
        }
    }
}

/// Whether thiserror puts a field into the chain.
fn has_source(body: &str) -> bool {
    let is_field = |line: &str| {
        let line = line.trim_start();
        line.starts_with("source:") || line.starts_with("pub source:")
    };
    body.contains("#[from]") || body.contains("#[source]") || body.lines().any(is_field)
}

#[test]
fn no_error_has_its_source_in_its_text_and_in_its_chain() {
    let mut found = Vec::new();
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for folder in FOLDERS {
        variants(&workspace.join(folder), &mut found);
    }
    assert!(found.len() > 100, "the errors are not found");
    let twice: Vec<_> = found
        .iter()
        .filter(|(_, text, body)| text != "transparent" && has_source(body))
        .map(|(file, text, _)| format!("{file}: {text}"))
        .collect();
    assert!(twice.is_empty(), "{twice:#?}");
}

#[test]
fn the_chain_of_an_error_says_nothing_twice() {
    use session_host::{config::ConfigFile, host::StartError, sessions::ScanError, state::State};

    let folder = tempfile::tempdir().unwrap();
    let no_folder = folder.path().join("file");
    fs::write(&no_folder, "").unwrap();
    let errors: [Box<dyn std::error::Error>; 4] = [
        Box::new(StartError::from(
            State::open(&no_folder.join("state.duckdb"))
                .err()
                .expect("no state in a file"),
        )),
        Box::new(ConfigFile::read(folder.path()).unwrap_err()),
        Box::new(ScanError {
            folder: no_folder,
            source: std::io::Error::other("stale"),
        }),
        Box::new(session_host::runner::RunError::from(std::io::Error::other("no thread"))),
    ];
    for error in errors {
        let text = error.to_string();
        let mut source = error.source();
        while let Some(inner) = source {
            assert!(!text.contains(&inner.to_string()), "{text}: {inner}");
            source = inner.source();
        }
    }
}
