//! Who may write what the host runs.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink},
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use session_host_tests::{Code, World, library, library_name};

#[test]
fn a_folder_that_everyone_may_write_is_refused() {
    let world = World::with(&["probe"]);
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
    let world = World::with(&["probe", "probe_other"]);
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
    let world = World::with(&["probe", "probe_other"]);
    world.chmod(format!("plugins/{}", library_name("probe")), 0o775);
    let listing = world.processors();
    assert_eq!(listing.loaded(), ["probe", "probe_other"]);
    let warnings: Vec<&str> = listing.ran.stderr.lines().collect();
    assert_eq!(warnings.len(), 1, "{}", listing.ran.stderr);
    assert!(
        warnings[0].contains("WARN") && warnings[0].contains("its group may write it"),
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
        "session-host: no plugins directory is set, and the host found none: it looked for {}, ",
        world.plugins().display()
    );
    assert!(ran.stderr.starts_with(&expected), "{}", ran.stderr);
    assert!(ran.stderr.ends_with(", or pass --plugins DIR\n"), "{}", ran.stderr);
}

/// A user who is neither root nor the one that runs the tests.
const SOMEONE: u32 = 4711;

#[track_caller]
fn assert_refused(world: &World, expected: &str) {
    let ran = world.run(&[]).exits(2);
    ran.tells(expected);
}

fn mode_of(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

/// A world whose data directory has been used once.
fn used_world() -> World {
    let world = World::with(&["probe"]);
    drop(world.run(&[]).exits(0));
    world
}

#[test]
fn a_data_directory_is_made_for_its_owner_alone() {
    let world = used_world();
    assert_eq!(mode_of(&world.path("data")), 0o700);
    assert_eq!(mode_of(&world.path("data/plugin-copies")), 0o700);
}

#[test]
fn what_lies_in_the_data_directory_is_its_owners_alone() {
    let world = used_world();
    drop(world.run(&["probe"]).exits(0));
    for entry in fs::read_dir(world.path("data")).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode_of(&path) & 0o077, 0, "{}", path.display());
    }
}

#[test]
fn a_data_directory_that_a_service_makes_is_for_its_owner_alone() {
    let world = World::with(&["probe"]);
    assert_eq!(world.serve(&[]).stop().0, Some(0));
    assert_eq!(mode_of(&world.path("data")), 0o700);
}

#[test]
fn nothing_is_opened_in_a_data_directory_that_is_refused() {
    let world = World::with(&["probe"]);
    fs::create_dir(world.path("data")).unwrap();
    world.chmod("data", 0o777);
    let target = world.path("target");
    symlink(&target, world.state()).unwrap();
    drop(world.run(&[]).exits(2));
    assert!(!target.exists());
}

#[test]
fn a_data_directory_that_everyone_may_write_is_refused() {
    for folder in ["data", "data/plugin-copies"] {
        let world = used_world();
        world.chmod(folder, 0o777);
        let named = world.path(folder);
        let expected = format!(
            "the data directory is not trusted: everyone may write {}",
            named.display()
        );
        assert_refused(&world, &expected);
        let ran = world.run(&["--allow-insecure-plugins"]).exits(0);
        assert_eq!(ran.result().processor, "probe");
    }
}

#[test]
fn a_data_directory_of_someone_else_is_refused() {
    for folder in ["data", "data/plugin-copies"] {
        let world = used_world();
        chown(world.path(folder), Some(SOMEONE), None).expect("these tests run as root");
        let expected = format!("{} belongs to user {SOMEONE}", world.path(folder).display());
        assert_refused(&world, &expected);
    }
}

#[test]
fn a_data_directory_that_its_group_may_write_is_warned_about() {
    let world = used_world();
    world.chmod("data", 0o770);
    let ran = world.run(&[]).exits(0);
    ran.tells("group may write it");
    // As systemd makes it for the service.
    world.chmod("data", 0o750);
    assert_eq!(world.run(&[]).exits(0).stderr, "");
}

