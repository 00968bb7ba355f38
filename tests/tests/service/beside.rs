//! Commands beside the server: what they show of its runs, and what becomes of several.

use std::{fs, process::Command};

use session_host_tests::{Held, World, wait_until};

use crate::steps::write_sessions;

/// A world whose commands find the server.
fn served() -> (World, session_host_tests::Service) {
    let mut world = World::with(&["probe", "probe_other"]);
    let service = world.serve(&[]);
    world.set_variable("SESSION_HOST_LISTEN", &service.address().to_string());
    (world, service)
}

#[test]
fn a_processor_that_is_occupied_leaves_none_of_the_others_unrun() {
    let (world, service) = served();
    let held = Held::write(&world, "alice/held.jsonl");
    std::thread::scope(|scope| {
        let running = scope.spawn(|| service.run("probe").status);
        held.starts();
        let status = service.get("/api/admin/status").is(200).json();
        assert_eq!(status["processors"][0]["run"]["scanned"], 1, "{status}");
        assert_eq!(status["processors"][0]["run"]["actor"], "admin");
        let shown = world.host(&["status"]).exits(0).stdout;
        assert!(shown.contains("0 of 1"), "{shown}");
        // The other one must not wait for the session of the first.
        fs::remove_file(world.sessions().join("alice/held.jsonl")).unwrap();
        write_sessions(&world, 1);
        let ran = world.run(&["probe", "nobody", "probe_other"]);
        assert_eq!(ran.status, 2, "{}", ran.stderr);
        assert_eq!(ran.results.len(), 1);
        assert_eq!(
            (ran.result().processor.as_str(), ran.result().errors),
            ("probe_other", 0)
        );
        ran.tells("processor probe is");
        ran.tells("no processor `nobody`");
        held.let_go();
        assert_eq!(running.join().unwrap(), 200);
    });
}

#[test]
fn a_terminal_shows_how_far_the_run_of_the_server_is() {
    let (world, _service) = served();
    write_sessions(&world, 3);
    let held = Held::write(&world, "alice/held.jsonl");
    let typescript = world.path("typescript");
    let own = world.command(&[]);
    let mut terminal = Command::new("script");
    terminal
        .args(["-qefc", &format!("'{}' run probe", own.get_program().to_str().unwrap())])
        .arg(&typescript)
        .env("TERM", "xterm")
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null());
    terminal.envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let mut running = terminal
        .spawn()
        .expect("script, of util-linux, gives commands a terminal");
    held.starts();
    let shown = || String::from_utf8_lossy(&fs::read(&typescript).unwrap_or_default()).into_owned();
    wait_until("the bar shows the sessions", || shown().contains("of 4 sessions"));
    held.let_go();
    assert!(running.wait().unwrap().success(), "{}", shown());
}
