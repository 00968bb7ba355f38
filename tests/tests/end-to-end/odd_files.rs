//! Whatever lies in the sessions directory: never a hang or a crash, each with a sensible count.

use std::{
    ffi::{CString, OsStr},
    fs,
    os::unix::{
        ffi::OsStrExt,
        fs::{PermissionsExt, symlink},
    },
    path::Path,
};

use serde_json::json;
use session_host_tests::{Held, Ran, World};

use crate::script::{counts, failed, processed, processed_sessions, rows, skipped};

/// A world with the probe and one healthy session of three rows.
fn world() -> World {
    let world = World::with(&["probe"]);
    world.write("alice/good.jsonl", rows(3));
    world
}

/// Runs the probe, which must process the healthy session and look at nothing else.
#[track_caller]
fn passes_over_the_rest(world: &World) -> Ran {
    let ran = world.run(&["probe"]).exits(0);
    assert_eq!(counts(&ran), processed(1));
    assert_eq!(processed_sessions(world), ["alice/good.jsonl"]);
    ran
}

#[allow(unsafe_code, reason = "the system call has no safe wrapper in std")]
fn make_fifo(path: &Path) {
    let path = CString::new(path.as_os_str().as_bytes()).unwrap();
    // SAFETY: the path is a string that ends in NUL and outlives the call.
    assert_eq!(unsafe { libc::mkfifo(path.as_ptr(), 0o644) }, 0);
}

#[test]
fn a_directory_named_like_a_transcript_is_passed_over() {
    let world = world();
    fs::create_dir(world.sessions().join("alice/x.jsonl")).unwrap();
    drop(passes_over_the_rest(&world));
}

#[test]
fn a_fifo_is_passed_over() {
    let world = world();
    make_fifo(&world.sessions().join("alice/x.jsonl"));
    drop(passes_over_the_rest(&world));
}

#[test]
fn files_of_other_names_are_passed_over() {
    let world = world();
    for file in [
        "alice/x.json",
        "alice/x.jsonl.bak",
        "alice/jsonl",
        "alice/.jsonl",
        "alice/deeper/x.json",
    ] {
        world.write(file, rows(1));
    }
    drop(passes_over_the_rest(&world));
}

#[test]
fn a_transcript_directly_in_the_sessions_directory_is_reported_once() {
    let world = world();
    world.install("probe_other");
    world.write("stray.jsonl", rows(1));
    let ran = world.run(&[]).exits(0);
    assert_eq!(ran.results.iter().map(|result| result.processed).sum::<u64>(), 2);
    assert_eq!(
        ran.stderr
            .matches("the transcript is ignored: it must lie in a user's folder")
            .count(),
        1,
        "{}",
        ran.stderr
    );
}

#[test]
fn a_link_out_of_the_sessions_directory_is_not_followed() {
    let world = world();
    fs::create_dir(world.path("outside")).unwrap();
    fs::write(world.path("outside/secret.jsonl"), rows(1)).unwrap();
    symlink(
        world.path("outside/secret.jsonl"),
        world.sessions().join("alice/link.jsonl"),
    )
    .unwrap();
    symlink(world.path("outside"), world.sessions().join("bob")).unwrap();
    let ran = passes_over_the_rest(&world);
    let warning = "a symbolic link leads out of the sessions directory: the scan does not follow it";
    assert_eq!(ran.stderr.matches(warning).count(), 2, "{}", ran.stderr);
}

#[test]
fn a_link_within_the_sessions_directory_is_followed() {
    let world = world();
    symlink("good.jsonl", world.sessions().join("alice/link.jsonl")).unwrap();
    symlink("alice", world.sessions().join("bob")).unwrap();
    assert_eq!(counts(&world.run(&["probe"]).exits(0)), processed(4));
}

#[test]
fn links_in_a_circle_end() {
    let world = world();
    let alice = world.sessions().join("alice");
    symlink("self.jsonl", alice.join("self.jsonl")).unwrap();
    symlink("..", alice.join("up")).unwrap();
    symlink(".", world.sessions().join("again")).unwrap();
    symlink("nowhere.jsonl", alice.join("dangling.jsonl")).unwrap();
    let ran = world.run(&["probe", "--recursive=false"]).exits(0);
    assert_eq!(counts(&ran), processed(1));
    let ran = world.run(&["probe"]).exits(0);
    assert_eq!(ran.result().errors, 0);
    assert_eq!(processed_sessions(&world), ["alice/good.jsonl"]);
}

#[test]
fn names_that_are_no_text_stay_apart() {
    let world = world();
    for name in [&b"\xe8.jsonl"[..], b"\xe9.jsonl", b"\\xE9.jsonl"] {
        fs::write(world.sessions().join("alice").join(OsStr::from_bytes(name)), rows(1)).unwrap();
    }
    world.write("alice/\u{e9} \n'\".jsonl", rows(1));
    assert_eq!(counts(&world.run(&["probe"]).exits(0)), processed(5));
    assert_eq!(processed_sessions(&world).len(), 5);
    assert_eq!(world.count("probe_rows"), 7);
}

