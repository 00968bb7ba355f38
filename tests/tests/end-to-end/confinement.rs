//! Confined workers: what a plugin cannot reach from there.

use serde_json::{Value, json};
use session_host_tests::{World, zoo::FAILURES};

use crate::script::script;

/// Whether the kernel can confine; tells it where not.
#[allow(
    unsafe_code,
    clippy::print_stderr,
    reason = "asks the kernel, and tells why a test is passed over"
)]
fn kernel_confines() -> bool {
    #[cfg(target_os = "linux")]
    {
        const VERSION: u32 = 1;
        let (nothing, size) = (std::ptr::null::<u8>(), 0_usize);
        // SAFETY: with this flag the call takes no memory, and only tells a number.
        let version = unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, nothing, size, VERSION) };
        if version > 0 {
            return true;
        }
    }
    eprintln!("skipped: this kernel has no Landlock");
    false
}

/// What a plugin tries, and what it needs.
fn attempts(world: &World) -> Vec<(&'static str, Value)> {
    let secret = world.path("secret");
    std::fs::write(&secret, "nobody's business").unwrap();
    vec![
        ("execute", json!({"zoo": "execute"})),
        ("listen", json!({"zoo": "listen"})),
        ("reach_host", json!({"zoo": "reach_host"})),
        ("read_file", json!({"zoo": "read_file", "path": secret})),
        (
            "read_file_in_handler",
            json!({"zoo": "read_file_in_handler", "path": secret}),
        ),
        ("read_host", json!({"zoo": "read_host"})),
    ]
}

/// A world whose sessions each try one thing; gives the sessions that failed for want of permission.
fn denied_with(isolation: &str) -> Vec<String> {
    let world = World::new();
    world.install("zoo");
    world.config(&format!("[isolation]\ndefault = \"process\"\n{isolation}"));
    for (name, step) in attempts(&world) {
        world.write(&format!("zoo/{name}.jsonl"), script(&[step]));
    }
    world.write("zoo/nothing.jsonl", script(&[json!({"zoo": "nothing"})]));
    drop(world.run(&[]));
    let failures = world.rows(FAILURES);
    let mut denied = Vec::new();
    for failure in &failures {
        let error = failure["error"].as_str().unwrap();
        assert!(error.contains("Permission denied"), "{failure}");
        assert_eq!(failure["kind"], "error");
        let session = failure["session_file"].as_str().unwrap();
        denied.push(session.trim_start_matches("zoo/").trim_end_matches(".jsonl").to_owned());
    }
    denied.sort();
    denied
}

#[test]
fn a_confined_plugin_reaches_nothing_outside() {
    if !kernel_confines() {
        return;
    }
    let everything = [
        "execute",
        "listen",
        "reach_host",
        "read_file",
        "read_file_in_handler",
        "read_host",
    ];
    assert_eq!(denied_with("confine = true\n"), everything);
    let all_but_network = [
        "execute",
        "reach_host",
        "read_file",
        "read_file_in_handler",
        "read_host",
    ];
    assert_eq!(
        denied_with("confine = true\n[isolation.zoo]\nnetwork = true\n"),
        all_but_network
    );
    assert!(denied_with("confine = false\n").is_empty());
}

#[test]
fn a_library_on_trial_is_confined_as_well() {
    if !kernel_confines() {
        return;
    }
    for section in [
        "[isolation]\ndefault = \"process\"\nconfine = true\n",
        "[isolation.zoo]\nmode = \"process\"\nconfine = true\n",
    ] {
        let mut world = World::new();
        world.install("zoo");
        world.config(section);
        world.set_variable("ZOO", "library:write_file");
        let written = world.path("written");
        world.set_variable("ZOO_FILE", written.to_str().unwrap());
        assert_eq!(world.processors().loaded(), ["zoo"], "{section}");
        assert!(!written.exists(), "{section}");
    }
}