/// A library that makes a file when it is loaded.
fn telling(file: &Path) -> Vec<u8> {
    Code::new(&format!(
        r#"
        #[used]
        #[unsafe(link_section = ".init_array")]
        static CONSTRUCTOR: extern "C" fn() = construct;
        extern "C" fn construct() {{
            std::fs::write({file:?}, "").unwrap();
        }}"#
    ))
    .compile("cdylib")
}

/// The one private copy.
fn copy_in(world: &World) -> PathBuf {
    let mut copies = fs::read_dir(world.path("data/plugin-copies")).unwrap();
    copies.next().unwrap().unwrap().path()
}

#[test]
fn a_copy_that_someone_else_has_put_there_is_not_loaded() {
    let world = used_world();
    let ran = world.path("ran");
    let copy = copy_in(&world);
    let other = world.path("other.so");
    fs::write(&other, telling(&ran)).unwrap();
    for plant in [0, 1, 2] {
        fs::remove_file(&copy).unwrap();
        match plant {
            0 => symlink(&other, &copy).unwrap(),
            1 => drop(fs::copy(&other, &copy).unwrap()),
            // The right content, which they may change at any time.
            _ => {
                fs::copy(library("probe"), &copy).unwrap();
                chown(&copy, Some(SOMEONE), None).expect("these tests run as root");
            }
        }
        drop(world.run(&["--allow-insecure-plugins"]).exits(0));
        let metadata = fs::symlink_metadata(&copy).unwrap();
        assert!(metadata.is_file() && metadata.uid() != SOMEONE && !ran.exists());
    }
}

/// Starts the host again and again while another thread does this without end.
#[track_caller]
fn start_while(world: &World, meanwhile: impl Fn() + Sync) {
    const STARTS: u32 = 20;
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                meanwhile();
            }
        });
        for _ in 0..STARTS {
            drop(world.run(&[]));
        }
        is_over.store(true, Ordering::Relaxed);
    });
}

#[test]
fn what_is_put_in_the_place_of_a_copy_meanwhile_is_not_loaded() {
    let world = used_world();
    let ran = world.path("ran");
    let copy = copy_in(&world);
    let (other, aside) = (world.path("other.so"), world.path("aside.so"));
    fs::write(&other, telling(&ran)).unwrap();
    start_while(&world, || {
        fs::copy(&other, &aside).unwrap();
        fs::rename(&aside, &copy).unwrap();
    });
    assert!(!ran.exists());
}

#[test]
fn a_link_that_is_put_in_the_place_of_a_plugin_meanwhile_is_not_followed() {
    let world = used_world();
    let ran = world.path("ran");
    let plugin = world.plugins().join(library_name("probe"));
    let (other, link, good) = (world.path("other.so"), world.path("link.so"), world.path("good.so"));
    fs::write(&other, telling(&ran)).unwrap();
    chown(&other, Some(SOMEONE), None).expect("these tests run as root");
    start_while(&world, || {
        symlink(&other, &link).unwrap();
        fs::rename(&link, &plugin).unwrap();
        fs::copy(library("probe"), &good).unwrap();
        fs::rename(&good, &plugin).unwrap();
    });
    assert!(!ran.exists());
}

#[test]
fn a_link_in_the_place_of_the_copy_of_a_checkpoint_is_not_written_through() {
    let world = World::with(&["probe"]);
    world.write("alice/a.jsonl", r#"{"do":"rows","count":1}"#);
    let service = world.serve(&[]);
    let target = world.path("target");
    let copy = world.path("data/session-host.duckdb.before-checkpoint");
    symlink(&target, &copy).unwrap();
    drop(service.run("probe").is(200));
    assert_eq!(service.stop().0, Some(0));
    assert!(!target.exists());
    assert_eq!(world.count("probe_rows"), 1);

    symlink(&target, &copy).unwrap();
    let ran = world.run(&[]);
    assert!(
        ran.status != 0 && ran.stderr.contains(".before-checkpoint"),
        "{}",
        ran.stderr
    );
    assert!(!target.exists());
}
