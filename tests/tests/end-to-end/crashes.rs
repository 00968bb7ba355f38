//! Plugins that end the host: the next start says which, and runs them in worker processes. With a state in PostgreSQL, that
//! start would first have to wait for the lease of the host that ended.

use std::{fs, process::Command};

use serde_json::{Value, json};
use session_host_tests::{Code, LibraryFile, Ran, World, library_name, wait_until};

/// What a start says of what it cannot attribute. How many calls were in flight depends on the threads: the healthy
/// session may be attempted beside the other.
const UNEXPLAINED: &str = "and none of them is known to be to blame";

/// A healthy session and one that ends the host.
fn world_with(step: &Value) -> World {
    let world = World::new();
    world.install("probe");
    world.write("alice/good.jsonl", r#"{"do":"rows","count":2}"#);
    world.write(
        "alice/bad.jsonl",
        format!("{}\n{step}\n", json!({"do": "rows", "count": 3})),
    );
    world
}

fn ends_by(by: &str) -> World {
    world_with(&json!({"do": "end_host", "by": by}))
}

fn failures(world: &World) -> Vec<Value> {
    let ran = world.host(&["failures", "--all", "--json"]).exits(0);
    ran.json().as_array().unwrap().clone()
}

/// The next run tells how the host ended, processes what is healthy, and attempts the rest in a worker process.
#[track_caller]
fn assert_recorded(world: &World, ending: &str) {
    let ran = world.run(&[]).exits(1);
    let told = format!("a plugin ended the last host: an attempt ended the host with {ending} at ");
    assert!(ran.stderr.contains(&told), "{}", ran.stderr);
    assert_fails_alone(world, &ran);
    let again = world.run(&[]).exits(1);
    assert!(
        !again.stderr.contains("a plugin ended the last host"),
        "{}",
        again.stderr
    );
    assert_fails_alone(world, &again);
}

#[track_caller]
fn assert_fails_alone(world: &World, ran: &Ran) {
    let result = ran.result();
    assert_eq!(result.errors, 1);
    assert_eq!(result.errors_detail[0].session, "alice/bad.jsonl");
    assert!(result.errors_detail[0].error.contains("worker process"), "{result:?}");
    let failures = failures(world);
    assert_eq!(failures.len(), 1);
    assert_eq!(
        (&failures[0]["kind"], &failures[0]["username"]),
        (&json!("crash"), &json!("alice"))
    );
    let good = "FROM probe_rows WHERE session_file = 'alice/good.jsonl'";
    assert_eq!(world.rows(good).len(), 2);
}

/// A changed transcript is attempted again.
#[track_caller]
fn assert_recovers(world: &World) {
    world.write("alice/bad.jsonl", r#"{"do":"rows","count":1}"#);
    assert_eq!(world.run(&[]).exits(0).result().processed, 1);
    assert!(failures(world).is_empty());
}

#[test]
fn a_write_to_null() {
    let world = ends_by("null_write");
    drop(world.run(&[]).exits(-libc::SIGSEGV));
    assert_recorded(&world, "SIGSEGV");
    assert_recovers(&world);
}

#[test]
fn an_abort() {
    let world = ends_by("abort");
    drop(world.run(&[]).exits(-libc::SIGABRT));
    assert_recorded(&world, "SIGABRT");
}

#[test]
fn an_overflow_of_the_stack_which_the_standard_library_still_reports() {
    let world = ends_by("stack_overflow");
    let ran = world.run(&[]).exits(-libc::SIGABRT);
    assert!(ran.stderr.contains("has overflowed its stack"), "{}", ran.stderr);
    assert_recorded(&world, "a stack overflow");
}

#[test]
fn a_panic_while_a_panic_unwinds() {
    let world = ends_by("double_panic");
    drop(world.run(&[]).exits(-libc::SIGABRT));
    assert_recorded(&world, "SIGABRT");
}

#[test]
fn an_exit_with_status_0_which_never_counts_as_success() {
    let world = ends_by("exit");
    let ran = world.run(&[]).exits(70);
    let told = "session-host: the plugin of the processor probe ended the process by a call of `exit`";
    assert!(ran.stderr.contains(told), "{}", ran.stderr);
    assert_recorded(&world, "a call of `exit`");
}

#[test]
fn a_quick_exit_with_status_0() {
    let world = ends_by("quick_exit");
    drop(world.run(&[]).exits(70));
    assert_recorded(&world, "a call of `quick_exit`");
}

#[test]
fn an_exit_on_a_thread_of_the_plugin_never_counts_as_success() {
    let world = ends_by("exit_on_its_thread");
    let ran = world.run(&[]).exits(70);
    assert!(
        ran.stderr.contains("a thread of a plugin ended the process"),
        "{}",
        ran.stderr
    );
}

#[test]
fn the_end_of_the_hosts_thread() {
    let world = ends_by("pthread_exit");
    drop(world.run(&[]).exits(-libc::SIGABRT));
    assert_recorded(&world, "SIGABRT");
}

#[test]
fn a_jump_to_nowhere() {
    let world = ends_by("longjmp");
    drop(world.run(&[]).exits(-libc::SIGSEGV));
    assert_recorded(&world, "SIGSEGV");
}

#[test]
fn what_no_handler_sees_leaves_suspects_and_no_failure() {
    for by in ["underscore_exit", "null_write_on_its_thread"] {
        let world = ends_by(by);
        drop(world.run(&[]));
        world.write("alice/bad.jsonl", r#"{"do":"rows","count":1}"#);
        let ran = world.run(&[]).exits(0);
        assert!(ran.stderr.contains(UNEXPLAINED), "{}", ran.stderr);
        assert!(failures(&world).is_empty());
        // An attempt that returned is no suspect any more.
        let ran = world.run(&[]).exits(0);
        assert!(!ran.stderr.contains(UNEXPLAINED), "{}", ran.stderr);
    }
}

#[test]
fn a_host_that_is_killed_leaves_suspects_and_no_failure() {
    let world = World::new();
    world.install("probe");
    let started = world.path("started");
    let steps = [json!({"do": "touch", "path": started}), json!({"do": "hang"})];
    world.write("alice/bad.jsonl", steps.map(|step| step.to_string()).join("\n"));
    let running = world.start(&["run"]);
    wait_until("the attempt is in flight", || started.exists());
    running.signal(libc::SIGKILL);
    drop(running.ends());
    world.write("alice/bad.jsonl", r#"{"do":"rows","count":1}"#);
    let ran = world.run(&[]).exits(0);
    assert!(ran.stderr.contains(UNEXPLAINED), "{}", ran.stderr);
    assert!(failures(&world).is_empty());
}

#[test]
fn an_operator_who_deletes_the_list_lets_the_plugin_back_in() {
    let world = ends_by("abort");
    drop(world.run(&[]).exits(-libc::SIGABRT));
    assert_recorded(&world, "SIGABRT");
    fs::remove_file(world.path("data/crashed-plugins.jsonl")).unwrap();
    drop(world.run(&[]).exits(-libc::SIGABRT));
    assert_recorded(&world, "SIGABRT");
}

#[test]
fn no_file_beside_the_state_names_the_session() {
    let world = ends_by("abort");
    drop(world.run(&[]).exits(-libc::SIGABRT));
    assert_recorded(&world, "SIGABRT");
    for file in ["crash-journal", "crashed-plugins.jsonl"] {
        let bytes = fs::read(world.path("data").join(file)).unwrap();
        let name = b"alice";
        assert!(!bytes.windows(name.len()).any(|found| found == name), "{file}");
    }
}

/// Why the host rejects the one plugin, which it tries in a worker process.
#[track_caller]
fn rejection(world: &World) -> String {
    let ran = world.run(&[]).exits(2);
    let rejected = |line: &&str| line.contains("the plugin is rejected");
    let line = ran.stderr.lines().find(rejected);
    line.unwrap_or_else(|| panic!("{}", ran.stderr)).to_owned()
}

#[track_caller]
fn assert_rejected(world: &World, reason: &str) {
    let rejection = rejection(world);
    assert!(rejection.contains(reason), "{rejection}");
}

#[test]
fn what_ends_its_process_while_it_is_loaded_never_reaches_the_host() {
    for (fault, reason) in [
        (
            "constructor_aborts",
            "its constructor fails in a worker process: SIGABRT",
        ),
        ("drop_aborts", "its `Drop` fails in a worker process: SIGABRT"),
    ] {
        let mut world = World::new();
        world.install("misfit");
        world.set_variable("MISFIT", fault);
        assert_rejected(&world, reason);
        assert_rejected(&world, reason);
        world.set_variable("MISFIT", "");
        drop(world.run(&[]).exits(0));
    }
}

#[test]
fn what_exits_as_it_is_configured_never_reaches_the_host() {
    let world = World::new();
    world.install("probe");
    world.config("[processors.probe]\nend_host = \"exit\"\n");
    assert_rejected(
        &world,
        "its configuration fails in a worker process: the worker process exited with status 0",
    );
}

#[test]
fn a_library_that_ends_its_process_never_reaches_the_host() {
    let code = r#"
        use handshake::{Handshake, PanicStrategy};
        #[unsafe(no_mangle)]
        pub static SESSION_PLUGIN_HANDSHAKE: Handshake = Handshake::new(PanicStrategy::CURRENT, "rustc 0");
        #[unsafe(no_mangle)]
        pub static _1as_0lib_1header_0root_bmodule_bloader: u64 = 0;
        #[used]
        #[unsafe(link_section = ".init_array")]
        static CONSTRUCTOR: extern "C" fn() = construct;
        extern "C" fn construct() {
            std::process::abort();
        }"#;
    let library = Code::with_handshake(code).compile("cdylib");
    let world = World::new();
    world.install_file(LibraryFile::Bytes(&library), &library_name("aborts"));
    assert_rejected(&world, "the library does not load: SIGABRT ended the worker process");
}

#[test]
fn a_journal_that_cannot_be_kept_keeps_no_host_from_starting() {
    let world = world_with(&json!({"do": "rows", "count": 1}));
    let (journal, list) = (
        world.path("data/crash-journal"),
        world.path("data/crashed-plugins.jsonl"),
    );
    let starts = || drop(world.run(&[]).exits(0));
    starts();
    fs::write(&journal, "something else").unwrap();
    fs::write(&list, "{\"digest\":\n\u{0}\n").unwrap();
    starts();
    fs::remove_file(&journal).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", &journal).unwrap();
    starts();
    fs::remove_file(&journal).unwrap();
    fs::create_dir(&journal).unwrap();
    fs::remove_file(&list).unwrap();
    fs::create_dir(&list).unwrap();
    starts();
}

/// A world of two sessions in which each worker process after the first session dies in the constructor.
fn world_whose_workers_die() -> World {
    let mut world = World::new();
    world.install("misfit");
    let file = world.path("file");
    world.set_variable("MISFIT", &format!("aborts_where_is:{}", file.display()));
    world.config("workers = 1\n[isolation]\ndefault = \"process\"\nworker_max_sessions = 1\n");
    world.write("alice/a.jsonl", "{}\n");
    world.write("alice/b.jsonl", "{}\n");
    world
}

#[test]
fn a_worker_that_dies_before_its_attempt_blames_no_session() {
    let world = world_whose_workers_die();
    let ran = world.host(&["run"]).exits(1);
    let reason = "its constructor fails in a worker process: SIGABRT";
    ran.tells(reason);
    assert!(
        ran.stdout
            .contains("misfit is unavailable: its code cannot be started: its constructor"),
        "{}",
        ran.stdout
    );
    assert!(failures(&world).is_empty());
    assert_eq!(world.count("session_processor_state"), 1);
    fs::remove_file(world.path("file")).unwrap();
    drop(world.run(&[]).exits(0));
    assert_eq!(world.count("session_processor_state"), 2);
}

#[test]
fn a_pipe_in_the_place_of_a_file_of_the_host_keeps_no_command_waiting() {
    let world = world_with(&json!({"do": "rows", "count": 1}));
    drop(world.run(&[]).exits(0));
    for name in ["crashed-plugins.jsonl", "plugin-trials.json"] {
        let file = world.path("data").join(name);
        let _ = fs::remove_file(&file);
        let made = Command::new("mkfifo").arg(&file).status().unwrap();
        assert!(made.success());
        drop(world.host(&["processors"]).exits(0));
        let ran = world.run(&[]).exits(0);
        assert!(ran.stderr.contains(name), "{}", ran.stderr);
        ran.tells("it is no regular file; remove it");
    }
}

#[test]
fn a_suspect_is_one_until_its_attempt_in_a_worker_process_has_ended() {
    let world = World::new();
    world.install("probe");
    let started = world.path("started");
    let steps = [json!({"do": "touch", "path": started}), json!({"do": "hang"})];
    world.write("alice/bad.jsonl", steps.map(|step| step.to_string()).join("\n"));
    for _ in 0..3 {
        let running = world.start(&["run", "-v"]);
        wait_until("the attempt is in flight", || started.exists());
        running.signal(libc::SIGKILL);
        drop(running.ends());
        fs::remove_file(&started).unwrap();
    }
    world.write("alice/bad.jsonl", r#"{"do":"rows","count":1}"#);
    let ran = world.run(&["-v"]).exits(0);
    assert!(
        ran.stderr.contains("is attempted in a worker process"),
        "{}",
        ran.stderr
    );
    let ran = world.run(&[]).exits(0);
    assert!(!ran.stderr.contains(UNEXPLAINED), "{}", ran.stderr);
}