#[test]
fn transcripts_of_any_content_are_processed() {
    let row = rows(1);
    let line = row.trim_end();
    let large = format!(
        "{{\"do\":\"rows\",\"count\":1,\"text\":\"{}\"}}\n",
        "x".repeat(64 << 20)
    );
    let cases: [(&str, Vec<u8>, u64); 10] = [
        ("empty", Vec::new(), 0),
        ("blank_lines", b"\n\n \r\n\t\n".to_vec(), 0),
        ("large_line", large.into_bytes(), 1),
        ("nul_bytes", [b"\0\0\n", row.as_bytes(), b"\0"].concat(), 1),
        ("no_utf8", [b"\xff\xfe{\"a\":\"\xc3\"}\n", row.as_bytes()].concat(), 1),
        ("carriage_returns", format!("{line}\r\n{line}\r\n").into_bytes(), 2),
        ("torn", format!("{row}{{\"do\":\"ro").into_bytes(), 1),
        ("no_line_break", format!("{row}{line}").into_bytes(), 2),
        (
            "nested",
            [vec![b'['; 200_000], b"\n".to_vec(), row.clone().into_bytes()].concat(),
            1,
        ),
        ("no_json", format!("hello\n[1,2]\n\"x\"\nnull\n{row}").into_bytes(), 1),
    ];
    let world = World::with(&["probe"]);
    for (name, transcript, _) in &cases {
        world.write(&format!("alice/{name}.jsonl"), transcript);
    }
    let ran = world.run(&["probe"]).exits(0);
    assert_eq!(counts(&ran), processed(10));
    let state = world.rows("SELECT session_file, items_extracted, file_size FROM session_processor_state ORDER BY ALL");
    let mut expected = cases.map(|(name, transcript, items)| {
        json!({"session_file": format!("alice/{name}.jsonl"), "items_extracted": items, "file_size": transcript.len()})
    });
    expected.sort_by_key(|row| row["session_file"].as_str().unwrap().to_owned());
    assert_eq!(state, expected);
    assert_eq!(
        world.rows("SELECT max(length(text)) AS longest FROM probe_rows"),
        [json!({"longest": 64 << 20})]
    );
}

#[test]
fn files_that_vanish_or_turn_into_something_else_after_the_scan_cost_nothing_else() {
    let world = World::with(&["probe_serial"]);
    let held = Held::write(&world, "alice/0.jsonl");
    let later = ["alice/1.jsonl", "alice/2.jsonl", "alice/3.jsonl", "alice/4.jsonl"].map(|session| {
        let path = world.write(session, rows(1));
        world.age("alice/0.jsonl", std::time::Duration::from_secs(60));
        path
    });
    // So few bytes let the host read no transcript ahead.
    let running = world.start(&["run", "--json", "probe_serial", "--max-inflight-bytes", "1"]);
    // The scan is over.
    held.starts();
    for path in &later[..3] {
        fs::remove_file(path).unwrap();
    }
    make_fifo(&later[1]);
    fs::create_dir(&later[2]).unwrap();
    held.let_go();
    let ran = running.ends().exits(1);
    assert_eq!(counts(&ran), processed(2) + skipped(1) + failed(2));
    for failed in &ran.result().errors_detail {
        assert_eq!(failed.error, "the transcript is no longer a regular file");
    }
}

#[test]
fn what_may_not_be_read_is_told_of() {
    let world = world();
    let forbidden = world.write("alice/forbidden.jsonl", rows(1));
    let closed = world.write("bob/b.jsonl", rows(1));
    fs::set_permissions(&forbidden, fs::Permissions::from_mode(0o000)).unwrap();
    fs::set_permissions(closed.parent().unwrap(), fs::Permissions::from_mode(0o000)).unwrap();
    let ran = crate::nobody::run(&world, &["probe"]).exits(1);
    assert_eq!(counts(&ran), processed(1) + failed(1));
    assert_eq!(
        ran.result().errors_detail[0].error,
        "cannot read the transcript: Permission denied (os error 13)"
    );
    assert_eq!(ran.result().unreadable, 2);
    let told = "some files or folders cannot be read, so their transcripts are not processed: ";
    assert_eq!(ran.stderr.matches(told).count(), 1, "{}", ran.stderr);
    fs::remove_file(&forbidden).unwrap();
    let ran = crate::nobody::run(&world, &["probe"]).exits(1);
    assert_eq!((ran.result().errors, ran.result().unreadable), (0, 1));
    let shown = crate::nobody::host(&world, &["run", "probe"]).exits(1).stdout;
    assert!(shown.contains("probe could not read 1 files or folders"), "{shown}");
    fs::set_permissions(closed.parent().unwrap(), fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_sessions_directory_that_may_not_be_read_is_an_error() {
    let world = world();
    fs::set_permissions(world.sessions(), fs::Permissions::from_mode(0o000)).unwrap();
    let ran = crate::nobody::run(&world, &["probe"]).exits(2);
    let complaint = format!(
        "session-host: cannot scan the sessions directory {}: Permission denied (os error 13); name another directory with --sessions\n",
        world.sessions().display()
    );
    assert!(ran.stderr.ends_with(&complaint), "{}", ran.stderr);
    fs::set_permissions(world.sessions(), fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(
        world.rows("SELECT result FROM audit_log"),
        [json!({"result": "failed"})]
    );
}
