//! Who may write what the host runs.

use std::fs;

use session_host_tests::{World, library_name};

#[test]
fn a_folder_that_everyone_may_write_is_refused() {
    let world = World::new();
    world.install("probe");
    world.chmod("plugins", 0o777);
    for arguments in [["run", "--json"], ["processors", "--json"]] {
        let ran = world.host(&arguments).exits(2);
        let plugins = world.plugins();
        assert_eq!(
            ran.stderr,
            format!(
                "session-host: the plugins directory is not trusted: everyone may write {}: `chmod o-w` it, or pass \
                 --allow-insecure-plugins\n",
                plugins.display()
            )
        );
    }
    let ran = world.run(&["--allow-insecure-plugins"]).exits(0);
    assert_eq!(ran.result().processor, "probe");
}

#[test]
fn a_file_that_everyone_may_write_is_refused_alone() {
    let world = World::new();
    world.install("probe");
    world.install("probe_other");
    world.chmod(format!("plugins/{}", library_name("probe")), 0o757);
    let listing = world.processors();
    assert_eq!(listing.loaded(), ["probe_other"]);
    assert!(
        listing
            .rejection_of(&library_name("probe"))
            .starts_with("everyone may write ")
    );
    let ran = world.run(&["--allow-insecure-plugins"]).exits(0);
    assert_eq!(ran.results.len(), 2);
}

#[test]
fn what_its_group_may_write_is_warned_about() {
    let world = World::new();
    world.install("probe");
    world.install("probe_other");
    world.chmod(format!("plugins/{}", library_name("probe")), 0o775);
    let listing = world.processors();
    assert_eq!(listing.loaded(), ["probe", "probe_other"]);
    let warnings: Vec<&str> = listing.ran.stderr.lines().collect();
    assert_eq!(warnings.len(), 1, "{}", listing.ran.stderr);
    assert!(
        warnings[0].contains("WARN") && warnings[0].contains("the file's group may write it"),
        "{}",
        warnings[0]
    );
    assert!(warnings[0].contains(&library_name("probe")), "{}", warnings[0]);
}

#[test]
fn a_missing_folder_is_named_with_the_remedy() {
    let world = World::new();
    fs::remove_dir(world.plugins()).unwrap();
    let ran = world.run(&[]).exits(2);
    let expected = format!(
        "session-host: list the plugins directory {}: ",
        world.plugins().display()
    );
    assert!(ran.stderr.starts_with(&expected), "{}", ran.stderr);
    assert!(ran.stderr.ends_with("; name it with --plugins\n"), "{}", ran.stderr);
}
